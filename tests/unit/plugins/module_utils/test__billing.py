# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _billing, _invoices, _topup
from ansible_collections.finops.cloudflare.plugins.module_utils._api import UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import NO_TOPUP
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = "0123456789abcdef0123456789abcdef"
DAY = 86_400_000
NOW = 1_795_435_200_000  # 2026-11-23T12:00:00Z

CENTS = st.one_of(st.floats(-1e9, 1e9), st.integers(-(10**9), 10**9))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "balance",
                    "payment_method",
                    "topup_config",
                    "history",
                    "invoices",
                    "invoice_lines",
                    "config",
                    "start_time",
                    "created",
                ]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


def usage(*amounts: float, start: int = NOW - 10 * DAY, end: int = NOW) -> Any:
    """Usage of one bucket a day, the last of which ends with the range."""
    first = end - len(amounts) * DAY
    history = [
        {
            "id": str(day),
            "aggregated_value": amount,
            "start_time": first + day * DAY,
            "end_time": first + (day + 1) * DAY,
        }
        for day, amount in enumerate(amounts)
    ]
    return _billing.usage_from_api({"history": history}, "day", start, end)


def topup(**values: Any) -> dict[str, Any]:
    return {**NO_TOPUP, "amount": 5000, "threshold": 500, **values}


@pytest.mark.parametrize(
    ("balance", "amounts", "config", "spend", "empty", "until"),
    [
        (1000, [100] * 10, topup(), 100, 10, 5),
        (1000, [0, 0, 300], topup(), 100, 10, 5),
        (1000.5, [100] * 10, NO_TOPUP, 100, 10.01, None),
        (1000, [100] * 10, topup(disabled_reason="stopped"), 100, 10, None),
        (500, [100] * 10, topup(), 100, 5, 0),
        (499, [100] * 10, topup(), 100, 4.99, 0),
        (0, [100] * 10, topup(), 100, 0, 0),
        (-250.5, [100] * 10, topup(), 100, 0, 0),
        (-250.5, [], topup(), None, 0, 0),
        (1000, [], topup(), None, None, None),
        (1000, [0] * 10, topup(), 0, None, None),
        (1000, [-5] * 10, topup(), None, None, None),
    ],
)
def test_forecast(
    balance: float, amounts: list[float], config: Any, spend: float | None, empty: float | None, until: float | None
) -> None:
    expected = {"daily_spend": spend, "days_until_empty": empty, "days_until_topup": until}
    assert _billing.forecast(balance, usage(*amounts), config, NOW) == expected


def test_forecast_without_any_data() -> None:
    assert set(_billing.forecast(None, None, None, NOW).values()) == {None}


def test_less_than_a_day_of_usage_carries_no_forecast() -> None:
    hour = {"id": "1", "aggregated_value": 50, "start_time": NOW - DAY // 2, "end_time": NOW}
    read = _billing.usage_from_api({"history": [hour]}, "hour", NOW - 30 * DAY, NOW)
    assert _billing.forecast(1000, read, None, NOW)["daily_spend"] is None


def test_a_bucket_that_starts_before_the_range_counts_from_the_start_of_the_range() -> None:
    bucket = {"id": "1", "aggregated_value": 200, "start_time": NOW - 5 * DAY, "end_time": NOW}
    read = _billing.usage_from_api({"history": [bucket]}, "day", NOW - 2 * DAY, NOW)
    assert _billing.forecast(1000, read, None, NOW)["daily_spend"] == 100


@pytest.mark.parametrize(
    ("last_day", "days"),
    [
        ("left out", 2),
        ("cut at the end of the range", 2.5),
        ("whole", 2.5),
        ("without usage, left out", 2),
    ],
)
def test_the_day_that_is_not_over_counts_as_far_as_it_is_known(last_day: str, days: float) -> None:
    midnight = NOW - DAY // 2
    buckets = [{"id": "1", "aggregated_value": 100, "start_time": midnight - 2 * DAY, "end_time": midnight - DAY}]
    if last_day != "without usage, left out":
        buckets.append({"id": "2", "aggregated_value": 100, "start_time": midnight - DAY, "end_time": midnight})
    if last_day in ("whole", "cut at the end of the range"):
        end = midnight + DAY if last_day == "whole" else NOW
        buckets.append({"id": "3", "aggregated_value": 100, "start_time": midnight, "end_time": end})
    read = _billing.usage_from_api({"history": buckets}, "day", NOW - 30 * DAY, NOW)
    assert _billing.forecast(1000, read, None, NOW)["daily_spend"] == len(buckets) * 100 / days


@pytest.mark.parametrize("key", ["start_time", "end_time", "aggregated_value"])
def test_a_bucket_needs_its_time_and_its_amount(key: str) -> None:
    bucket = {"id": "1", "aggregated_value": 1, "start_time": 0, "end_time": DAY}
    with pytest.raises(ValueError, match=f"{key} is missing$"):
        _billing.usage_from_api({"history": [{**bucket, key: None}]}, "day", 0, NOW)


@given(CENTS, st.lists(CENTS, max_size=10), st.none() | st.integers(500, 10**6))
def test_days_are_never_negative_and_never_invented(
    balance: float, amounts: list[float], threshold: int | None
) -> None:
    forecast = _billing.forecast(balance, usage(*amounts), {**NO_TOPUP, "threshold": threshold}, NOW)
    for days in (forecast["days_until_empty"], forecast["days_until_topup"]):
        assert days is None or 0 <= days < float("inf")
    if threshold is None:
        assert forecast["days_until_topup"] is None
    elif forecast["days_until_empty"] is not None:
        assert forecast["days_until_topup"] is not None
        assert forecast["days_until_topup"] <= forecast["days_until_empty"]


@given(CENTS, CENTS, st.lists(st.floats(0, 1e6), min_size=1, max_size=10))
def test_more_credit_never_lasts_shorter(one: float, other: float, amounts: list[float]) -> None:
    less, more = sorted((one, other))
    read = usage(*amounts)
    for key in ("days_until_empty", "days_until_topup"):
        shorter, longer = (_billing.forecast(balance, read, topup(), NOW)[key] for balance in (less, more))
        assert longer is None or (shorter is not None and shorter <= longer)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0d", NOW),
        ("7d", NOW - 7 * DAY),
        ("36h", NOW - DAY - DAY // 2),
        ("2026-11-23T12:00:00Z", NOW),
        ("2026-11-23T12:00:00", NOW),
        ("2026-11-23T13:00:00+01:00", NOW),
        ("2026-11-23 12:00", NOW),
        ("2026-11-23", NOW - DAY // 2),
    ],
)
def test_moment(value: str, expected: int) -> None:
    assert _billing.moment("usage_start", value, NOW) == expected


@pytest.mark.parametrize("value", ["", "7", "d", "-7d", "7w", "yesterday", "2026-13-01", "1234567d"])
def test_moments_that_are_none(value: str) -> None:
    with pytest.raises(UserError, match=r"usage_start is .*\. Set it to a time like 2026-11-01"):
        _billing.moment("usage_start", value, NOW)


@pytest.mark.parametrize(
    ("window", "start", "end", "first", "last"),
    [
        ("day", "30d", None, "2026-10-24T00:00:00Z", "2026-11-24T00:00:00Z"),
        ("day", "2026-11-20", "2026-11-21", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
        ("day", "2026-11-20T23:59", "2026-11-21T00:01", "2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("hour", "2h", None, "2026-11-23T10:00:00Z", "2026-11-23T12:00:00Z"),
        ("hour", "2026-11-20T10:20", "2026-11-20T10:30", "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"),
    ],
)
def test_usage_range_is_of_whole_buckets(window: str, start: str, end: str | None, first: str, last: str) -> None:
    assert _billing.usage_range(window, start, end, NOW) == tuple(
        _billing.moment("", time, NOW) for time in (first, last)
    )


def test_usage_range_that_ends_before_it_starts() -> None:
    with pytest.raises(UserError, match=r"usage_start \(2026-11-22T12:00:00Z\) is not before usage_end"):
        _billing.usage_range("day", "1d", "2d", NOW)


def test_the_future_part_of_a_range_does_not_count() -> None:
    midnight = NOW - DAY // 2
    buckets = [
        {"id": str(start), "aggregated_value": 100, "start_time": start, "end_time": start + DAY}
        for start in (midnight - DAY, midnight)
    ]
    read = _billing.usage_from_api({"history": buckets}, "day", midnight - DAY, midnight + DAY)
    assert _billing.forecast(1000, read, None, NOW)["daily_spend"] == 200 / 1.5


@given(JSON)
def test_anything_is_read_or_refused(result: object) -> None:
    for parse in (
        _billing.balance_from_api,
        _topup.limits_from_api,
        lambda any_result: _billing.usage_from_api(any_result, "day", 0, NOW),
        _invoices.page_from_api,
        _billing.invoice_preview_from_api,
        _billing.spending_limit_from_api,
    ):
        try:
            read = parse(result)
        except ValueError as unknown:
            assert re.search("is not an? |is missing$", str(unknown))
        else:
            assert isinstance(read, (dict, list, tuple))


def test_balance() -> None:
    result = {
        "balance": 2350.5,
        "has_default_payment_method": True,
        "payment_method": {"brand": "visa", "last4": "4242"},
        "topup_config": {"amount": 5000.0, "threshold": 500},
    }
    assert _billing.balance_from_api(result) == {
        "balance": 2350.5,
        "has_default_payment_method": True,
        "payment_method": {"brand": "visa", "last4": "4242"},
        "first_topup_success": None,
        "topup": topup(),
        "topup_told": True,
    }


@pytest.mark.parametrize("method", [None, {}])
def test_balance_without_a_payment_method(method: object) -> None:
    read = _billing.balance_from_api({"balance": 0, "payment_method": method, "topup_config": None})
    assert read["balance"] == 0
    assert read["payment_method"] == (None if method is None else {"brand": None, "last4": None})
    assert read["topup"] == NO_TOPUP
    assert not read["topup_told"]


def test_usage_is_oldest_first_with_its_sum() -> None:
    newest_first = [
        {"id": "b", "aggregated_value": 0.5, "start_time": NOW, "end_time": NOW + DAY},
        {"id": "a", "aggregated_value": 2, "start_time": NOW - DAY, "end_time": NOW},
    ]
    read = _billing.usage_from_api({"history": newest_first}, "day", NOW - DAY, NOW)
    assert [bucket["id"] for bucket in read["history"]] == ["a", "b"]
    assert read["total"] == 2.5
    assert (read["start"], read["end"]) == ("2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z")
    assert read["history"][0]["start"] == "2026-11-22T12:00:00Z"


def test_invoices_are_newest_first_and_those_without_a_date_last() -> None:
    invoices = [{"id": "a", "created": 1}, {"id": "b"}, {"id": "c", "created": 2, "amount_paid": 5250.0}]
    read = _invoices.newest_first(_invoices.page_from_api({"invoices": invoices}).invoices)
    assert [invoice["id"] for invoice in read] == ["c", "a", "b"]
    assert (read[0]["amount_paid"], read[0]["created_at"], read[2]["created_at"]) == (
        5250,
        "1970-01-01T00:00:02Z",
        None,
    )


def test_a_call_for_each_part() -> None:
    calls = {
        "credit-balance": _billing.read_balance(ACCOUNT),
        "topup/limits": _topup.read_limits(ACCOUNT),
        "usage-history?value_grouping_window=day&start_time=1&end_time=2": _billing.read_usage(ACCOUNT, "day", 1, 2),
        "invoice-history?type=all": _invoices.invoices_request(ACCOUNT, "all"),
        "invoice-preview": _billing.read_invoice_preview(ACCOUNT),
        "spending-limit": _billing.read_spending_limit(ACCOUNT),
    }
    for thing, call in calls.items():
        assert call.path == f"accounts/{ACCOUNT}/ai-gateway/billing/{thing}"
        assert (call.method, call.permission, call.body) == ("GET", "AI Gateway Read", None)
        assert call.purpose.endswith(f" of account {ACCOUNT}")


def test_limits() -> None:
    limits = _topup.limits_from_api({"min_cents": 1000, "max_cents": 500000.0, "currency": "USD"})
    assert limits == {"min_cents": 1000, "max_cents": 500000, "currency": "USD"}
