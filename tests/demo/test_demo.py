# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold what the demo shows against what it promises."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from demo import run as demo
from simulator.simulator import WRITE_TOKEN, Simulator
from tools.processes import environment, run

PROGRAM = ("-m", "demo.run")
# What runs in the background is started with Ctrl-C ignored, and hands that on to all that it starts.
HEED_CTRL_C = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment with a place of its own for temporary files, and with an account that must not be touched."""
    return environment(
        TMPDIR=str(tmp_path),
        PYTHONPATH=str(demo.sandbox.ROOT / "tests"),
        CLOUDFLARE_API_TOKEN="a-token-of-the-caller",
        CLOUDFLARE_BASE_URL="http://127.0.0.1:9",
        CLOUDFLARE_ACCOUNT_ID="f" * 32,
    )


def test_every_step_is_shown_and_nothing_is_left_behind(env: dict[str, str], tmp_path: Path) -> None:
    started = time.time() - 1
    shown = run(sys.executable, *PROGRAM, env=env)
    assert shown.stderr == ""
    assert demo.REPORT.stat().st_mtime >= started
    assert re.findall(r"^(\d+)\. ", shown.stdout, re.MULTILINE) == [str(number) for number in range(1, 12)]
    recaps = re.findall(r"changed=(\d+) .*failed=(\d+)", shown.stdout)
    assert recaps == [
        ("1", "0"),
        ("1", "0"),
        ("0", "0"),
        ("1", "0"),
        ("0", "1"),
        ("1", "0"),
        ("0", "0"),
        ("1", "0"),
        ("1", "0"),
        ("1", "0"),
    ]
    assert "+amount: 5000 ($50.00)" in shown.stdout
    assert "-amount: 5000 ($50.00)\n+amount: 10000 ($100.00)" in shown.stdout
    assert "amount is in cents: 50 is $0.50. The minimum is 1000 ($10.00)" in shown.stdout
    assert "-auto top-up: set" in shown.stdout
    assert "+charge: 52500 ($525.00), fee 2500 ($25.00) included" in shown.stdout
    assert f"lies in {demo.REPORT}: open it in a browser" in shown.stdout
    assert "$1,734.50" in demo.REPORT.read_text(encoding="utf-8")
    assert "WARNING" not in shown.stdout
    assert "\033[" not in shown.stdout
    for secret in (WRITE_TOKEN, "a-token-of-the-caller"):
        assert secret not in shown.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_demo_leaves_nothing_behind(env: dict[str, str], tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HEED_CTRL_C, *PROGRAM],
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        while not running.stdout.readline().startswith("$ "):
            assert running.poll() is None
        os.killpg(running.pid, signal.SIGINT)
        _output, errors = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_ends_otherwise_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    class RefusesTokens(Simulator):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.settings["token_writes"] = "refused"

    monkeypatch.setattr(demo, "Simulator", RefusesTokens)
    monkeypatch.setattr(demo, "STEPS", demo.STEPS[1:2])
    with pytest.raises(demo.DemoFailed, match="Step 1 ended with exit code 2"):
        demo.main()


AS_ANNOUNCED = demo.Outcome(0, "localhost : ok=3 changed=1 unreachable=0 failed=0 ", ["GET", "POST"], (5000, 1000))


@pytest.mark.parametrize(
    "wrong",
    [{"status": 2}, {"shown": "changed=0 failed=0 "}, {"requests": ["GET", "GET"]}, {"stored": (5000, 999)}],
)
def test_a_step_is_held_to_all_that_it_announces(wrong: dict[str, Any]) -> None:
    step = demo.STEPS[1]
    demo.check(2, step, AS_ANNOUNCED)
    with pytest.raises(demo.DemoFailed, match="Step 2"):
        demo.check(2, step, AS_ANNOUNCED._replace(**wrong))
