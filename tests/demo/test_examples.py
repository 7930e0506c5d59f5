# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of README, guides and ``ansible-doc`` works as it stands, in the sandbox of ``make try``.

The named blocks of the guides are not run here, but in ``test_schedules.py`` and in ``tests/awx``.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from functools import cache
from itertools import product
from pathlib import Path
from textwrap import indent
from typing import Any, Callable, NamedTuple

import pytest
import yaml
from demo import shell
from demo.box import INVENTORY, Box, opened
from simulator.simulator import EMAIL, GLOBAL_KEY, WRITE_TOKEN
from tools.examples import EXAMPLES, Example
from tools.sandbox import ROOT

VARIABLES = {
    "cloudflare_api_token": WRITE_TOKEN,
    "cloudflare_email": EMAIL,
    "cloudflare_api_key": GLOBAL_KEY,
    "vault_search_token": WRITE_TOKEN,
    "tenant_token": WRITE_TOKEN,
}
"""What the examples leave to the reader."""

CONSOLE = [example for example in EXAMPLES if example.language == "console" and not example.name]
PROGRAMS = {"git", "make", "export", "python", "python3", "ansible-galaxy", "ansible-builder", "podman", "curl"}
OUTPUT = {"Would", "job_templates", "1"}
"""The first words of what is shown as output."""


def kind(example: Example) -> str:
    """What the content of an example suggests that it is."""
    content = yaml.safe_load(example.text)
    if isinstance(content, list):
        return "plays" if "hosts" in content[0] else "tasks"
    if all(name.startswith("ai_gateway_topup_") for name in content):
        return "variables of the role"
    return next(key for key in ("plugin", "accounts", "collections", "module_defaults") if key in content)


KINDS = {example: kind(example) for example in EXAMPLES if example.language == "yaml" and not example.name}


def of_kind(*kinds: str) -> list[Example]:
    return [example for example in KINDS if KINDS[example] in kinds]


# Examples that are whole plays come first: one is for all hosts, and the others get a host each.
PLAYED = [*of_kind("plays"), *of_kind("tasks", "module_defaults", "variables of the role")]
FORECASTS = [each for each in of_kind("tasks") if "ansible.builtin.assert" in each.text and "forecast" in each.text]
UNFORTUNATE: list[dict[str, Any]] = [{"balance": 10}, {"usage": []}]


def plays_of(example: Example, host: str) -> str:
    """The plays in which an example is used, with the example as it stands."""
    play = f"- hosts: {host}\n  gather_facts: false\n"
    reads = f"tasks: [finops.cloudflare.cloudflare_ai_gateway_topup_info: {{account_id: {shell.FIRST_ACCOUNT}}}]"
    return {
        "plays": example.text,
        "tasks": f"{play}  tasks:\n{indent(example.text, ' ' * 4)}",
        "module_defaults": f"{play}{indent(example.text, ' ' * 2)}  {reads}\n",
        "variables of the role": (
            f"{play}  roles: [finops.cloudflare.ai_gateway_topup]\n  vars:\n{indent(example.text, ' ' * 4)}"
        ),
    }[KINDS[example]]


def failing_play(example: Example, host: str) -> str:
    """A play in which an example has to fail, and to say why in its own words."""
    return f"""\
- hosts: {host}
  gather_facts: false
  tasks:
    - block:
{indent(example.text, " " * 8)}
        - ansible.builtin.fail:
            msg: Nothing failed
      rescue:
        - ansible.builtin.assert:
            that:
              - ansible_failed_task.action == 'ansible.builtin.assert'
              - "'Assertion failed' not in ansible_failed_result.msg"
"""


def start_over(example: Example, host: str, **changes: Any) -> str:
    """The play before an example: the simulator of `make try`, with these changes to all accounts, and a new host."""
    accounts = [{"account_id": each, **state, **changes} for each, state in shell.ACCOUNTS.items()]
    tasks: list[Any] = [{"simulator": {"reset": True, "accounts": accounts}}]
    if host != "localhost":
        # What an example registers belongs to its host, so that no other example can live on it.
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        tasks.append({"ansible.builtin.add_host": {"name": host, **local}})
    return f"- name: {example}\n  hosts: localhost\n  gather_facts: false\n  tasks: {json.dumps(tasks)}\n"


Finished = subprocess.CompletedProcess[str]


class Played(NamedTuple):
    """What came of the examples that are tasks or plays."""

    finished: Finished
    requests: dict[Example, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """All of them in one start of Ansible, each with accounts that are new."""
    plays: list[str] = []
    for example in PLAYED:
        host = "localhost" if KINDS[example] == "plays" else f"host_{len(plays)}"
        healthy = {"topup": {"amount": 5000, "threshold": 1000}} if "auto.healthy" in example.text else {}
        plays.append(start_over(example, host, **healthy) + plays_of(example, host))
    for example, state in product(FORECASTS, UNFORTUNATE):
        host = f"host_{len(plays)}"
        plays.append(start_over(example, host, **state) + failing_play(example, host))
    with opened(tmp_path_factory.mktemp("played")) as box:
        box.write("playbook.yml", "".join(plays))
        box.write("variables.yml", yaml.safe_dump(VARIABLES))
        finished = box.run(f"ansible-playbook playbook.yml -i {INVENTORY} -e @variables.yml")
        box.simulator.reset()
    # Before the first reset, the inventory was read.
    return Played(finished, dict(zip(PLAYED, box.simulator.before_resets[1:])))


def test_all_examples_of_tasks_and_plays_work(played: Played) -> None:
    shown = played.finished.stdout
    assert played.finished.returncode == 0, shown
    assert "[WARNING]" not in shown, shown
    assert "Traceback" not in shown, shown


@pytest.mark.parametrize("example", PLAYED, ids=str)
def test_an_example_reaches_the_api_if_it_uses_a_module(example: Example, played: Played) -> None:
    used = any(name in example.text for name in ("finops.cloudflare.cloudflare", "ai_gateway_topup"))
    assert bool(played.requests[example]) == used


def test_an_example_that_checks_the_forecast_can_fail(played: Played) -> None:
    assert len(FORECASTS) == 2
    assert played.finished.stdout.count("rescued=1 ") == len(FORECASTS) * len(UNFORTUNATE)


BUYS = [each for each in PLAYED if "cloudflare_ai_gateway_credit:" in each.text or "state: funded" in each.text]


@pytest.mark.parametrize("example", BUYS, ids=str)
def test_an_example_that_buys_buys_what_its_title_says(example: Example, played: Played) -> None:
    purchases = [entry for entry in played.requests[example] if entry["path"].endswith("/billing/topup")]
    bought = [entry["body"]["amount"] for entry in purchases]
    assert bought == [5000]
    assert "Buy $50.00 of credit" in example.text or "ai_gateway_topup_amount: 5000" in example.text


@pytest.mark.parametrize("example", of_kind("accounts"), ids=str)
def test_the_accounts_of_a_report_can_be_in_a_file(example: Example, box: Box) -> None:
    box.write("accounts.yml", example.text)
    finished = box.run("ansible-playbook finops.cloudflare.report -e @accounts.yml")
    assert finished.returncode == 0, finished.stdout
    assert "[WARNING]" not in finished.stdout, finished.stdout
    assert len({entry["path"].split("/")[4] for entry in box.simulator.requests}) == 2


@pytest.mark.parametrize("example", of_kind("collections"), ids=str)
def test_the_requirements_name_this_repository(example: Example) -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert [each["name"] for each in yaml.safe_load(example.text)["collections"]] == [f"{galaxy['repository']}.git"]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """The inventory that comes of a text, which is used once."""

    @cache
    def by(text: str) -> Any:
        with opened(tmp_path_factory.mktemp("inventory")) as box:
            # Without it, a mistake in an expression would only leave a group empty.
            box.write(INVENTORY, text if "strict" in text else f"{text}\nstrict: true\n")
            box.env["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "true"
            finished = box.run(f"ansible-inventory -i {INVENTORY} --list")
        assert finished.returncode == 0, finished.stdout
        assert "[WARNING]" not in finished.stdout, finished.stdout
        return json.loads(finished.stdout)

    return by


@pytest.mark.parametrize("example", of_kind("plugin"), ids=str)
def test_an_inventory_lists_accounts(example: Example, listed: Callable[[str], Any]) -> None:
    assert listed(example.text.strip())["_meta"]["hostvars"]


def test_an_inventory_groups_the_accounts_with_little_credit(listed: Callable[[str], Any]) -> None:
    grouping = [example for example in of_kind("plugin") if "low: (cloudflare_ai_gateway_balance" in example.text]
    assert len(grouping) == 3
    for example in grouping:
        inventory = listed(example.text.strip())
        (low,) = inventory["low"]["hosts"]
        assert inventory["_meta"]["hostvars"][low]["cloudflare_account_id"] == shell.FIRST_ACCOUNT


def lines_of(example: Example) -> list[str]:
    """The lines of a console, without prompts and with continued lines joined."""
    return [line.removeprefix("$ ") for line in re.sub(r" \\\n\s*", " ", example.text).splitlines()]


def commands_of(example: Example) -> list[str]:
    return [line for line in lines_of(example) if re.match(r"ansible(-playbook|-inventory)? ", line)]


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    """What came of the commands and playbooks of the first guides, one after the other in one shell."""
    finished = {}
    with opened(tmp_path_factory.mktemp("guided")) as box:
        for step in EXAMPLES:
            if step.path.name not in ("guide_start.rst", "guide_credit.rst"):
                continue
            if KINDS.get(step) == "plays":
                box.write("playbook.yml", step.text)
                finished[str(step)] = box.run("ansible-playbook playbook.yml")
            elif step in CONSOLE:
                finished.update({command: box.run(command) for command in commands_of(step)})
    return finished


@pytest.fixture(scope="module")
def typed(guided: dict[str, Finished], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Finished]:
    """What comes of a command. It is run once, even if it is in several places."""

    @cache
    def by(command: str) -> Finished:
        if command in guided:
            return guided[command]
        with opened(tmp_path_factory.mktemp("typed")) as box:
            return box.run(command)

    return by


def test_the_first_guides_can_be_followed_in_one_shell(guided: dict[str, Finished]) -> None:
    assert len(guided) == 7
    assert {step: each.stdout for step, each in guided.items() if each.returncode != 0} == {}


@pytest.mark.parametrize("example", CONSOLE, ids=str)
def test_a_command_of_an_example_works(example: Example, typed: Callable[[str], Finished]) -> None:
    lines, commands = lines_of(example), commands_of(example)
    for command in commands:
        finished = typed(command)
        assert finished.returncode == 0, finished.stdout
        assert "[WARNING]" not in finished.stdout, finished.stdout
    # What else a reader is told to type cannot be tried here, and is therefore short.
    others = {
        Path(shlex.split(line)[0]).name for line in lines if line and line not in commands and line[0] not in "-+@ "
    }
    assert others <= PROGRAMS | OUTPUT
    assert commands or others


def test_the_diff_of_the_readme_is_the_one_that_is_shown(typed: Callable[[str], Finished]) -> None:
    (diff,) = (example.text for example in EXAMPLES if example.language == "diff")
    (command,) = (each.text for each in CONSOLE if each.path.name == "README.md" and "--check --diff" in each.text)
    assert diff in typed(command.strip()).stdout


def test_a_preview_reads_as_the_guide_shows_it(typed: Callable[[str], Finished]) -> None:
    shown = [number for number, example in enumerate(CONSOLE) if example.text.startswith("Would buy")]
    assert shown
    for number in shown:
        (command,) = commands_of(CONSOLE[number - 1])
        assert CONSOLE[number].text.strip() in typed(command).stdout


def test_no_block_is_overlooked() -> None:
    for path in {example.path for example in EXAMPLES}:
        text = path.read_text(encoding="utf-8")
        found = sum(example.path == path for example in EXAMPLES)
        if path.suffix in (".md", ".rst"):
            assert found == text.count("code-block::") + text.count("```") // 2


def test_the_account_of_each_example_exists() -> None:
    named = {found for example in EXAMPLES for found in re.findall(r"\b[0-9a-f]{32}\b", example.text)}
    assert named == set(shell.ACCOUNTS)
