# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ways.yml, and see whether each task was run in the way that its name tells, or with an unknown ansible-core in the usual one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from series import KNOWN
from simulator.simulator import ACCOUNT_ID, WRITE_TOKEN, Simulator

PLAYBOOK = Path("ways.yml").resolve()
TASK = re.compile(r"^TASK \[Run (.*)\] \*", re.MULTILINE)
TOLD = re.compile(r"cloudflare_ai_gateway_\w+ is run (.*)")
HERE = "in this process"
OFF = "in a separate process, because finops_cloudflare_in_process or FINOPS_CLOUDFLARE_IN_PROCESS is false"
UNKNOWN = "in a separate process, because this collection does not know this series of ansible-core"
KEPT = "in a separate process, because Ansible is told to keep the files of module processes"


def shown(work: Path, *command: str, **environment: str) -> str:
    """What a command that succeeds shows, from another directory than the playbook's."""
    finished = subprocess.run(
        [*command, "-vvv"],
        cwd=work,
        # Ansible would write what becomes of async tasks below $HOME, and look for it below the home of the user.
        env={**os.environ, "ANSIBLE_ASYNC_DIR": str(work / "async"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    return finished.stdout


def expected(told: str) -> str:
    """The way that a task has to be run where this one would be right with an ansible-core that is known."""
    return told if KNOWN or told == OFF else UNKNOWN


def way(output: str) -> str:
    """The way that a module is said to be run; if in this process, none has been started for it."""
    (told,) = TOLD.finditer(output)
    assert told[1] != HERE or "AnsiballZ_" not in output, output
    return told[1]


def inventory(work: Path, other_python: str) -> Path:
    python = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    hosts = {
        "localhost": python,
        "same_python": python,
        "other_python": {**python, "ansible_python_interpreter": other_python},
        "unreachable": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1},
    }
    file = work / "inventory.json"
    file.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    return file


def check_playbook(work: Path, api_url: str, slow_url: str) -> int:
    other_python = work / "bin" / "python"
    other_python.parent.mkdir()
    other_python.symlink_to(sys.executable)
    variables = {
        "options": {"account_id": ACCOUNT_ID, "api_token": WRITE_TOKEN, "api_url": api_url},
        "slow_url": slow_url,
        # A process of its own could not keep its files in the first one.
        "remote_tmp": "/dev/null/nothing" if KNOWN else str(work / "remote"),
        "other_python": str(other_python),
    }
    hosts = inventory(work, str(other_python))
    output = shown(work, "ansible-playbook", "-i", str(hosts), "-e", json.dumps(variables), str(PLAYBOOK))
    _start, *tasks = TASK.split(output)
    asked = tasks[::2]
    assert len(asked) == PLAYBOOK.read_text(encoding="utf-8").count("- name: Run ")
    assert [expected(told) for told in asked] == [way(task) for task in tasks[1::2]]
    return len(asked)


def check_short_name(work: Path, api_url: str) -> None:
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "collections": ["finops.cloudflare"],
        "module_defaults": {
            "group/finops.cloudflare.cloudflare": {"api_token": WRITE_TOKEN, "api_url": api_url},
            "finops.cloudflare.cloudflare_ai_gateway_topup_info": {"account_id": ACCOUNT_ID},
        },
        "tasks": [{"cloudflare_ai_gateway_topup_info": {}}],
    }
    file = work / "short.json"
    file.write_text(json.dumps([play]), encoding="utf-8")
    told = way(shown(work, "ansible-playbook", str(file)))
    assert told == expected("in a separate process, because the task does not use its full name")


def check_switches(work: Path, api_url: str) -> None:
    options = f"account_id={ACCOUNT_ID} api_token={WRITE_TOKEN} api_url={api_url}"
    command = ["ansible", "localhost", "-m", "finops.cloudflare.cloudflare_ai_gateway_topup_info", "-a", options]
    for right, environment in (
        (HERE, {}),
        (HERE, {"FINOPS_CLOUDFLARE_IN_PROCESS": "true"}),
        (OFF, {"FINOPS_CLOUDFLARE_IN_PROCESS": "false"}),
        (KEPT, {"ANSIBLE_KEEP_REMOTE_FILES": "true", "ANSIBLE_REMOTE_TMP": str(work / "kept")}),
    ):
        assert way(shown(work, *command, **environment)) == expected(right)


with Simulator() as simulator, Simulator() as slow, tempfile.TemporaryDirectory() as directory:
    slow.add_fault(fault="slow", seconds=3, times=100)
    number = check_playbook(Path(directory), simulator.api_url, slow.api_url)
    check_short_name(Path(directory), simulator.api_url)
    check_switches(Path(directory), simulator.api_url)
    print(
        f"{number} tasks were run in the way that their names tell" if KNOWN else f"{number} tasks were run {UNKNOWN}"
    )
