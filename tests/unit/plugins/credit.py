# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credit module, run against the simulator on a clock of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client
from ansible_collections.finops.cloudflare.plugins.modules import cloudflare_ai_gateway_credit
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, SECRETS, WRITE_TOKEN, Simulator

BALANCE = "GET credit-balance"
INVOICES = "GET invoice-history"
BUY = "POST topup"
STATUS = "POST status"
LIMITS = "GET limits"
ELIGIBILITY = "POST eligibility"
LOOK = [BALANCE, INVOICES, BALANCE]
AFTERWARDS = [BALANCE, INVOICES]
LEFT_OUT = object()
CHARGE = {"amount": 5000, "fee": 250, "total": 5250}


class Clock:
    """Time that passes in sleeping alone, where something can be made to happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.events: dict[int, Callable[[], Any]] = {}

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.events.pop(len(self.slept), lambda: None)()

    def monotonic(self) -> float:
        return self.now


def options_for(simulator: Simulator) -> dict[str, Any]:
    """The options that every order has: who buys, where, and below which balance."""
    return {
        "account_id": ACCOUNT_ID,
        "api_token": WRITE_TOKEN,
        "api_url": simulator.api_url,
        "minimum_balance": 1000,
    }


class Runner:
    """Runs the module against the simulator, with an account that has too little."""

    def __init__(self, run_module: Callable[..., dict[str, Any]], simulator: Simulator, state: Path) -> None:
        self._run_module = run_module
        self.simulator = simulator
        self.state = state
        self.set(balance=400)

    def __call__(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        self.simulator.forget_requests()
        fine = {**options_for(self.simulator), "amount": 5000, "maximum_charge": 5250, "retries": 0}
        given = {name: value for name, value in {**fine, **options}.items() if value is not LEFT_OUT}
        result = self._run_module(cloudflare_ai_gateway_credit.main, given, check_mode)
        # Options are shown censored.
        assert not any(secret in str(result) for secret in SECRETS)
        return result

    def set(self, **changes: Any) -> None:
        self.simulator.set_account(ACCOUNT_ID, **changes)

    def start_anew(self) -> None:
        """Too little again, and no trace of what was bought."""
        self.set(balance=400, invoices=[])
        for journal in self.journals:
            journal.unlink()

    @property
    def account(self) -> dict[str, Any]:
        return self.simulator.account(ACCOUNT_ID)

    @property
    def calls(self) -> list[str]:
        return [f"{request['method']} {request['path'].split('/')[-1]}" for request in self.simulator.requests]

    @property
    def journals(self) -> list[Path]:
        return sorted((self.state / "finops.cloudflare").glob("*"))

    @property
    def remembered(self) -> list[dict[str, Any]]:
        """What the journal of the account holds."""
        (journal,) = self.journals
        purchases: list[dict[str, Any]] = json.loads(journal.read_text())["purchases"]
        return purchases

    @property
    def bought(self) -> list[str]:
        return [invoice["status"] for invoice in self.account["invoices"] if invoice["id"].startswith("in_1Bought")]


def facts(result: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(result[key] for key in ("changed", "balance_before", "balance_after", "charge", "invoice"))


def at_the_purchase(monkeypatch: pytest.MonkeyPatch, act: Callable[[Callable[[], Any]], Any]) -> None:
    """Let something happen in the place where the purchase is sent; it is given what sends it."""
    send = Client.send

    def instead(client: Client, call: Any) -> Any:
        if call.path.endswith("billing/topup"):
            return act(lambda: send(client, call))
        return send(client, call)

    monkeypatch.setattr(Client, "send", instead)


def age_the_purchase(run: Runner, seconds: int = 3600) -> None:
    (journal,) = run.journals
    purchases = [{**each, "at": each["at"] - seconds, "latest": each["latest"] - seconds} for each in run.remembered]
    journal.write_text(json.dumps({"purchases": purchases}) + "\n")
    for invoice in run.account["invoices"]:
        invoice["created"] -= seconds
