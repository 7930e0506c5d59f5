# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients, calls and failures, as the tests of the client need them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils._api import Call, CloudflareError
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import (
    NO_TOPUP,
    read_topup,
    wanted_topup,
    write_topup,
)
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, WRITE_TOKEN, Simulator

WANTED = wanted_topup(5000, 500)
READ = read_topup(ACCOUNT_ID)
WRITE = write_topup(ACCOUNT_ID, NO_TOPUP, WANTED)
REMOVE = write_topup(ACCOUNT_ID, WANTED, NO_TOPUP)


def client_of(url: str, token: str = WRITE_TOKEN, **options: Any) -> Client:
    return Client({"Authorization": f"Bearer {token}"}, url, **{"timeout": 5, "retries": 3, "verify": True, **options})


def methods(simulator: Simulator) -> list[str]:
    return [request["method"] for request in simulator.requests]


def failure_of(client: Client, call: Call, kind: type[CloudflareError] | None = None) -> CloudflareError:
    """The error that the call ends with; it has to be of exactly this class, where one is given."""
    with pytest.raises(CloudflareError) as failed:
        client.send(call)
    assert kind in (None, failed.type)
    return failed.value
