# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _funding
from ansible_collections.finops.cloudflare.plugins.module_utils._api import UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._invoices import History
from ansible_collections.finops.cloudflare.plugins.module_utils._journal import Entry
from ansible_collections.finops.cloudflare.plugins.module_utils._purchase import charge_for
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import MINIMUM_AMOUNT
from ansible_collections.finops.cloudflare.plugins.module_utils._values import utc
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
            "created": st.one_of(
                st.sampled_from([None, -1, 0, 1, NOW * 1000]), st.integers(int(NOW) - 2000, int(NOW) + 10)
            ),
        }
    ),
    max_size=5,
)


def order(**changes: Any) -> _funding.Order:
    limits = dict.fromkeys(("maximum_charge_per_day", "maximum_charge_per_month"), _funding.NO_LIMIT)
    fine = {"minimum_balance": 1000, "maximum_charge": 10**13, **limits}
    params = {**dict.fromkeys(_funding.Order._fields), **fine, **changes}
    return _funding.order_from(params)


def invoice(**changes: Any) -> dict[str, Any]:
    return {
        "id": "in_1",
        "status": "paid",
        "created": NOW - 3600,
        "created_at": None,
        "amount_due": 5250,
        "amount_paid": 5250,
        "currency": "usd",
        **changes,
    }


@given(BALANCES, AMOUNTS)
def test_a_target_is_reached_and_not_exceeded_by_more_than_the_smallest_purchase(balance: float, target: int) -> None:
    amount = order(target_balance=target).charge(balance).amount
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
        assert charge.total <= maximum


@given(INVOICES, st.sets(st.sampled_from(["in_1", "in_2"])))
def test_only_what_is_known_to_be_settled_is_not_in_flight(
    invoices: list[dict[str, Any]], awaited: set[object]
) -> None:
    def settled(one: dict[str, Any]) -> bool:
        if one["status"] == "void":
            return True
        old = one["created"] is not None and 1e9 < one["created"] < NOW - 900
        return one["status"] == "paid" and old and one["id"] not in awaited

    assert _funding.in_flight(invoices, NOW, awaited) == [one for one in invoices if not settled(one)]


@pytest.mark.parametrize(("created", "again"), [(NOW - 3600, NOW + 900), (NOW - 10, NOW + 900), (NOW + 60, NOW + 960)])
@pytest.mark.parametrize("behind", [0, 60])
def test_after_a_payment_the_time_to_run_again_is_safe_whenever_it_was_paid(
    created: float, again: float, behind: int
) -> None:
    paid = invoice(created=created, created_at=utc(created))
    again += behind
    for clocks in ((NOW, NOW - behind), (NOW - behind, NOW)):
        said = str(_funding.not_clear(ACCOUNT, order(amount=1000), 400, paid, clocks, 120))
    # By then, either clock has seen 15 minutes pass.
    assert not _funding.in_flight([paid], again - behind + 1, set())
    assert (
        f"invoice in_1 for $52.50 (created {utc(created)}) is paid, and its credit may not be in the balance yet"
        in said
    )
    assert (
        f"This run waited 120 seconds. A later run buys if the balance is still too low. Run again after {utc(again)}: by then"
        in said
    )


def test_a_date_in_the_far_future_is_not_a_time_to_wait_for() -> None:
    paid = invoice(created=NOW + 100_000)
    said = str(_funding.not_clear(ACCOUNT, order(amount=1000), 400, paid, (NOW, NOW), 0))
    assert "is paid but has no plausible date" in said
    assert "Run again after" not in said


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "invoice in_1 for $52.50 is"),
        ({"amount_due": None}, "invoice in_1 is"),
        ({"currency": "eur"}, "invoice in_1 for 52.50 EUR is"),
        ({"currency": None, "id": None}, "invoice without an ID for $52.50 is"),
    ],
)
def test_an_invoice_is_named_with_its_sum_where_that_is_known(changes: dict[str, Any], name: str) -> None:
    unpaid = invoice(status="open", **changes)
    assert name in str(_funding.not_clear(ACCOUNT, order(amount=1000), 400, unpaid, (NOW, NOW), 0))


PURCHASES = st.lists(
    st.tuples(st.integers(0, 40 * 24 * 3600), st.integers(0, 9000), st.integers(0, 9000), STATUSES), max_size=6
)


@given(PURCHASES, st.integers(1050, 30000), st.integers(1050, 60000), st.sampled_from([1000, 5000]))
def test_caps_hold_whatever_was_bought_before(
    purchases: list[tuple[int, int, int, str | None]], day: int, month: int, amount: int
) -> None:
    wanted = order(amount=1000, maximum_charge_per_day=day, maximum_charge_per_month=month)
    charge = charge_for(amount)
    invoices = [
        invoice(created=NOW - age, amount_due=due, amount_paid=paid, status=status)
        for age, due, paid, status in purchases
    ]

    def charged(seconds: int) -> int:
        return sum(max(due, paid) for age, due, paid, status in purchases if age <= seconds and status != "void")

    fits = charged(86400) + charge.total <= day and charged(30 * 86400) + charge.total <= month
    try:
        _funding.check_caps(ACCOUNT, wanted, charge, invoices, NOW)
    except UserError as refused:
        assert not fits
        assert "more than maximum_charge_per_" in str(refused)
    else:
        assert fits


@pytest.mark.parametrize(
    "doubt",
    [
        {"created": None},
        {"created": 0},
        {"created": -5},
        {"amount_due": None},
        {"amount_paid": None},
        {"amount_due": -1},
        {"currency": None},
        {"currency": "eur"},
    ],
)
def test_what_cannot_be_counted_stops_a_purchase_under_a_cap(doubt: dict[str, Any]) -> None:
    wanted = order(amount=1000, maximum_charge_per_day=100000)
    charge = wanted.charge(0)
    with pytest.raises(UserError, match="cannot be counted towards the limits"):
        _funding.check_caps(ACCOUNT, wanted, charge, [invoice(**doubt)], NOW)
    _funding.check_caps(ACCOUNT, wanted, charge, [invoice(**{**doubt, "status": "void"})], NOW)
    _funding.check_caps(ACCOUNT, order(amount=1000), charge, [invoice(**doubt)], NOW)


@pytest.mark.parametrize(
    ("known_since", "told"),
    [(-math.inf, 0), (NOW - 31 * 86400, 1), (NOW - 29 * 86400, None), (math.inf, None)],
)
def test_a_list_that_is_cut_has_to_reach_back_30_days(known_since: float, told: int | None) -> None:
    history = History([invoice()], known_since)
    if told is None:
        with pytest.raises(UserError, match="A purchase may be in progress without being listed"):
            _funding.check_history(ACCOUNT, history, NOW)
    else:
        assert len(_funding.check_history(ACCOUNT, history, NOW)) == told


def test_a_list_may_be_cut_just_where_30_days_end() -> None:
    assert len(_funding.check_history(ACCOUNT, History([invoice()], NOW - 30 * 86400), NOW)) == 1


def test_a_target_of_0_only_fills_a_hole() -> None:
    assert order(minimum_balance=0, target_balance=0).charge(-2000).amount == 2000


@pytest.mark.parametrize("charge", [None, charge_for(5000)])
def test_the_diff_is_what_a_person_reviews(charge: Any) -> None:
    header = f"AI Gateway credit of account {ACCOUNT}"
    before = "balance: 0.1 ($0.00)\n"
    bought = "balance: 5000.1 ($50.00)\ncharge: 5250 ($52.50), fee 250 ($2.50) included\n"
    assert _funding.credit_diff(ACCOUNT, 0.1, charge) == {
        "before_header": header,
        "after_header": header,
        "before": before,
        "after": bought if charge else before,
    }


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"status": "paid"}, "by then, the credit has had 15 minutes to arrive, whenever the invoice was paid."),
        (
            {"status": "pending"},
            "Run again later. If this message stays, look at the billing in the Cloudflare dashboard.",
        ),
        ({"status": "open"}, "have it voided in the billing of the Cloudflare dashboard, then run again."),
    ],
)
def test_what_is_in_flight_ends_in_what_to_do(changes: dict[str, Any], step: str) -> None:
    waited_for = _funding.not_clear(ACCOUNT, order(amount=1000), 400, invoice(**changes), (NOW, NOW), 0)
    assert str(waited_for).startswith(f"The balance of account {ACCOUNT}, $4.00, is below minimum_balance, $10.00, but")
    assert str(waited_for).endswith(step)
    assert waited_for.result == _funding.facts(400, None, invoice(**changes), 400)


def test_a_purchase_of_unknown_outcome_is_no_charge_of_this_run() -> None:
    entry = Entry(NOW, NOW, 5000, 5250, ())
    unresolved = _funding.unresolved(ACCOUNT, order(amount=1000), 400, entry, "/state/journal", 0)
    assert f"a run on this machine sent a purchase of $50.00 at {utc(NOW)} and ended before" in str(unresolved)
    assert "Run again in 15 minutes." in str(unresolved)
    assert unresolved.result == _funding.facts(400, None, None, 400)
