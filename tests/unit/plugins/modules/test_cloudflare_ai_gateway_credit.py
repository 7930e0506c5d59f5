# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client
from ansible_collections.finops.cloudflare.plugins.module_utils._values import money
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, READ_TOKEN
from ansible_collections.finops.cloudflare.tests.unit.plugins.credit import (
    AFTERWARDS,
    BALANCE,
    BUY,
    CHARGE,
    ELIGIBILITY,
    INVOICES,
    LEFT_OUT,
    LIMITS,
    LOOK,
    STATUS,
    Clock,
    Runner,
    facts,
)


@pytest.mark.parametrize("balance", [1000, 1000.25, 250000])
def test_enough(run: Runner, balance: float) -> None:
    run.set(balance=balance)
    for check_mode in (True, False):
        result = run(check_mode)
        assert facts(result) == (False, balance, balance, None, None)
        assert result["diff"]["before"] == result["diff"]["after"] == f"balance: {money(balance)}\n"
        assert "Nothing was bought" in result["msg"]
        assert run.calls == [BALANCE]


@pytest.mark.parametrize("balance", [999.99, 400, 0, -12.5])
def test_too_little(run: Runner, balance: float) -> None:
    run.set(balance=balance)

    predicted = run(check_mode=True, api_token=READ_TOKEN)
    assert facts(predicted) == (True, balance, None, CHARGE, None)
    assert "Would buy $50.00 of credit for $52.50, including a fee of $2.50" in predicted["msg"]
    assert run.calls == [*LOOK, LIMITS]
    assert run.journals == []

    done = run()
    invoice = {"id": "in_1Bought0000", "status": "paid"}
    assert facts(done) == (True, balance, balance + 5000, CHARGE, invoice)
    assert done["diff"] == predicted["diff"]
    assert done["diff"]["after"].endswith("charge: 5250 ($52.50), fee 250 ($2.50) included\n")
    assert done["msg"].startswith("Bought $50.00")
    assert done["warnings"] == []
    assert run.calls == [*LOOK, BUY, STATUS, *AFTERWARDS]

    again = run()
    assert facts(again) == (False, balance + 5000, balance + 5000, None, None)
    assert run.calls == [BALANCE]


@pytest.mark.parametrize(("amount", "fee"), [(1000, 50), (1001, 51), (1019, 51), (1020, 51), (1021, 52)])
def test_a_fee_that_is_not_whole_is_rounded_up(run: Runner, amount: int, fee: int) -> None:
    charge = run(amount=amount, check_mode=True)["charge"]
    assert charge == {"amount": amount, "fee": fee, "total": amount + fee}


@pytest.mark.parametrize(
    ("balance", "target", "amount"), [(400, 10000, 9600), (400.5, 10000, 9600), (-50.25, 9000, 9051), (999, 1500, 1000)]
)
def test_target_balance(run: Runner, balance: float, target: int, amount: int) -> None:
    run.set(balance=balance)
    result = run(amount=LEFT_OUT, target_balance=target, maximum_charge=20000)
    assert result["charge"]["amount"] == amount
    assert run.account["balance"] == balance + amount >= target


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"maximum_charge": 5249}, "exceeds maximum_charge, 5249 ($52.49)"),
        (
            {"amount": LEFT_OUT, "target_balance": 8000, "maximum_charge": 7349},
            "a purchase of at least $70.00 of credit for at least $73.50, including the fee, exceeds maximum_charge, 7349",
        ),
        (
            {"amount": LEFT_OUT, "target_balance": 8000, "maximum_charge": 7349},
            "If you want to spend this much, raise maximum_charge. From a balance of $0.00, a purchase charges 8400 ($84.00).",
        ),
        ({"amount": 999}, "amount is in cents: 999 is $9.99. The minimum is 1000 ($10.00)"),
        ({"amount": 50}, "For $50.00, write 5000"),
        ({"amount": True}, "amount is True, a boolean"),
        ({"maximum_charge": 60}, "maximum_charge is in cents: 60 is $0.60. The minimum is 1050 ($10.50). For $60.00"),
        ({"maximum_charge_per_day": 0}, "0 is $0.00. The minimum is 1050 ($10.50). For no limit, leave it out."),
        ({"maximum_charge_per_month": None}, "check the template. For no limit, leave it out."),
        (
            {"amount": LEFT_OUT, "target_balance": 8000, "maximum_charge": 8400, "maximum_charge_per_day": 7349},
            "at least $73.50, including the fee, exceeds maximum_charge_per_day, 7349 ($73.49)",
        ),
        ({"minimum_balance": -1}, "minimum_balance is in cents: -1 is"),
        ({"minimum_balance": 10}, "10 is $0.10. The minimum is 500 ($5.00). For $10.00, write 1000"),
        ({"minimum_balance": 499}, "499 is $4.99. The minimum is 500 ($5.00)"),
        ({"minimum_balance": False}, "minimum_balance is False, a boolean"),
        (
            {"amount": LEFT_OUT, "target_balance": 999},
            "target_balance is in cents: 999 is $9.99. That is below minimum_balance, 1000 ($10.00)",
        ),
        ({"amount": LEFT_OUT, "target_balance": 50}, "Raise target_balance. For $50.00, write 5000."),
        ({"amount": LEFT_OUT}, "one of the following is required: amount, target_balance"),
        ({"target_balance": 9000}, "mutually exclusive"),
        ({"maximum_charge": LEFT_OUT}, "missing required arguments: maximum_charge"),
        ({"minimum_balance": LEFT_OUT}, "missing required arguments: minimum_balance"),
        ({"wait_timeout": -1}, "wait_timeout is -1"),
        ({"wait_timeout": 86401}, "wait_timeout is 86401. Set it to a number of seconds from 0 to 86400"),
        ({"wait_timeout": True}, "wait_timeout is True"),
        ({"account_id": "x"}, "account_id must be"),
    ],
)
def test_refused_before_any_call(run: Runner, options: dict[str, Any], said: str) -> None:
    for check_mode in (True, False):
        result = run(check_mode, **options)
        assert result["failed"]
        assert said in result["msg"]
        assert run.calls == []


def test_who_writes_cents_is_not_told_to_spend_a_hundred_times_as_much(run: Runner) -> None:
    result = run(False, amount=LEFT_OUT, target_balance=999)
    assert result["msg"].endswith("Raise target_balance.")


def test_a_deep_hole_is_not_filled_beyond_the_maximum(run: Runner) -> None:
    run.set(balance=-5000)
    for check_mode in (True, False):
        result = run(check_mode, amount=LEFT_OUT, target_balance=4000, maximum_charge=9449)
        assert result["failed"]
        assert "for $94.50, including a fee of $4.50, exceeds maximum_charge, 9449 ($94.49)" in result["msg"]
        assert facts(result) == (False, -5000, -5000, None, None)
        assert run.calls == LOOK
    assert run(amount=LEFT_OUT, target_balance=4000, maximum_charge=9450)["balance_after"] == 4000


@pytest.mark.parametrize("status", ["open", "draft", "uncollectible", None, "on its way"])
@pytest.mark.parametrize("kind", ["auto", "manual"])
def test_an_unsettled_invoice_stops_everything(run: Runner, clock: Clock, status: str | None, kind: str) -> None:
    old = run.account["invoices"][-1]
    run.set(invoices=[{**old, "type": kind, "id": "in_1Before", "status": status, "created": 1600000000}, old])
    for check_mode, options in ((True, {}), (False, {"wait": False})):
        result = run(check_mode, **options)
        assert result["failed"]
        assert (
            "nothing was bought: invoice in_1Before for $21.00 (created 2020-09-13T12:26:40Z) is not settled"
            in result["msg"]
        )
        assert "This run waited" not in result["msg"]
        assert facts(result) == (False, 400, 400, None, {"id": "in_1Before", "status": status})
        assert run.calls == LOOK
    assert clock.slept == []

    assert "This run waited 10 seconds. If the payment is still in progress, run again" in run(wait_timeout=10)["msg"]
    assert sum(clock.slept) == 10
    assert set(run.calls) == set(LOOK)


def test_a_purchase_that_is_void_does_not(run: Runner) -> None:
    run.set(invoices=[{**run.account["invoices"][0], "status": "void", "created": int(time.time())}])
    assert run()["changed"]


@pytest.mark.parametrize(("age", "bought"), [(0, False), (14 * 60, False), (16 * 60, True), (-3600, False)])
@pytest.mark.parametrize("unit", [1, 1000])
def test_a_paid_purchase_counts_as_on_its_way_for_a_while(run: Runner, age: int, bought: bool, unit: int) -> None:
    run.set(invoices=[{**run.account["invoices"][0], "created": (int(time.time()) - age) * unit}])
    result = run(wait=False)
    assert result["changed"] == bought
    assert bought or "is paid, and its credit may not be in the balance yet" in result["msg"]


@pytest.mark.parametrize("created", [None, 0, 1, -1, -1.7e12, 1500000000])
def test_a_paid_purchase_without_a_date_that_can_be_right_counts_as_on_its_way(
    run: Runner, created: float | None
) -> None:
    run.set(invoices=[{**run.account["invoices"][0], "created": created}])
    assert "is paid but has no plausible date" in run(wait=False)["msg"]


def test_a_run_goes_on_from_an_earlier_purchase(run: Runner, clock: Clock) -> None:
    run.set(purchases={"outcome": "pending"})
    assert facts(run(wait_timeout=5)) == (True, 400, None, CHARGE, {"id": "in_1Bought0000", "status": "pending"})

    clock.events[len(clock.slept) + 3] = lambda: run.simulator.settle(ACCOUNT_ID)
    result = run()
    assert facts(result) == (False, 5400, 5400, None, {"id": "in_1Bought0000", "status": "open"})
    assert run.bought == ["paid"]


def test_an_old_purchase_that_is_paid_at_last_is_not_in_the_balance_at_once(run: Runner, clock: Clock) -> None:
    run.set(purchases={"outcome": "pending", "balance_reads": 99})
    run(wait_timeout=0)
    run.account["invoices"][0]["created"] -= 3600
    clock.events[1] = lambda: run.simulator.settle(ACCOUNT_ID)
    result = run(wait_timeout=20)
    assert result["failed"]
    assert "in_1Bought0000" in result["msg"]
    assert run.bought == ["paid"]


def test_a_purchase_that_is_voided_meanwhile_makes_room_for_another(run: Runner, clock: Clock) -> None:
    run.set(purchases={"outcome": "pending"})
    run(wait_timeout=0)
    run.set(purchases={"outcome": "paid"})
    clock.events[1] = lambda: run.account["invoices"][0].update(status="void")
    assert run(wait_timeout=20)["invoice"] == {"id": "in_1Bought0001", "status": "paid"}


def test_it_waits_for_payment_and_balance(run: Runner, clock: Clock) -> None:
    run.set(purchases={"status_checks": 3, "balance_reads": 2})
    result = run()
    assert facts(result) == (True, 400, 5400, CHARGE, {"id": "in_1Bought0000", "status": "paid"})
    assert run.calls == [*LOOK, BUY, STATUS, STATUS, STATUS, BALANCE, INVOICES, BALANCE, BALANCE]
    assert clock.slept == [1.0, 1.5, 2.25, 3.375]


def test_a_balance_that_lags_is_unknown(run: Runner) -> None:
    run.set(purchases={"balance_reads": 1000})
    result = run(wait_timeout=30)
    assert facts(result) == (True, 400, None, CHARGE, {"id": "in_1Bought0000", "status": "paid"})


def test_without_waiting_a_pending_purchase_is_no_failure(run: Runner, clock: Clock) -> None:
    run.set(purchases={"outcome": "pending"})
    result = run(wait=False)
    assert facts(result) == (True, 400, None, CHARGE, {"id": "in_1Bought0000", "status": "pending"})
    assert result["msg"].startswith("Ordered, but not yet paid: $50.00")
    assert "is not paid after 0 seconds" in result["warnings"][0]
    assert clock.slept == []
    assert run.calls == [*LOOK, BUY, STATUS]


@pytest.mark.parametrize("outcome", ["pending", "authentication"])
def test_a_purchase_that_stays_pending_is_a_failure(run: Runner, clock: Clock, outcome: str) -> None:
    run.set(purchases={"outcome": outcome})
    result = run(wait_timeout=60)
    assert result["failed"]
    assert facts(result) == (True, 400, None, CHARGE, {"id": "in_1Bought0000", "status": "pending"})
    assert "is not paid after 60 seconds. The card may still be charged" in result["msg"]
    assert ("3-D Secure" in result["msg"]) == (outcome == "authentication")
    assert sum(clock.slept) == 60
    assert run.bought == ["open"]


@pytest.mark.parametrize("left", ["none", "open"])
def test_declined(run: Runner, left: str) -> None:
    run.simulator.settings["declined_invoice"] = left
    run.set(purchases={"outcome": "declined"})
    result = run()
    assert "The payment was declined" in result["msg"]
    assert "Nothing was bought" in result["msg"]
    assert "may have left an open invoice" in result["msg"]
    assert facts(result) == (False, 400, 400, None, None)
    assert run.calls == [*LOOK, BUY]
    # A decline that leaves an open invoice closes the account to automatic purchases, until a person has looked.
    run.set(purchases={"outcome": "paid"})
    assert run(wait=False)["changed"] == (left == "none")


def test_no_payment_method(run: Runner) -> None:
    run.set(has_default_payment_method=False)
    for check_mode in (True, False):
        result = run(check_mode)
        assert result["msg"].endswith("has no default payment method. Add one in the Cloudflare dashboard.")
        assert facts(result) == (False, 400, 400, None, None)
        assert run.calls == LOOK
    assert run(payment_method_id="pm_1")["changed"]
    (sent,) = [entry["body"] for entry in run.simulator.requests if entry["path"].endswith("/topup")]
    assert sent == {"amount": 5000, "payment_method_id": "pm_1"}


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("CONTRACT_BILLING_NOT_SELF_SERVE", "Ask your contact at Cloudflare"),
        ("PENDING_3DS_AUTHENTICATION", "Complete the bank's confirmation"),
        ("NO_ACCOUNT_PAYMENT_METHOD", "Add a card"),
        ("SOMETHING_NEW", "(SOMETHING_NEW). Look at the account's billing"),
    ],
)
def test_ineligible(run: Runner, reason: str, said: str) -> None:
    run.set(purchases={"ineligible": reason})
    result = run()
    assert said in result["msg"]
    assert facts(result) == (False, 400, 400, None, None)
    run.simulator.settings["eligibility"] = "unknown"
    assert "lacks the permission AI Gateway Write" in run()["msg"]
    assert run.bought == []


def test_refusals_with_their_next_step(run: Runner) -> None:
    assert "These credentials may read but not buy" in run(api_token=READ_TOKEN)["msg"]
    over = run(amount=600000, maximum_charge=900000)
    assert "One purchase may buy at most 500000 ($5,000.00) of credit." in over["msg"]
    assert run.calls == [*LOOK, BUY, LIMITS, ELIGIBILITY]
    assert run.bought == []


# What a filtering proxy sends, also after it has passed the request on
FOREIGN = (301, 302, 307, 400, 401, 402, 403, 404, 405, 407, 413, 417, 421, 422, 429, 451, 499)
LOST: list[dict[str, Any]] = [
    {"fault": "drop_before"},
    {"fault": "drop_after"},
    {"fault": "cut_short"},
    {"fault": "null_result"},
    {"fault": "html_502"},
    {"fault": "text_503"},
    {"fault": "empty_502"},
    {"fault": "empty_200"},
    {"fault": "html_200"},
    {"fault": "json_not_envelope"},
    {"fault": "success_false"},
    {"fault": "success_false", "code": 10429},
    {"fault": "slow", "seconds": 1.5},
    {"fault": "redirect", "location": "https://login.invalid/"},
    *({"fault": "status", "status": status, "acts": acts} for status in (408, 409, 425, 500) for acts in (False, True)),
    *({"fault": "foreign", "status": status, "acts": True} for status in FOREIGN),
    {"fault": "foreign", "status": 403},
    {"fault": "success_false", "acts": True},
    {"fault": "endless", "acts": True},
    {"fault": "gzip_bomb", "acts": True},
]
REFUSED: list[dict[str, Any]] = [
    {"fault": "rate_limited", "retry_after": 0},
    *({"fault": "status", "status": status} for status in (400, 401, 402, 403, 404, 405, 422, 429)),
]


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_a_lost_answer_is_never_repeated_and_never_certain(run: Runner, fault: dict[str, Any]) -> None:
    run.set(purchases={"balance_reads": 99})
    run.simulator.add_fault(method="POST", path="/topup", **fault)
    result = run(retries=10, timeout=1)
    assert result["failed"]
    assert "The card may have been charged" in result["msg"]
    assert "Nothing was" not in result["msg"]
    assert facts(result) == (True, 400, None, CHARGE, None)
    assert run.calls.count(BUY) == 1
    assert len(result["invoices_since"]) == len(run.bought)
    assert ("There is no new invoice yet" in result["msg"]) == (not run.bought)
    # A later run goes on from the invoice, or refuses to guess.
    later = run(wait=False)
    assert later["failed"]
    assert ("is paid, and its credit may not be" in later["msg"]) == bool(run.bought)
    assert ("ended before it learned the outcome" in later["msg"]) == (not run.bought)
    assert len(run.bought) <= 1


@pytest.mark.parametrize("fault", REFUSED, ids=str)
def test_a_refused_purchase_is_certain_and_not_repeated(run: Runner, fault: dict[str, Any]) -> None:
    run.simulator.add_fault(method="POST", path="/topup", **fault)
    result = run(retries=10)
    assert result["failed"]
    assert "may have been charged" not in result["msg"]
    assert "Nothing was bought." in result["msg"]
    assert facts(result) == (False, 400, 400, None, None)
    assert run.calls.count(BUY) == 1
    assert run.bought == []


def test_a_lost_answer_and_unreadable_invoices(run: Runner) -> None:
    run.simulator.add_fault(fault="drop_after", method="POST")
    run.simulator.add_fault(fault="slow", seconds=0, path="invoice-history")
    run.simulator.add_fault(fault="html_502", path="invoice-history", times=99)
    result = run(wait_timeout=20)
    assert "The invoices could not be read afterwards" in result["msg"]
    assert result["invoices_since"] is None


def test_a_state_that_cannot_be_read_is_not_certain(run: Runner) -> None:
    run.simulator.add_fault(fault="html_502", path="topup/status", times=9)
    result = run()
    assert result["failed"]
    assert "The purchase was accepted as in_1Bought0000" in result["msg"]
    assert facts(result) == (True, 400, None, CHARGE, {"id": "in_1Bought0000", "status": "pending"})


def test_asking_for_the_state_is_repeated(run: Runner, pauses: list[float]) -> None:
    run.simulator.add_fault(fault="html_502", path="topup/status", times=2)
    assert run(retries=2)["balance_after"] == 5400
    assert len(pauses) == 2


def test_what_is_paid_is_paid_even_if_nothing_can_be_read_afterwards(run: Runner) -> None:
    run.simulator.add_fault(fault="slow", seconds=0, path="credit-balance", times=2)
    run.simulator.add_fault(fault="html_502", path="credit-balance", times=9)
    result = run()
    assert facts(result) == (True, 400, None, CHARGE, {"id": "in_1Bought0000", "status": "paid"})
    assert "is paid. However: Could not read the credit balance" in result["warnings"][0]


def test_two_buyers_at_once_are_seen_afterwards(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    send = Client.send

    def second_buyer(client: Any, call: Any) -> Any:
        if call.path.endswith("/topup") and not run.bought:
            send(client, call)
        return send(client, call)

    monkeypatch.setattr(Client, "send", second_buyer)
    result = run()
    assert len(run.bought) == 2
    assert "Besides purchase in_1Bought0001 for $52.50" in result["warnings"][0]
    assert "invoice in_1Bought0000" in result["warnings"][0]


def test_a_floor_of_nothing_buys_only_what_is_overdrawn(run: Runner) -> None:
    run.set(balance=0)
    assert not run(minimum_balance=0)["changed"]
    run.set(balance=-0.25)
    assert run(minimum_balance=0)["changed"]


def test_a_purchase_that_is_not_enough_is_warned_of(run: Runner) -> None:
    run.set(balance=-6000)
    assert "still below minimum_balance" in run()["warnings"][0]


def test_an_invoice_with_taxes_is_told(run: Runner, clock: Clock) -> None:
    run.set(purchases={"status_checks": 2})
    clock.events[1] = lambda: run.account["invoices"][0].update(amount_due=6000)
    assert "differs from the expected charge" in run()["warnings"][0]
