# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of README, guides and ``ansible-doc`` works as it stands, in the sandbox of ``make try``.

The named blocks of the guides are not run here but in ``tests/awx``, except those for cron and systemd.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple

import pytest
import sandbox
import shell
import yaml
from sandbox import EMAIL, GLOBAL_KEY, READ_TOKEN, ROOT, WRITE_TOKEN, Simulator
from tools.examples import EXAMPLES, NAMED, Example

VARIABLES = {
    "cloudflare_api_token": WRITE_TOKEN,
    "cloudflare_email": EMAIL,
    "cloudflare_api_key": GLOBAL_KEY,
    "vault_search_token": WRITE_TOKEN,
    "tenant_token": WRITE_TOKEN,
}
"""What the examples leave to the reader."""

BEFORE_A_FILTER = f"""\
- finops.cloudflare.cloudflare_ai_gateway_billing_info:
    gather: [balance, topup, usage, invoices]
  loop: &accounts [{{id: {shell.FIRST_ACCOUNT}, minimum_balance: 1000}}]
  register: read
- ansible.builtin.set_fact:
    accounts: *accounts
    credit: "{{{{ read.results[0] }}}}"
"""
"""The tasks that an example of a filter presumes."""

CREDIT = "finops.cloudflare.cloudflare_ai_gateway_credit"
TOPUP_INFO = "finops.cloudflare.cloudflare_ai_gateway_topup_info"


YAML = [example for example in EXAMPLES if example.language == "yaml" and example.name is None]
CONSOLE = [example for example in EXAMPLES if example.language == "console" and example.name is None]


class Sandbox(NamedTuple):
    """A directory with the files that the examples name, and the environment of `make try`."""

    directory: Path
    env: dict[str, str]
    simulator: Simulator

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            shell=True,
            cwd=self.directory,
            env=self.env,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path

    def play(self, text: str, arguments: str = "") -> subprocess.CompletedProcess[str]:
        self.write("playbook.yml", text)
        self.write("variables.yml", yaml.safe_dump(VARIABLES))
        return self.run(f"ansible-playbook playbook.yml -e @variables.yml {arguments}")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the collection is installed, once for all examples."""
    directory = tmp_path_factory.mktemp("installed")
    with Simulator() as simulator:
        env = sandbox.environment(directory, simulator, shell.FIRST_ACCOUNT)
        sandbox.install(env)
    return Path(env["ANSIBLE_COLLECTIONS_PATH"])


@pytest.fixture
def box(installed: Path, tmp_path: Path) -> Iterator[Sandbox]:
    with Simulator() as simulator:
        shell.add_accounts(simulator)
        env = sandbox.environment(tmp_path, simulator, shell.FIRST_ACCOUNT)
        env.update(ANSIBLE_COLLECTIONS_PATH=str(installed), HOME=str(tmp_path))
        (tmp_path / ".cloudflare-token").write_text(f"{READ_TOKEN}\n", encoding="utf-8")
        yield Sandbox(tmp_path, env, simulator)


def indented(text: str) -> str:
    return textwrap.indent(text, " " * 4)


def play_of_tasks(text: str) -> str:
    return f"- hosts: localhost\n  gather_facts: false\n  tasks:\n{indented(text)}"


def play_of_role(variables: str) -> str:
    role = "- role: finops.cloudflare.ai_gateway_topup\n"
    return f"- hosts: localhost\n  gather_facts: false\n  roles:\n{indented(role)}  vars:\n{indented(variables)}"


def run_yaml(box: Sandbox, example: Example) -> subprocess.CompletedProcess[str]:
    """Use an example in the way that its content suggests."""
    content = yaml.safe_load(example.text)
    if isinstance(content, list):
        if example.path.parent.name == "filter":
            return box.play(play_of_tasks(BEFORE_A_FILTER + example.text))
        if "hosts" not in content[0]:
            return box.play(play_of_tasks(example.text))
        if content[0]["hosts"] == "localhost":
            return box.play(example.text)
        box.write("prod.cloudflare_accounts.yml", "plugin: finops.cloudflare.accounts\n")
        return box.play(example.text, "-i prod.cloudflare_accounts.yml")
    if "plugin" in content:
        # Without it, a mistake in an expression would only leave a group empty.
        strict = "" if "strict" in content else "strict: true\n"
        box.write("prod.cloudflare_accounts.yml", example.text + strict)
        box.env["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "true"
        return box.run("ansible-inventory -i prod.cloudflare_accounts.yml --list")
    if "accounts" in content:
        box.write("accounts.yml", example.text)
        return box.run("ansible-playbook finops.cloudflare.report -e @accounts.yml")
    if "module_defaults" in content:
        return box.play(
            f"- hosts: localhost\n  gather_facts: false\n{textwrap.indent(example.text, '  ')}  tasks: []\n"
        )
    if all(name.startswith("ai_gateway_topup_") for name in content):
        return box.play(play_of_role(example.text))
    raise AssertionError(f"{example} is of no kind that this test knows")


def prepare(box: Sandbox, text: str) -> None:
    """What an example presumes of the accounts."""
    if TOPUP_INFO in text and "healthy" in text:
        for account_id in shell.ACCOUNTS:
            box.simulator.set_account(account_id, topup={"amount": 5000, "threshold": 1000})


@pytest.mark.parametrize("example", YAML, ids=str)
def test_a_yaml_example_works(example: Example, box: Sandbox) -> None:
    content = yaml.safe_load(example.text)
    if isinstance(content, dict) and "collections" in content:
        galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
        assert [each["name"] for each in content["collections"]] == [f"{galaxy['repository']}.git"]
        return
    prepare(box, example.text)
    finished = run_yaml(box, example)
    assert finished.returncode == 0, finished.stdout
    assert "[WARNING]" not in finished.stdout, finished.stdout
    assert "Traceback" not in finished.stdout
    if "finops.cloudflare.cloudflare_" in example.text or "ai_gateway_topup_" in example.text:
        assert box.simulator.requests or "tasks: []" in (box.directory / "playbook.yml").read_text(encoding="utf-8")


BUYS = [each for each in YAML if CREDIT in each.text or "ai_gateway_topup_state: funded" in each.text]


@pytest.mark.parametrize("example", BUYS, ids=str)
def test_an_example_that_buys_buys_what_its_title_says(example: Example, box: Sandbox) -> None:
    assert run_yaml(box, example).returncode == 0
    bought = [entry["body"]["amount"] for entry in box.simulator.requests if entry["path"].endswith("/billing/topup")]
    assert bought == [5000]
    assert "Buy $50.00 of credit" in example.text or "ai_gateway_topup_amount: 5000" in example.text


def test_an_inventory_groups_the_accounts_with_little_credit(box: Sandbox) -> None:
    grouping = [example for example in YAML if "low: (cloudflare_ai_gateway_balance" in example.text]
    assert len(grouping) == 3
    for example in grouping:
        listed = json.loads(run_yaml(box, example).stdout)
        (low,) = listed["low"]["hosts"]
        assert listed["_meta"]["hostvars"][low]["cloudflare_account_id"] == shell.FIRST_ACCOUNT


def test_the_diff_of_the_readme_is_the_one_that_is_shown(box: Sandbox) -> None:
    (diff,) = (example.text for example in EXAMPLES if example.language == "diff")
    (command,) = (each.text for each in CONSOLE if each.path.name == "README.md" and "--check --diff" in each.text)
    assert diff in box.run(command).stdout


def test_the_first_guides_can_be_followed_in_one_shell(box: Sandbox) -> None:
    steps = [each for name in ("guide_start.rst", "guide_credit.rst") for each in EXAMPLES if each.path.name == name]
    for step in steps:
        if step in YAML:
            finished = run_yaml(box, step)
            assert finished.returncode == 0, f"{step}: {finished.stdout}"
        elif step in CONSOLE:
            for command in commands_of(step):
                finished = box.run(command)
                assert finished.returncode == 0, f"{step}: {finished.stdout}"


def test_no_block_is_overlooked() -> None:
    for path in {example.path for example in EXAMPLES}:
        text = path.read_text(encoding="utf-8")
        found = sum(example.path == path for example in EXAMPLES)
        if path.suffix in (".md", ".rst"):
            assert found == text.count("code-block::") + text.count("```") // 2


@pytest.mark.parametrize(
    "example", [each for each in YAML if "ansible.builtin.assert" in each.text and "forecast" in each.text], ids=str
)
@pytest.mark.parametrize("account", [{"balance": 10}, {"usage": []}], ids=["nearly empty", "unknown"])
def test_an_example_that_checks_the_forecast_can_fail(example: Example, account: dict[str, Any], box: Sandbox) -> None:
    for account_id in shell.ACCOUNTS:
        box.simulator.set_account(account_id, **account)
    finished = run_yaml(box, example)
    assert finished.returncode == 2, finished.stdout
    assert "Assertion failed" not in finished.stdout


def lines_of(example: Example) -> list[str]:
    """The lines of a console, without prompts and with continued lines joined."""
    return [line.removeprefix("$ ") for line in re.sub(r" \\\n\s*", " ", example.text).splitlines()]


def commands_of(example: Example) -> list[str]:
    return [line for line in lines_of(example) if re.match(r"ansible(-playbook|-inventory)? ", line)]


@pytest.mark.parametrize("example", CONSOLE, ids=str)
def test_a_command_of_an_example_works(example: Example, box: Sandbox) -> None:
    box.write("prod.cloudflare_accounts.yml", "plugin: finops.cloudflare.accounts\n")
    lines, commands = lines_of(example), commands_of(example)
    for command in commands:
        finished = box.run(command)
        assert finished.returncode == 0, finished.stdout
        assert "[WARNING]" not in finished.stdout, finished.stdout
    # What else a reader is told to type cannot be tried here, and is therefore short.
    others = {
        Path(shlex.split(line)[0]).name for line in lines if line and line not in commands and line[0] not in "-+@ "
    }
    assert others <= PROGRAMS | OUTPUT
    assert commands or others


def test_a_preview_reads_as_the_guide_shows_it(box: Sandbox) -> None:
    shown = [number for number, example in enumerate(CONSOLE) if example.text.startswith("Would buy")]
    assert shown
    for number in shown:
        command = CONSOLE[number - 1].text.replace("\\\n", "").partition("$ ansible")[2]
        assert CONSOLE[number].text.strip() in box.run(f"ansible{command}").stdout


PROGRAMS = {"git", "make", "export", "python", "python3", "ansible-galaxy", "ansible-builder", "podman", "curl"}

OUTPUT = {"Would", "job_templates", "1"}
"""The first words of what is shown as output."""


def in_cron(box: Sandbox, replaced: Callable[[str], str]) -> subprocess.CompletedProcess[str]:
    *assignments, entry = NAMED["credit-crontab"].strip().splitlines()
    command = re.fullmatch(r"\*/30 \* \* \* \* (.+)", entry)
    assert command is not None
    # cron knows of nothing else, and runs no login shell.
    env = {"HOME": str(box.directory), **dict(replaced(line).split("=", 1) for line in assignments)}
    return subprocess.run(
        ["/bin/sh", "-c", replaced(command[1])], env=env, cwd="/", text=True, capture_output=True, check=False
    )


def by_systemd(box: Sandbox, replaced: Callable[[str], str]) -> subprocess.CompletedProcess[str]:
    unit = configparser.RawConfigParser()
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(NAMED["credit-service"])
    service = {name: replaced(value) for name, value in unit["Service"].items()}
    assert set(service) == {"Type", "User", "EnvironmentFile", "Environment", "ExecStart"}
    lines = [service["Environment"], *Path(service["EnvironmentFile"]).read_text(encoding="utf-8").split()]
    env = {"HOME": str(box.directory), **dict(line.split("=", 1) for line in lines)}
    return subprocess.run(
        shlex.split(service["ExecStart"]), env=env, cwd="/", text=True, capture_output=True, check=False
    )


@pytest.mark.parametrize("schedule", [in_cron, by_systemd])
def test_the_schedules_work_with_nothing_but_what_they_set(schedule: Any, box: Sandbox) -> None:
    box.write("credit.yml", NAMED["credit-variables"])
    variables = [NAMED["credit-env"].strip().replace("…", WRITE_TOKEN)]
    # The address of the simulator, and where this test has installed the collection.
    names = ("CLOUDFLARE_BASE_URL", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_LOCALHOST_WARNING")
    variables.extend(f"{name}={box.env[name]}" for name in names)
    box.write("credit.env", "\n".join(variables) + "\n")
    programs = os.path.dirname(sys.executable)

    def replaced(text: str) -> str:
        return text.replace("/etc/finops", str(box.directory)).replace("/opt/finops/bin", programs)

    finished = schedule(box, replaced)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert [entry["path"].rsplit("/", 1)[1] for entry in box.simulator.requests].count("topup") == 1
    if schedule is in_cron:
        # Mail would be sent for it.
        assert finished.stdout + finished.stderr == ""
    box.write("credit.yml", NAMED["credit-variables"].replace("5250", "5249"))
    failed = schedule(box, replaced)
    assert "exceeds maximum_charge" in failed.stdout


def test_the_account_of_each_example_exists() -> None:
    named = {found for example in EXAMPLES for found in re.findall(r"\b[0-9a-f]{32}\b", example.text)}
    assert named == set(shell.ACCOUNTS)
