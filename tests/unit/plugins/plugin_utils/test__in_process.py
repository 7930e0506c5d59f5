# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
import os
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Iterator

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.finops.cloudflare.plugins.modules import cloudflare_ai_gateway_topup as topup
from ansible_collections.finops.cloudflare.plugins.plugin_utils import _core, _in_process
from ansible_collections.finops.cloudflare.plugins.plugin_utils._in_process import Circumstances

ROOT = Path(__file__).parents[4]
ACTION = "ansible_collections.finops.cloudflare.plugins.action.cloudflare_ai_gateway_topup"
USUAL = Circumstances(platform="linux")


@pytest.fixture(autouse=True)
def _nothing_imported() -> Iterator[None]:
    _in_process.module_of.cache_clear()
    yield
    _in_process.module_of.cache_clear()


def test_usually_nothing_speaks_against_it() -> None:
    assert _in_process.why_not(USUAL) is None


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({"allowed": False}, "is false"),
        ({"platform": "darwin"}, "macOS"),
        ({"core_known": False}, "this series of ansible-core"),
        ({"full_name": False}, "full name"),
        ({"connection": "ansible.builtin.ssh"}, "the connection is ansible.builtin.ssh"),
        ({"connection": "somebody.local.local"}, "the connection is somebody.local.local"),
        ({"shell": "/bin/bash"}, "the shell is /bin/bash"),
        ({"become": True}, "become"),
        ({"in_background": True}, "async"),
        ({"environment": {"HTTPS_PROXY": ""}}, "environment variables"),
        ({"same_python": False}, "ansible_python_interpreter"),
        ({"keep_files": True}, "to keep the files"),
    ],
)
def test_each_circumstance_decides_alone(different: dict[str, Any], reason: str) -> None:
    assert reason in str(_in_process.why_not(USUAL._replace(**different)))


def test_every_circumstance_is_tested() -> None:
    (mark,) = test_each_circumstance_decides_alone.pytestmark
    assert {name for different, _reason in mark.args[1] for name in different} == set(Circumstances._fields)


def test_a_python_is_the_same_in_the_same_directory(tmp_path: Path) -> None:
    base, venv, other_venv = (tmp_path / name for name in ("base", "venv", "other_venv"))
    for directory in (base, venv, other_venv):
        directory.mkdir()
    (base / "python3.13").touch()
    (base / "python3.12").touch()
    (base / "python3").symlink_to("python3.13")
    for directory in (venv, other_venv):
        (directory / "python").symlink_to(base / "python3")
        (directory / "python3").symlink_to("python")
    (tmp_path / "link_to_venv").symlink_to(venv)
    running = str(venv / "python")
    for interpreter, same in (
        (venv / "python", True),
        (venv / "python3", True),
        (tmp_path / "link_to_venv" / "python3", True),
        (venv / ".." / "venv" / "python", True),
        (other_venv / "python", False),
        (base / "python3", False),
        (venv / "python2", False),
    ):
        assert _in_process.same_python(str(interpreter), running) is same, interpreter
    for other in ("python", "auto", "", f"{running} -I", "None"):
        assert not _in_process.same_python(other, running)
    assert not _in_process.same_python(running, "")
    assert _in_process.same_python(str(base / "python3"), str(base / "python3.13"))
    assert not _in_process.same_python(str(base / "python3"), str(base / "python3.12"))


def test_this_python_is_the_same() -> None:
    assert _in_process.same_python(sys.executable, sys.executable)


@pytest.mark.parametrize("value", [None, "", True, 1, "true", "yes", "ON", "1"])
def test_it_is_allowed(value: object) -> None:
    assert _in_process.allowed("switch", value) is True


@pytest.mark.parametrize("value", [False, 0, "false", "no", "Off", "0"])
def test_it_is_not_allowed(value: object) -> None:
    assert _in_process.allowed("switch", value) is False


@pytest.mark.parametrize("value", ["perhaps", [], {}, 2])
def test_a_switch_is_true_or_false(value: object) -> None:
    with pytest.raises(AnsibleActionFail, match=r"^switch is .*\. Set it to true or false\.$"):
        _in_process.allowed("switch", value)


def test_the_module_is_the_one_of_the_same_name() -> None:
    assert _in_process.full_name(ACTION) == "finops.cloudflare.cloudflare_ai_gateway_topup"
    assert _in_process.module_of(ACTION) == (topup.__file__, topup.main, None)


def test_a_module_that_cannot_be_imported_is_run_the_usual_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        warnings.warn("an old version", stacklevel=1)
        raise AttributeError("no such thing as ssl")

    monkeypatch.setattr(importlib, "import_module", broken)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _in_process.module_of(ACTION).unusable == "it cannot be imported here (no such thing as ssl)"


def test_without_requests_it_is_run_the_usual_way(monkeypatch: pytest.MonkeyPatch) -> None:
    without = SimpleNamespace(HAS_REQUESTS=False, main=topup.main, __file__="")
    monkeypatch.setattr(importlib, "import_module", lambda name: without)
    assert _in_process.module_of(ACTION).unusable == "this Python does not have requests"


@pytest.mark.parametrize(
    ("platform", "known", "variable", "imported"),
    [
        ("linux", True, "", 1),
        ("linux", True, "true", 1),
        ("linux", True, "perhaps", 1),
        ("linux", True, "False", 0),
        ("linux", False, "", 0),
        ("darwin", True, "", 0),
    ],
)
def test_it_is_imported_early_where_it_is_of_use(
    monkeypatch: pytest.MonkeyPatch, platform: str, known: bool, variable: str, imported: int
) -> None:
    monkeypatch.setattr(_in_process, "sys", SimpleNamespace(platform=platform))
    monkeypatch.setattr(_core, "is_known", lambda: known)
    monkeypatch.setenv("FINOPS_CLOUDFLARE_IN_PROCESS", variable)
    assert _in_process.preload(ACTION) == ACTION
    assert _in_process.module_of.cache_info().misses == imported


def test_every_module_has_its_action_plugin() -> None:
    modules, actions = (
        {file.name for file in (ROOT / "plugins" / kind).glob("*.py")} for kind in ("modules", "action")
    )
    assert modules == actions
    assert len({(ROOT / "plugins" / "action" / name).read_text(encoding="utf-8") for name in actions}) == 1


def test_the_environment_variable_is_named_after_the_variable() -> None:
    assert _in_process.ENVIRONMENT_VARIABLE == "FINOPS_CLOUDFLARE_IN_PROCESS"
    assert os.environ.get(_in_process.ENVIRONMENT_VARIABLE) is None
