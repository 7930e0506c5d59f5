# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the credit module from charging what nobody asked for."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client
from ansible_collections.finops.cloudflare.tests.simulator import _api, _billing
from ansible_collections.finops.cloudflare.tests.simulator._routes import ROUTES
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, READ_TOKEN
from ansible_collections.finops.cloudflare.tests.unit.plugins.credit import (
    AFTERWARDS,
    BALANCE,
    BUY,
    CHARGE,
    INVOICES,
    LEFT_OUT,
    LIMITS,
    LOOK,
    STATUS,
    Clock,
    Runner,
    age_the_purchase,
    at_the_purchase,
    facts,
)


def ago(days: float) -> int:
    return int(time.time() - days * 86400)


# What is null


@pytest.mark.parametrize("options", [{"amount": None}, {"amount": LEFT_OUT, "target_balance": None}])
@pytest.mark.parametrize("balance", [400, -8000])
def test_null_buys_nothing(run: Runner, options: dict[str, Any], balance: int) -> None:
    run.set(balance=balance)
    for check_mode in (True, False):
        result = run(check_mode, maximum_charge=50000, **options)
        assert "amount and target_balance are both null" in result["msg"]
        assert run.calls == []


@pytest.mark.parametrize(
    "option",
    [
        *("account_id", "minimum_balance", "maximum_charge", "wait_timeout", "state", "timeout", "retries", "api_url"),
        *("validate_certs", "ca_path", "wait", "allow_auto_topup", "payment_method_id"),
        *("maximum_charge_per_day", "maximum_charge_per_month"),
    ],
)
def test_null_ends_in_a_sentence_or_means_the_default(run: Runner, option: str) -> None:
    result = run(True, **{option: None})
    # What Ansible itself makes of null differs between its versions.
    if result.get("failed"):
        assert option in result["msg"]
        assert run.calls == []
    else:
        assert option in ("state", "api_url", "validate_certs", "ca_path", "wait", "allow_auto_topup")
        assert result["charge"] == CHARGE
    assert "exception" not in result


def test_an_empty_payment_method_is_not_the_default_one(run: Runner) -> None:
    assert "payment_method_id is empty" in run(payment_method_id="")["msg"]
    assert run.calls == []


# What is in flight


def test_every_unsettled_invoice_is_remembered(run: Runner, clock: Clock) -> None:
    old = {**run.account["invoices"][0], "created": ago(1), "amount_paid": 0, "status": "open"}
    run.set(invoices=[{**old, "id": "in_newest"}, {**old, "id": "in_older"}])

    def settle_one() -> None:
        newest, older = run.account["invoices"]
        newest["status"] = "void"
        older["status"] = "paid"

    clock.events[1] = settle_one
    result = run(wait_timeout=30)
    assert result["failed"]
    assert "invoice in_older" in result["msg"]
    assert run.bought == []


def test_what_is_paid_and_credited_between_two_reads_is_seen(run: Runner) -> None:
    old = {**run.account["invoices"][0], "id": "in_old", "created": ago(1), "status": "open"}
    run.set(
        invoices=[old],
        unsettled=[{"id": "in_old", "credit": 5000, "paid": False, "status_checks": None, "balance_reads": 0}],
    )
    # It is paid just before the second read.
    answers = 0
    reply = run.simulator._server.answer

    def paying(request: Any) -> Any:
        nonlocal answers
        answers += 1
        if answers == 2:
            run.simulator.settle(ACCOUNT_ID)
        return reply(request)

    run.simulator._server.answer = paying
    assert not run()["changed"]
    assert run.bought == []


@pytest.mark.parametrize("offset", [-7200, 7200])
def test_an_age_is_the_smaller_one_of_two_clocks(run: Runner, monkeypatch: pytest.MonkeyPatch, offset: int) -> None:
    """Neither a fast clock here nor a Date header that is ahead makes what was bought just now look old."""
    run.set(invoices=[{**run.account["invoices"][0], "created": int(time.time())}])
    if offset > 0:
        run.simulator.add_fault(fault="date", offset=offset, times=99)
    else:
        true_time = time.time
        monkeypatch.setattr(time, "time", lambda: true_time() + 7200)
        run.simulator.add_fault(fault="date", offset=-7200, times=99)
    assert "is paid, and its credit may not be in the balance yet" in run(wait=False)["msg"]


# Lists that are cut


def test_pages_are_followed(run: Runner) -> None:
    run.simulator.settings.change({"invoices_per_page": 2, "invoice_pages": "followed"})
    oldest = {**run.account["invoices"][0], "id": "in_oldest", "created": ago(90), "status": "open"}
    run.set(invoices=[*run.account["invoices"], oldest])
    assert "invoice in_oldest" in run(wait=False)["msg"]
    run.account["invoices"][-1]["status"] = "paid"
    result = run()
    assert result["changed"]
    assert result["warnings"] == []
    assert run.calls.count(INVOICES) == 5


@pytest.mark.parametrize("pages", ["ignored", "refused"])
def test_an_account_with_many_old_invoices_can_buy(run: Runner, pages: str) -> None:
    run.simulator.settings.change({"invoices_per_page": 2, "invoice_pages": pages})
    result = run()
    assert result["changed"]
    assert "Cloudflare lists only the 2 newest invoices" in result["warnings"][0]


@pytest.mark.parametrize("how", ["young", "oldest first", "undated"])
def test_a_list_that_may_miss_a_young_invoice_stops_everything(run: Runner, how: str) -> None:
    run.simulator.settings.change({"invoices_per_page": 2})
    if how == "oldest first":
        run.simulator.settings.change({"invoice_order": "oldest_first"})
    else:
        dates = [ago(5), ago(6) if how == "young" else None, ago(40)]
        run.set(invoices=[{**run.account["invoices"][0], "id": f"in_{date}", "created": date} for date in dates])
    for check_mode in (True, False):
        result = run(check_mode)
        assert result["failed"]
        assert "Nothing was bought" in result["msg"]
    assert run.bought == []


# What becomes of a purchase


def test_a_purchase_that_nothing_shows_is_a_failure(run: Runner, clock: Clock) -> None:
    run.set(purchases={"list_reads": 1000, "balance_reads": 1000})
    result = run(wait_timeout=30)
    assert result["failed"]
    assert facts(result) == (True, 400, None, CHARGE, {"id": "in_1Bought0000", "status": "paid"})
    assert "after 30 seconds neither the balance nor the invoices show it" in result["msg"]
    assert sum(clock.slept) == 30


def test_without_waiting_a_purchase_that_nothing_shows_is_warned_of(run: Runner) -> None:
    run.set(purchases={"list_reads": 1000, "balance_reads": 1000})
    result = run(wait=False)
    assert facts(result) == (True, 400, None, CHARGE, {"id": "in_1Bought0000", "status": "paid"})
    assert "neither the balance nor the invoices show it" in result["warnings"][0]


@pytest.mark.parametrize(("lag", "said"), [("list_reads", "The invoices of"), ("balance_reads", "The balance of")])
def test_a_purchase_that_is_shown_in_one_place_is_warned_of(run: Runner, lag: str, said: str) -> None:
    run.set(purchases={lag: 1000})
    result = run(wait_timeout=30)
    assert result["changed"]
    assert result["warnings"][0].startswith(said)


def test_a_list_that_lags_is_waited_for(run: Runner) -> None:
    run.set(purchases={"list_reads": 2})
    result = run()
    assert result["warnings"] == []
    assert run.calls == [*LOOK, BUY, STATUS, *AFTERWARDS, INVOICES, INVOICES]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_list_that_lags_does_not_hide_what_this_machine_has_bought(run: Runner, check_mode: bool) -> None:
    run.set(purchases={"list_reads": 1000, "balance_reads": 1000})
    run(wait=False)
    later = run(check_mode, wait=False)
    assert later["failed"]
    assert "is paid, and its credit may not be in the balance yet" in later["msg"]
    assert later["invoice"] == {"id": "in_1Bought0000", "status": "paid"}
    assert len(run.bought) == 1


def test_a_purchase_that_only_this_machine_knows_is_waited_for(run: Runner) -> None:
    run.set(purchases={"outcome": "pending", "list_reads": 1000})
    run(wait=False)
    age_the_purchase(run)
    for check_mode in (True, False):
        later = run(check_mode, wait=False)
        assert "was bought from this machine and is not in the list of invoices yet" in later["msg"]
        assert later["invoice"] == {"id": "in_1Bought0000", "status": "pending"}


def test_an_invoice_that_seems_old_is_as_young_as_the_purchase(run: Runner) -> None:
    """Such as one that was a draft before, or that a clock which is slow has dated."""
    run.set(purchases={"balance_reads": 1000})
    run(wait=False)
    run.account["invoices"][0]["created"] -= 1200
    for check_mode in (True, False):
        assert "is paid, and its credit may not be in the balance yet" in run(check_mode, wait=False)["msg"]
    assert len(run.bought) == 1


@pytest.mark.parametrize("listed", [True, False])
def test_a_clock_that_was_behind_makes_no_purchase_old(run: Runner, listed: bool) -> None:
    run.set(purchases={"balance_reads": 1000, "list_reads": 0 if listed else 1000})
    run.simulator.add_fault(fault="date", offset=-3600, times=3)
    run(wait=False)
    if listed:
        run.account["invoices"][0]["created"] -= 3600
    assert run(wait=False)["failed"]
    assert len(run.bought) == 1


def test_what_is_called_paid_at_last_is_not_in_the_balance_at_once(run: Runner, clock: Clock) -> None:
    run.set(purchases={"outcome": "pending", "list_reads": 1000, "balance_reads": 1000})
    run(wait=False)
    age_the_purchase(run)
    clock.events[len(clock.slept) + 1] = lambda: run.simulator.settle(ACCOUNT_ID)
    assert run(wait_timeout=20)["failed"]
    assert len(run.bought) == 1


def test_what_is_paid_and_old_is_not_waited_for_because_the_list_lags(run: Runner) -> None:
    run.set(purchases={"list_reads": 1000})
    run()
    age_the_purchase(run)
    run.set(balance=400)
    assert run()["changed"]
    assert [entry["invoice_id"] for entry in run.remembered] == ["in_1Bought0000", "in_1Bought0001"]


@pytest.mark.parametrize("reads", [0, 3])
def test_after_a_lost_answer_the_invoices_are_looked_at_until_they_tell(run: Runner, clock: Clock, reads: int) -> None:
    run.set(purchases={"list_reads": reads, "balance_reads": 99})
    run.simulator.add_fault(fault="drop_after", method="POST", path="/topup")
    result = run()
    assert "The card may have been charged. New invoices: invoice in_1Bought0000 for $52.50" in result["msg"]
    assert result["invoices_since"] == [{"id": "in_1Bought0000", "status": "paid"}]
    assert len(clock.slept) == reads


def test_after_a_lost_answer_that_leaves_no_trace_it_looks_until_the_timeout(run: Runner, clock: Clock) -> None:
    run.simulator.add_fault(fault="drop_before", method="POST", path="/topup")
    assert run(wait_timeout=20)["invoices_since"] == []
    assert sum(clock.slept) == 20


def test_a_purchase_whose_invoice_is_not_paid_is_warned_of(run: Runner, clock: Clock) -> None:
    run.set(purchases={"list_reads": 1})
    clock.events[1] = lambda: run.account["invoices"][0].update(status="void")
    assert "but its invoice is not (status: void)" in run()["warnings"][0]


@pytest.mark.parametrize("answer", [{"status": 400}, {"status": 402}, {"status": 200}])
@pytest.mark.parametrize("secret", ["pi_3SecretOfThePayment_secret_x", "\ud800 half of a character"])
def test_the_secret_of_a_payment_is_shown_by_no_answer(
    run: Runner, raw_server: Any, monkeypatch: pytest.MonkeyPatch, answer: dict[str, int], secret: str
) -> None:
    repeated = [{"code": 1, "message": f"not with {secret}"}]
    document = {"success": answer["status"] == 200, "errors": repeated, "result": {"client_secret": secret}}
    body = json.dumps(document).encode()
    raw_server.answer = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (answer["status"], len(body), body)

    def elsewhere(send: Callable[[], Any]) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run_client[0], "_base_url", raw_server.url)
            return send()

    run_client: list[Client] = []
    init = Client.__init__

    def remember(client: Client, *args: Any, **options: Any) -> None:
        init(client, *args, **options)
        run_client[:] = [client]

    monkeypatch.setattr(Client, "__init__", remember)
    at_the_purchase(monkeypatch, elsewhere)
    result = run(wait=False)
    assert result["failed"]
    assert ("not with ********" in result["msg"]) == (answer["status"] != 200)
    assert secret not in str(result)


def test_what_never_left_this_host_is_certain(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang_up(send: Callable[[], Any]) -> Any:
        run.simulator._server.stop()
        return send()

    at_the_purchase(monkeypatch, hang_up)
    result = run()
    assert "Nothing was sent." in result["msg"]
    assert facts(result) == (False, 400, 400, None, None)
    assert run.remembered == []


# What forbids a purchase


def limit(cap: str, cents: int) -> dict[str, Any]:
    return {cap: cents}


@pytest.mark.parametrize("cap", ["maximum_charge_per_day", "maximum_charge_per_month"])
def test_a_cap_over_time(run: Runner, cap: str) -> None:
    days = 1 if cap.endswith("day") else 30
    first = {**run.account["invoices"][0], "amount_due": 2000, "amount_paid": 2000}
    run.set(
        invoices=[
            {**first, "id": "in_paid", "created": ago(days - 0.1), "type": "auto"},
            {**first, "id": "in_void", "created": ago(days - 0.5), "status": "void", "amount_due": 90000},
            {**first, "id": "in_old", "created": ago(days + 0.1), "amount_paid": 90000},
        ]
    )
    for check_mode in (True, False):
        result = run(check_mode, **limit(cap, 7249))
        assert facts(result) == (False, 400, 400, None, None)
        assert "charged $20.00. With $52.50 for this one, it would be $72.50" in result["msg"]
        assert f"more than {cap}, 7249 ($72.49)" in result["msg"]
    assert run(**limit(cap, 7250))["changed"]


@pytest.mark.parametrize("cap", ["maximum_charge_per_day", "maximum_charge_per_month"])
@pytest.mark.parametrize(
    ("value", "said"),
    [(100, "is in cents: 100 is $1.00"), (True, "a boolean"), (5249, "for $52.50, including a fee of $2.50, exceeds")],
)
def test_a_cap_that_cannot_be_meant(run: Runner, cap: str, value: int, said: str) -> None:
    result = run(**limit(cap, value))
    assert said in result["msg"]
    assert cap in result["msg"]
    assert run.calls == []


def test_invoices_for_usage_do_not_count(run: Runner) -> None:
    usage = {
        **run.account["invoices"][0],
        "id": "in_usage",
        "type": "usage",
        "created": ago(0.5),
        "amount_due": 90000,
        "currency": "eur",
    }
    run.set(invoices=[usage])
    assert run(maximum_charge_per_day=5250)["changed"]


def test_a_purchase_that_the_lists_of_purchases_do_not_show_counts(run: Runner) -> None:
    run()
    age_the_purchase(run)
    run.account["invoices"][0]["type"] = "usage"
    run.set(balance=400)
    assert "charged $52.50" in run(maximum_charge_per_day=10499)["msg"]
    assert run(maximum_charge_per_day=10500)["changed"]


def test_what_only_this_machine_knows_counts(run: Runner) -> None:
    run.set(purchases={"list_reads": 1000})
    run()
    age_the_purchase(run)
    run.set(balance=400)
    assert "charged $52.50. With $52.50 for" in run(maximum_charge_per_day=10499)["msg"]
    assert run(maximum_charge_per_day=10500)["changed"]


@pytest.mark.parametrize(
    ("topup", "works"),
    [
        ({"amount": 5000, "threshold": 500}, True),
        ({"amount": 5000}, True),
        ({"threshold": 500}, True),
        ({"amount": 5000, "threshold": 500, "error": "card_declined"}, True),
        ({"amount": 5000, "threshold": 500, "disabledReason": "payment_failed"}, False),
        ({}, False),
    ],
)
def test_an_auto_topup_that_works_is_a_second_buyer(run: Runner, topup: dict[str, Any], works: bool) -> None:
    run.set(topup=topup)
    for check_mode in (True, False):
        result = run(check_mode)
        assert result["changed"] != works
        assert not works or "allow_auto_topup: true" in result["msg"]
        assert not works or run.bought == []
        run.start_anew()
    assert run(allow_auto_topup=True)["changed"]


@pytest.mark.parametrize(
    ("reason", "works"), [(False, True), (0, True), ("", True), (None, True), ("card_declined", False)]
)
def test_what_is_no_reason_does_not_stop_an_auto_topup(
    run: Runner, monkeypatch: pytest.MonkeyPatch, reason: object, works: bool
) -> None:
    run.set(topup={"amount": 5000, "threshold": 500})
    answer_balance_with(monkeypatch, {"amount": 5000, "threshold": 500, "disabledReason": reason})
    assert run(check_mode=True)["changed"] != works


@pytest.mark.parametrize("told", [None, [], "", False, 0])
def test_an_auto_topup_that_the_balance_does_not_tell_of_is_asked_for(
    run: Runner, monkeypatch: pytest.MonkeyPatch, told: object
) -> None:
    run.set(topup={"amount": 5000, "threshold": 500})
    answer_balance_with(monkeypatch, told)
    assert "allow_auto_topup: true" in run()["msg"]
    assert run.calls == [*LOOK, "GET config"]
    run.set(topup=None)
    assert run()["changed"]


def answer_balance_with(monkeypatch: pytest.MonkeyPatch, topup_config: object) -> None:
    """Let the simulator's answer tell this of the auto top-up."""
    serve = _billing.get_credit_balance
    changed = [
        each._replace(function=lambda call: {**serve(call), "topup_config": topup_config})
        if each.function is serve
        else each
        for each in ROUTES
    ]
    monkeypatch.setattr(_api, "ROUTES", changed)


def test_an_auto_topup_is_no_matter_while_there_is_enough(run: Runner) -> None:
    run.set(balance=5000, topup={"amount": 5000, "threshold": 500})
    assert not run()["changed"]
    assert run.calls == [BALANCE]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_cents": 4999}, "may buy at most 4999 ($49.99)"),
        ({"min_cents": 5001}, "must buy at least 5001 ($50.01)"),
    ],
)
def test_check_mode_sees_the_limits_of_the_account(run: Runner, limits: dict[str, int], said: str) -> None:
    run.set(limits=limits)
    result = run(check_mode=True, api_token=READ_TOKEN)
    assert facts(result) == (False, 400, 400, None, None)
    assert said in result["msg"]
    assert run.calls == [*LOOK, LIMITS]
    run.simulator.settings["limits"] = "unknown"
    assert run(check_mode=True)["changed"]
    assert LIMITS not in (run(wait=False), run.calls[: len(LOOK) + 1])[1]


def test_the_journal_is_below_the_state_directory(run: Runner) -> None:
    run()
    (journal,) = run.journals
    assert journal.parent == Path(run.state) / "finops.cloudflare"
    assert ACCOUNT_ID in journal.name
