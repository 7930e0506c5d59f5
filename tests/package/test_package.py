# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users get is what they need, and it works: built, and installed into an empty tree from a tarball and from git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Iterator

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from simulator.simulator import ACCOUNT_ID, WRITE_TOKEN, Simulator  # noqa: E402

MODULE = "finops.cloudflare.cloudflare_ai_gateway_topup"
SHIPPED_DIRECTORIES = {"LICENSES", "docs", "meta", "playbooks", "plugins", "roles"}
SHIPPED_FILES = {
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "REUSE.toml",
    "changelogs/changelog.yaml",
    "changelogs/config.yaml",
}
WRITTEN_BY_THE_BUILD = {"FILES.json", "MANIFEST.json"}


def environment(home: Path, **variables: str) -> dict[str, str]:
    """What a new user's shell has: nothing of the developer's Ansible, Cloudflare or git settings."""
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "CLOUDFLARE_", "GIT_"))
    }
    return {**own, "ANSIBLE_HOME": str(home / ".ansible"), "ANSIBLE_NOCOLOR": "1", **variables}


@pytest.fixture(scope="session")
def tracked() -> list[str]:
    """The files of the repository, as they are in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in sorted(set(listed.stdout.split("\0"))) if (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def repository(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the working tree committed, so that tests see uncommitted changes too."""
    copy = tmp_path_factory.mktemp("repository")
    for name in tracked:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    author = {"GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@localhost"}
    committer = {"GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@localhost"}
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "test"]):
        subprocess.run(["git", *command], cwd=copy, env=environment(copy, **author, **committer), check=True)
    return copy


@pytest.fixture(scope="session")
def tarball(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as Galaxy would get it: the file that TARBALL names, for a release, or one that is built here."""
    if released := os.environ.get("TARBALL"):
        return ROOT / released
    output = tmp_path_factory.mktemp("tarball")
    command = ["ansible-galaxy", "collection", "build", "--output-path", str(output), str(repository)]
    subprocess.run(command, env=environment(repository.parent), check=True)
    (built,) = output.iterdir()
    return built


@pytest.fixture(scope="session", params=["tarball", "git"])
def collections(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An otherwise empty tree with the collection installed from each of the two sources."""
    if request.param == "git":
        source = f"git+file://{request.getfixturevalue('repository')}"
    else:
        source = str(request.getfixturevalue("tarball"))
    path = tmp_path_factory.mktemp("collections")
    command = ["ansible-galaxy", "collection", "install", "--offline", "--collections-path", str(path), source]
    subprocess.run(command, env=environment(path.parent), check=True)
    return path


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Cloudflare, with nothing configured."""
    with Simulator() as started:
        yield started


def run(collections: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Ansible as a user who has only this collection."""
    return subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        cwd=collections,
        env=environment(collections.parent, ANSIBLE_COLLECTIONS_PATH=str(collections), **variables),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tarball_holds_what_users_need_and_nothing_else(tarball: Path, tracked: list[str]) -> None:
    expected = {name for name in tracked if name.split("/")[0] in SHIPPED_DIRECTORIES or name in SHIPPED_FILES}
    with tarfile.open(tarball) as archive:
        assert {member.name for member in archive if member.isfile()} == expected | WRITTEN_BY_THE_BUILD
    assert expected >= SHIPPED_FILES


def test_galaxy_would_import_it(tarball: Path, tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", str(tarball)],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    report = finished.stdout + finished.stderr
    assert finished.returncode == 0, report
    assert "Importer processing completed successfully" in report
    # What Galaxy would complain about ends up in the report alone, not in the exit code.
    assert not [line for line in report.splitlines() if line.startswith(("ERROR", "WARNING"))]


def test_an_ad_hoc_command_changes_then_is_ok(collections: Path, simulator: Simulator) -> None:
    options = f"account_id={ACCOUNT_ID} amount=5000 threshold=1000 api_url={simulator.api_url} api_token={WRITE_TOKEN}"
    for changed in (True, False):
        finished = run(collections, "ansible", "localhost", "-m", MODULE, "-a", options)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        result = json.loads(finished.stdout.partition("=>")[2])
        assert result["changed"] is changed
        assert (result["topup"]["amount"], result["topup"]["threshold"]) == (5000, 1000)
    assert [entry["method"] for entry in simulator.requests] == ["GET", "POST", "GET"]


def test_the_playbook_runs_by_its_name(collections: Path, simulator: Simulator) -> None:
    finished = run(
        collections,
        "ansible-playbook",
        "finops.cloudflare.topup",
        *("-e", f"account_id={ACCOUNT_ID}", "-e", "amount=5000", "-e", "threshold=1000"),
        CLOUDFLARE_API_TOKEN=WRITE_TOKEN,
        CLOUDFLARE_BASE_URL=simulator.api_url,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "changed=1" in finished.stdout
    assert [entry["method"] for entry in simulator.requests] == ["GET", "POST"]


def test_the_report_finds_its_templates(collections: Path, simulator: Simulator, tmp_path: Path) -> None:
    finished = run(
        collections,
        "ansible-playbook",
        "finops.cloudflare.report",
        *("-e", f"accounts={ACCOUNT_ID}", "-e", f"report={tmp_path}/credit.html"),
        CLOUDFLARE_API_TOKEN=WRITE_TOKEN,
        CLOUDFLARE_BASE_URL=simulator.api_url,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["credit.csv", "credit.html", "credit.json"]


def test_the_documentation_is_there(collections: Path) -> None:
    finished = run(collections, "ansible-doc", "--json", MODULE)
    assert finished.returncode == 0, finished.stderr
    documentation = json.loads(finished.stdout)[MODULE]
    assert {"account_id", "amount", "threshold", "state", "api_token"} <= set(documentation["doc"]["options"])
    assert documentation["examples"].strip()


def test_an_execution_environment_gets_requests(collections: Path) -> None:
    finished = run(collections, "ansible-builder", "introspect", str(collections))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    introspected = yaml.safe_load(finished.stdout)
    assert [line.split()[0] for line in introspected["python"]] == ["requests"]
    assert not introspected["system"]
