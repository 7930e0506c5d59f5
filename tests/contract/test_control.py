# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API, as a shell or a playbook uses it, and the log of requests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from simulator.simulator import (
    ACCOUNT_ID,
    CLIENT_SECRET,
    EMAIL,
    FOREIGN_ACCOUNT_ID,
    GLOBAL_KEY,
    OTHER_ACCOUNT_ID,
    POWERLESS_TOKEN,
    READ_TOKEN,
    SECRETS,
    WRITE_TOKEN,
    Simulator,
)

if TYPE_CHECKING:
    from ansible_collections.finops.cloudflare.tests.contract.conftest import Client

NEW = "ab" * 16
TOPUP = {"amount": 5000, "threshold": 500}
INVOICE = {"type": "auto", "amount_paid": 5250, "amount_due": 5250, "amount_remaining": 0, "currency": "usd"}
CONFIG_PATH = f"/client/v4/accounts/{ACCOUNT_ID}/ai-gateway/billing/topup/config"


def test_it_says_where_it_is(client: Client, simulator: Simulator) -> None:
    here = {"api_url": simulator.api_url, "control_url": simulator.control_url}
    for path in ("/", ""):
        assert client.control("GET", path).json() == here


def test_accounts_are_read_changed_and_made(client: Client) -> None:
    stopped = {**TOPUP, "disabledReason": "no", "error": "declined", "lastFailedAt": 1760000000000}
    changed = client.control("PATCH", f"/accounts/{ACCOUNT_ID}", json={"topup": stopped})
    assert (changed.status_code, changed.json()["topup"]) == (200, stopped)
    assert client.result("GET") == stopped
    partly = client.control("PATCH", f"/accounts/{ACCOUNT_ID}", json={"topup": {"error": None}}).json()
    assert partly["topup"] == {**stopped, "error": None}
    emptied = client.control("PATCH", f"/accounts/{ACCOUNT_ID}", json={"topup": None}).json()
    assert set(emptied["topup"].values()) == {None}

    assert client.control("GET", f"/accounts/{NEW}").status_code == 404
    assert client.ask("GET", account_id=NEW).status_code == 404
    client.control("PATCH", f"/accounts/{NEW}", json={"limits": {"max_cents": 2000}})
    accounts = client.control("GET", "/accounts").json()
    assert set(accounts) == {ACCOUNT_ID, OTHER_ACCOUNT_ID, FOREIGN_ACCOUNT_ID, NEW}
    assert "usage" in client.control("GET", f"/accounts/{NEW}").json()
    assert "usage" not in accounts[NEW]
    assert accounts[NEW]["limits"]["max_cents"] == 2000
    assert client.control("GET", f"/accounts/{NEW}").json()["limits"] == {
        "min_cents": 1000,
        "max_cents": 2000,
        "currency": "USD",
    }
    assert client.ask("GET", account_id=NEW).status_code == 200
    client.control("PATCH", f"/accounts/{NEW}", json={"reachable": False})
    assert client.ask("GET", account_id=NEW).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        [],
        {"top_up": {}},
        {"reachable": 1},
        {"name": None},
        {"name": 1},
        {"type": "free"},
        {"topup": []},
        {"topup": {"amount": "5000"}},
        {"topup": {"amount": True}},
        {"topup": {"disabled_reason": "x"}},
        {"topup": {"error": 1}},
        {"limits": None},
        {"limits": {"max_cents": None}},
        {"limits": {"max_cents": 1.5}},
        {"topup": {"amount": 9000}, "limits": {"currency": 1}},
        {"account_id": NEW},
        {"balance": None},
        {"balance": "2500"},
        {"payment_method": {"last4": 4242}},
        {"payment_method": {"kind": "card"}},
        {"has_default_payment_method": None},
        {"first_topup_success": 1},
        {"usage": {}},
        {"usage": [{"start_time": 0}]},
        {"usage": [{"start_time": 1, "aggregated_value": 1}]},
        {"usage": [{"start_time": 0, "aggregated_value": 1, "end_time": 3600000}]},
        {"invoices": [{"type": "auto"}]},
        {"invoices": [{**INVOICE, "type": "all"}]},
        {"invoices": [{**INVOICE, "paid": True}]},
        {"invoice_preview": None},
        {"invoice_preview": {"status": "unheard of"}},
        {"invoice_preview": {"invoice_lines": [{"amount": 1}]}},
        {"spending_limit": {"enabled": None}},
        {"spending_limit": {"config": {}}},
        {"balance": 1, "usage": [1]},
    ],
)
def test_an_account_is_not_changed_to_what_cannot_be(client: Client, simulator: Simulator, changes: Any) -> None:
    before = client.control("GET", f"/accounts/{ACCOUNT_ID}").json()
    refused = client.control("PATCH", f"/accounts/{ACCOUNT_ID}", json=changes)
    assert refused.status_code == 400
    assert refused.json()["error"]
    assert simulator.account(ACCOUNT_ID) == before


def test_what_is_stored_of_billing_is_read_and_changed(client: Client) -> None:
    changes = {
        "balance": -0.5,
        "payment_method": {"brand": "amex"},
        "has_default_payment_method": False,
        "first_topup_success": None,
        "usage": [{"start_time": 3600000, "aggregated_value": 0.25}],
        "invoices": [INVOICE],
        "spending_limit": {"enabled": True, "amount": 10000},
    }
    before = client.control("GET", f"/accounts/{ACCOUNT_ID}").json()
    changed = client.control("PATCH", f"/accounts/{ACCOUNT_ID}", json=changes).json()
    assert client.control("GET", f"/accounts/{ACCOUNT_ID}").json() == changed
    assert {name for name in before if before[name] != changed[name]} == set(changes)
    assert changed["payment_method"] == {"brand": "amex", "last4": None}
    assert {key: value for key, value in changed["invoices"][0].items() if value is not None} == INVOICE
    assert changed["spending_limit"] == {"enabled": True, "amount": 10000, "duration": None, "strategy": None}
    assert changed["usage"] == changes["usage"]


def test_what_is_no_json_number_is_refused(client: Client) -> None:
    for body in ('{"balance": NaN}', '{"balance": 1e999}', '{"topup": {"amount": -Infinity}}'):
        assert client.control("PATCH", f"/accounts/{ACCOUNT_ID}", data=body).status_code == 400, body


@pytest.mark.parametrize("body", [[], {"then": 0}, {"now": "2026-09-28"}, {"now": -1}, {"now": 1.5}])
def test_a_reset_to_no_moment_changes_nothing(client: Client, simulator: Simulator, body: Any) -> None:
    simulator.settings["unset"] = "zero"
    assert client.control("POST", "/reset", json=body).status_code == 400
    assert simulator.settings["unset"] == "zero"


def test_an_account_id_is_32_hexadecimal_digits(client: Client) -> None:
    assert client.control("PATCH", "/accounts/abc", json={}).status_code == 400
    assert client.control("GET", "/accounts/abc").status_code == 404


def test_settings_are_read_and_changed(client: Client, simulator: Simulator) -> None:
    changes = {"unset": "zero", "rate_limit": {"requests": 5, "window_seconds": 60}}
    settings = client.control("PATCH", "/settings", json=changes).json()
    assert settings == client.control("GET", "/settings").json() == dict(simulator.settings)
    assert {name: settings[name] for name in changes} == changes
    assert settings["numbers"] == "integer"
    assert client.control("PATCH", "/settings", json={"rate_limit": None}).json()["rate_limit"] is None


@pytest.mark.parametrize(
    "changes",
    [
        None,
        {"unknown": "null"},
        {"unset": "NULL"},
        {"unset": None},
        {"numbers": "float", "unset": 0},
        {"rate_limit": 5},
        {"rate_limit": {"requests": 5}},
        {"rate_limit": {"requests": 0, "window_seconds": 5}},
        {"rate_limit": {"requests": True, "window_seconds": 5}},
        {"rate_limit": {"requests": 5, "window_seconds": "5"}},
        {"rate_limit": {"requests": 5.5, "window_seconds": 5}},
        {"rate_limit": {"requests": 5, "window_seconds": 5, "block_seconds": 0}},
        {"rate_limit": {"requests": 5, "window_seconds": 5, "block": 5}},
    ],
)
def test_settings_that_do_not_exist_are_refused(client: Client, changes: Any) -> None:
    before = client.control("GET", "/settings").json()
    refused = client.control("PATCH", "/settings", json=changes)
    assert refused.status_code == 400
    assert refused.json()["error"]
    assert client.control("GET", "/settings").json() == before


def test_a_misspelt_setting_is_refused_in_python_too(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="there is no setting 'unsett'"):
        simulator.settings["unsett"] = "null"
    with pytest.raises(ValueError, match="unset is one of null, zero, missing, not 'nul'"):
        simulator.settings.update(unset="nul")


def test_faults_are_scripted_and_listed(client: Client) -> None:
    assert client.control("POST", "/faults", json={"fault": "html_502"}).status_code == 200
    more = [{"fault": "slow", "seconds": 0, "times": 2}, {"fault": "empty_200", "path": "limits"}]
    assert client.control("POST", "/faults", json=more).status_code == 200
    assert [client.ask("GET").status_code for attempt in range(2)] == [502, 200]
    assert client.control("GET", "/faults").json() == [
        {"fault": "slow", "seconds": 0, "times": 1},
        {"fault": "empty_200", "path": "limits", "times": 1},
    ]
    refused = client.control("POST", "/faults", json=[{"fault": "html_502"}, {"fault": "unheard_of"}])
    assert (refused.status_code, "unheard_of" in refused.json()["error"]) == (400, True)
    assert client.control("POST", "/faults", json=["html_502"]).status_code == 400
    assert len(client.control("GET", "/faults").json()) == 2


def test_requests_are_logged_and_forgotten(client: Client) -> None:
    key = {"X-Auth-Email": EMAIL, "X-Auth-Key": GLOBAL_KEY}
    token = {"Authorization": f"Bearer {WRITE_TOKEN}"}
    before = time.time()
    client.ask("POST", json=TOPUP)
    client.ask("GET", "topup/config?page=2", headers=key)
    client.ask("DELETE", headers={**key, **token})
    client.ask("POST", headers={}, data=b"no \xff JSON")
    entries = client.control("GET", "/requests").json()
    times = [entry.pop("time") for entry in entries]
    assert before <= times[0] <= times[-1] <= time.time()
    assert entries[0] == {
        "method": "POST",
        "path": CONFIG_PATH,
        "query": "",
        "status": 200,
        "credentials": "token",
        "body": TOPUP,
    }
    assert [entry["credentials"] for entry in entries] == ["token", "key", "both", "none"]
    assert [entry["status"] for entry in entries] == [200, 200, 400, 400]
    assert (entries[1]["path"], entries[1]["query"]) == (CONFIG_PATH, "page=2")
    assert entries[3]["body"] == "no \N{REPLACEMENT CHARACTER} JSON"
    forgotten = client.control("DELETE", "/requests").json()
    assert [entry["status"] for entry in forgotten] == [200, 200, 400, 400]
    assert client.control("GET", "/requests").json() == []


def test_the_log_keeps_no_secret(client: Client) -> None:
    assert set(SECRETS) == {WRITE_TOKEN, READ_TOKEN, POWERLESS_TOKEN, GLOBAL_KEY, CLIENT_SECRET}
    for secret in SECRETS:
        client.ask("POST", f"topup/{secret}?token={secret}", json={"token": [secret]})
        client.ask("GET", headers={"Authorization": f"Bearer {secret}"})
    log = client.control("GET", "/requests").text
    assert log.count("REDACTED") == 3 * len(SECRETS)
    assert [secret for secret in SECRETS if secret in log] == []


def test_a_reset_forgets_everything(client: Client, simulator: Simulator) -> None:
    fresh = {name: client.control("GET", name).json() for name in ("/settings", "/faults", "/requests")}
    accounts = {each: client.control("GET", f"/accounts/{each}").json() for each in (ACCOUNT_ID, OTHER_ACCOUNT_ID)}
    simulator.settings["unset"] = "zero"
    simulator.set_account(NEW)
    client.result("POST", json=TOPUP)
    simulator.set_account(OTHER_ACCOUNT_ID, topup=TOPUP, reachable=False)
    simulator.add_fault(fault="html_502")
    assert client.control("POST", "/reset").json() == {}
    assert {name: client.control("GET", name).json() for name in fresh} == fresh
    assert {each: client.control("GET", f"/accounts/{each}").json() for each in accounts} == accounts
    assert client.control("GET", f"/accounts/{NEW}").status_code == 404
    assert client.control("GET", f"/accounts/{FOREIGN_ACCOUNT_ID}").json()["reachable"] is False
    assert client.ask("GET").headers["Ratelimit"].startswith('"default";r=1199;')


def test_what_the_control_api_does_not_have(client: Client) -> None:
    for method, path in (("PUT", "/settings"), ("GET", "/nothing"), ("GET", "/reset"), ("GET", "/accounts/a/b")):
        lost = client.control(method, path)
        assert lost.status_code == 404
        assert "PATCH /_simulator/settings" in lost.json()["error"]
    assert client.control("PATCH", "/settings", data=b"no JSON").status_code == 400
