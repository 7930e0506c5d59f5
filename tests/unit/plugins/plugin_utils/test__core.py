# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc
import json
import locale
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible_collections.finops.cloudflare.plugins.modules import (
    cloudflare_ai_gateway_billing_info as billing_info,
)
from ansible_collections.finops.cloudflare.plugins.modules import (
    cloudflare_ai_gateway_topup as topup,
)
from ansible_collections.finops.cloudflare.plugins.plugin_utils import _core
from ansible_collections.finops.cloudflare.tests.simulator.simulator import (
    ACCOUNT_ID,
    READ_TOKEN,
    WRITE_TOKEN,
    Simulator,
)

SINCE_2_19 = hasattr(basic, "_ANSIBLE_PROFILE")


def options(simulator: Simulator, **more: Any) -> dict[str, Any]:
    return {"account_id": ACCOUNT_ID, "api_token": WRITE_TOKEN, "api_url": simulator.api_url, "state": "absent", **more}


def run(main: Any, given: dict[str, Any], directory: str | Path = ".") -> _core.Ended:
    return _core.run(main, _core.encoded(given), str(directory))


def result_of(main: Any, given: dict[str, Any], directory: str | Path = ".") -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run(main, given, directory).stdout)
    # Since ansible-core 2.22, a module tells the controller so what is secret; the controller takes it out.
    result.pop("_ansible_new_secrets", None)
    return result


def process_state() -> dict[str, Any]:
    """What later code in this process could see of a module that has run."""
    os.umask(umask := os.umask(0o77))
    return {
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "umask": umask,
        "handlers": [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM)],
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "arguments": list(sys.argv),
        "path": list(sys.path),
        "locale": locale.setlocale(locale.LC_ALL),
        "options": (
            basic._ANSIBLE_ARGS,
            getattr(basic, "_PARSED_MODULE_ARGS", None),
            getattr(basic, "_ANSIBLE_PROFILE", None),
        ),
        "warnings": (list(warnings._global_warnings), list(warnings._global_deprecations)),
        "frozen": gc.get_freeze_count(),
        "controller": getattr(sys.modules.get("ansible.module_utils._internal"), "is_controller", None),
    }


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("2.17.9", False),
        ("2.18.0", True),
        ("2.20.1rc1", True),
        ("2.21.99", True),
        ("2.22.0.dev0", False),
        ("3.0.0", False),
    ],
)
def test_only_tested_series_are_known(version: str, known: bool) -> None:
    assert _core.is_known(version) is known


def test_options_that_a_process_could_not_get_are_refused() -> None:
    with pytest.raises(TypeError):
        _core.encoded({"amount": object()})
    with pytest.raises(ValueError):
        _core.encoded({"api_token": "half of a pair: \udcff"})
    pair = _core.encoded({"api_token": "a whole pair: \U0001f4b8"})
    assert json.loads(pair) == {"ANSIBLE_MODULE_ARGS": {"api_token": "a whole pair: \U0001f4b8"}}


def test_a_module_is_run_as_in_a_process(simulator: Simulator, capfd: pytest.CaptureFixture[str]) -> None:
    ended = run(topup.main, options(simulator, state="present", amount=1000, threshold=500))
    assert (ended.code, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["changed"] is True
    failed = run(topup.main, options(simulator, state="present"))
    assert failed.code == 1
    assert json.loads(failed.stdout)["failed"] is True
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("more", [{}, {"state": "wrong"}, {"state": "present", "amount": 1000, "threshold": 5000}])
def test_nothing_stays_behind(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    locale.setlocale(locale.LC_ALL, "C")
    before = process_state()
    run(topup.main, options(simulator, **more), tmp_path)
    assert process_state() == before


def test_warnings_are_those_of_one_run_and_censored(simulator: Simulator) -> None:
    stopped = {"amount": 5000, "threshold": 1000, "disabledReason": f"not with {WRITE_TOKEN}"}
    simulator.set_account(ACCOUNT_ID, topup=stopped)
    for _again in range(2):
        result = result_of(topup.main, options(simulator, state="present", amount=5000, threshold=1000))
        (warning,) = result["warnings"]
        assert "Cloudflare has stopped" in json.dumps(warning)
        assert WRITE_TOKEN not in json.dumps(result)
    assert "warnings" not in result_of(topup.main, options(simulator))


def test_paths_are_relative_to_the_given_directory(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    assert result_of(topup.main, options(simulator, ca_path="ca.pem"), tmp_path)["changed"] is False
    assert "ca_path ca.pem does not exist" in result_of(topup.main, options(simulator, ca_path="ca.pem"), "/")["msg"]


def crash() -> None:
    print("so far so good")
    print("a remark", file=sys.stderr)
    raise KeyError("a bug")


def test_a_module_that_crashes_ends_like_a_process(capfd: pytest.CaptureFixture[str]) -> None:
    before = process_state()
    ended = run(crash, {})
    assert ended.code == 1
    assert ended.stdout.startswith("so far so good\n")
    if not SINCE_2_19:
        assert ended.stderr.startswith("a remark\nTraceback (most recent call last):")
        assert ended.stderr.endswith("KeyError: 'a bug'\n")
    else:
        result = json.loads(ended.stdout.splitlines()[1])
        assert result["failed"] is True
        assert "a bug" in json.dumps(result["exception"])
        assert ended.stderr == "a remark\n"
    assert process_state() == before
    assert capfd.readouterr() == ("", "")


def test_a_module_that_ends_without_a_result_has_crashed() -> None:
    ended = run(lambda: None, {})
    assert ended.code == 1
    assert "did not handle its own exit" in ended.stdout + ended.stderr


def test_what_ends_a_task_is_not_held_up() -> None:
    class TimeIsOver(BaseException):
        """Ansible's own."""

    def main() -> None:
        raise TimeIsOver

    before = process_state()
    with pytest.raises(TimeIsOver):
        run(main, {})
    assert process_state() == before


def test_many_runs_need_no_more_than_one(simulator: Simulator) -> None:
    def used() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def run_often(times: int) -> None:
        for index in range(times):
            # Both kinds of session, turn by turn.
            given = options(simulator, validate_certs=bool(index % 2), api_token=(READ_TOKEN, WRITE_TOKEN)[index % 2])
            assert result_of(topup.main, given)["changed"] is False

    result_of(billing_info.main, {name: value for name, value in options(simulator).items() if name != "state"})
    run_often(20)
    files, kilobytes = used()
    run_often(300)
    files_after, kilobytes_after = used()
    # The simulator, in this process too, may not yet have noticed that a connection is closed.
    assert files_after <= files + 2
    assert kilobytes_after <= kilobytes + 4096
