# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as a program of its own, which runs a command and ends with it."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import simulator as package
import trustme
from simulator import simulator as constants
from simulator.simulator import Simulator

TESTS = Path(package.__file__).parents[1]
PROGRAM = (sys.executable, "-m", "simulator")
# Prints its environment on one line, then does as it is told.
COMMAND = "import json, os, signal, sys, time; print(json.dumps(dict(os.environ)), flush=True); "
# For a signal: the end of its input would end it too.
WAIT = "time.sleep(60)"


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(TESTS),
        "CLOUDFLARE_API_TOKEN": "a real one",
        "CLOUDFLARE_EMAIL": "somebody@example.com",
        "UNRELATED": "kept",
    }


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def running(*arguments: str, then: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The program while its command runs, and the command's environment."""
    command = [*PROGRAM, "run", *arguments, "--", sys.executable, "-c", COMMAND + then]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        try:
            yield program, json.loads(program.stdout.readline())
        finally:
            if program.poll() is None:
                program.kill()


def ask(url: str, **options: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10, **options)


@pytest.fixture
def certificate(tmp_path: Path) -> trustme.LeafCert:
    """A certificate in ``server.pem``, by the authority in ``ca.pem``."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    return leaf


def test_the_command_finds_the_simulator_in_its_environment_and_nothing_of_the_real_cloudflare() -> None:
    with running(then="input()") as (_program, variables):
        known = json.loads(variables["SIMULATOR"])
        assert known == {
            "api_url": known["api_url"],
            "control_url": known["control_url"],
            "account_id": constants.ACCOUNT_ID,
            "other_account_id": constants.OTHER_ACCOUNT_ID,
            "foreign_account_id": constants.FOREIGN_ACCOUNT_ID,
            "write_token": constants.WRITE_TOKEN,
            "read_token": constants.READ_TOKEN,
            "powerless_token": constants.POWERLESS_TOKEN,
            "email": constants.EMAIL,
            "global_key": constants.GLOBAL_KEY,
            "client_secret": constants.CLIENT_SECRET,
        }
        assert {name: value for name, value in variables.items() if name.startswith("CLOUDFLARE_")} == {
            "CLOUDFLARE_BASE_URL": known["api_url"],
            "CLOUDFLARE_API_TOKEN": constants.WRITE_TOKEN,
            "CLOUDFLARE_ACCOUNT_ID": constants.ACCOUNT_ID,
        }
        assert variables["UNRELATED"] == "kept"
        assert ask(f"{known['control_url']}/").json() == {name: known[name] for name in ("api_url", "control_url")}
        answer = ask(
            f"{known['api_url']}/accounts/{constants.ACCOUNT_ID}/ai-gateway/billing/topup/config",
            headers={"Authorization": f"Bearer {variables['CLOUDFLARE_API_TOKEN']}"},
        )
        assert answer.json()["result"]["amount"] is None


def test_it_ends_with_the_command_and_has_its_exit_status() -> None:
    with running(then="input(); sys.exit(3)") as (program, variables):
        control_url = json.loads(variables["SIMULATOR"])["control_url"]
        assert program.communicate("\n", timeout=30) == ("", "")
        assert program.returncode == 3
        with pytest.raises(requests.exceptions.ConnectionError):
            ask(f"{control_url}/")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_on_and_the_command_decides_how_to_end(number: signal.Signals) -> None:
    handled = f"signal.signal({number}, lambda *_: sys.exit('heard')); print('ready', flush=True); {WAIT}"
    with running(then=handled) as (program, _variables):
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        program.send_signal(number)
        assert program.communicate(timeout=30) == ("", "heard\n")
    assert program.returncode == 1


def test_a_signal_that_ends_the_command_leaves_no_process() -> None:
    with running(then=f"print(os.getpid(), flush=True); {WAIT}") as (program, _variables):
        assert program.stdout is not None
        command = int(program.stdout.readline())
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=30)
    assert program.returncode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(command, 0)


def test_two_simulators_are_two() -> None:
    with running(then="input()") as (_first, one), running(then="input()") as (_second, other):
        assert one["CLOUDFLARE_BASE_URL"] != other["CLOUDFLARE_BASE_URL"]


def test_the_arguments_of_the_command_stay_as_they_are() -> None:
    shown = run("run", "--", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--port", "--", "a b", "")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "['--port', '--', 'a b', '']\n", "")


def test_a_start_that_fails_says_why_and_runs_nothing(simulator: Simulator, tmp_path: Path) -> None:
    port = simulator.api_url.split(":")[2].split("/")[0]
    for arguments, status, reason in (
        (("run", "--port", port, "--", "echo", "started"), 1, "Address already in use"),
        (("run", "--port", "70000", "--", "echo", "started"), 1, "port must be 0-65535"),
        (("run", "--certfile", tmp_path / "missing.pem", "--", "echo", "started"), 1, "No such file or directory"),
        (("run", "--", tmp_path / "missing"), 127, f"{tmp_path / 'missing'}: No such file or directory"),
    ):
        failed = run(*arguments)
        assert (failed.returncode, failed.stdout) == (status, "")
        assert failed.stderr.startswith("simulator: ")
        assert reason in failed.stderr
        assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("arguments", [(), ("restart",), ("run",), ("run", "--")], ids=str)
def test_a_call_without_a_command_shows_the_usage(arguments: tuple[str, ...]) -> None:
    refused = run(*arguments)
    assert refused.returncode == 2
    assert "usage: simulator" in refused.stderr


def test_https_is_served_with_a_certificate(certificate: trustme.LeafCert, tmp_path: Path) -> None:
    with running("--certfile", str(tmp_path / "server.pem"), then="input()") as (program, variables):
        known = json.loads(variables["SIMULATOR"])
        assert known["api_url"].startswith("https://127.0.0.1:")
        url = f"{known['control_url']}/"
        assert ask(url, verify=str(tmp_path / "ca.pem")).json()["api_url"] == known["api_url"]
        with pytest.raises(requests.exceptions.SSLError):
            ask(url)
        # A client that distrusts the certificate is no defect.
        assert program.communicate("\n", timeout=30) == ("", "")
    assert program.returncode == 0


def test_a_client_that_never_shakes_hands_blocks_nobody(certificate: trustme.LeafCert, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with Simulator(ssl_context=context) as simulator:
        port = int(simulator.api_url.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)):
            assert ask(f"{simulator.control_url}/", verify=str(tmp_path / "ca.pem")).status_code == 200


def test_a_stopped_simulator_answers_no_kept_connection() -> None:
    with requests.Session() as session:
        session.trust_env = False
        with Simulator() as simulator:
            assert session.get(f"{simulator.control_url}/", timeout=10).status_code == 200
        with pytest.raises(requests.exceptions.ConnectionError):
            session.get(f"{simulator.control_url}/", timeout=10)
