# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users get is what they need, and it works: built, and installed into an empty tree from a tarball and from git."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Iterator

import pytest
import yaml
from simulator.simulator import ACCOUNT_ID, WRITE_TOKEN, Simulator
from tools.processes import environment, run
from tools.sandbox import ROOT, customer, install, new_user

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


@pytest.fixture(scope="session")
def tracked() -> list[str]:
    """The files of the repository, as they are in the working tree."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.split("\0")
    return [name for name in sorted(set(listed)) if (ROOT / name).is_file()]


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
        run("git", *command, cwd=copy, env=environment(**author, **committer))
    return copy


@pytest.fixture(scope="session")
def tarball(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as Galaxy would get it: the file that TARBALL names, for a release, or one that is built here."""
    if released := os.environ.get("TARBALL"):
        return ROOT / released
    output = tmp_path_factory.mktemp("tarball")
    run("ansible-galaxy", "collection", "build", "--output-path", output, repository, env=new_user(output.parent))
    (built,) = output.iterdir()
    return built


@pytest.fixture(scope="session")
def env(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a new user who has installed this collection and no other."""
    variables = new_user(tmp_path_factory.mktemp("user"))
    install(variables, tarball)
    return variables


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Cloudflare, with nothing configured."""
    with Simulator() as started:
        yield started


def test_the_tarball_holds_what_users_need_and_nothing_else(tarball: Path, tracked: list[str]) -> None:
    expected = {name for name in tracked if name.split("/")[0] in SHIPPED_DIRECTORIES or name in SHIPPED_FILES}
    with tarfile.open(tarball) as archive:
        assert {member.name for member in archive if member.isfile()} == expected | WRITTEN_BY_THE_BUILD
    assert expected >= SHIPPED_FILES


def contents(collections: str) -> dict[str, bytes]:
    """The files of the collection, with what they hold."""
    root = Path(collections) / "ansible_collections" / "finops" / "cloudflare"
    files = [path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_from_git_the_same_is_installed(env: dict[str, str], repository: Path, tmp_path: Path) -> None:
    from_git = new_user(tmp_path)
    install(from_git, f"git+file://{repository}")
    from_tarball = contents(env["ANSIBLE_COLLECTIONS_PATH"])
    assert contents(from_git["ANSIBLE_COLLECTIONS_PATH"]) == from_tarball
    assert set(from_tarball) > SHIPPED_FILES | WRITTEN_BY_THE_BUILD


def test_galaxy_would_import_it(tarball: Path, tmp_path: Path) -> None:
    # All that Galaxy looks at, but for ansible-lint, which the session of that name runs.
    variables = new_user(tmp_path, GALAXY_IMPORTER_RUN_ANSIBLE_LINT="false")
    report = run("python", "-m", "galaxy_importer.main", tarball, cwd=tmp_path, env=variables, merged=True).stdout
    assert "Importer processing completed successfully" in report
    assert "Loading module cloudflare_ai_gateway_topup" in report
    # What Galaxy would complain about ends up in the report alone, not in the exit code.
    assert not [line for line in report.splitlines() if line.startswith(("ERROR", "WARNING"))]


def test_an_ad_hoc_command_changes_then_is_ok(env: dict[str, str], simulator: Simulator) -> None:
    options = f"account_id={ACCOUNT_ID} amount=5000 threshold=1000 api_url={simulator.api_url} api_token={WRITE_TOKEN}"
    for changed in (True, False):
        shown = run("ansible", "localhost", "-m", MODULE, "-a", options, env=env).stdout
        result = json.loads(shown.partition("=>")[2])
        assert result["changed"] is changed
        assert (result["topup"]["amount"], result["topup"]["threshold"]) == (5000, 1000)
    assert [entry["method"] for entry in simulator.requests] == ["GET", "POST", "GET"]


def test_playbooks_run_by_their_names_and_find_their_templates(
    env: dict[str, str], simulator: Simulator, tmp_path: Path
) -> None:
    variables = {"account_id": ACCOUNT_ID, "amount": 5000, "threshold": 1000}
    variables.update(accounts=ACCOUNT_ID, report=f"{tmp_path}/credit.html")
    shown = run(
        *("ansible-playbook", "finops.cloudflare.topup", "finops.cloudflare.report"),
        *("-e", json.dumps(variables)),
        env={**env, **customer(simulator)},
    ).stdout
    assert "changed=2" in shown, "the top-up, and the report"
    assert [entry["method"] for entry in simulator.requests] == ["GET", "POST", *["GET"] * 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["credit.csv", "credit.html", "credit.json"]


def test_the_documentation_is_there(env: dict[str, str]) -> None:
    documentation = json.loads(run("ansible-doc", "--json", MODULE, env=env).stdout)[MODULE]
    assert {"account_id", "amount", "threshold", "state", "api_token"} <= set(documentation["doc"]["options"])
    assert documentation["examples"].strip()


def test_an_execution_environment_gets_requests(env: dict[str, str]) -> None:
    shown = run("ansible-builder", "introspect", env["ANSIBLE_COLLECTIONS_PATH"], env=env).stdout
    introspected = yaml.safe_load(shown)
    assert [line.split()[0] for line in introspected["python"]] == ["requests"]
    assert not introspected["system"]
