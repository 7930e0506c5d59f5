# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Callable

import pytest
import requests
from simulator.simulator import ACCOUNT_ID, WRITE_TOKEN, Simulator


class Client:
    """Sends what it is told to, well-formed or not."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        # A proxy or a ~/.netrc of the machine has no say here.
        self.session.trust_env = False

    def ask(
        self, method: str, path: str = "topup/config", *, account_id: str = ACCOUNT_ID, **options: Any
    ) -> requests.Response:
        options.setdefault("headers", {"Authorization": f"Bearer {WRITE_TOKEN}"})
        url = f"{self.simulator.api_url}/accounts/{account_id}/ai-gateway/billing/{path}"
        return self.session.request(method, url, timeout=10, allow_redirects=False, **options)

    def result(self, method: str, path: str = "topup/config", **options: Any) -> Any:
        answer = self.ask(method, path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def control(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.simulator.control_url}{path}", timeout=10, **options)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def connect(simulator: Simulator) -> Iterator[Callable[[], Client]]:
    """Makes clients with a connection of their own."""
    with ExitStack() as open_sessions:

        def connected() -> Client:
            client = Client(simulator)
            open_sessions.enter_context(client.session)
            return client

        yield connected


@pytest.fixture
def client(connect: Callable[[], Client]) -> Client:
    return connect()
