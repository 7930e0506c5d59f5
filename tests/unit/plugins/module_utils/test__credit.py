# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from collections import Counter
from types import SimpleNamespace
from typing import Any, Callable, Sequence

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _credit
from ansible_collections.finops.cloudflare.plugins.module_utils._api import CloudflareError, UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import MINIMUM_AMOUNT
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = "0123456789abcdef0123456789abcdef"
NOW = 1_795_435_200.0
AMOUNTS = st.integers(MINIMUM_AMOUNT, 10**12)
BALANCES = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)
STATUSES = st.sampled_from(["paid", "open", "void", "uncollectible", "draft", "new", None])
INVOICES = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["in_1", "in_2", "in_3", None]),
            "status": STATUSES,
            "created": st.none() | st.integers(int(NOW) - 2000, int(NOW) + 10),
            "amount_due": st.sampled_from([1050, 5250, None]),
        }
    ),
    max_size=5,
)
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.sampled_from(["completed"])
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["payment_intent_id", "client_secret", "status", "eligible", "reason"]), inner
        )
    ),
    max_leaves=10,
)


def order(**changes: Any) -> _credit.Order:
    params = {"minimum_balance": 1000, "amount": None, "target_balance": None, "maximum_charge": 10**13, **changes}
    return _credit.order(params)


@given(AMOUNTS)
def test_the_fee_is_the_least_whole_cents_that_are_5_percent(amount: int) -> None:
    charge = _credit.charge_of(amount)
    assert 100 * (charge["fee"] - 1) < 5 * amount <= 100 * charge["fee"]
    assert charge == {"amount": amount, "fee": charge["fee"], "total": amount + charge["fee"]}


@given(BALANCES, AMOUNTS)
def test_a_target_is_reached_and_not_exceeded_by_more_than_the_smallest_purchase(balance: float, target: int) -> None:
    amount = order(target_balance=target).charge(balance)["amount"]
    assert amount >= MINIMUM_AMOUNT
    assert math.ceil(target - balance) <= amount
    assert amount == MINIMUM_AMOUNT or amount == math.ceil(target - balance)


@given(BALANCES, st.integers(1050, 10**6), AMOUNTS)
def test_no_charge_is_above_the_maximum(balance: float, maximum: int, target: int) -> None:
    try:
        charge = order(target_balance=target, maximum_charge=maximum).charge(balance)
    except UserError as refused:
        assert "raise maximum_charge" in str(refused)
    else:
        assert charge["total"] <= maximum


@given(INVOICES, st.sets(st.sampled_from(["in_1", "in_2"])))
def test_only_what_is_known_to_be_settled_is_not_in_flight(
    invoices: list[dict[str, Any]], awaited: set[object]
) -> None:
    def settled(invoice: dict[str, Any]) -> bool:
        if invoice["status"] in ("void", "uncollectible"):
            return True
        old = invoice["created"] is not None and invoice["created"] < NOW - 900
        return invoice["status"] == "paid" and old and invoice["id"] not in awaited

    expected = next((invoice for invoice in invoices if not settled(invoice)), None)
    assert _credit.in_flight(invoices, NOW, awaited) is expected


@given(INVOICES, INVOICES)
def test_new_invoices_are_found_whatever_is_missing_in_them(
    before: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    def keys(invoices: Sequence[_credit.Invoice]) -> Counter[tuple[Any, ...]]:
        return Counter((each["id"], each["created"], each["amount_due"]) for each in invoices)

    found = _credit.made_since(before, new + before)
    assert keys(found) == keys(new)
    # A status that changes makes no new invoice.
    assert _credit.made_since(before, [{**invoice, "status": "paid"} for invoice in before]) == []


@pytest.mark.parametrize(
    ("status", "sure"),
    [
        *[(302, True), (400, True), (402, True), (403, True), (429, True), (499, True)],
        *[(None, False), (200, False), (408, False), (409, False), (500, False), (503, False)],
    ],
)
def test_only_some_answers_say_for_certain_that_nothing_was_charged(status: int | None, sure: bool) -> None:
    error = CloudflareError(_credit.buy(ACCOUNT, 5000, None), "It failed", status=status)
    assert _credit.surely_refused(error) is sure


def test_a_purchase_can_be_sent_only_once() -> None:
    call = _credit.buy(ACCOUNT, 5000, "pm_1")
    assert call.writes
    assert call.settled is None
    assert call.body == {"amount": 5000, "payment_method_id": "pm_1"}
    assert "payment_method_id" not in (_credit.buy(ACCOUNT, 5000, None).body or {})
    assert not _credit.read_status(ACCOUNT, "in_1").writes
    assert not _credit.read_eligibility(ACCOUNT).writes


@given(JSON)
def test_whatever_is_answered_is_understood_or_refused(answer: Any) -> None:
    parsers: list[Callable[[object], Any]] = [
        _credit.purchase_from_api,
        _credit.status_from_api,
        _credit.eligibility_from_api,
    ]
    for parse in parsers:
        try:
            found = parse(answer)
        except ValueError:
            assert not isinstance(answer, dict) or parse is _credit.purchase_from_api
            continue
        if parse is _credit.purchase_from_api:
            assert found.invoice_id
        elif parse is _credit.status_from_api:
            assert found is (answer.get("status") == "completed")
        else:
            assert (found is None) is (answer.get("eligible") is not False)


@pytest.mark.parametrize("seconds", [0, 1, 7, 120, 86400])
def test_patience_ends_when_the_seconds_are_over(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    clock = SimpleNamespace(now=5.0, pauses=[])

    def sleep(pause: float) -> None:
        clock.pauses.append(pause)
        clock.now += pause

    monkeypatch.setattr(_credit, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock.now))
    patience = _credit.Patience(seconds)
    while patience.wait():
        assert clock.now <= 5 + seconds + 1e-6
    assert sum(clock.pauses) == pytest.approx(seconds)
    assert all(0 < pause <= 5 for pause in clock.pauses)
