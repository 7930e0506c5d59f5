# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random histories of runs, faults, settlements and time: never charged more than the rules allow, never sure too early."""

from __future__ import annotations

import json
import math
import shutil
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _client, _deadline, _funding, _http
from ansible_collections.finops.cloudflare.plugins.module_utils._journal import journal_path, locked_journal
from ansible_collections.finops.cloudflare.plugins.modules import cloudflare_ai_gateway_credit
from ansible_collections.finops.cloudflare.tests.simulator import _purchases
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, SECRETS, Simulator
from ansible_collections.finops.cloudflare.tests.unit.plugins.credit import options_for
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

FLOOR = 1000
MAXIMUM = 10500
LONG = _funding.SETTLING + 60

READS = ("credit-balance", "invoice-history", "topup/status")
FAULTS = st.one_of(
    st.fixed_dictionaries(
        {
            "fault": st.sampled_from(
                ["drop_before", "drop_after", "cut_short", "null_result", "html_502", "empty_200", "rate_limited"]
            ),
            "path": st.sampled_from(["/topup", "/topup", "/topup", *READS]),
            "times": st.sampled_from([1, 1, 4]),
        }
    ),
    st.fixed_dictionaries(
        {
            "fault": st.just("foreign"),
            "status": st.sampled_from([302, 402, 403, 404, 413, 429, 499]),
            "acts": st.booleans(),
            "path": st.just("/topup"),
        }
    ),
    st.fixed_dictionaries(
        {
            "fault": st.just("status"),
            "status": st.sampled_from([408, 409, 425, 500]),
            "acts": st.booleans(),
            "path": st.just("/topup"),
        }
    ),
    st.fixed_dictionaries({"fault": st.just("success_false"), "acts": st.booleans(), "path": st.just("/topup")}),
    st.fixed_dictionaries(
        {"fault": st.just("date"), "offset": st.sampled_from([-7200, 7200]), "path": st.sampled_from(READS)}
    ),
)
LAGS = st.sampled_from([0, 0, 2, 30])
BANKS = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["paid", "paid", "paid", "pending", "declined", "authentication"]),
        "status_checks": LAGS,
        "balance_reads": LAGS,
        "list_reads": LAGS,
    }
)
ORDERS = st.sampled_from([{"amount": 5000}, {"amount": 1000}, {"target_balance": 6000}, {"target_balance": FLOOR}])
CAPS = st.sampled_from([{}, {"maximum_charge_per_day": 6300}, {"maximum_charge_per_month": 8000}])
MEANWHILE = st.sampled_from([None, "settle", "give_up_the_newest_and_settle"])
LISTS = st.sampled_from(
    [
        {"invoices_per_page": 100},
        {"invoices_per_page": 100},
        {"invoices_per_page": 2, "invoice_pages": "followed"},
        {"invoices_per_page": 2, "invoice_pages": "ignored"},
        {"invoices_per_page": 2, "invoice_pages": "refused", "invoice_order": "oldest_first"},
    ]
)


class Killed(BaseException):
    """The end of a process where it stands."""


class Clock:
    """Time that passes in sleeping alone, where something can happen meanwhile."""

    def __init__(self) -> None:
        self.now = 0.0
        self.meanwhile: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        happen, self.meanwhile = self.meanwhile, lambda: None
        happen()

    def time(self) -> float:
        return self.now


class Histories(RuleBasedStateMachine):
    run_module: Callable[..., dict[str, Any]]
    simulator: Simulator
    state: Path
    clock: Clock
    sessions: list[Any]

    def __init__(self) -> None:
        super().__init__()
        _client._session.cache_clear()
        # Each module freezes what there is, so that nobody else would close them.
        while self.sessions:
            self.sessions.pop().close()
        shutil.rmtree(self.state, ignore_errors=True)
        self.simulator.reset()
        old = self.simulator.account(ACCOUNT_ID)["invoices"][0]
        invoices = [
            {
                **old,
                "id": f"in_{days}",
                "created": int(time.time()) - days * _funding.DAY,
                "amount_due": 2000,
                "amount_paid": 2000,
            }
            for days in (20, 40, 60)
        ]
        self.simulator.set_account(ACCOUNT_ID, balance=400, invoices=invoices)
        self.simulator.settings["declined_invoice"] = "open"
        self.journal = Path(journal_path({"XDG_STATE_HOME": str(self.state)}, self.simulator.api_url, ACCOUNT_ID))

    @property
    def account(self) -> dict[str, Any]:
        return self.simulator.account(ACCOUNT_ID)

    @property
    def owed(self) -> int:
        """Credit that is charged or can still be, and is not in the balance yet."""
        return sum(purchase["credit"] for purchase in self.account["unsettled"])

    @property
    def remembered(self) -> list[dict[str, Any]]:
        """What the journal holds."""
        content = self.journal.read_text(encoding="utf-8") if self.journal.exists() else ""
        purchases: list[dict[str, Any]] = json.loads(content)["purchases"] if content else []
        return purchases

    # What goes wrong in half of the runs would leave little to see of the others.
    @rule(order=ORDERS, caps=CAPS, wait=st.sampled_from([0, 30]), bank=BANKS, meanwhile=MEANWHILE)
    def run_without_faults(
        self, order: dict[str, int], caps: dict[str, int], wait: int, bank: dict[str, Any], meanwhile: str | None
    ) -> None:
        self.clock.meanwhile = getattr(self, meanwhile) if meanwhile else lambda: None
        self.check_run({**order, **caps, "wait": wait > 0, "wait_timeout": wait}, bank)
        self.clock.meanwhile = lambda: None

    @rule(
        order=ORDERS,
        caps=CAPS,
        wait=st.sampled_from([0, 30]),
        check_mode=st.sampled_from([False, False, True]),
        maximum=st.sampled_from([MAXIMUM, MAXIMUM, MAXIMUM, 1050]),
        bank=BANKS,
        lists=LISTS,
        faults=st.lists(FAULTS, max_size=2),
        killed=st.sampled_from([None, None, None, "before", "after"]),
        rival=st.sampled_from([False, False, False, False, False, True]),
    )
    def run(
        self,
        order: dict[str, int],
        caps: dict[str, int],
        wait: int,
        check_mode: bool,
        maximum: int,
        bank: dict[str, Any],
        lists: dict[str, Any],
        faults: list[dict[str, Any]],
        killed: str | None,
        rival: bool,
    ) -> None:
        self.simulator.settings.change({"invoice_order": "newest_first", "invoice_pages": "ignored", **lists})
        self.simulator.add_faults(*faults)
        options = {**order, **caps, "wait": wait > 0, "wait_timeout": wait, "maximum_charge": maximum}
        self.check_run(options, bank, check_mode, killed, rival)
        self.simulator.settings.change({"invoice_order": "newest_first", "invoices_per_page": 100})

    def check_run(
        self,
        wanted: dict[str, Any],
        bank: dict[str, Any],
        check_mode: bool = False,
        killed: str | None = None,
        rival: bool = False,
    ) -> None:
        self.simulator.set_account(ACCOUNT_ID, purchases=bank)
        self.simulator.forget_requests()
        invoices = len(self.account["invoices"])
        before: list[tuple[float, int]] = []
        options = {**options_for(self.simulator), "minimum_balance": FLOOR, "maximum_charge": MAXIMUM, **wanted}
        result: dict[str, Any] | None = None
        lock = locked_journal(str(self.journal), ACCOUNT_ID, _deadline.Deadline(0)) if rival else nullcontext()
        with lock, pytest.MonkeyPatch.context() as patch:
            _at_the_purchase(patch, lambda: before.append((self.account["balance"], self.owed)), killed)
            try:
                result = self.run_module(cloudflare_ai_gateway_credit.main, options, check_mode)
            except Killed:
                assert killed
        assert not any(secret in str(result) for secret in SECRETS)

        sent = [each for each in self.simulator.requests if each["path"].endswith("billing/topup")]
        assert len(sent) <= (0 if check_mode or rival else 1)
        new = self.account["invoices"][: len(self.account["invoices"]) - invoices]
        assert len(new) <= len(sent)
        if new:
            # Nothing was on its way when it was bought, that would have been enough.
            assert before[0][0] < FLOOR
            assert before[0][1] == 0
            assert new[0]["amount_due"] <= options["maximum_charge"]
            assert self.charged(_funding.DAY) <= options.get("maximum_charge_per_day", math.inf)
            assert self.charged(_funding.MONTH) <= options.get("maximum_charge_per_month", math.inf)
        if result is not None:
            # What is charged is never passed over in silence. What is declined is not charged, but leaves its invoice.
            assert not new or result["changed"] or (result["error"]["status"] == 402 and bank["outcome"] == "declined")
            self.sure(result, new, check_mode)

    def charged(self, seconds: int) -> int:
        """What all purchases of this time charge, those that were given up aside."""
        young = [each for each in self.account["invoices"] if each["created"] > time.time() - seconds]
        return sum(invoice["amount_due"] for invoice in young if invoice["status"] != "void")

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

    @rule(option=st.sampled_from(["amount", "target_balance"]))
    def run_with_null(self, option: str) -> None:
        self.simulator.forget_requests()
        options = {**options_for(self.simulator), "maximum_charge": MAXIMUM, option: None}
        assert self.run_module(cloudflare_ai_gateway_credit.main, options)["failed"]
        assert self.simulator.requests == []

    @precondition(lambda self: self.account["balance"] >= 0)
    @rule(cents=st.sampled_from([300, 900, 2500.25]))
    def use(self, cents: float) -> None:
        self.simulator.set_account(ACCOUNT_ID, balance=self.account["balance"] - cents)

    @precondition(lambda self: self.owed)
    @rule()
    def settle(self) -> None:
        """The bank pays at last."""
        self.simulator.settle(ACCOUNT_ID)

    @rule(paid=st.booleans())
    def buy_elsewhere(self, paid: bool) -> None:
        """Another machine, or a person in the dashboard, buys."""
        self.simulator.set_account(ACCOUNT_ID, purchases={"list_reads": 0})
        invoice = _purchases._invoice(self.account, 2000)
        purchase = {"id": invoice["id"], "credit": 2000, "paid": False, "status_checks": None, "balance_reads": 2}
        self.account["unsettled"].append(purchase)
        if paid:
            _purchases.settle(self.account, invoice["id"])

    def give_up_the_newest_and_settle(self) -> None:
        """Of several that are open, the newest is voided and the others are paid."""
        open_ids = [invoice["id"] for invoice in self.account["invoices"] if invoice["status"] == "open"]
        for invoice in self.account["invoices"]:
            if open_ids and invoice["id"] == open_ids[0]:
                invoice["status"] = "void"
        self.account["unsettled"][:] = [each for each in self.account["unsettled"] if each["id"] not in open_ids[:1]]
        self.simulator.settle(ACCOUNT_ID)

    @precondition(lambda self: any(invoice["status"] == "open" for invoice in self.account["invoices"]))
    @rule()
    def give_up(self) -> None:
        """A person voids what is open."""
        for invoice in self.account["invoices"]:
            if invoice["status"] == "open":
                invoice["status"] = "void"
        self.account["unsettled"][:] = [each for each in self.account["unsettled"] if each["paid"]]

    @precondition(lambda self: self.remembered and not self.account["unlisted"])
    @rule()
    def remove_the_journal(self) -> None:
        """A person has looked at the invoices, and knows."""
        self.journal.unlink()

    @precondition(lambda self: self.account["invoices"] or self.remembered)
    @precondition(lambda self: self.account["balance"] >= FLOOR or self.remembered)
    @rule(list_lags=st.booleans(), cents=st.sampled_from([400, -200]))
    def start_another_day(self, list_lags: bool, cents: int) -> None:
        """What was left over is cleared up by people, and the credit is used up."""
        self.give_up()
        self.let_time_pass(list_lags)
        if not self.account["unlisted"] and self.journal.exists():
            self.journal.unlink()
        self.simulator.set_account(ACCOUNT_ID, balance=cents)

    @rule(list_lags=st.sampled_from([False, False, True]))
    def let_time_pass(self, list_lags: bool) -> None:
        """Longer than what is paid takes to be in the balance, and mostly longer than a new invoice takes to be listed.

        What is paid only after that is taken to be in the balance at once: the API does not show that it was late.
        """
        for purchase in self.account["unsettled"]:
            purchase["balance_reads"] = 0
        if not list_lags:
            self.account["unlisted"].clear()
        for invoice in self.account["invoices"]:
            invoice["created"] -= LONG
        if remembered := [
            {**entry, "at": entry["at"] - LONG, "latest": entry["latest"] - LONG} for entry in self.remembered
        ]:
            self.journal.write_text(json.dumps({"purchases": remembered}) + "\n", encoding="utf-8")
        for invoice in [each for each in self.account["invoices"] if each["status"] == "paid"]:
            _purchases.settle(self.account, invoice["id"])


def _at_the_purchase(patch: pytest.MonkeyPatch, look: Callable[[], None], killed: str | None) -> None:
    send = _client.Client.send

    def instead(client: _client.Client, call: Any) -> Any:
        if not call.path.endswith("billing/topup"):
            return send(client, call)
        look()
        if killed == "before":
            raise Killed
        answer = send(client, call)
        if killed == "after":
            raise Killed
        return answer

    patch.setattr(_client.Client, "send", instead)


@pytest.mark.hypothesis
def test_histories(
    run_module: Callable[..., dict[str, Any]], simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock()
    sessions: list[Any] = []

    def open_session(*args: Any) -> Any:
        sessions.append(_http.open_session(*args))
        return sessions[-1]

    monkeypatch.setattr(_client, "open_session", open_session)
    monkeypatch.setattr(_deadline, "time", SimpleNamespace(sleep=clock.sleep, monotonic=clock.time))
    monkeypatch.setattr(_client, "time", SimpleNamespace(sleep=clock.sleep, time=clock.time, monotonic=clock.time))
    here = {
        "run_module": staticmethod(run_module),
        "simulator": simulator,
        "state": tmp_path / "state",
        "clock": clock,
        "sessions": sessions,
    }
    run_state_machine_as_test(
        type("HistoriesHere", (Histories,), here),
        settings=settings(stateful_step_count=15),
    )
