# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a purchase: it is accepted, paid, and at last in the balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from simulator.simulator import ACCOUNT_ID, POWERLESS_TOKEN, READ_TOKEN, SECRETS, Simulator

if TYPE_CHECKING:
    from ansible_collections.finops.cloudflare.tests.contract.conftest import Client

PATHS = ("topup", "topup/status", "topup/eligibility")


def buy(client: Client, amount: int = 5000) -> dict[str, Any]:
    result: dict[str, Any] = client.result("POST", "topup", json={"amount": amount})
    return result


def status(client: Client, invoice_id: str) -> str:
    answer = client.result("POST", "topup/status", json={"payment_intent_id": invoice_id})
    assert answer["payment_intent_id"] == invoice_id
    found: str = answer["status"]
    return found


def balance(client: Client) -> float:
    found: float = client.result("GET", "credit-balance")["balance"]
    return found


def newest(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.result("GET", "invoice-history?type=manual")["invoices"][0]
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [READ_TOKEN, POWERLESS_TOKEN])
def test_buying_needs_the_right_to_write(client: Client, path: str, token: str) -> None:
    refused = client.ask("POST", path, json={"amount": 5000}, headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403
    assert client.ask("GET", path).status_code == 405


def test_a_purchase_is_paid_at_once_and_each_is_one_of_its_own(client: Client) -> None:
    first = buy(client, 1001)
    assert first == {
        "onboarding": False,
        "payment_intent_id": "in_1Bought0000",
        "client_secret": None,
        "brand": "visa",
        "last4": "4242",
    }
    assert status(client, "in_1Bought0000") == "completed"
    assert balance(client) == 3501
    invoice = newest(client)
    assert (invoice["id"], invoice["status"], invoice["amount_due"], invoice["amount_paid"]) == (
        "in_1Bought0000",
        "paid",
        1052,
        1052,
    )
    assert buy(client)["payment_intent_id"] == "in_1Bought0001"
    assert balance(client) == 8501


def test_payment_takes_time_and_the_balance_lags(client: Client, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, purchases={"status_checks": 2, "balance_reads": 2})
    invoice_id = buy(client)["payment_intent_id"]
    assert newest(client)["status"] == "open"
    assert [status(client, invoice_id) for _each in range(3)] == ["pending", "completed", "completed"]
    assert newest(client)["status"] == "paid"
    assert [balance(client) for _each in range(4)] == [2500, 2500, 7500, 7500]


@pytest.mark.parametrize("outcome", ["pending", "authentication"])
def test_what_stays_pending_is_paid_when_it_is_settled(client: Client, simulator: Simulator, outcome: str) -> None:
    simulator.set_account(ACCOUNT_ID, purchases={"outcome": outcome})
    bought = buy(client)
    assert (bought["client_secret"] in SECRETS) == (outcome == "authentication")
    assert [status(client, bought["payment_intent_id"]) for _each in range(9)] == ["pending"] * 9
    assert balance(client) == 2500
    assert client.control("POST", f"/accounts/{ACCOUNT_ID}").json()["balance"] == 7500
    assert status(client, bought["payment_intent_id"]) == "completed"
    assert balance(client) == 7500


@pytest.mark.parametrize("left", ["none", "open"])
def test_a_declined_card(client: Client, simulator: Simulator, left: str) -> None:
    simulator.settings["declined_invoice"] = left
    simulator.set_account(ACCOUNT_ID, purchases={"outcome": "declined"})
    assert client.ask("POST", "topup", json={"amount": 5000}).status_code == 402
    assert (newest(client)["status"] == "open") == (left == "open")
    assert balance(client) == 2500


def test_an_account_that_is_sold_nothing(client: Client, simulator: Simulator) -> None:
    assert client.result("POST", "topup/eligibility")["eligible"] is True
    simulator.set_account(ACCOUNT_ID, purchases={"ineligible": "CONTRACT_BILLING_NOT_SELF_SERVE"})
    assert client.ask("POST", "topup", json={"amount": 5000}).status_code == 403
    assert client.result("POST", "topup/eligibility") == {
        "eligible": False,
        "reason": "CONTRACT_BILLING_NOT_SELF_SERVE",
        "recoverable": True,
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"amount": 999},
        {"amount": 500001},
        {"amount": 5000.5},
        {"amount": "5000"},
        {"amount": True},
        {"amount": 5000, "threshold": 500},
        {"amount": 5000, "payment_method_id": None},
    ],
)
def test_bodies_that_are_refused(client: Client, simulator: Simulator, body: dict[str, Any]) -> None:
    assert client.ask("POST", "topup", json=body).status_code == 400
    assert simulator.account(ACCOUNT_ID)["unsettled"] == []
    assert balance(client) == 2500


def test_without_a_default_payment_method_one_is_named(client: Client, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, has_default_payment_method=False)
    assert client.ask("POST", "topup", json={"amount": 5000}).status_code == 400
    assert client.ask("POST", "topup", json={"amount": 5000, "payment_method_id": "pm_1"}).status_code == 200


def test_a_purchase_that_there_is_not(client: Client) -> None:
    assert client.ask("POST", "topup/status", json={"payment_intent_id": "in_1Nothing"}).status_code == 404
    assert client.ask("POST", "topup/status", json={"payment_intent_id": ""}).status_code in (400, 404)
    assert client.ask("POST", "topup/status", json={}).status_code == 400
