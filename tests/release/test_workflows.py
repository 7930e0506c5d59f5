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

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
USES = re.compile(r"^[\s-]*uses:\s*(.*)$", re.MULTILINE)
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def used(text: str) -> list[str]:
    """The actions of a workflow, with the comments behind them."""
    return [use.strip() for use in USES.findall(text)]


def unpinned(text: str) -> list[str]:
    """The actions whose code can change although the workflow stays the same, or that nobody can read a version of."""
    return [use for use in used(text) if not PINNED.fullmatch(use)]


def conflicts(texts: list[str]) -> dict[str, set[str]]:
    """The actions that do not have the same pin everywhere."""
    pins: dict[str, set[str]] = {}
    for use in (use for text in texts for use in used(text)):
        pins.setdefault(use.partition("@")[0], set()).add(use.partition("@")[2])
    return {action: found for action, found in pins.items() if len(found) > 1}


def steps(workflow: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each step, with the job that it is a part of."""
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            yield job, step


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def text(request: pytest.FixtureRequest) -> str:
    """A workflow, as it is written."""
    return str(request.param.read_text())


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


def test_a_workflow_may_only_read(workflow: Any) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    # PyYAML takes the key "on" for a boolean.
    assert "pull_request_target" not in workflow[True]


def test_no_shell_command_is_put_together_by_a_template(workflow: Any) -> None:
    assert [step["run"] for _job, step in steps(workflow) if "${{" in step.get("run", "")] == []


def test_no_credentials_stay_in_a_checkout(workflow: Any) -> None:
    checkouts = [step for _job, step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_only_what_a_maintainer_approves_sees_a_secret(text: str, workflow: Any) -> None:
    seeing = [job for job in workflow["jobs"].values() if "secrets." in str(job)]
    assert text.count("secrets.") == len(seeing)
    assert all(job["environment"] == "galaxy" for job in seeing)


def test_what_is_published_is_what_was_tested(release: Any) -> None:
    build = release["jobs"]["build"]["steps"]
    (upload,) = [step for step in build if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert upload is build[-1]
    tested = [step for step in build if step.get("run", "").endswith("nox -s package")]
    assert [step["env"]["TARBALL"].startswith(upload["with"]["path"]) for step in tested] == [True]
    for name, needed in (("galaxy", "build"), ("github", "galaxy")):
        job = release["jobs"][name]
        assert job["needs"] == needed
        (download,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/download-artifact@")]
        assert download["with"]["name"] == upload["with"]["name"]
        assert not [step for step in job["steps"] if "build" in step.get("run", "")]


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
        pins.setdefault(name.strip(), set()).add(version.strip())
    assert pins["pytest"]
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}
