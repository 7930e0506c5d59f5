# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workflows run only what is pinned, and hand out no more than they need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from tools.processes import environment, run

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# The jobs that may do more than read
PERMISSIONS = {
    "docs.yml": {"publish": {"pages": "write", "id-token": "write"}},
    "release.yml": {"github": {"contents": "write"}},
}
USES = re.compile(r"^[\s-]*uses:\s*(.*)$", re.MULTILINE)
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def used(text: str) -> list[str]:
    """The actions of a workflow, with the comments behind them. A workflow of the same commit needs no pin."""
    return [use.strip() for use in USES.findall(text) if not use.startswith("./.github/workflows/")]


def unpinned(text: str) -> list[str]:
    """The actions whose code can change although the workflow stays the same, or that nobody can read a version of."""
    return [use for use in used(text) if not PINNED.fullmatch(use)]


def conflicts(texts: list[str]) -> dict[str, set[str]]:
    """The actions that do not have the same pin everywhere."""
    pins: dict[str, set[str]] = {}
    for use in (use for text in texts for use in used(text)):
        pins.setdefault(use.partition("@")[0], set()).add(use.partition("@")[2])
    return {action: found for action, found in pins.items() if len(found) > 1}


def permissions(workflow: Any) -> dict[str, Any]:
    """The permissions of the jobs that have some of their own."""
    return {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}


def exposed(text: str) -> list[str]:
    """The jobs, and other parts of a workflow, that mention secrets although no maintainer approves what they do."""
    workflow = yaml.safe_load(text)
    jobs = workflow.pop("jobs")
    unapproved = {name: job for name, job in jobs.items() if job.get("environment") != "galaxy"}
    return [name for name, part in {**workflow, **unapproved}.items() if re.search(r"\bsecrets\b", str({name: part}))]


def steps(workflow: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each step, with the job that it is a part of."""
    for job in workflow["jobs"].values():
        # A job that calls another workflow has no steps.
        for step in job.get("steps", []):
            yield job, step


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    """The file of a workflow."""
    assert isinstance(request.param, Path)
    return request.param


@pytest.fixture
def text(path: Path) -> str:
    """A workflow, as it is written."""
    return path.read_text()


@pytest.fixture
def workflow(text: str) -> Any:
    """A workflow, as GitHub reads it."""
    return yaml.safe_load(text)


@pytest.fixture
def release() -> Any:
    """The workflow that makes releases."""
    return yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())


def test_each_action_is_pinned(text: str) -> None:
    assert used(text)
    assert unpinned(text) == []


def test_an_action_has_one_pin() -> None:
    assert conflicts([path.read_text() for path in WORKFLOWS]) == {}


HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "use",
    [
        "actions/checkout@v7",
        "actions/checkout@main # v7.0.1",
        f"actions/checkout@{HASH}",
        f"actions/checkout@{HASH[:7]} # v7.0.1",
        f"actions/checkout@{HASH} # v7",
        "actions/checkout",
        f'"actions/checkout@{HASH}"',
    ],
)
def test_an_action_that_is_not_pinned_is_found(use: str) -> None:
    fine = f"actions/setup-python@{HASH} # v7.0.0"
    assert unpinned(f"steps:\n  - uses: {fine}\n  - name: x\n    uses: {use}\n") == [use]


def test_two_pins_of_one_action_are_found() -> None:
    first, second = (f"a/b@{HASH} # v1.0.0", f"a/b@{HASH[::-1]} # v1.0.0")
    assert conflicts([f"- uses: {first}", f"- uses: {second}"]) == {"a/b": {first[4:], second[4:]}}


def test_a_workflow_may_only_read(path: Path, workflow: Any) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert permissions(workflow) == PERMISSIONS.get(path.name, {})
    # PyYAML takes the key "on" for a boolean.
    assert "pull_request_target" not in workflow[True]


def test_no_shell_command_is_put_together_by_a_template(workflow: Any) -> None:
    assert [step["run"] for _job, step in steps(workflow) if "${{" in step.get("run", "")] == []


def test_no_credentials_stay_in_a_checkout(workflow: Any) -> None:
    checkouts = [step for _job, step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("more", ["write-all", {"contents": "write"}])
def test_a_job_that_may_do_more_is_found(more: Any) -> None:
    assert permissions({"jobs": {"test": {"permissions": more}, "other": {}}}) == {"test": more}


def test_only_what_a_maintainer_approves_sees_a_secret(text: str) -> None:
    assert exposed(text) == []


@pytest.mark.parametrize("use", ["${{ secrets.KEY }}", "${{ toJSON(secrets) }}", "${{ secrets['KEY'] }}"])
@pytest.mark.parametrize("environment", ["", "environment: other, "])
def test_a_secret_that_no_maintainer_approves_is_found(use: str, environment: str) -> None:
    job = f'jobs: {{test: {{{environment}steps: [{{run: make, env: {{KEY: "{use}"}}}}]}}}}\n'
    assert exposed(job) == ["test"]
    assert exposed(f'env: {{KEY: "{use}"}}\njobs: {{}}\n') == ["env"]
    assert exposed(job.replace("{steps", "{environment: galaxy, steps")) == ([] if not environment else ["test"])


def test_secrets_that_are_passed_on_are_found() -> None:
    assert exposed("jobs: {test: {uses: ./.github/workflows/test.yml, secrets: inherit}}\n") == ["test"]


def test_what_is_published_is_what_was_tested(release: Any) -> None:
    build = release["jobs"]["build"]["steps"]
    (upload,) = [step for step in build if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert upload is build[-1]
    tested = [step for step in build if step.get("run", "").endswith("nox -s package")]
    assert [step["env"]["TARBALL"].startswith(upload["with"]["path"]) for step in tested] == [True]
    for name, needed in (("galaxy", ["build", "test"]), ("github", "galaxy")):
        job = release["jobs"][name]
        assert job["needs"] == needed
        (download,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/download-artifact@")]
        assert download["with"]["name"] == upload["with"]["name"]
        assert not [step for step in job["steps"] if "build" in step.get("run", "")]


def test_only_a_tested_commit_of_main_is_published(release: Any) -> None:
    assert release["jobs"]["test"] == {"needs": "build", "uses": "./.github/workflows/test.yml"}
    test = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    assert "workflow_call" in test[True]
    # In a called workflow, github.workflow is the caller: with it, a release and its tests would cancel each other.
    assert test["concurrency"]["group"] == "test-${{ github.ref }}"
    assert "concurrency" not in release


def test_a_commit_that_is_not_on_main_is_refused(release: Any, tmp_path: Path) -> None:
    first, second = release["jobs"]["build"]["steps"][:2]
    assert first["with"]["fetch-depth"] == 0

    def git(directory: Path, *arguments: str) -> str:
        identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        return run("git", *identity, *arguments, cwd=directory).stdout.strip()

    def refused(commit: str) -> bool:
        env = environment(GITHUB_SHA=commit)
        return run("bash", "-e", "-c", second["run"], cwd=clone, env=env, check=False).returncode != 0

    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "--quiet", "--initial-branch", "main")
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "released")
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "merged after it")
    git(origin, "switch", "--quiet", "--create", "other")
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "not merged")
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    assert not refused(git(origin, "rev-parse", "main"))
    assert not refused(git(origin, "rev-parse", "main~1"))
    assert refused(git(origin, "rev-parse", "other"))


def test_what_publishes_is_pinned_with_its_hashes(release: Any) -> None:
    (install,) = [step["run"] for step in release["jobs"]["galaxy"]["steps"] if "pip install" in step.get("run", "")]
    file = "tests/release/requirements.txt"
    assert install == f"python -m pip install --require-hashes --only-binary :all: --requirement {file}"
    text = (ROOT / file).read_text()
    entries = text.replace("\\\n", "").splitlines()
    pins = [line for line in entries if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+( +--hash=sha256:[0-9a-f]{64})+", pin) for pin in pins)
    constraints = (ROOT / "tests" / "tools" / "constraints.txt").read_text()
    (series,) = re.findall(r'^ansible-core ~= (\d+\.\d+)\.0 ; python_version >= "3.12"$', constraints, re.MULTILINE)
    assert pins[0].startswith(f"ansible-core=={series}.")


def test_dependabot_looks_at_all_that_is_pinned() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    (pip,) = [update for update in updates if update["package-ecosystem"] == "pip"]
    holding = {file.parent for file in (ROOT / "tests").glob("*/*.txt")}
    assert {ROOT / directory.strip("/") for directory in pip["directories"]} == holding
    assert "github-actions" in [update["package-ecosystem"] for update in updates]


def test_a_tool_has_one_version() -> None:
    lines = [line for file in (ROOT / "tests").glob("*/*.txt") for line in file.read_text().splitlines()]
    pins: dict[str, set[str]] = {}
    # What depends on the Python has a version for each.
    for name, version in (line.split("==") for line in lines if "==" in line and ";" not in line):
        pins.setdefault(name.strip().lower(), set()).add(version.strip(" \\"))
    assert pins["pytest"] and pins["pyyaml"]
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}
