# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release is rehearsed in a copy of the repository, up to the upload, and refused where its places disagree."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Iterator

import pytest
import release
import yaml
from tools.processes import environment, run

ROOT = Path(__file__).resolve().parents[2]
CHANGE = "The rehearsal of a release adds this line to the changelog."
FRAGMENT = "changelogs/fragments/rehearsal.yml"
IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@localhost")


def git(directory: Path, *arguments: str) -> str:
    """Run git, and return what it prints."""
    return run("git", *IDENTITY, *arguments, cwd=directory).stdout


def program(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the copy's own program, as CONTRIBUTING.md and the workflow do."""
    own = environment(PYTHONPATH=str(repository / "tests"))
    return run(sys.executable, "tests/release/release.py", *arguments, cwd=repository, env=own, check=False)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the working tree committed, and one change that no release holds."""
    copy = tmp_path_factory.mktemp("original") / "ansible_collections" / "finops" / "cloudflare"
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    (copy / FRAGMENT).write_text(yaml.safe_dump({"minor_changes": [CHANGE]}))
    git(copy, "init", "--quiet")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "test")
    return copy


def restore(repository: Path, commit: str) -> None:
    """Make a repository look as it did at a commit."""
    git(repository, "reset", "--quiet", "--hard", commit)
    git(repository, "clean", "--quiet", "--force", "-d", "-x")


@pytest.fixture
def repository(original: Path) -> Iterator[Path]:
    """The repository to prepare a release in. Whatever a test does to it is undone."""
    before = git(original, "rev-parse", "HEAD").strip()
    yield original
    restore(original, before)


def next_version(repository: Path) -> str:
    """The version that main is working on, or a later one if that is released already."""
    working_on = release.read_version(repository, release.GALAXY)
    if release.as_numbers(working_on) > release.as_numbers(release.newest_release(repository)):
        return working_on
    major, minor, _patch = release.as_numbers(working_on)
    return f"{major}.{minor + 1}.0"


@pytest.fixture(scope="module")
def newly_released(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which a release was prepared, committed and tagged."""
    parents = tmp_path_factory.mktemp("released") / "ansible_collections" / "finops"
    repository = Path(shutil.copytree(original, parents / "cloudflare", symlinks=True))
    version = next_version(repository)
    finished = program(repository, "prepare", version)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert f"git tag {version}" in finished.stdout
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", f"Release {version}")
    git(repository, "tag", version)
    return repository


@pytest.fixture
def released(newly_released: Path) -> Iterator[Path]:
    """The repository after the release. Whatever a test does to it is undone."""
    before, tag = (git(newly_released, *command).strip() for command in (["rev-parse", "HEAD"], ["tag"]))
    yield newly_released
    restore(newly_released, before)
    git(newly_released, "tag", "--force", tag)


def test_a_release_moves_the_fragments_into_the_changelog(released: Path) -> None:
    version = release.newest_release(released)
    assert version == next_version(ROOT)
    assert release.fragments(released) == []
    assert f"## v{version}".replace(".", "\\.") in (released / "CHANGELOG.md").read_text()
    assert "rehearsal of a release" in (released / "CHANGELOG.md").read_text()


def test_what_the_workflow_builds_is_the_release(released: Path, tmp_path: Path) -> None:
    version = git(released, "tag").strip()
    finished = program(released, "build", version, "--output", str(tmp_path))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    tarball = tmp_path / f"finops-cloudflare-{version}.tar.gz"
    assert sorted(path.name for path in tmp_path.iterdir()) == [tarball.name, "notes.md"]
    with tarfile.open(tarball) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert not list((tmp_path / "unpacked").rglob(".*")), "what tools leave behind"
    manifest = json.loads((tmp_path / "unpacked" / "MANIFEST.json").read_text())
    assert manifest["collection_info"]["version"] == version
    assert release.read_version(tmp_path / "unpacked", release.CLIENT) == version
    assert "rehearsal of a release" in (tmp_path / "unpacked" / "CHANGELOG.md").read_text()
    notes = (tmp_path / "notes.md").read_text()
    assert "rehearsal of a release" in notes
    # The release before this one is not in the notes.
    before = sorted(
        yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text())["releases"], key=release.as_numbers
    )
    assert f"v{before[-1]}".replace(".", "\\.") not in notes
    assert git(released, "status", "--porcelain") == ""


def test_work_on_the_next_version_begins_after_a_release(released: Path) -> None:
    assert program(released, "start", "99.0.0").returncode == 0
    assert {release.read_version(released, place) for place in (release.GALAXY, release.CLIENT)} == {"99.0.0"}
    changed = git(released, "diff", "--stat")
    assert "2 files changed, 2 insertions(+), 2 deletions(-)" in changed


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("galaxy.yml", "version: 9.9.9\n", "The tag is {version}, but galaxy.yml has version 9.9.9."),
        (
            "plugins/module_utils/_client.py",
            'VERSION = "9.9.9"\n',
            "The tag is {version}, but plugins/module_utils/_client.py has version 9.9.9.",
        ),
        (
            "changelogs/changelog.yaml",
            "releases: {0.0.9: {}, 0.0.10: {}}\n",
            "The tag is {version}, but the newest release in changelogs/changelog.yaml is 0.0.10.",
        ),
        (
            FRAGMENT,
            f"minor_changes: [{CHANGE}]\n",
            "The changelog of {version} lacks these fragments: rehearsal.yml. Prepare the release again.",
        ),
    ],
)
def test_a_release_whose_places_disagree_is_refused(
    released: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, expected: str
) -> None:
    version = release.newest_release(released)
    assert release.main(["check", version], released) == 0
    (released / name).write_text(text)
    for command in ("check", "build"):
        assert release.main([command, version], released) == 1
        assert capsys.readouterr().err == expected.format(version=version) + "\n"
    assert not (released / "tests" / "output").exists()


@pytest.mark.parametrize("command", ["check", "start", "prepare"])
@pytest.mark.parametrize("tag", ["v1.2.3", "1.2", "1.2.3-rc1", "latest", ""])
def test_a_tag_that_is_no_version_is_refused(
    repository: Path, capsys: pytest.CaptureFixture[str], command: str, tag: str
) -> None:
    assert release.main([command, tag], repository) == 1
    assert capsys.readouterr().err.startswith(f"{tag!r} is not a version.")
    assert git(repository, "status", "--porcelain") == ""


def test_another_tag_is_refused(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["check", "99.0.0"], released) == 1
    assert capsys.readouterr().err.startswith("The tag is 99.0.0, but galaxy.yml has version ")


def test_an_old_version_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newest = release.newest_release(repository)
    assert release.main(["prepare", newest], repository) == 1
    assert capsys.readouterr().err.startswith(f"{newest} is not newer than {newest}")
    assert git(repository, "status", "--porcelain") == ""


def test_a_release_without_changes_is_refused(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["prepare", "99.0.0"], released) == 1
    expected = "There is nothing to release: changelogs/fragments has no fragments, and no plugin is new.\n"
    assert capsys.readouterr().err == expected


MODULE = "plugins/modules/cloudflare_ai_gateway_other_info.py"


def add_module(repository: Path, version: str) -> None:
    """Add a module, as a copy of another."""
    text = (repository / "plugins/modules/cloudflare_ai_gateway_topup_info.py").read_text()
    text = text.replace("cloudflare_ai_gateway_topup_info", "cloudflare_ai_gateway_other_info")
    (repository / MODULE).write_text(text.replace("version_added: 0.1.0", f"version_added: {version}", 1))
    commit(repository)


def commit(repository: Path) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "test")


def test_a_release_is_prepared_again_for_a_late_fragment(released: Path) -> None:
    version = release.newest_release(released)
    git(released, "tag", "--delete", version)
    (released / FRAGMENT).write_text(yaml.safe_dump({"bugfixes": ["This one came late."]}))
    commit(released)
    assert "Prepare the release again." in program(released, "check", version).stderr
    finished = program(released, "prepare", version)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    changelog = (released / "CHANGELOG.md").read_text()
    assert "This one came late" in changelog
    assert "rehearsal of a release" in changelog
    assert changelog.count(f"## v{version}".replace(".", "\\.")) == 1
    assert program(released, "check", version).returncode == 0


def test_a_released_version_is_not_prepared_again(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = release.newest_release(released)
    assert release.main(["prepare", version], released) == 1
    assert capsys.readouterr().err == f"{version} has been released: there is a tag {version}.\n"


def test_a_new_module_is_enough_for_a_release(released: Path) -> None:
    add_module(released, "99.0.0")
    finished = program(released, "prepare", "99.0.0")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    (entry,) = yaml.safe_load((released / "changelogs/changelog.yaml").read_text())["releases"]["99.0.0"]["modules"]
    assert entry["name"] == Path(MODULE).stem
    assert "other_info".replace("_", "\\_") in (released / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("version", ["0.1.0", "", "99.0.1"])
def test_a_module_that_the_changelog_would_leave_out_is_refused(
    repository: Path, capsys: pytest.CaptureFixture[str], version: str
) -> None:
    wanted = next_version(repository)
    add_module(repository, version)
    assert release.main(["prepare", wanted], repository) == 1
    expected = f"its version_added is {version or 'missing'}. Set it to {wanted}.\n"
    assert capsys.readouterr().err.endswith(expected)
    assert git(repository, "status", "--porcelain") == ""


def test_a_tag_without_a_module_in_the_changelog_is_refused(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = release.newest_release(released)
    add_module(released, version)
    assert release.main(["check", version], released) == 1
    name = f"modules/{Path(MODULE).stem}"
    expected = f"The changelog of {version} lacks these plugins: {name}. Prepare the release again.\n"
    assert capsys.readouterr().err == expected


def test_a_bad_fragment_is_refused_before_anything_changes(repository: Path) -> None:
    (repository / FRAGMENT).write_text("bugfixs: [This section does not exist.]\n")
    commit(repository)
    finished = program(repository, "prepare", next_version(repository))
    assert finished.returncode == 1
    assert "invalid section: bugfixs" in finished.stdout + finished.stderr
    assert "antsibull-changelog lint failed.\n" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["notes.txt", "README.md"])
def test_changes_that_are_not_committed_are_refused(
    repository: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (repository / name).write_text("This must not get into a release.")
    assert release.main(["prepare", "99.0.0"], repository) == 1
    assert capsys.readouterr().err == "Some changes are not committed. Commit or stash them first.\n"
    assert release.read_version(repository, release.GALAXY) != "99.0.0"


def test_the_changelog_will_list_all_that_is_new() -> None:
    version = release.read_version(ROOT, release.GALAXY)
    assert "modules/cloudflare_ai_gateway_topup" in release.plugins(ROOT)
    assert "role/ai_gateway_topup" in release.plugins(ROOT)
    assert set(release.unreleased_plugins(ROOT).values()) <= {version}


def test_main_holds_one_version() -> None:
    assert release.read_version(ROOT, release.GALAXY) == release.read_version(ROOT, release.CLIENT)
