# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of a play, as far as their action plugin goes: how they are run, and what comes of it."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any, Callable

import pytest
from ansible import constants, template
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins import loader as plugin_loader
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.finops.cloudflare.plugins.action.cloudflare_ai_gateway_topup import ActionModule
from ansible_collections.finops.cloudflare.plugins.plugin_utils import _core, _in_process
from ansible_collections.finops.cloudflare.plugins.plugin_utils._in_process import Circumstances
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, WRITE_TOKEN, Simulator

NAME = "finops.cloudflare.cloudflare_ai_gateway_topup"
VARIABLES = {"ansible_python_interpreter": sys.executable}
# Since ansible-core 2.19, only what a play says is a template.
trusted = getattr(template, "trust_as_template", str)
ANOTHER_PYTHON = {"ansible_python_interpreter": "/opt/another/bin/python"}


def action(args: dict[str, Any] | None = None, become: bool = False, **attributes: Any) -> ActionModule:
    task = Task()
    task.action, task.args = NAME, args or {}
    for name, value in attributes.items():
        setattr(task, name, value)
    data, play = DataLoader(), PlayContext()
    connection = plugin_loader.connection_loader.get("local", play)
    connection.become = SimpleNamespace() if become else None
    return ActionModule(task, connection, play, data, template.Templar(data), plugin_loader)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What -vvv shows."""
    monkeypatch.setattr(_core, "is_known", lambda: True)
    lines: list[str] = []
    monkeypatch.setattr(_in_process, "_display", SimpleNamespace(vvv=lambda line, host: lines.append(line)))
    return lines


def test_a_task_is_run_in_this_process(simulator: Simulator, said: list[str]) -> None:
    wanted = {"state": "present", "amount": 5000, "threshold": 1000}
    connection = {"account_id": ACCOUNT_ID, "api_token": WRITE_TOKEN, "api_url": simulator.api_url}
    task = action({**connection, **wanted})
    for changed in (True, False):
        result = task.run(task_vars=VARIABLES)
        assert (result["changed"], result["topup"]["amount"]) == (changed, 5000)
    assert simulator.account(ACCOUNT_ID)["topup"]["threshold"] == 1000
    assert said == [f"{NAME} is run in this process"] * 2
    failed = action({**connection, "state": "present"}).run(task_vars=VARIABLES)
    assert failed["failed"] is True
    assert "amount" in failed["msg"]


def test_what_a_module_prints_reaches_ansible(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    def main() -> None:
        print("one\ntwo")
        print("three\nfour", file=sys.stderr)
        sys.exit(3)

    given: list[Any] = []
    monkeypatch.setattr(_in_process, "module_of", lambda name: _in_process.Module("", main, None))
    monkeypatch.setattr(
        NormalAction, "_execute_module", lambda self, **_kw: given.append(self._low_level_execute_command(""))
    )
    action()._execute_module(task_vars=VARIABLES)
    (ended,) = given
    assert ended == {
        "rc": 3,
        "stdout": "one\ntwo\n",
        "stdout_lines": ["one", "two"],
        "stderr": "three\nfour\n",
        "stderr_lines": ["three", "four"],
    }


@pytest.mark.parametrize(
    ("make", "variables", "reason"),
    [
        (lambda: action(async_val=5), VARIABLES, "the task uses async"),
        (lambda: action({"amount": object()}), VARIABLES, "its options are not JSON"),
        (action, {**VARIABLES, "finops_cloudflare_in_process": False}, "finops_cloudflare_in_process or FINOPS_"),
    ],
)
def test_a_separate_process_is_that_of_ansible(
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    make: Callable[[], ActionModule],
    variables: dict[str, Any],
    reason: str,
) -> None:
    for name in ("_configure_module", "_low_level_execute_command", "_is_pipelining_enabled"):
        monkeypatch.setattr(NormalAction, name, lambda self, *_args, name=name: f"Ansible's {name}")

    def execute(task: ActionModule, **_kwargs: Any) -> list[Any]:
        return [
            task._configure_module(NAME, {}, {}),
            task._low_level_execute_command("command"),
            task._is_pipelining_enabled("new"),
        ]

    monkeypatch.setattr(NormalAction, "_execute_module", execute)
    ways: Any = make()._execute_module(task_vars=variables)
    assert ways == [
        "Ansible's _configure_module",
        "Ansible's _low_level_execute_command",
        "Ansible's _is_pipelining_enabled",
    ]
    (line,) = said
    assert line.startswith(f"{NAME} is run in a separate process, because {reason}")


def test_a_module_that_fails_leaves_nothing_for_what_the_action_does_next(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def fail(task: ActionModule, **_kwargs: Any) -> None:
        assert task._module is not None
        raise KeyError

    monkeypatch.setattr(NormalAction, "_execute_module", fail)
    task = action()
    with pytest.raises(KeyError):
        task._execute_module(task_vars=VARIABLES)
    assert task._module is None


@pytest.mark.parametrize(
    ("attributes", "variables", "different"),
    [
        ({}, VARIABLES, {}),
        ({}, {**VARIABLES, "finops_cloudflare_in_process": trusted("{{ 1 == 2 }}")}, {"allowed": False}),
        ({"action": "cloudflare_ai_gateway_topup"}, VARIABLES, {"full_name": False}),
        ({"become": True}, VARIABLES, {"become": True}),
        ({"async_val": 5}, VARIABLES, {"in_background": True}),
        ({"environment": [{"HTTPS_PROXY": "x"}, {"B": 1}]}, VARIABLES, {"environment": {"HTTPS_PROXY": "x", "B": 1}}),
        ({}, {"ansible_python_interpreter": trusted("{{ '/opt' }}/python")}, {"same_python": False}),
        ({}, {"ansible_python_interpreter": trusted(f"{{{{ '{sys.executable}' }}}}")}, {}),
        # What counts is the host that the task is delegated to.
        ({"delegate_to": "b"}, {**ANOTHER_PYTHON, "ansible_delegated_vars": {"b": VARIABLES}}, {}),
        ({"delegate_to": "b"}, {**VARIABLES, "ansible_delegated_vars": {"b": ANOTHER_PYTHON}}, {"same_python": False}),
    ],
)
def test_the_circumstances_are_those_of_the_task(
    said: list[str], attributes: dict[str, Any], variables: dict[str, Any], different: dict[str, Any]
) -> None:
    assert action(**attributes)._circumstances(variables) == Circumstances()._replace(**different)


def test_the_circumstances_are_those_of_the_machine_and_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "is_known", lambda: False)
    assert not action()._circumstances(VARIABLES).core_known
    monkeypatch.setenv("FINOPS_CLOUDFLARE_IN_PROCESS", "no")
    assert not action()._circumstances(VARIABLES).allowed
    task = action()
    task._play_context.executable = "/bin/bash"
    assert task._circumstances(VARIABLES).shell == "/bin/bash"
    names = {"ansible_name": "somebody.local.local", "become": None, "_shell": task._connection._shell}
    task._connection = SimpleNamespace(**names)
    assert task._circumstances(VARIABLES).connection == "somebody.local.local"
    settings = constants.config.get_config_value

    def keep(name: str, **more: Any) -> Any:
        return name == "DEFAULT_KEEP_REMOTE_FILES" or settings(name, **more)

    monkeypatch.setattr(constants.config, "get_config_value", keep)
    assert action()._circumstances(VARIABLES).keep_files
