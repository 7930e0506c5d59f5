# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cut a release. CONTRIBUTING.md says when to use which command; ``.github/workflows/release.yml`` uses them too."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import yaml

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


def newest_release(root: Path) -> str:
    """The newest release in the changelog."""
    releases = yaml.safe_load((root / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))["releases"]
    return max(releases, key=as_numbers)


def as_numbers(version: str) -> tuple[int, ...]:
    """A version to compare with others."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise Refused(f"{version!r} is not a version. A version, and the tag of its release, look like this: 1.2.3.")
    return tuple(map(int, version.split(".")))


def start(root: Path, version: str) -> None:
    """Begin the work on a version: from now on, main holds the version of this coming release."""
    if as_numbers(version) <= as_numbers(newest_release(root)):
        raise Refused(f"{version} is not newer than {newest_release(root)}, the newest release in the changelog.")
    write_version(root, version)


def prepare(root: Path, version: str) -> str:
    """Turn the fragments into the changelog of a version, and return what comes next."""
    if not fragments(root):
        raise Refused("There is nothing to release: changelogs/fragments has no fragments.")
    start(root, version)
    for arguments in (["lint"], ["release", "--reload-plugins"]):
        subprocess.run(["antsibull-changelog", *arguments], cwd=root, check=True)
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


def build(root: Path, version: str, output: Path) -> None:
    """Check the release, and write its tarball and its notes to a directory."""
    check(root, version)
    output.mkdir(parents=True, exist_ok=True)
    # The newest release on top of the changelog is this one, as the check has shown.
    notes = ["--only-latest", "--output", str(output.resolve() / "notes.md"), version]
    subprocess.run(["antsibull-changelog", "generate", *notes], cwd=root, check=True)
    collection = ["--output-path", str(output), "--force", str(root)]
    subprocess.run(["ansible-galaxy", "collection", "build", *collection], check=True)


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
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
