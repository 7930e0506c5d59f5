# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the document cannot say of the list of accounts: who sees which of them, and how pages follow each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import requests
from simulator.simulator import (
    ACCOUNT_ID,
    EMAIL,
    GLOBAL_KEY,
    OTHER_ACCOUNT_ID,
    POWERLESS_TOKEN,
    READ_TOKEN,
    WRITE_TOKEN,
    Simulator,
)

if TYPE_CHECKING:
    from ansible_collections.finops.cloudflare.tests.contract.conftest import Client

KEY = {"X-Auth-Email": EMAIL, "X-Auth-Key": GLOBAL_KEY}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def listed(client: Client, headers: dict[str, str] | None = None, **query: Any) -> requests.Response:
    url = f"{client.simulator.api_url}/accounts?{urlencode(query)}"
    return client.session.get(url, headers=bearer(READ_TOKEN) if headers is None else headers, timeout=10)


@pytest.mark.parametrize("headers", [bearer(WRITE_TOKEN), bearer(READ_TOKEN), bearer(POWERLESS_TOKEN), KEY])
def test_the_accounts_within_reach_are_listed(client: Client, headers: dict[str, str]) -> None:
    answer = listed(client, headers).json()
    assert [(each["id"], each["name"]) for each in answer["result"]] == [
        (ACCOUNT_ID, "Account 012345"),
        (OTHER_ACCOUNT_ID, "Account fedcba"),
    ]
    assert answer["result_info"] == {"page": 1, "per_page": 20, "count": 2, "total_count": 2, "total_pages": 1}


def test_names_and_types_are_those_that_were_set(client: Client, simulator: Simulator) -> None:
    simulator.set_account(OTHER_ACCOUNT_ID, name="Acme GmbH", type="enterprise", created_on=None)
    simulator.set_account(ACCOUNT_ID, reachable=False)
    (only,) = listed(client).json()["result"]
    assert only == {"id": OTHER_ACCOUNT_ID, "name": "Acme GmbH", "type": "enterprise", "created_on": None}


def test_pages_hold_each_account_once(client: Client, simulator: Simulator) -> None:
    for number in range(9):
        simulator.set_account(f"{number:032x}")
    pages = [listed(client, page=page, per_page=5).json() for page in (1, 2, 3, 4)]
    assert [page["result_info"]["count"] for page in pages] == [5, 5, 1, 0]
    assert {page["result_info"]["total_pages"] for page in pages} == {3}
    assert len({account["id"] for page in pages for account in page["result"]}) == 11


@pytest.mark.parametrize(
    "query",
    [{"page": 0}, {"page": "two"}, {"page": ""}, {"page": 1.5}, {"per_page": 4}, {"per_page": 51}, {"per_page": -5}],
)
def test_pages_that_there_cannot_be(client: Client, query: dict[str, Any]) -> None:
    answer = listed(client, **query)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, ["query", *query])


def test_accounts_may_be_hidden_from_a_token(client: Client, simulator: Simulator) -> None:
    simulator.settings["accounts"] = "hidden"
    answer = listed(client)
    assert (answer.status_code, answer.json()["result"], answer.json()["success"]) == (200, [], True)
    assert answer.json()["result_info"]["total_count"] == 0


def test_where_a_page_stands_may_be_left_out(client: Client, simulator: Simulator) -> None:
    simulator.settings["result_info"] = "missing"
    answer = listed(client).json()
    assert "result_info" not in answer
    assert len(answer["result"]) == 2


@pytest.mark.parametrize(
    ("setting", "value", "shown", "totals"),
    [
        ("total_count", "of_the_page", [5, 5, 1, 0], [5, 5, 1, 0]),
        ("total_count", "zero", [5, 5, 1, 0], [0] * 4),
        ("total_count", "too_many", [5, 5, 1, 0], [12] * 4),
        ("pages", "clamped", [5, 5, 1, 1], [11] * 4),
        ("pages", "repeated", [5] * 4, [11] * 4),
        ("pages", "endless", [5] * 4, [11] * 4),
    ],
)
def test_a_list_may_be_wrong(
    client: Client, simulator: Simulator, setting: str, value: str, shown: list[int], totals: list[int]
) -> None:
    for number in range(9):
        simulator.set_account(f"{number:032x}")
    simulator.settings[setting] = value
    pages = [listed(client, page=page, per_page=5).json() for page in (1, 2, 3, 4)]
    assert [len(page["result"]) for page in pages] == shown
    assert [page["result_info"]["total_count"] for page in pages] == totals
    different = {account["id"] for page in pages for account in page["result"]}
    assert len(different) == {"repeated": 5, "endless": 20}.get(value, 11)


def test_pages_may_be_smaller_than_asked(client: Client, simulator: Simulator) -> None:
    for number in range(30):
        simulator.set_account(f"{number:032x}")
    simulator.settings["pages"] = "capped"
    answer = listed(client, per_page=50).json()
    assert (len(answer["result"]), answer["result_info"]["per_page"]) == (20, 20)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 400, 9106),
        (bearer("unknown"), 403, 9109),
        (bearer("a b"), 400, 6003),
        ({**KEY, "X-Auth-Key": "0"}, 403, 9103),
    ],
)
def test_credentials_that_are_refused(client: Client, headers: dict[str, str], status: int, code: int) -> None:
    answer = listed(client, headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
