# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that buy at the same moment, and one that is killed while it buys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any, Iterator

import pytest
from ansible_collections.finops.cloudflare.tests.unit.plugins.credit import BUY, Runner, options_for

PROGRAM = """
import sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.argv[1].encode()
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.finops.cloudflare.plugins.modules.cloudflare_ai_gateway_credit import main
main()
"""


@pytest.fixture
def start(run: Runner) -> Iterator[Any]:
    """Starts the module as a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start_one(**options: Any) -> subprocess.Popen[str]:
        order = {"amount": 5000, "maximum_charge": 5250, "wait_timeout": 30}
        arguments = {**options_for(run.simulator), **order, **options}
        command = [sys.executable, "-c", PROGRAM, json.dumps({"ANSIBLE_MODULE_ARGS": arguments})]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


def result_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    output = process.communicate(timeout=120)[0]
    assert output.startswith("\n{"), output
    result: dict[str, Any] = json.loads(output)
    return result


@pytest.mark.parametrize("lag", [0, 2])
def test_of_many_processes_at_once_one_buys(run: Runner, start: Any, lag: int) -> None:
    run.set(purchases={"list_reads": lag})
    run.simulator.add_fault(fault="slow", seconds=0.3, method="POST", path="/topup")
    results = [result_of(process) for process in [start() for _number in range(4)]]
    assert run.bought == ["paid"]
    assert sorted(result["changed"] for result in results) == [False, False, False, True]
    # The others have seen the credit of the one.
    assert not any(result.get("failed") for result in results)


def test_a_process_that_is_killed_is_not_followed_by_a_second_purchase(run: Runner, start: Any) -> None:
    run.set(purchases={"list_reads": 1, "balance_reads": 1000})
    run.simulator.add_fault(fault="slow", seconds=20, method="POST", path="/topup")
    process = start()
    while BUY not in run.calls:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    # The invoices do not show it yet.
    assert "ended before it learned the outcome" in result_of(start(wait=False))["msg"]
    # Now they do.
    assert "is paid, and its credit may not be in the balance yet" in result_of(start(wait=False))["msg"]
    assert run.bought == ["paid"]
