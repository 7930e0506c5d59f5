# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publish a release. CONTRIBUTING.md says when to use which command; ``.github/workflows/release.yml`` uses them too."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from tools import processes

ROOT = Path(__file__).resolve().parents[2]


class Place(NamedTuple):
    """Where the version stands, and what is around it."""

    file: str
    line: re.Pattern[str]


GALAXY = Place("galaxy.yml", re.compile(r"^(version: )(.*)()$", re.MULTILINE))
CLIENT = Place("plugins/module_utils/_client.py", re.compile(r'^(VERSION = ")(.*)(")$', re.MULTILINE))


class Refused(Exception):
    """The release cannot be made, and why."""


def read_version(root: Path, place: Place) -> str:
    """The version that stands in one place."""
    (found,) = place.line.finditer((root / place.file).read_text(encoding="utf-8"))
    return found[2]


def write_version(root: Path, version: str) -> None:
    """Write the version to all places."""
    for place in (GALAXY, CLIENT):
        path = root / place.file
        text = path.read_text(encoding="utf-8")
        path.write_text(place.line.sub(rf"\g<1>{version}\g<3>", text), encoding="utf-8")


def fragments(root: Path) -> list[str]:
    """The changelog fragments that no release holds yet."""
    return sorted(path.name for path in (root / "changelogs" / "fragments").glob("*.y*ml"))


def releases(root: Path) -> dict[str, Any]:
    """The releases in the changelog, by version."""
    changelog: dict[str, Any] = yaml.safe_load((root / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    return changelog["releases"]


def newest_release(root: Path) -> str:
    """The newest release in the changelog."""
    return max(releases(root), key=as_numbers)


def as_numbers(version: str) -> tuple[int, ...]:
    """A version to compare with others."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise Refused(f"{version!r} is not a version. A version, and the tag of its release, look like this: 1.2.3.")
    return tuple(map(int, version.split(".")))


def run(root: Path, *command: str) -> None:
    """Run a command that says itself what is wrong."""
    if processes.attach(*command, cwd=root) != 0:
        raise Refused(f"{command[0]} {command[1]} failed.")


def git(root: Path, *arguments: str) -> str:
    """Ask git something, and return what it prints."""
    return processes.run("git", *arguments, cwd=root).stdout


def unreleased_plugins(root: Path) -> dict[str, str]:
    """The ``version_added`` of each module, plugin and role that no release in the changelog lists."""
    listed = set()
    for each in releases(root).values():
        kinds = {"modules": each.get("modules", []), **each.get("plugins", {}), **each.get("objects", {})}
        listed |= {f"{kind}/{item['name']}" for kind, items in kinds.items() for item in items}
    return {name: version for name, version in plugins(root).items() if name not in listed}


def plugins(root: Path) -> dict[str, str]:
    """The ``version_added`` of each module, plugin and role that has documentation."""
    found = {}
    for path in sorted((root / "plugins").glob("*/[!_]*.py")):
        text = path.read_text(encoding="utf-8")
        if "\nDOCUMENTATION" in text:
            version = re.search(r"^version_added: *(\S+)$", text, re.MULTILINE)
            found[f"{path.parent.name}/{path.stem}"] = version[1] if version else "missing"
    for path in sorted((root / "roles").glob("*/meta/argument_specs.yml")):
        main = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]
        found[f"role/{path.parents[1].name}"] = str(main.get("version_added", "missing"))
    return found


def check_plugins(root: Path, version: str) -> None:
    """Refuse a ``version_added`` with which antsibull-changelog would silently leave something out."""
    for name, added in unreleased_plugins(root).items():
        if added != version:
            raise Refused(f"{name} is in no release yet, but its version_added is {added}. Set it to {version}.")


def start(root: Path, version: str) -> None:
    """Begin the work on a version: from now on, main holds the version of this coming release."""
    check_newer(root, version)
    write_version(root, version)


def check_newer(root: Path, version: str) -> None:
    """Refuse a version that does not come after the releases in the changelog."""
    if as_numbers(version) <= as_numbers(newest_release(root)):
        raise Refused(f"{version} is not newer than {newest_release(root)}, the newest release in the changelog.")


def prepare(root: Path, version: str) -> str:
    """Turn the fragments into the changelog of a version, and return what comes next.

    Until its tag exists, a version can be prepared again, with fragments that were merged in the meantime.
    """
    as_numbers(version)
    if git(root, "status", "--porcelain"):
        raise Refused("Some changes are not committed. Commit or stash them first.")
    if git(root, "tag", "--list", version):
        raise Refused(f"{version} has been released: there is a tag {version}.")
    again = version == newest_release(root) == read_version(root, GALAXY)
    if not again:
        check_newer(root, version)
    if not fragments(root) and not unreleased_plugins(root):
        raise Refused("There is nothing to release: changelogs/fragments has no fragments, and no plugin is new.")
    check_plugins(root, version)
    run(root, "antsibull-changelog", "lint")
    write_version(root, version)
    run(root, "antsibull-changelog", "release", "--reload-plugins", *(["--update-existing"] if again else []))
    check(root, version)
    return f"""
The changelog of {version} is written. Read CHANGELOG.md. Then:
  git switch --create release-{version}
  git add --all
  git commit --message 'Release {version}'
  git push --set-upstream origin release-{version}
Open a pull request. When it is merged and its tests are green on main:
  git switch main
  git pull
  git tag {version}
  git push origin {version}
"""


def check(root: Path, version: str) -> None:
    """Refuse a release whose places disagree."""
    as_numbers(version)
    for place in (GALAXY, CLIENT):
        if (found := read_version(root, place)) != version:
            raise Refused(f"The tag is {version}, but {place.file} has version {found}.")
    if (newest := newest_release(root)) != version:
        raise Refused(f"The tag is {version}, but the newest release in changelogs/changelog.yaml is {newest}.")
    if left := fragments(root):
        raise Refused(
            f"The changelog of {version} lacks these fragments: {', '.join(left)}. Prepare the release again."
        )
    if missing := unreleased_plugins(root):
        raise Refused(
            f"The changelog of {version} lacks these plugins: {', '.join(missing)}. Prepare the release again."
        )


def build(root: Path, version: str, directory: Path) -> None:
    """Check the release, and write its tarball and its notes to a directory."""
    check(root, version)
    directory.mkdir(parents=True, exist_ok=True)
    # The newest release on top of the changelog is this one, as the check has shown.
    notes = ["--only-latest", "--output", str(directory.resolve() / "notes.md"), version]
    run(root, "antsibull-changelog", "generate", *notes)
    run(root, "ansible-galaxy", "collection", "build", "--output-path", str(directory.resolve()), "--force", str(root))


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, description in (
        ("start", "set the version of the next release"),
        ("prepare", "write the changelog of a release, and print what comes next"),
        ("check", "refuse a tag that does not fit the version, the changelog or the fragments"),
        ("build", "check a tag, then write the tarball and the notes to a directory"),
    ):
        command = commands.add_parser(name, help=description)
        command.add_argument("version")
        if name == "build":
            command.add_argument("--output", type=Path, default=root / "tests" / "output" / "release")
    options = parser.parse_args(arguments)
    try:
        if options.command == "start":
            start(root, options.version)
        elif options.command == "prepare":
            print(prepare(root, options.version))
        elif options.command == "check":
            check(root, options.version)
        else:
            build(root, options.version, options.output)
    except (Refused, processes.CommandFailed) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
