# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell of ``make try`` talks to the simulator and to nothing else."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tools.processes import environment, run
from tools.sandbox import ROOT

COMMAND = (sys.executable, "-m", "demo.shell")
PYTHONPATH = str(ROOT / "tests")


@pytest.mark.parametrize("program", ["/bin/bash", "/bin/sh", "/nowhere/unknown"])
def test_no_file_of_the_user_leads_to_a_real_account(program: str, tmp_path: Path) -> None:
    real = "export CLOUDFLARE_BASE_URL=https://real.example CLOUDFLARE_API_TOKEN=real\n"
    for name in (".bashrc", ".profile", ".bash_profile", "env.sh"):
        (tmp_path / name).write_text(real, encoding="utf-8")
    files = {"HOME": str(tmp_path), "ENV": str(tmp_path / "env.sh")}
    env = environment(**files, SHELL=program, TERM="dumb", PYTHONPATH=PYTHONPATH)
    terminal, inside = pty.openpty()
    with subprocess.Popen(COMMAND, env=env, stdin=inside, stdout=inside, stderr=inside) as running:
        os.close(inside)
        os.write(terminal, b"echo URL=$CLOUDFLARE_BASE_URL; exit\n")
        shown = b""
        # Reading fails once the last process that has the terminal open has ended.
        with contextlib.suppress(OSError):
            while part := os.read(terminal, 4096):
                shown += part
    os.close(terminal)
    assert b"URL=http://127.0.0.1:" in shown, shown
    assert b"real.example" not in shown
    assert running.returncode == 0


def test_a_command_can_be_tried(tmp_path: Path) -> None:
    env = environment(TMPDIR=str(tmp_path), SHELL="/bin/sh", PYTHONPATH=PYTHONPATH)
    typed = "ansible-playbook finops.cloudflare.topup -e amount=5000 -e threshold=1000; exit 7"
    finished = run(*COMMAND, env=env, input=typed, check=False)
    assert finished.returncode == 7, finished.stdout + finished.stderr
    assert "In this shell, Cloudflare is simulated" in finished.stdout
    assert "changed=1" in finished.stdout
    assert list(tmp_path.iterdir()) == []
    assert run(*COMMAND, "sh", "-c", "exit 3", env=env, check=False).returncode == 3
