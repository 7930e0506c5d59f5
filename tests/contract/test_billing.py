# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the document cannot say of the calls that read billing: which of the stored values they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from simulator.simulator import ACCOUNT_ID, OTHER_ACCOUNT_ID, POWERLESS_TOKEN, READ_TOKEN, Simulator

if TYPE_CHECKING:
    from ansible_collections.finops.cloudflare.tests.contract.conftest import Client

READS = ("credit-balance", "invoice-history", "invoice-preview", "spending-limit")
HOUR = 3_600_000
DAY = 24 * HOUR
# A Monday
MONDAY = 1_790_553_600_000
USAGE = [
    {"start_time": MONDAY - HOUR, "aggregated_value": 1},
    {"start_time": MONDAY, "aggregated_value": 2},
    {"start_time": MONDAY + 23 * HOUR, "aggregated_value": 4.5},
    {"start_time": MONDAY + 23 * HOUR, "aggregated_value": 8},
    {"start_time": MONDAY + 2 * DAY, "aggregated_value": 16},
]
TOPUP = {"amount": 5000, "threshold": 500}
NOTHING = {"amount": None, "threshold": None, "disabledReason": None, "error": None, "lastFailedAt": None}
INVOICE = {"type": "auto", "amount_paid": 5250, "amount_due": 5250, "amount_remaining": 0, "currency": "usd"}


def usage_path(**query: Any) -> str:
    return f"usage-history?{urlencode(query)}"


def usage(client: Client, **query: Any) -> dict[int, float]:
    """The value of each bucket by its start."""
    history = client.result("GET", usage_path(**query))["history"]
    return {bucket["start_time"]: bucket["aggregated_value"] for bucket in history}


@pytest.mark.parametrize("path", [*READS, usage_path(value_grouping_window="day", start_time=0, end_time=DAY)])
def test_reading_needs_no_more_than_the_right_to_read(client: Client, path: str) -> None:
    statuses = [
        client.ask("GET", path, headers={"Authorization": f"Bearer {token}"}).status_code
        for token in (READ_TOKEN, POWERLESS_TOKEN)
    ]
    assert statuses == [200, 403]
    assert client.ask("POST", path, json={}).status_code == 405
    assert client.ask("DELETE", path).status_code == 405


def test_the_credit_balance_tells_the_top_up_as_its_own_call_does(client: Client, simulator: Simulator) -> None:
    assert client.result("GET", "credit-balance") == {
        "balance": 2500,
        "has_default_payment_method": True,
        "payment_method": {"brand": "visa", "last4": "4242"},
        "topup_config": NOTHING,
        "first_topup_success": True,
    }
    client.result("POST", json=TOPUP)
    assert client.result("GET", "credit-balance")["topup_config"] == {**NOTHING, **TOPUP}
    simulator.settings.change({"unset": "zero", "optional_keys": "missing"})
    simulator.set_account(ACCOUNT_ID, topup=None)
    assert client.result("GET", "credit-balance")["topup_config"] == {"amount": 0, "threshold": 0}


@pytest.mark.parametrize("balance", [-1250.75, 0, 0.5, 10**12])
def test_a_balance_may_be_any_number(client: Client, simulator: Simulator, balance: float) -> None:
    simulator.set_account(ACCOUNT_ID, balance=balance)
    assert client.result("GET", "credit-balance")["balance"] == balance
    assert client.result("GET", "credit-balance", account_id=OTHER_ACCOUNT_ID)["balance"] == 2500


@pytest.mark.parametrize(
    ("optional_keys", "card", "shown"),
    [
        ("null", None, None),
        ("null", {}, {"brand": None, "last4": None}),
        ("null", {"brand": "visa"}, {"brand": "visa", "last4": None}),
        ("missing", None, None),
        ("missing", {}, {}),
        ("missing", {"last4": "4242"}, {"last4": "4242"}),
    ],
)
def test_how_a_payment_method_may_look(
    client: Client, simulator: Simulator, optional_keys: str, card: Any, shown: Any
) -> None:
    simulator.settings["optional_keys"] = optional_keys
    simulator.set_account(ACCOUNT_ID, payment_method=card, has_default_payment_method=False, first_topup_success=None)
    result = client.result("GET", "credit-balance")
    assert (result["payment_method"], result["has_default_payment_method"]) == (shown, False)
    assert ("first_topup_success" in result) == (optional_keys == "null")


def test_usage_is_summed_in_the_buckets_between_the_bounds(client: Client, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, usage=USAGE)
    week = {"start_time": MONDAY - DAY, "end_time": MONDAY + 6 * DAY}
    assert usage(client, value_grouping_window="day", **week) == {
        MONDAY - DAY: 1,
        MONDAY: 14.5,
        MONDAY + 2 * DAY: 16,
    }
    assert usage(client, value_grouping_window="hour", **week) == {
        MONDAY - HOUR: 1,
        MONDAY: 2,
        MONDAY + 23 * HOUR: 12.5,
        MONDAY + 2 * DAY: 16,
    }


def test_a_bucket_tells_its_bounds_and_an_id_of_its_own(client: Client, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, usage=USAGE)
    for window, length in (("hour", HOUR), ("day", DAY)):
        path = usage_path(value_grouping_window=window, start_time=0, end_time=2 * MONDAY)
        history = client.result("GET", path)["history"]
        assert {bucket["end_time"] - bucket["start_time"] for bucket in history} == {length}
        assert len({bucket["id"] for bucket in history}) == len(history) >= 3


@pytest.mark.parametrize(
    ("window", "start", "end", "starts"),
    [
        ("day", MONDAY, MONDAY + DAY, [MONDAY]),
        ("day", MONDAY + 1, MONDAY + 3 * DAY, [MONDAY + 2 * DAY]),
        ("day", MONDAY, MONDAY + 3 * DAY - 1, [MONDAY]),
        ("day", MONDAY + HOUR, MONDAY + 2 * HOUR, []),
        ("hour", MONDAY, MONDAY + HOUR, [MONDAY]),
        ("hour", MONDAY - 1, MONDAY + HOUR - 1, []),
        ("hour", f"{MONDAY}.0", MONDAY + HOUR, [MONDAY]),
        ("day", 0, 1000, []),
    ],
)
def test_a_bucket_that_a_bound_cuts_is_left_out(
    client: Client, simulator: Simulator, window: str, start: Any, end: int, starts: list[int]
) -> None:
    simulator.set_account(ACCOUNT_ID, usage=USAGE)
    assert list(usage(client, value_grouping_window=window, start_time=start, end_time=end)) == starts


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"start_time": 0, "end_time": DAY},
        {"value_grouping_window": "week", "start_time": 0, "end_time": DAY},
        {"value_grouping_window": "", "start_time": 0, "end_time": DAY},
        {"value_grouping_window": "day"},
        {"value_grouping_window": "day", "start_time": 0},
        {"value_grouping_window": "day", "end_time": DAY},
        {"value_grouping_window": "day", "start_time": "", "end_time": DAY},
        {"value_grouping_window": "day", "start_time": "2026-09-28", "end_time": DAY},
        {"value_grouping_window": "day", "start_time": "null", "end_time": DAY},
        {"value_grouping_window": "day", "start_time": "nan", "end_time": DAY},
        {"value_grouping_window": "day", "start_time": 0, "end_time": "9" * 400},
        {"value_grouping_window": "day", "start_time": DAY, "end_time": DAY},
        {"value_grouping_window": "day", "start_time": DAY, "end_time": 0},
    ],
)
def test_questions_for_usage_that_are_refused(client: Client, query: dict[str, Any]) -> None:
    answer = client.ask("GET", usage_path(**query))
    assert (answer.status_code, answer.json()["errors"][0]["path"][0]) == (400, "query")


def test_a_parameter_is_sent_once(client: Client) -> None:
    assert (
        client.ask(
            "GET", f"{usage_path(value_grouping_window='day', start_time=0, end_time=DAY)}&end_time=1"
        ).status_code
        == 400
    )
    assert client.ask("GET", "invoice-history?type=all&type=all").status_code == 400


def test_bounds_may_be_optional(client: Client, simulator: Simulator) -> None:
    simulator.settings["usage_bounds"] = "optional"
    simulator.set_account(ACCOUNT_ID, usage=USAGE)
    days = [MONDAY - DAY, MONDAY, MONDAY + 2 * DAY]
    assert list(usage(client, value_grouping_window="day")) == days
    assert list(usage(client, value_grouping_window="day", start_time=MONDAY)) == days[1:]
    assert list(usage(client, value_grouping_window="day", end_time=MONDAY)) == days[:1]
    simulator.set_account(ACCOUNT_ID, usage=[])
    assert usage(client, value_grouping_window="day") == {}


def test_bounds_may_have_to_lie_between_buckets(client: Client, simulator: Simulator) -> None:
    simulator.settings["usage_bounds"] = "aligned"
    for window, start, end, status in (
        ("day", MONDAY, MONDAY + DAY, 200),
        ("day", MONDAY + HOUR, MONDAY + DAY, 400),
        ("day", MONDAY, MONDAY + HOUR, 400),
        ("hour", MONDAY + HOUR, MONDAY + 2 * HOUR, 200),
        ("hour", MONDAY, MONDAY + HOUR + 1, 400),
    ):
        path = usage_path(value_grouping_window=window, start_time=start, end_time=end)
        assert client.ask("GET", path).status_code == status, path
    assert client.ask("GET", usage_path(value_grouping_window="day", start_time=MONDAY)).status_code == 400


def test_empty_buckets_may_be_zero(client: Client, simulator: Simulator) -> None:
    simulator.settings["empty_buckets"] = "zero"
    simulator.set_account(ACCOUNT_ID, usage=USAGE)
    week = {"value_grouping_window": "day", "start_time": MONDAY - 2 * DAY, "end_time": MONDAY + 4 * DAY}
    assert list(usage(client, **week).values()) == [0, 1, 14.5, 0, 16, 0]
    hours = usage(client, **{**week, "value_grouping_window": "hour"})
    assert (len(hours), sum(hours.values())) == (6 * 24, 31.5)
    simulator.set_account(ACCOUNT_ID, usage=[])
    assert set(usage(client, **week).values()) == {0}
    forever = {"value_grouping_window": "hour", "start_time": 0}
    assert len(usage(client, **forever, end_time=10000 * HOUR)) == 10000
    assert client.ask("GET", usage_path(**forever, end_time=10001 * HOUR)).status_code == 400


def test_the_newest_bucket_may_be_the_first(client: Client, simulator: Simulator) -> None:
    simulator.settings["usage_order"] = "newest_first"
    simulator.set_account(ACCOUNT_ID, usage=USAGE)
    days = usage(client, value_grouping_window="day", start_time=MONDAY, end_time=MONDAY + 4 * DAY)
    assert list(days) == [MONDAY + 2 * DAY, MONDAY]


@pytest.mark.parametrize(
    ("query", "shown"), [("", "abc"), ("?type=all", "abc"), ("?type=auto", "ac"), ("?type=manual", "b")]
)
def test_invoices_of_one_type_or_of_both(client: Client, simulator: Simulator, query: str, shown: str) -> None:
    kinds = {"a": "auto", "b": "manual", "c": "auto"}
    simulator.set_account(ACCOUNT_ID, invoices=[{**INVOICE, "type": kind, "id": each} for each, kind in kinds.items()])
    result = client.result("GET", f"invoice-history{query}")
    assert [invoice["id"] for invoice in result["invoices"]] == list(shown)
    assert [invoice for invoice in result["invoices"] if "type" in invoice] == []
    assert result["pagination"] == {"has_more": False, "page": 1, "per_page": 100, "total_count": len(shown)}


@pytest.mark.parametrize("query", ["?type=", "?type=AUTO", "?type=paid"])
def test_an_unknown_type_of_invoice_is_refused(client: Client, query: str) -> None:
    assert client.ask("GET", f"invoice-history{query}").status_code == 400


def test_one_page_of_invoices_is_all_there_is(client: Client, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, invoices=[{**INVOICE, "id": str(number)} for number in range(101)])
    result = client.result("GET", "invoice-history")
    assert [invoice["id"] for invoice in result["invoices"]] == [str(number) for number in range(100)]
    assert (result["pagination"]["has_more"], result["pagination"]["total_count"]) == (True, 101)


def test_an_invoice_may_tell_only_what_it_must(client: Client, simulator: Simulator) -> None:
    must = {key: value for key, value in INVOICE.items() if key != "type"}
    simulator.set_account(ACCOUNT_ID, invoices=[INVOICE])
    shown = client.result("GET", "invoice-history")["invoices"][0]
    assert {key: value for key, value in shown.items() if value is not None} == must
    assert len(shown) == 14
    simulator.settings["optional_keys"] = "missing"
    assert client.result("GET", "invoice-history")["invoices"] == [must]


def test_the_coming_invoice_is_changed_key_by_key(client: Client, simulator: Simulator) -> None:
    before = client.result("GET", "invoice-preview")
    simulator.set_account(ACCOUNT_ID, invoice_preview={"amount_due": 12.5, "status": "open"})
    assert client.result("GET", "invoice-preview") == {**before, "amount_due": 12.5, "status": "open"}
    line = {"amount": 1, "currency": "usd", "quantity": 1, "period": {"start": 0, "end": 1}, "pricing": {}}
    simulator.set_account(ACCOUNT_ID, invoice_preview={"invoice_lines": [line]})
    simulator.settings["optional_keys"] = "missing"
    assert client.result("GET", "invoice-preview")["invoice_lines"] == [
        {**line, "description": None, "pricing": {"unit_amount_decimal": None}}
    ]


def test_the_spending_limit(client: Client, simulator: Simulator) -> None:
    nothing = {"amount": None, "duration": None, "strategy": None}
    assert client.result("GET", "spending-limit") == {"enabled": False, "config": nothing}
    limit = {"amount": 10000, "duration": "monthly", "strategy": "fixed"}
    simulator.set_account(ACCOUNT_ID, spending_limit={"enabled": True, **limit})
    assert client.result("GET", "spending-limit") == {"enabled": True, "config": limit}
    simulator.set_account(ACCOUNT_ID, spending_limit={"enabled": False})
    assert client.result("GET", "spending-limit") == {"enabled": False, "config": limit}


def numbers(value: Any) -> list[Any]:
    if isinstance(value, (dict, list)):
        return [found for each in (value.values() if isinstance(value, dict) else value) for found in numbers(each)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


@pytest.mark.parametrize("path", [*READS, usage_path(value_grouping_window="day", start_time=0, end_time=2 * MONDAY)])
def test_all_numbers_may_be_floats(client: Client, simulator: Simulator, path: str) -> None:
    simulator.set_account(ACCOUNT_ID, topup=TOPUP, spending_limit={"amount": 100})
    as_stored = client.result("GET", path)
    simulator.settings["numbers"] = "float"
    as_floats = client.result("GET", path)
    assert as_floats == as_stored
    assert {type(each) for each in numbers(as_floats)} == {float}
    assert int in {type(each) for each in numbers(as_stored)}


def test_the_same_moment_makes_the_same_past(client: Client, simulator: Simulator) -> None:
    simulator.reset(now=MONDAY)
    past = simulator.account(ACCOUNT_ID)
    assert max(entry["start_time"] for entry in past["usage"]) == MONDAY - DAY - 12 * HOUR
    month = usage(client, value_grouping_window="day", start_time=MONDAY - 30 * DAY, end_time=MONDAY)
    assert len(month) == 25
    assert 2000 < sum(month.values()) < 3000
    simulator.reset(now=MONDAY + 2 * DAY)
    later = simulator.account(ACCOUNT_ID)
    kept = [entry for entry in past["usage"] if entry["start_time"] >= MONDAY - 33 * DAY]
    assert later["usage"][: len(kept)] == kept
    assert later["usage"][len(kept) :][0]["start_time"] == MONDAY + 9 * HOUR
    assert later["invoices"][0]["created"] == past["invoices"][0]["created"] + 2 * 86400
    assert client.control("POST", "/reset", json={"now": MONDAY}).status_code == 200
    assert simulator.account(ACCOUNT_ID) == past
    assert client.control("POST", "/reset").status_code == 200
    assert simulator.account(ACCOUNT_ID) == past
