# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import NO_TOPUP
from ansible_collections.finops.cloudflare.plugins.modules import cloudflare_ai_gateway_billing_info
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, READ_TOKEN, Simulator

DAY = 86_400_000
TOPUP = {"amount": 5000, "threshold": 500}
PATHS = {
    "balance": "credit-balance",
    "limits": "topup/limits",
    "usage": "usage-history",
    "invoices": "invoice-history",
    "invoice_preview": "invoice-preview",
    "spending_limit": "spending-limit",
}

Read = Callable[..., "dict[str, Any]"]


@pytest.fixture
def read(run_module: Callable[..., dict[str, Any]], simulator: Simulator) -> Read:
    def run(*parts: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        simulator.forget_requests()
        fine = {"account_id": ACCOUNT_ID, "api_token": READ_TOKEN, "api_url": simulator.api_url}
        gather = {"gather": list(parts)} if parts else {}
        return run_module(cloudflare_ai_gateway_billing_info.main, {**fine, **gather, **options}, check_mode)

    return run


def paths(simulator: Simulator) -> list[str]:
    return [request["path"].split("/billing/")[1] for request in simulator.requests]


def days_ago(*amounts: float) -> list[dict[str, Any]]:
    """Usage of the days that are over, one entry each, the last of which was yesterday."""
    midnight = int(time.time() * 1000) // DAY * DAY
    starts = [midnight - (len(amounts) - day) * DAY for day in range(len(amounts))]
    return [{"start_time": start, "aggregated_value": amount} for start, amount in zip(starts, amounts)]


@pytest.mark.parametrize("check_mode", [False, True])
def test_by_default_one_request_brings_balance_and_topup(read: Read, simulator: Simulator, check_mode: bool) -> None:
    simulator.set_account(ACCOUNT_ID, balance=-250.5, topup=TOPUP, payment_method={"brand": "visa", "last4": "4242"})
    result = read(check_mode=check_mode)
    assert not result.get("changed")
    assert result["billing"]["balance"] == -250.5
    assert result["billing"]["topup"] == {**NO_TOPUP, **TOPUP}
    assert result["billing"]["payment_method"] == {"brand": "visa", "last4": "4242"}
    assert set(result["billing"]) == {
        "balance",
        "topup",
        "payment_method",
        "has_default_payment_method",
        "first_topup_success",
    }
    assert paths(simulator) == ["credit-balance"]


@pytest.mark.parametrize("part", [*PATHS, "topup"])
def test_one_request_for_one_part(read: Read, simulator: Simulator, part: str) -> None:
    result = read(part)
    assert part in result["billing"]
    assert ("topup" in result["billing"]) == (part == "topup")
    assert "forecast" not in result["billing"]
    assert paths(simulator) == [PATHS.get(part, "topup/config")]


def test_all_is_one_request_for_each_part(read: Read, simulator: Simulator) -> None:
    billing = read("all")["billing"]
    assert {*PATHS, "topup", "forecast"} <= set(billing)
    assert paths(simulator) == list(PATHS.values())


@pytest.mark.parametrize("part", PATHS)
def test_a_part_that_may_not_be_read_fails_the_module_and_is_named(read: Read, simulator: Simulator, part: str) -> None:
    simulator.add_fault(fault="status", path=PATHS[part], status=403)
    result = read("all")
    assert result["failed"]
    assert result["msg"].startswith("Could not read the ")
    assert result["error"]["path"].split("/billing/")[1].split("?")[0] == PATHS[part]


def test_limits_that_the_api_does_not_know(read: Read, simulator: Simulator) -> None:
    simulator.settings["limits"] = "unknown"
    assert read("limits")["billing"] == {"limits": None}
    assert paths(simulator) == ["topup/limits", "topup/config"]
    assert read("limits", account_id="f" * 32)["failed"]


def test_forecast(read: Read, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, balance=1000, topup=TOPUP, usage=days_ago(50, 100, 150))
    billing = read("balance", "usage")["billing"]
    assert billing["forecast"] == {"daily_spend": 100, "days_until_empty": 10, "days_until_topup": 5}
    assert billing["usage"]["total"] == 300
    assert [bucket["amount"] for bucket in billing["usage"]["history"]] == [50, 100, 150]


def test_the_range_of_usage_is_that_of_the_last_30_days_in_whole_days(read: Read, simulator: Simulator) -> None:
    usage = read("usage")["billing"]["usage"]
    assert usage["end_time"] - usage["start_time"] == 31 * DAY
    assert 0 <= usage["end_time"] - time.time() * 1000 <= DAY
    query = str(simulator.requests[0]["query"])
    assert str(usage["start_time"]) in query
    assert str(usage["end_time"]) in query


def test_usage_in_hours_of_a_given_range(read: Read, simulator: Simulator) -> None:
    simulator.set_account(
        ACCOUNT_ID,
        usage=[{"start_time": 1795305600000 + hour * DAY // 24, "aggregated_value": hour} for hour in range(4)],
    )
    usage = read("usage", usage_window="hour", usage_start="2026-11-22T01:00:00Z", usage_end="2026-11-22T03:00:00Z")[
        "billing"
    ]["usage"]
    assert (usage["window"], usage["start"], usage["end"]) == ("hour", "2026-11-22T01:00:00Z", "2026-11-22T03:00:00Z")
    assert [bucket["start"] for bucket in usage["history"]] == ["2026-11-22T01:00:00Z", "2026-11-22T02:00:00Z"]
    assert usage["total"] == 3


@pytest.mark.parametrize("window", ["day", "hour"])
def test_usage_of_an_api_that_refuses_to_cut_a_bucket(read: Read, simulator: Simulator, window: str) -> None:
    simulator.settings["usage_bounds"] = "aligned"
    assert read("usage", usage_window=window, usage_start="50h", usage_end="1h")["billing"]["usage"]["history"]


def test_usage_is_oldest_first_whatever_the_api_does(read: Read, simulator: Simulator) -> None:
    simulator.settings["usage_order"] = "newest_first"
    starts = [bucket["start_time"] for bucket in read("usage")["billing"]["usage"]["history"]]
    assert starts == sorted(starts)
    assert len(starts) > 1


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"usage_start": "soon"}, "usage_start is 'soon'. Set it to a time like"),
        ({"usage_start": "1d", "usage_end": "2d"}, "is not before usage_end"),
        ({"gather": ["money"]}, "value of gather must be one or more of"),
        ({"account_id": "x"}, "account_id must be the 32 hexadecimal"),
    ],
)
def test_bad_input_is_refused_before_any_request(
    read: Read, simulator: Simulator, options: dict[str, Any], part: str
) -> None:
    result = read(**options)
    assert result["failed"]
    assert part in result["msg"]
    assert simulator.requests == []


@pytest.mark.parametrize("kind", ["auto", "manual"])
def test_invoices_of_one_type(read: Read, simulator: Simulator, kind: str) -> None:
    both = read("invoices")["billing"]["invoices"]
    some = read("invoices", invoice_type=kind)["billing"]["invoices"]
    assert 0 < len(some) < len(both)
    assert all(invoice in both for invoice in some)


@pytest.mark.parametrize("numbers", ["integer", "float"])
@pytest.mark.parametrize("optional_keys", ["null", "missing"])
def test_whatever_the_api_looks_like_the_keys_are_the_same(
    read: Read, simulator: Simulator, numbers: str, optional_keys: str
) -> None:
    usual = read("all")["billing"]
    simulator.settings.update(numbers=numbers, optional_keys=optional_keys)
    other = read("all")["billing"]
    for part in ("balance", "topup", "limits", "invoices", "invoice_preview", "spending_limit", "payment_method"):
        assert other[part] == usual[part]
