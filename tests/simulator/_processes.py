# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the simulator as a process of its own, and ends exactly that process."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE_SECONDS = 15.0


class ProcessError(Exception):
    """Says what could not be done and why."""


def write_info(info_file: Path, info: dict[str, Any]) -> None:
    """Whoever waits for the file must never read half of it."""
    draft = info_file.with_name(f"{info_file.name}.{info['pid']}")
    draft.write_text(json.dumps(info) + "\n", encoding="utf-8")
    os.replace(draft, info_file)


def read_info(info_file: Path) -> dict[str, Any] | None:
    try:
        info = json.loads(info_file.read_text(encoding="utf-8"))
        return {"pid": int(info["pid"]), "api_url": str(info["api_url"]), "control_url": str(info["control_url"])}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ProcessError(f"{info_file} is no info file of a simulator: {error!r}") from error


def start(command: list[str], info_file: Path) -> dict[str, Any]:
    earlier = read_info(info_file)
    if earlier is not None and _answering_pid(earlier) == earlier["pid"]:
        raise ProcessError(f"{info_file} records a simulator that runs: process {earlier['pid']}, {earlier['api_url']}")
    log_file = info_file.with_name(f"{info_file.name}.log")
    try:
        with log_file.open("wb") as log:
            # It outlives this program, so nothing here waits for it.
            child = subprocess.Popen(  # pylint: disable=consider-using-with
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
    except OSError as error:
        raise ProcessError(f"the simulator did not start: {error}") from error
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        # Looked at before the info file: a simulator that ends at once may have written that already.
        ended = child.poll() is not None
        info = read_info(info_file)
        if info is not None and info["pid"] == child.pid and _answering_pid(info) == child.pid:
            return info
        if ended:
            said = log_file.read_text(encoding="utf-8", errors="replace").strip()
            raise ProcessError(f"the simulator ended at once with code {child.returncode}: {said}")
        time.sleep(0.02)
    child.kill()
    child.wait()
    raise ProcessError(f"the simulator did not answer within {PATIENCE_SECONDS:g} seconds; see {log_file}")


def stop(info_file: Path) -> str:
    info = read_info(info_file)
    if info is None:
        return f"{info_file} is not there: nothing to stop"
    if _answering_pid(info) != info["pid"]:
        # Its process id may belong to any other program by now.
        info_file.unlink()
        return f"process {info['pid']} no longer answers as the simulator at {info['control_url']}: it is gone already"
    try:
        os.kill(info["pid"], signal.SIGTERM)
    except ProcessLookupError:
        return f"process {info['pid']} is gone already"
    except PermissionError as error:
        raise ProcessError(f"process {info['pid']} belongs to another user") from error
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _has_ended(info["pid"]):
        if time.monotonic() > deadline:
            raise ProcessError(f"process {info['pid']} did not end within {PATIENCE_SECONDS:g} seconds")
        time.sleep(0.02)
    return f"process {info['pid']} has ended"


def _answering_pid(info: dict[str, Any]) -> int | None:
    """What the simulator at that address calls its process id; None if no simulator answers there."""
    url = urlsplit(info["control_url"])
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        # Nothing secret is sent, and the certificate of a test is signed by nobody.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(url.netloc, timeout=5, context=context)
    else:
        connection = http.client.HTTPConnection(url.netloc, timeout=5)
    try:
        connection.request("GET", f"{url.path}/")
        return int(json.loads(connection.getresponse().read())["pid"])
    except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError):
        return None
    finally:
        connection.close()


def _has_ended(pid: int) -> bool:
    """Also true of a process that only waits for a parent to collect it: in a container there may be none that does."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        # There is no /proc on this system, or the process ended since; then the next look sees it.
        return False
    return state == "Z"
