# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the document cannot say: credentials, states, settings, and what belongs to whom."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Callable

import pytest
from simulator.simulator import (
    ACCOUNT_ID,
    EMAIL,
    FOREIGN_ACCOUNT_ID,
    GLOBAL_KEY,
    OTHER_ACCOUNT_ID,
    POWERLESS_TOKEN,
    READ_TOKEN,
    WRITE_TOKEN,
    Simulator,
)

if TYPE_CHECKING:
    from ansible_collections.finops.cloudflare.tests.contract.conftest import Client

TOPUP = {"amount": 5000, "threshold": 500}
NOTHING = {"amount": None, "threshold": None, "disabledReason": None, "error": None, "lastFailedAt": None}
STOPPED = {"disabledReason": "payment_failed", "error": "card declined", "lastFailedAt": 1760000000000}
KEY = {"X-Auth-Email": EMAIL, "X-Auth-Key": GLOBAL_KEY}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("headers", "status", "code", "chain"),
    [
        ({}, 400, 9106, []),
        ({"X-Auth-Email": EMAIL}, 400, 9106, []),
        ({"X-Auth-Key": GLOBAL_KEY}, 400, 9106, []),
        ({**KEY, **bearer(WRITE_TOKEN)}, 400, 6003, []),
        ({"Authorization": WRITE_TOKEN}, 400, 6003, [6111]),
        (bearer("with a space"), 400, 6003, [6111]),
        (bearer(""), 400, 6003, [6111]),
        ({**KEY, "X-Auth-Key": WRITE_TOKEN}, 400, 6003, [6103]),
        ({**KEY, "X-Auth-Email": "nobody"}, 400, 6003, [6102]),
        ({**KEY, "X-Auth-Key": "0" * 37}, 403, 9103, []),
        ({**KEY, "X-Auth-Email": "nobody@simulator.example"}, 403, 9103, []),
        (bearer("unknown"), 401, 10000, []),
        (bearer(POWERLESS_TOKEN), 403, 10000, []),
    ],
)
def test_credentials_that_are_refused(
    client: Client, headers: dict[str, str], status: int, code: int, chain: list[int]
) -> None:
    answer = client.ask("GET", headers=headers)
    body = answer.json()
    assert (answer.status_code, body["errors"][0]["code"]) == (status, code)
    assert [link["code"] for link in body["errors"][0].get("error_chain", [])] == chain
    assert (body["success"], body["result"]) == (False, None)


@pytest.mark.parametrize("headers", [bearer(WRITE_TOKEN), bearer(READ_TOKEN), KEY], ids=["write", "read", "key"])
def test_credentials_that_may_read(client: Client, headers: dict[str, str]) -> None:
    assert client.result("GET", headers=headers) == NOTHING


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_token_that_can_only_read_cannot_write(client: Client, simulator: Simulator, method: str) -> None:
    simulator.set_account(ACCOUNT_ID, topup=TOPUP)
    answer = client.ask(method, headers=bearer(READ_TOKEN), json={"amount": 9000, "threshold": 900})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 10000)
    assert client.result("GET") == {**NOTHING, **TOPUP}


@pytest.mark.parametrize(
    ("account_id", "status", "code"),
    [
        (FOREIGN_ACCOUNT_ID, 403, 10000),
        ("0" * 32, 404, 7003),
        (ACCOUNT_ID.upper(), 404, 7003),
        (ACCOUNT_ID[:-1], 404, 7003),
        (f"{ACCOUNT_ID}0", 404, 7003),
        ("not-hex", 404, 7003),
    ],
)
def test_accounts_that_are_out_of_reach(client: Client, account_id: str, status: int, code: int) -> None:
    answer = client.ask("GET", account_id=account_id)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


def test_accounts_do_not_touch_each_other(client: Client) -> None:
    client.result("POST", json=TOPUP)
    assert client.result("GET", account_id=OTHER_ACCOUNT_ID) == NOTHING


def test_an_unknown_route_and_an_unknown_method(client: Client) -> None:
    lost, method = client.ask("GET", "topup/nothing"), client.ask("PUT")
    assert (lost.status_code, lost.json()["errors"][0]["code"]) == (404, 7003)
    assert (method.status_code, method.headers["Allow"]) == (405, "GET, POST, DELETE")
    assert client.ask("HEAD").status_code == 405
    assert client.result("GET") == NOTHING


def test_every_answer_tells_its_own_ray_and_the_rate_limit(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="empty_502")
    answers = [client.ask(method) for method in ("GET", "GET", "PUT")]
    assert [answer.status_code for answer in answers] == [502, 200, 405]
    assert len({answer.headers["cf-ray"] for answer in answers}) == 3
    assert [answer.headers["Ratelimit"].split(";")[1] for answer in answers] == ["r=1199", "r=1198", "r=1197"]
    assert {answer.headers["Ratelimit-Policy"] for answer in answers} == {'"default";q=1200;w=300'}


def test_set_replace_and_delete(client: Client) -> None:
    assert client.result("POST", json=TOPUP) == TOPUP
    assert client.result("GET") == {**NOTHING, **TOPUP}
    assert client.result("POST", json={"amount": 1000, "threshold": 70000}) == {"amount": 1000, "threshold": 70000}
    assert client.result("DELETE") == {}
    assert client.result("GET") == NOTHING
    assert client.result("DELETE") == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b'\xff{"amount": 5000, "threshold": 500}',
        b'{"amount": NaN, "threshold": 500}',
        b"[" * 100000,
        b"[]",
        b"null",
        b"{}",
        b'{"amount": 5000}',
        b'{"threshold": 500}',
        b'{"amount": 5000, "threshold": 500, "currency": "USD"}',
        b'{"amount": 5000.0, "threshold": 500}',
        b'{"amount": 5000, "threshold": 500.5}',
        b'{"amount": "5000", "threshold": 500}',
        b'{"amount": true, "threshold": 500}',
        b'{"amount": null, "threshold": null}',
        b'{"amount": 999, "threshold": 500}',
        b'{"amount": 1000, "threshold": 499}',
        b'{"amount": 500001, "threshold": 500}',
    ],
)
def test_a_body_that_breaks_the_rules_changes_nothing(client: Client, simulator: Simulator, body: bytes) -> None:
    simulator.set_account(ACCOUNT_ID, topup=TOPUP)
    headers = {**bearer(WRITE_TOKEN), "Content-Type": "application/json"}
    answer = client.ask("POST", headers=headers, data=body)
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert client.result("GET") == {**NOTHING, **TOPUP}


def test_a_body_must_be_declared_as_json(client: Client) -> None:
    body = b'{"amount": 5000, "threshold": 500}'
    assert client.ask("POST", data=body).status_code == 400
    text = {**bearer(WRITE_TOKEN), "Content-Type": "text/plain"}
    assert client.ask("POST", headers=text, data=body).status_code == 400
    charset = {**bearer(WRITE_TOKEN), "Content-Type": "application/json; charset=utf-8"}
    assert client.ask("POST", headers=charset, data=body).status_code == 200
    assert client.ask("POST", data=iter([body])).status_code == 411


def test_amounts_keep_within_the_limits_of_the_account(client: Client, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, limits={"min_cents": 2000, "max_cents": 3000, "currency": "EUR"})
    statuses = [client.ask("POST", json={**TOPUP, "amount": each}).status_code for each in (1999, 2000, 3000, 3001)]
    assert statuses == [400, 200, 200, 400]
    assert client.result("GET", "topup/limits") == {"min_cents": 2000, "max_cents": 3000, "currency": "EUR"}


@pytest.mark.parametrize(
    ("settings", "stored", "expected"),
    [
        ({}, {}, '{"amount": null, "threshold": null, "disabledReason": null, "error": null, "lastFailedAt": null}'),
        ({"unset": "zero", "optional_keys": "missing"}, {}, '{"amount": 0, "threshold": 0}'),
        ({"unset": "zero", "optional_keys": "missing", "numbers": "float"}, {}, '{"amount": 0.0, "threshold": 0.0}'),
        ({"unset": "missing", "optional_keys": "missing"}, {}, "{}"),
        ({"optional_keys": "missing", "numbers": "float"}, TOPUP, '{"amount": 5000.0, "threshold": 500.0}'),
        (
            {"optional_keys": "missing"},
            {**TOPUP, "disabledReason": "", "lastFailedAt": 1760000000},
            '{"amount": 5000, "threshold": 500, "disabledReason": "", "lastFailedAt": 1760000000}',
        ),
    ],
)
def test_how_a_configuration_may_look(
    client: Client, simulator: Simulator, settings: dict[str, Any], stored: dict[str, Any], expected: str
) -> None:
    simulator.settings.change(settings)
    simulator.set_account(ACCOUNT_ID, topup=stored)
    assert f'"result": {expected}, ' in client.ask("GET").text


def test_floats_are_echoed_too(client: Client, simulator: Simulator) -> None:
    simulator.settings["numbers"] = "float"
    assert '"result": {"amount": 5000.0, "threshold": 500.0}' in client.ask("POST", json=TOPUP).text


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("setting", "token", "key"), [("allowed", 200, 200), ("refused", 403, 200), ("refused_to_all", 403, 403)]
)
def test_writes_may_be_refused_to_tokens(
    client: Client, simulator: Simulator, method: str, setting: str, token: int, key: int
) -> None:
    simulator.settings["token_writes"] = setting
    assert client.ask(method, json=TOPUP).status_code == token
    assert client.ask(method, json=TOPUP, headers=KEY).status_code == key
    assert client.ask("GET").status_code == 200


@pytest.mark.parametrize(("setting", "left"), [("resumes", NOTHING), ("stays_stopped", STOPPED)])
def test_a_write_may_resume_a_stopped_top_up(
    client: Client, simulator: Simulator, setting: str, left: dict[str, Any]
) -> None:
    simulator.settings["write_to_stopped"] = setting
    simulator.set_account(ACCOUNT_ID, topup={**TOPUP, **STOPPED})
    assert client.result("GET") == {**TOPUP, **STOPPED}
    assert client.result("POST", json=TOPUP) == TOPUP
    assert client.result("GET") == {**left, **TOPUP}


def test_a_delete_may_find_nothing(client: Client, simulator: Simulator) -> None:
    simulator.settings["delete_unset"] = "not_found"
    simulator.set_account(ACCOUNT_ID, topup=TOPUP)
    assert [client.ask("DELETE").status_code for attempt in range(2)] == [200, 404]


def test_limits_may_be_unknown(client: Client, simulator: Simulator) -> None:
    simulator.settings["limits"] = "unknown"
    answer = client.ask("GET", "topup/limits")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, 7003)


def test_messages_may_be_there_or_not(client: Client, simulator: Simulator) -> None:
    assert client.ask("GET").json()["messages"] == []
    assert "messages" not in client.ask("PUT").json()
    simulator.settings.change({"success_messages": "code_10000", "error_messages": "empty"})
    success = client.ask("GET").json()
    assert (success["success"], success["messages"][0]["code"]) == (True, 10000)
    assert client.ask("PUT").json()["messages"] == []


def test_a_rate_limit_refuses_everything_until_its_window_ends(client: Client, simulator: Simulator) -> None:
    simulator.settings["rate_limit"] = {"requests": 2, "window_seconds": 0.3}
    answers = [client.ask("GET") for attempt in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert answers[2].json()["errors"][0]["code"] == 971
    assert answers[2].headers["Retry-After"] == "1"
    simulator.settings["rate_limit"] = {"requests": 2, "window_seconds": 300}
    assert client.ask("GET").headers["Ratelimit"] == '"default";r=1;t=300'
    simulator.reset()
    simulator.settings["rate_limit"] = {"requests": 1, "window_seconds": 300}
    assert [client.ask("GET").status_code for attempt in range(2)] == [200, 429]


def test_a_block_begins_with_the_first_request_too_many_and_no_other_makes_it_longer(
    client: Client, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("simulator._api.time", SimpleNamespace(monotonic=lambda: clock.now))

    def ask(moment: float) -> str | None:
        clock.now = 1000.0 + moment
        answer = client.ask("GET")
        assert (answer.status_code == 429) == ("Retry-After" in answer.headers)
        return answer.headers.get("Retry-After")

    simulator.settings["rate_limit"] = {"requests": 2, "window_seconds": 300}
    assert [ask(moment) for moment in (0, 298, 299, 300, 598.5)] == [None, None, "300", "299", "1"]
    assert [ask(moment) for moment in (599, 899)] == [None, None]
    simulator.settings["rate_limit"] = {"requests": 1, "window_seconds": 300, "block_seconds": 2}
    assert [ask(moment) for moment in (1000, 1299, 1300.5, 1301)] == [None, "2", "1", None]


def test_clients_at_once(simulator: Simulator, connect: Callable[[], Client]) -> None:
    """Each of them sets and reads its own account, while the others do."""

    def converse(number: int) -> bool:
        account_id, topup = f"{number:032x}", {"amount": 1000 + number, "threshold": 500 + number}
        simulator.set_account(account_id)
        client = connect()
        written = client.result("POST", account_id=account_id, json=topup)
        read = [client.result("GET", account_id=account_id) for attempt in range(10)]
        return written == topup and read == [{**NOTHING, **topup}] * 10

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(converse, range(32)))
    assert len(simulator.requests) == 32 * 11
    assert {entry["status"] for entry in simulator.requests} == {200}
