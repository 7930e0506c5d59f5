# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides, followed as far as they are about AWX: their credential types, surveys and playbooks, taken from the text and run by ansible-runner."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import yaml
from awx import QUESTION_TYPES, Inventory, Job, Project, answered, injected, left_in
from simulator.simulator import (
    ACCOUNT_ID,
    EMAIL,
    FOREIGN_ACCOUNT_ID,
    GLOBAL_KEY,
    OTHER_ACCOUNT_ID,
    READ_TOKEN,
    WRITE_TOKEN,
    Simulator,
)
from tools.examples import NAMED
from tools.processes import run
from tools.sandbox import ROOT, install, new_user

TOPUP_SURVEY = json.loads(NAMED["topup-survey"])
REPORT_SURVEY = json.loads(NAMED["report-survey"])
CREDIT_SURVEY = json.loads(NAMED["credit-survey"])
CREDENTIALS = {
    "token": {"api_token": WRITE_TOKEN},
    "key": {"api_email": EMAIL, "api_key": GLOBAL_KEY},
}
SECRETS = [secret.encode() for secret in (WRITE_TOKEN, READ_TOKEN, GLOBAL_KEY)]
WANTED = {"account_id": ACCOUNT_ID, "amount": 5000, "threshold": 1000}
PRINT_THE_ENVIRONMENT = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "{{ lookup('ansible.builtin.env', 'CLOUDFLARE_API_TOKEN') }}"
"""
MANAGE_BY_ROLE = """
- hosts: cloudflare_accounts
  gather_facts: false
  roles:
    - role: finops.cloudflare.ai_gateway_topup
      vars:
        ai_gateway_topup_amount: 5000
        ai_gateway_topup_threshold: 1000
"""
Launch = Callable[..., Job]

# ansible-runner forks beside the simulator's thread, and the child at once becomes ansible-playbook.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of forkpty:DeprecationWarning")


def credential(kind: str, **values: str) -> dict[str, str]:
    """What a credential of one of the guide's types adds to the environment."""
    credential_type, injectors = (yaml.safe_load(NAMED[f"{kind}-{part}"]) for part in ("input", "injector"))
    return injected(credential_type, injectors, values or CREDENTIALS[kind])


def secrets_in(directory: Path) -> list[str]:
    """The files in which there is a secret that a job should not have left there."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path.name for path in files if any(secret in left_in(path) for secret in SECRETS)]


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an update of the project installs."""
    return install(new_user(tmp_path_factory.mktemp("project")))


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as started:
        yield started


@pytest.fixture
def project(tmp_path: Path, collections: Path) -> Project:
    playbooks = {f"{name}.yml": NAMED[f"{name}-playbook"] for name in ("topup", "credit", "report", "accounts")}
    return Project(tmp_path, collections, {**playbooks, "role.yml": MANAGE_BY_ROLE, "leak.yml": PRINT_THE_ENVIRONMENT})


@pytest.fixture
def launch(project: Project, simulator: Simulator, tmp_path: Path) -> Launch:
    """Run a job that has to leave neither its token nor its key anywhere."""

    def launched(playbook: str, credentials: dict[str, str], *args: Any, **kwargs: Any) -> Job:
        simulator.forget_requests()
        here = {"CLOUDFLARE_BASE_URL": simulator.api_url, "XDG_STATE_HOME": str(tmp_path / "state")}
        job = project.launch(playbook, {**credentials, **here}, *args, **kwargs)
        (artifacts,) = (job.directory / "artifacts").iterdir()
        assert {path.name for path in artifacts.iterdir()} >= {"command", "fact_cache", "job_events", "stdout"}
        assert "PLAY RECAP" in job.stdout
        assert secrets_in(job.directory) == []
        return job

    return launched


def sent(simulator: Simulator) -> list[tuple[str, str]]:
    return [(entry["method"], entry["credentials"]) for entry in simulator.requests]


def test_a_change_is_reviewed_then_made_then_nothing_is_left_to_do(launch: Launch, simulator: Simulator) -> None:
    variables = answered(TOPUP_SURVEY, WANTED)

    review = launch("topup.yml", credential("token"), variables, ["--check", "--diff"])
    assert (review.status, review.changed) == ("successful", 1)
    assert "+amount: 5000 ($50.00)" in review.stdout
    assert sent(simulator) == [("GET", "token")] * 2

    made = launch("topup.yml", credential("key"), variables, ["--diff"])
    assert (made.status, made.changed) == ("successful", 1)
    assert sent(simulator) == [("GET", "key"), ("POST", "key")]
    topup = simulator.account(ACCOUNT_ID)["topup"]
    assert (topup["amount"], topup["threshold"]) == (5000, 1000)

    again = launch("topup.yml", credential("token"), variables, ["--diff"])
    assert (again.status, again.changed) == ("successful", 0)
    assert sent(simulator) == [("GET", "token")]


def test_amounts_left_empty_remove_the_auto_top_up(launch: Launch, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, topup={"amount": 5000, "threshold": 1000})
    variables = answered(TOPUP_SURVEY, {"account_id": ACCOUNT_ID, "state": "absent"})
    job = launch("topup.yml", credential("token"), variables)
    assert (job.status, job.changed) == ("successful", 1)
    assert sent(simulator) == [("GET", "token"), ("DELETE", "token")]
    assert simulator.account(ACCOUNT_ID)["topup"]["amount"] is None


def test_amounts_left_empty_do_not_set_an_auto_top_up(launch: Launch, simulator: Simulator) -> None:
    job = launch("topup.yml", credential("token"), answered(TOPUP_SURVEY, {"account_id": ACCOUNT_ID}))
    assert job.status == "failed"
    assert "amount, threshold" in job.failures[0]
    assert sent(simulator) == []


def test_empty_texts_count_as_not_given(launch: Launch, simulator: Simulator) -> None:
    empty = {"account_id": "", "amount": 5000, "threshold": 1000, "state": ""}
    job = launch("topup.yml", {**credential("token"), "CLOUDFLARE_ACCOUNT_ID": ACCOUNT_ID}, empty)
    assert (job.status, job.changed) == ("successful", 1)
    assert simulator.account(ACCOUNT_ID)["topup"]["amount"] == 5000


@pytest.mark.parametrize(
    "answers",
    [{"amount": 50}, {"amount": "5000"}, {"threshold": 499}, {"account_id": ""}, {"state": "off"}],
)
def test_the_survey_refuses(answers: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(answers))):
        answered(TOPUP_SURVEY, {**WANTED, **answers})


@pytest.mark.parametrize("kind", ["token", "key"])
def test_awx_keeps_every_secret_of_a_credential_encrypted(kind: str) -> None:
    fields = yaml.safe_load(NAMED[f"{kind}-input"])["fields"]
    secret = {field["id"] for field in fields if field.get("secret")}
    assert {CREDENTIALS[kind][name] for name in secret} == {WRITE_TOKEN if kind == "token" else GLOBAL_KEY}


@pytest.mark.parametrize("survey", [TOPUP_SURVEY, REPORT_SURVEY, CREDIT_SURVEY])
def test_awx_accepts_the_survey(survey: dict[str, Any]) -> None:
    assert isinstance(survey["name"], str) and isinstance(survey["description"], str)
    for question in survey["spec"]:
        assert isinstance(question["question_name"], str) and isinstance(question["variable"], str)
        assert isinstance(question["required"], bool)
        assert isinstance(question.get("default", QUESTION_TYPES[question["type"]]()), QUESTION_TYPES[question["type"]])
        assert isinstance(question.get("min", 0), int) and isinstance(question.get("max", 0), int)
        assert ("choices" in question) == (question["type"] == "multiplechoice")


def test_a_refused_write_fails_the_job_and_says_what_to_do(launch: Launch, simulator: Simulator) -> None:
    job = launch("topup.yml", credential("token", api_token=READ_TOKEN), answered(TOPUP_SURVEY, WANTED))
    assert (job.status, job.changed) == ("failed", 0)
    assert "Could not set the auto top-up" in job.failures[0] and "AI Gateway Write" in job.failures[0]
    assert sent(simulator) == [("GET", "token"), ("POST", "token")]


def test_what_cloudflare_repeats_of_a_token_is_not_shown(launch: Launch, simulator: Simulator) -> None:
    simulator.add_fault(fault="echo_secret")
    job = launch("topup.yml", credential("token"), answered(TOPUP_SURVEY, WANTED))
    assert job.status == "failed"
    assert "********" in job.failures[0]


def test_credit_is_bought_on_a_schedule(launch: Launch, simulator: Simulator) -> None:
    token, variables = credential("token"), yaml.safe_load(NAMED["credit-variables"])
    account_id = variables["account_id"]
    simulator.set_account(account_id, balance=400, invoices=[])

    review = launch("credit.yml", token, variables, ["--check"])
    assert (review.status, review.changed) == ("successful", 1)
    assert "Would buy $50.00 of credit for $52.50, including a fee of $2.50" in review.stdout
    assert sent(simulator) == [("GET", "token")] * 4

    bought = launch("credit.yml", token, variables)
    assert (bought.status, bought.changed) == ("successful", 1)
    assert simulator.account(account_id)["balance"] == 5400

    again = launch("credit.yml", token, variables)
    assert (again.status, again.changed) == ("successful", 0)
    assert sent(simulator) == [("GET", "token")]


def test_credit_is_bought_by_a_person(launch: Launch, simulator: Simulator, tmp_path: Path) -> None:
    simulator.set_account(ACCOUNT_ID, balance=400, invoices=[], topup={"amount": 5000, "threshold": 1000})
    wanted = {"account_id": ACCOUNT_ID, "minimum_balance": 1000, "amount": 5000, "maximum_charge": 5250}

    job = launch("credit.yml", credential("token"), answered(CREDIT_SURVEY, {**wanted, "maximum_charge_per_day": 5250}))
    assert job.status == "failed"
    assert "set allow_auto_topup: true" in job.failures[0]

    job = launch("credit.yml", credential("token"), answered(CREDIT_SURVEY, {**wanted, "allow_auto_topup": "true"}))
    assert (job.status, job.changed) == ("successful", 1)

    simulator.set_account(ACCOUNT_ID, balance=400)
    for invoice in simulator.account(ACCOUNT_ID)["invoices"]:
        invoice["created"] -= 3600
    shutil.rmtree(tmp_path / "state")
    capped = {**wanted, "allow_auto_topup": "true", "maximum_charge_per_day": 10499}
    for check in (["--check"], []):
        job = launch("credit.yml", credential("token"), answered(CREDIT_SURVEY, capped), check)
        assert job.status == "failed"
        assert "more than maximum_charge_per_day, 10499 ($104.99)" in job.failures[0]


def test_what_a_purchase_costs_is_as_the_guide_says() -> None:
    guide = (ROOT / "docs" / "docsite" / "rst" / "guide_credit.rst").read_text(encoding="utf-8")
    prices = re.findall(r"^``amount: (\d+)`` \(\S+\) +\S+ +(\d+) \(", guide, re.MULTILINE)
    assert [(int(amount) * 105, int(total) * 100) for amount, total in prices] == [
        (price, price) for price in (105000, 525000, 2100000)
    ]


def test_a_report_is_written_to_where_the_survey_says_and_fails_if_an_account_could_not_be_read(
    launch: Launch, simulator: Simulator, tmp_path: Path
) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    accounts = f"{ACCOUNT_ID}\n{OTHER_ACCOUNT_ID}\n{FOREIGN_ACCOUNT_ID}\n"
    variables = answered(REPORT_SURVEY, {"accounts": accounts, "report": str(reports / "credit.html")})
    assert variables["usage_start"] == ""
    job = launch("report.yml", credential("token", api_token=READ_TOKEN), variables)
    assert sorted(path.name for path in reports.iterdir()) == ["credit.csv", "credit.html", "credit.json"]
    assert secrets_in(reports) == []
    assert FOREIGN_ACCOUNT_ID in (reports / "credit.html").read_text(encoding="utf-8")
    # What the guide says of the time that a report takes rests on this.
    paths = [entry["path"] for entry in simulator.requests]
    assert [sum(each in path for path in paths) for each in (ACCOUNT_ID, OTHER_ACCOUNT_ID)] == [3, 3]
    # Nothing else went wrong.
    assert job.status == "failed"
    (failure,) = job.failures
    assert f"1 of 3 accounts could not be read: {FOREIGN_ACCOUNT_ID}" in failure


TENANTS = [ACCOUNT_ID, OTHER_ACCOUNT_ID, "1" * 32]


@pytest.fixture(scope="module")
def inventory(collections: Path, tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """What an update of the guide's inventory finds."""
    source = tmp_path_factory.mktemp("inventory") / "prod.cloudflare_accounts.yml"
    source.write_text(NAMED["accounts-inventory"], encoding="utf-8")
    with Simulator() as simulator:
        simulator.set_account(TENANTS[-1])
        here = {"ANSIBLE_COLLECTIONS_PATH": str(collections), "CLOUDFLARE_BASE_URL": simulator.api_url}
        return Inventory.updated("cloudflare_accounts", source, {**credential("token"), **here})


@pytest.mark.parametrize("playbook", ["accounts.yml", "role.yml"])
def test_slices_share_the_accounts(playbook: str, launch: Launch, simulator: Simulator, inventory: Inventory) -> None:
    simulator.set_account(TENANTS[-1])
    changed = []
    for part in inventory.slices(2):
        job = launch(playbook, credential("token"), {}, inventory=part)
        assert job.status == "successful"
        assert len(simulator.requests) == 2 * len(part.hosts)
        changed.append(job.changed)
    assert changed == [2, 1]
    assert {simulator.account(account_id)["topup"]["amount"] for account_id in TENANTS} == {5000}


def test_a_secret_that_is_shown_is_found(project: Project) -> None:
    job = project.launch("leak.yml", credential("token"), {})
    assert job.status == "successful"
    assert "stdout" in secrets_in(job.directory)


def test_the_execution_environment_can_be_built(tmp_path: Path) -> None:
    (tmp_path / "execution-environment.yml").write_text(NAMED["execution-environment"], encoding="utf-8")
    run("ansible-builder", "create", "--output-filename", "Containerfile", cwd=tmp_path)
    containerfile = (tmp_path / "context" / "Containerfile").read_text(encoding="utf-8")
    # git is there before Galaxy's client needs it.
    assert containerfile.index("install -y git-core") < containerfile.index("ansible-galaxy collection install")
    requirements = (tmp_path / "context" / "_build" / "requirements.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(requirements) == yaml.safe_load(NAMED["requirements"])
