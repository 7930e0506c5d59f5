# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the credit module at the same moment, runs that are killed, and what the host remembers of them."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils._deadline import Deadline
from ansible_collections.finops.cloudflare.plugins.module_utils._journal import locked_journal
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID
from ansible_collections.finops.cloudflare.tests.unit.plugins.credit import (
    BALANCE,
    Clock,
    Runner,
    age_the_purchase,
    at_the_purchase,
    facts,
)


class Killed(BaseException):
    """Ends a run where it stands, like the end of its process or the keyword timeout of a task."""


@pytest.mark.parametrize("late", [False, True], ids=["before it is sent", "after it was sent"])
def test_a_run_that_is_killed_is_not_followed_by_a_second_purchase(
    run: Runner, clock: Clock, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    def kill(send: Callable[[], Any]) -> Any:
        if late:
            send()
        raise Killed

    run.set(purchases={"balance_reads": 1000, "list_reads": 2})
    with monkeypatch.context() as patch:
        at_the_purchase(patch, kill)
        with pytest.raises(Killed):
            run()
    (intent,) = run.remembered
    assert (intent["amount"], intent["total"], intent["invoice_id"]) == (5000, 5250, None)

    for check_mode in (True, False):
        result = run(check_mode, wait=False)
        assert facts(result) == (False, 400, 400, None, None)
        (journal,) = run.journals
        assert "sent a purchase of $50.00 at 20" in result["msg"]
        assert "Run again in 15 minutes. Once there is an invoice, the run continues from it." in result["msg"]
        assert (
            f"Remove the file {journal} and run again only if there is no such invoice, if it is void, or if its credit is already"
            in result["msg"]
        )

    slept = len(clock.slept)
    result = run(wait_timeout=30)
    assert result["failed"]
    assert len(clock.slept) > slept
    # Once it is in the list, it is on its way like any other. What somebody has voided is not taken for it.
    assert ("is paid, and its credit may not be" in result["msg"]) == late
    assert len(run.bought) == late
    if not late:
        assert "This run waited 30 seconds. Run again in 15 minutes." in result["msg"]
        journal.unlink()
        run.set(purchases={"balance_reads": 0, "list_reads": 0})
        assert run()["changed"]


def test_an_enough_balance_needs_no_journal(run: Runner) -> None:
    run.set(balance=5000)
    run()
    assert run.journals == []


def test_purchases_are_remembered_for_30_days(run: Runner) -> None:
    for number, (age, left) in enumerate([(3600, 1), (29 * 86400, 2), (86460, 3), (0, 2)]):
        run.set(balance=400)
        assert run()["changed"]
        assert len(run.remembered) == left, number
        assert run.remembered[-1]["invoice_id"] == f"in_1Bought{number:04}"
        age_the_purchase(run, age)


def test_a_refused_purchase_is_forgotten_at_once(run: Runner) -> None:
    run.set(purchases={"outcome": "declined"})
    run()
    assert run.remembered == []


def test_another_run_holds_the_lock(run: Runner, clock: Clock) -> None:
    run()
    (journal,) = run.journals
    run.start_anew()
    with locked_journal(str(journal), ACCOUNT_ID, Deadline(0)):
        for options, seconds in (({"wait": False}, 0), ({"wait_timeout": 20}, 20)):
            before = sum(clock.slept)
            result = run(**options)
            assert facts(result) == (False, 400, 400, None, None)
            assert "another run on this machine is checking or buying credit" in result["msg"]
            assert run.calls == [BALANCE]
            assert sum(clock.slept) - before == seconds
        predicted = run(check_mode=True)
        assert facts(predicted) == (False, 400, 400, None, None)
        assert "another run on this machine is checking or buying credit" in predicted["msg"]
    assert run(check_mode=True)["changed"]
    assert run()["changed"]


def test_what_another_run_has_bought_is_seen_once_it_leaves_the_lock(run: Runner, clock: Clock) -> None:
    run()
    (journal,) = run.journals
    run.start_anew()
    other_run = ExitStack()
    other_run.enter_context(locked_journal(str(journal), ACCOUNT_ID, Deadline(0)))

    def other_run_ends() -> None:
        run.set(balance=5400)
        other_run.close()

    clock.events[len(clock.slept) + 3] = other_run_ends
    assert not run()["changed"]


def test_a_journal_that_cannot_be_kept_is_warned_of(run: Runner) -> None:
    run.state.write_text("no directory")
    result = run()
    assert result["changed"]
    assert "Two runs at the same time can both buy" in result["warnings"][0]
    assert "set XDG_STATE_HOME" in result["warnings"][0]


def test_a_disk_that_is_full_after_the_purchase_is_warned_of(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_the_disk(send: Callable[[], Any]) -> Any:
        purchase = send()
        monkeypatch.setattr(os, "pwrite", lambda *_unused: 3)
        return purchase

    at_the_purchase(monkeypatch, fill_the_disk)
    result = run()
    assert result["changed"]
    assert "cannot be written (No space left on device)" in result["warnings"][0]


@pytest.mark.parametrize("content", ["", "{}", "{}\n"])
def test_a_journal_that_cannot_be_read_stops_everything(run: Runner, content: str) -> None:
    run()
    run.set(balance=400, invoices=[])
    (journal,) = run.journals
    journal.write_text(content)
    for check_mode in (True, False):
        result = run(check_mode)
        assert facts(result) == (False, 400, 400, None, None)
        assert f"cannot be read from {journal}" in result["msg"]
