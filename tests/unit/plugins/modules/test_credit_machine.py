# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random histories of runs, faults, settlements and time: never charged more than the rules allow, never sure too early."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _client, _credit
from ansible_collections.finops.cloudflare.plugins.modules import cloudflare_ai_gateway_credit
from ansible_collections.finops.cloudflare.tests.simulator import _purchases
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, SECRETS, WRITE_TOKEN, Simulator
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

FLOOR = 1000
MAXIMUM = 10500
LONG = _credit.SETTLING + 60

FAULTS = st.sampled_from(
    ["drop_before", "drop_after", "cut_short", "null_result", "html_502", "empty_200", "success_false", "rate_limited"]
)
PLACES = st.sampled_from(["/topup", "/topup", "/topup", "topup/status", "credit-balance", "invoice-history"])
TIMES = st.sampled_from([1, 1, 4])
BANKS = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["paid", "paid", "pending", "declined", "authentication"]),
        "status_checks": st.sampled_from([0, 2, 30]),
        "balance_reads": st.sampled_from([0, 2, 30]),
    }
)
ORDERS = st.sampled_from([{"amount": 5000}, {"amount": 1000}, {"target_balance": 6000}, {"target_balance": FLOOR}])


class Histories(RuleBasedStateMachine):
    run_module: Callable[..., dict[str, Any]]
    simulator: Simulator

    def __init__(self) -> None:
        super().__init__()
        _client._session.cache_clear()
        self.simulator.reset()
        self.simulator.set_account(ACCOUNT_ID, balance=400, invoices=[])
        self.simulator.settings["declined_invoice"] = "open"

    @property
    def account(self) -> dict[str, Any]:
        return self.simulator.account(ACCOUNT_ID)

    @property
    def owed(self) -> int:
        """Credit that is charged or can still be, and is not in the balance yet."""
        return sum(purchase["credit"] for purchase in self.account["unsettled"])

    # What goes wrong in half of the runs would leave little to see of the others.
    @rule(order=ORDERS, wait=st.sampled_from([0, 30]), bank=BANKS)
    def run_without_faults(self, order: dict[str, int], wait: int, bank: dict[str, Any]) -> None:
        self.check_run(order, wait, False, MAXIMUM, bank, [])

    @rule(
        order=ORDERS,
        wait=st.sampled_from([0, 30]),
        check_mode=st.sampled_from([False, False, True]),
        maximum=st.sampled_from([MAXIMUM, MAXIMUM, 1050]),
        bank=BANKS,
        faults=st.lists(st.fixed_dictionaries({"fault": FAULTS, "path": PLACES, "times": TIMES}), max_size=2),
    )
    def run(self, **how: Any) -> None:
        self.check_run(**how)

    def check_run(
        self,
        order: dict[str, int],
        wait: int,
        check_mode: bool,
        maximum: int,
        bank: dict[str, Any],
        faults: list[dict[str, Any]],
    ) -> None:
        self.simulator.set_account(ACCOUNT_ID, purchases=bank)
        self.simulator.add_faults(*faults)
        self.simulator.forget_requests()
        invoices, balance, owed = len(self.account["invoices"]), self.account["balance"], self.owed
        options = {
            "account_id": ACCOUNT_ID,
            "api_token": WRITE_TOKEN,
            "api_url": self.simulator.api_url,
            "minimum_balance": FLOOR,
            "maximum_charge": maximum,
            "wait": wait > 0,
            "wait_timeout": wait,
            **order,
        }
        result = self.run_module(cloudflare_ai_gateway_credit.main, options, check_mode)
        assert not any(secret in str(result) for secret in SECRETS)

        sent = [each for each in self.simulator.requests if each["path"].endswith("billing/topup")]
        assert len(sent) <= (0 if check_mode else 1)
        new = self.account["invoices"][: len(self.account["invoices"]) - invoices]
        assert len(new) <= len(sent)
        if new:
            # What was on its way when it was bought would have been enough, or the rules were kept.
            assert balance < FLOOR
            assert owed == 0
            assert new[0]["amount_due"] <= maximum
            # What is charged is never passed over in silence. What is declined is not charged, but leaves its invoice.
            assert result["changed"] or result["error"]["status"] == 402
        self.sure(result, new, check_mode)

    def sure(self, result: dict[str, Any], new: list[dict[str, Any]], check_mode: bool) -> None:
        """What the result says for certain has to be so."""
        invoice = result.get("invoice")
        if invoice and invoice["status"] == "paid":
            assert any(each["id"] == invoice["id"] and each["status"] == "paid" for each in self.account["invoices"])
        if result.get("failed"):
            return
        if result["changed"] and not check_mode:
            assert [each["id"] for each in new] == [invoice["id"] if invoice else None]
            assert new[0]["amount_due"] == result["charge"]["total"]
        if not result["changed"]:
            assert not new
            assert result["balance_after"] >= FLOOR
        if result["balance_after"] is not None:
            assert result["balance_after"] == self.account["balance"]

    @precondition(lambda self: self.account["balance"] >= 0)
    @rule(cents=st.sampled_from([300, 900, 2500.25]))
    def use(self, cents: float) -> None:
        self.simulator.set_account(ACCOUNT_ID, balance=self.account["balance"] - cents)

    @precondition(lambda self: self.owed)
    @rule()
    def settle(self) -> None:
        """The bank pays at last."""
        self.simulator.settle(ACCOUNT_ID)

    @precondition(lambda self: any(invoice["status"] == "open" for invoice in self.account["invoices"]))
    @rule()
    def give_up(self) -> None:
        """A person voids what is open."""
        for invoice in self.account["invoices"]:
            if invoice["status"] == "open":
                invoice["status"] = "void"
        self.account["unsettled"][:] = [each for each in self.account["unsettled"] if each["paid"]]

    @precondition(lambda self: self.account["invoices"])
    @rule()
    def let_time_pass(self) -> None:
        """Longer than what is paid takes to be in the balance.

        What is paid only after that is taken to be in the balance at once: the API does not show that it was late.
        """
        for purchase in self.account["unsettled"]:
            purchase["balance_reads"] = 0
        for invoice in self.account["invoices"]:
            invoice["created"] -= LONG
        for invoice in [each for each in self.account["invoices"] if each["status"] == "paid"]:
            _purchases.settle(self.account, invoice["id"])


def test_histories(
    run_module: Callable[..., dict[str, Any]], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=0.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(_credit, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock.now))
    monkeypatch.setattr(_client, "time", SimpleNamespace(sleep=sleep, time=lambda: clock.now))
    run_state_machine_as_test(
        type("HistoriesHere", (Histories,), {"run_module": staticmethod(run_module), "simulator": simulator}),
        settings=settings(max_examples=200, stateful_step_count=15, deadline=None, derandomize=True, database=None),
    )
