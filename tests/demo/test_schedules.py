# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's schedules for cron and systemd work with nothing but what they set."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from demo.box import Box
from simulator.simulator import WRITE_TOKEN
from tools.examples import NAMED
from tools.processes import run

Schedule = Callable[[Box, Callable[[str], str]], "subprocess.CompletedProcess[str]"]


def in_cron(box: Box, replaced: Callable[[str], str]) -> subprocess.CompletedProcess[str]:
    *assignments, entry = NAMED["credit-crontab"].strip().splitlines()
    command = re.fullmatch(r"\*/30 \* \* \* \* (.+)", entry)
    assert command is not None
    # cron knows of nothing else, and runs no login shell.
    env = {"HOME": str(box.directory), **dict(replaced(line).split("=", 1) for line in assignments)}
    return run("/bin/sh", "-c", replaced(command[1]), env=env, cwd=Path("/"), check=False)


def by_systemd(box: Box, replaced: Callable[[str], str]) -> subprocess.CompletedProcess[str]:
    unit = configparser.RawConfigParser()
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(NAMED["credit-service"])
    service = {name: replaced(value) for name, value in unit["Service"].items()}
    assert set(service) == {"Type", "User", "EnvironmentFile", "Environment", "ExecStart"}
    lines = [service["Environment"], *Path(service["EnvironmentFile"]).read_text(encoding="utf-8").split()]
    env = {"HOME": str(box.directory), **dict(line.split("=", 1) for line in lines)}
    return run(*shlex.split(service["ExecStart"]), env=env, cwd=Path("/"), check=False)


@pytest.mark.parametrize("schedule", [in_cron, by_systemd])
def test_the_schedules_work_with_nothing_but_what_they_set(schedule: Schedule, box: Box) -> None:
    box.write("credit.yml", NAMED["credit-variables"])
    variables = [NAMED["credit-env"].strip().replace("…", WRITE_TOKEN)]
    # The address of the simulator, and where this test has the collection.
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
