# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: the simulator, modules run in this process over real HTTP, and a server that answers with given bytes."""

from __future__ import annotations

import gc
import json
import os
import socketserver
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Iterator

import hypothesis
import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible.module_utils.common.text.converters import to_bytes
from ansible_collections.finops.cloudflare.plugins.module_utils import _client
from ansible_collections.finops.cloudflare.tests.simulator.simulator import Simulator

# Speed decides nothing. Runs can be repeated with the same examples, but for the nightly ones, which look for new ones.
for profile, examples in (("shallow", 20), ("deep", 200), ("nightly", 2000)):
    hypothesis.settings.register_profile(
        profile, max_examples=examples, deadline=None, derandomize=profile != "nightly", database=None, print_blob=True
    )
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "shallow"))

ENVIRONMENT = (
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_TOKEN",
    "CLOUDFLARE_API_KEY",
    "CLOUDFLARE_EMAIL",
    "CLOUDFLARE_ACCOUNT_ID",
    "CLOUDFLARE_BASE_URL",
    "CLOUDFLARE_API_BASE_URL",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has set must not decide a test."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _new_process() -> None:
    """Each test starts like a process of its own."""
    _client._session.cache_clear()
    gc.unfreeze()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have slept, in order; it does not sleep."""
    slept: list[float] = []
    monkeypatch.setattr(_client, "time", SimpleNamespace(sleep=slept.append, time=time.time, monotonic=time.monotonic))
    return slept


@pytest.fixture
def run_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., dict[str, Any]]:
    """Run a module's main() with these options and return what it prints, as Ansible would read it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(main: Callable[[], None], options: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
        arguments = {**options, "_ansible_check_mode": check_mode, "_ansible_diff": True}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", to_bytes(json.dumps({"ANSIBLE_MODULE_ARGS": arguments})))
        # ansible-core 2.19 and later want to know how the arguments are serialized.
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        # A module process is not the controller, even if a test of another plugin has made this process one.
        if internal := sys.modules.get("ansible.module_utils._internal"):
            monkeypatch.setattr(internal, "is_controller", False, raising=False)
        # Where a process runs more than one module, warnings pile up.
        warnings._global_warnings.clear()
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        result = json.loads(printed.out)
        # What ansible-core 2.22 and later take out of the result first: the texts that they are to censor from then on.
        result.pop("_ansible_new_secrets", None)
        assert bool(result.get("failed")) == (ended.value.code != 0)
        assert "Traceback" not in printed.out + printed.err
        result["warnings"] = [_text(warning) for warning in result.get("warnings", [])]
        return result

    return run


def _text(warning: Any) -> str:
    """A warning's text; ansible-core 2.19 and later wrap it."""
    return warning if isinstance(warning, str) else warning["event"]["msg"]


class RawServer(socketserver.ThreadingTCPServer):
    """Answers every request with the bytes in C(answer), then closes the connection."""

    allow_reuse_address = True
    daemon_threads = True
    answer = b""

    class RequestHandlerClass(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            for line in self.rfile:
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
                if not line.strip():
                    break
            self.rfile.read(length)
            self.wfile.write(self.server.answer)  # type: ignore[attr-defined]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.RequestHandlerClass)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    with RawServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
