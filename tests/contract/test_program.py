# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as a program of its own: start, serve, stop, and whom they touch."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from simulator import _processes
from simulator.simulator import ACCOUNT_ID, WRITE_TOKEN, Simulator

PROGRAM = Path(_processes.__file__).with_name("simulator.py")


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)


def ask(url: str, **options: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10, **options)


def runs(pid: int) -> bool:
    return not _processes._has_ended(pid)


def wait_until_ended(pid: int) -> None:
    deadline = time.monotonic() + 10
    while runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def info_file(tmp_path: Path) -> Iterator[Path]:
    """Where a test records its simulator; one that still runs is ended."""
    path = tmp_path / "info.json"
    yield path
    stopped = run("stop", "--info-file", path)
    assert stopped.returncode == 0, stopped.stderr


def started(info_file: Path, *arguments: str | Path) -> dict[str, Any]:
    program = run("start", "--info-file", info_file, *arguments)
    assert program.returncode == 0, program.stderr
    info: dict[str, Any] = json.loads(program.stdout)
    return info


def test_start_and_stop(info_file: Path) -> None:
    info = started(info_file)
    assert json.loads(info_file.read_text(encoding="utf-8")) == info
    assert ask(f"{info['control_url']}/").json() == info
    answer = ask(
        f"{info['api_url']}/accounts/{ACCOUNT_ID}/ai-gateway/billing/topup/config",
        headers={"Authorization": f"Bearer {WRITE_TOKEN}"},
    )
    assert answer.json()["result"]["amount"] is None
    assert os.getsid(info["pid"]) == info["pid"], "it must outlive the session that started it"

    stopped = run("stop", "--info-file", info_file)
    assert (stopped.returncode, stopped.stdout) == (0, f"process {info['pid']} has ended\n")
    assert not runs(info["pid"])
    assert not info_file.exists()

    again = run("stop", "--info-file", info_file)
    assert again.returncode == 0
    assert "nothing to stop" in again.stdout


def test_two_simulators_are_two(info_file: Path, tmp_path: Path) -> None:
    first = started(info_file)
    second = started(tmp_path / "second.json")
    assert first["api_url"] != second["api_url"]
    assert run("stop", "--info-file", tmp_path / "second.json").returncode == 0
    assert ask(f"{first['control_url']}/").json() == first


def test_a_second_start_with_the_same_file_is_refused(info_file: Path) -> None:
    info = started(info_file)
    refused = run("start", "--info-file", info_file)
    assert refused.returncode == 1
    assert f"a simulator that runs: process {info['pid']}" in refused.stderr
    assert ask(f"{info['control_url']}/").json() == info


def test_a_start_that_fails_says_why(simulator: Simulator, info_file: Path, tmp_path: Path) -> None:
    port = simulator.api_url.split(":")[2].split("/")[0]
    taken = run("start", "--info-file", info_file, "--port", port)
    assert taken.returncode == 1
    assert "ended at once with code 1" in taken.stderr
    assert "Address already in use" in taken.stderr
    assert not info_file.exists()

    nowhere = run("start", "--info-file", tmp_path / "missing" / "info.json")
    assert nowhere.returncode == 1
    assert "No such file or directory" in nowhere.stderr

    no_certificate = run("start", "--info-file", info_file, "--certfile", tmp_path / "missing.pem")
    assert no_certificate.returncode == 1
    assert "No such file or directory" in no_certificate.stderr
    for failed in (taken, nowhere, no_certificate):
        assert "Traceback" not in failed.stderr


def test_it_ends_by_itself_after_its_lifetime(info_file: Path) -> None:
    info = started(info_file, "--lifetime", "0.5")
    wait_until_ended(info["pid"])
    assert not info_file.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    info_file = tmp_path / "info.json"
    command = [sys.executable, str(PROGRAM), "serve", "--info-file", str(info_file), "--lifetime", "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        info = json.loads(served.stdout.readline())
        assert json.loads(info_file.read_text(encoding="utf-8")) == info
        assert info["pid"] == served.pid
        served.send_signal(number)
        output, errors = served.communicate(timeout=10)
    assert (served.returncode, output, errors) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_serve_needs_no_info_file(tmp_path: Path) -> None:
    served = run("serve", "--lifetime", "0", cwd=tmp_path)
    assert served.returncode == 0
    assert json.loads(served.stdout)["api_url"].startswith("http://127.0.0.1:")
    assert list(tmp_path.iterdir()) == []


def test_https(info_file: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    info = started(info_file, "--certfile", tmp_path / "server.pem")
    assert info["api_url"].startswith("https://127.0.0.1:")
    assert ask(f"{info['control_url']}/", verify=str(tmp_path / "ca.pem")).json() == info
    with pytest.raises(requests.exceptions.SSLError):
        ask(f"{info['control_url']}/")
    assert run("stop", "--info-file", info_file).stdout == f"process {info['pid']} has ended\n"
    log = (tmp_path / "info.json.log").read_text(encoding="utf-8")
    assert log == f"{json.dumps(info)}\n", "a client that distrusts the certificate is no defect"


def test_a_client_that_never_shakes_hands_blocks_nobody(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Simulator(ssl_context=context) as simulator:
        port = int(simulator.api_url.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)):
            assert ask(f"{simulator.control_url}/", verify=str(tmp_path / "ca.pem")).status_code == 200


def test_stop_ends_only_what_answers_as_the_recorded_process(simulator: Simulator, tmp_path: Path) -> None:
    """The recorded ids belong to other processes by now: one whose address another simulator has, one of nobody's."""
    info_file = tmp_path / "info.json"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        taken_over = {**simulator.info(), "pid": bystander.pid}
        nobody = {**taken_over, "control_url": "http://127.0.0.1:1/_simulator"}
        elsewhere = {**taken_over, "control_url": f"{simulator.api_url}/accounts"}
        for recorded in (taken_over, nobody, elsewhere):
            info_file.write_text(json.dumps(recorded), encoding="utf-8")
            stopped = run("stop", "--info-file", info_file)
            assert stopped.returncode == 0
            assert f"process {bystander.pid} no longer answers as the simulator" in stopped.stdout
            assert not info_file.exists()
        assert bystander.poll() is None
        bystander.communicate(b"\n")
    # Only the look at a wrong address reached the API.
    assert [entry["status"] for entry in simulator.requests] == [404]
    assert ask(f"{simulator.control_url}/").json()["pid"] == os.getpid()


@pytest.mark.parametrize("content", ["", "[]", '{"pid": "x"}', '{"pid": 1}'])
@pytest.mark.parametrize("command", ["start", "stop"])
def test_a_file_that_is_no_info_file_is_left_alone(tmp_path: Path, command: str, content: str) -> None:
    info_file = tmp_path / "info.json"
    info_file.write_text(content, encoding="utf-8")
    refused = run(command, "--info-file", info_file)
    assert refused.returncode == 1
    assert "is no info file of a simulator" in refused.stderr
    assert info_file.read_text(encoding="utf-8") == content


def test_a_start_takes_over_the_file_of_a_simulator_that_is_gone(info_file: Path) -> None:
    gone = started(info_file)
    os.kill(gone["pid"], signal.SIGKILL)
    wait_until_ended(gone["pid"])
    assert info_file.exists()
    assert started(info_file)["pid"] != gone["pid"]


def test_a_simulator_leaves_a_file_that_another_took_over(info_file: Path, tmp_path: Path) -> None:
    first = started(info_file)
    other = {**first, "pid": first["pid"] + 1}
    info_file.rename(tmp_path / "moved.json")
    info_file.write_text(json.dumps(other), encoding="utf-8")
    assert run("stop", "--info-file", tmp_path / "moved.json").returncode == 0
    assert json.loads(info_file.read_text(encoding="utf-8")) == other


def test_a_stopped_simulator_answers_no_kept_connection() -> None:
    with requests.Session() as session:
        session.trust_env = False
        with Simulator() as simulator:
            assert session.get(f"{simulator.control_url}/", timeout=10).status_code == 200
        with pytest.raises(requests.exceptions.ConnectionError):
            session.get(f"{simulator.control_url}/", timeout=10)


def test_an_unknown_command_shows_the_usage() -> None:
    for arguments in ([], ["restart"], ["start"], ["stop"]):
        refused = run(*arguments)
        assert refused.returncode == 2
        assert "usage: simulator.py" in refused.stderr
