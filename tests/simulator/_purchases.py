# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls that buy credit once, and what becomes of a purchase: it is charged, paid, and at last in the balance."""

from __future__ import annotations

import time
from typing import Any

from ._messages import CLIENT_SECRET, ApiError, could_not_route
from ._routes import BILLING, Call, invalid, json_object, route, with_optional
from ._shapes import integer, text

MINIMUM_CENTS = 1000
FEE_PERCENT = 5


@route("POST", f"{BILLING}/topup", "write")
def buy(call: Call) -> dict[str, Any]:
    account, rules = call.account, call.account["purchases"]
    amount = _wanted(call)
    if rules["ineligible"] is not None:
        raise ApiError(403, 10403, "This account cannot buy credit")
    if rules["outcome"] == "declined":
        if call.settings["declined_invoice"] == "open":
            _invoice(account, amount)
        raise ApiError(402, 10402, "Your card was declined")
    invoice = _invoice(account, amount)
    account["unsettled"].append(
        {
            "id": invoice["id"],
            "credit": amount,
            "paid": False,
            "status_checks": rules["status_checks"] if rules["outcome"] == "paid" else None,
            "balance_reads": rules["balance_reads"],
        }
    )
    if rules["outcome"] == "paid" and rules["status_checks"] == 0:
        settle(account, invoice["id"])
    asked = rules["outcome"] == "authentication"
    result = {
        "onboarding": False,
        "payment_intent_id": invoice["id"],
        "client_secret": CLIENT_SECRET if asked else None,
        **{key: (account["payment_method"] or {}).get(key) for key in ("brand", "last4")},
    }
    return with_optional(result, ("brand", "last4"), call.settings)


def _wanted(call: Call) -> int:
    """The amount, if this account can buy it."""
    body = json_object(call.request)
    unknown = sorted(set(body) - {"amount", "payment_method_id"})
    if unknown:
        raise invalid("body", unknown[0], "Unrecognized key")
    if "amount" not in body:
        raise invalid("body", "amount", "Required")
    amount, method = body["amount"], body.get("payment_method_id")
    if not integer(amount):
        raise invalid("body", "amount", "Expected an integer")
    if not text(method) and "payment_method_id" in body:
        raise invalid("body", "payment_method_id", "Expected a string")
    low, high = max(MINIMUM_CENTS, call.account["limits"]["min_cents"]), call.account["limits"]["max_cents"]
    if not low <= amount <= high:
        raise invalid("body", "amount", f"Must be between {low} and {high} for this account")
    if method is None and not call.account["has_default_payment_method"]:
        raise invalid("body", "payment_method_id", "No default payment method")
    wanted: int = amount
    return wanted


def _invoice(account: dict[str, Any], amount: int) -> dict[str, Any]:
    """A new invoice, open: what is bought, with Cloudflare's fee."""
    total = amount + -(-amount * FEE_PERCENT // 100)
    number = sum(str(invoice["id"]).startswith("in_1Bought") for invoice in account["invoices"])
    invoice = {
        "type": "manual",
        "id": f"in_1Bought{number:04}",
        "amount_paid": 0,
        "amount_due": total,
        "amount_remaining": total,
        "currency": "usd",
        "attempt_count": 1,
        "attempted": True,
        "auto_advance": False,
        "created": int(time.time()),
        "created_by": "ai-gateway",
        "description": "AI Gateway credits",
        "invoice_origin": "manual_topup",
        "invoice_pdf": None,
        "status": "open",
    }
    account["invoices"].insert(0, invoice)
    if account["purchases"]["list_reads"] > 0:
        account["unlisted"].append({"id": invoice["id"], "list_reads": account["purchases"]["list_reads"]})
    return invoice


@route("POST", f"{BILLING}/topup/status", "write")
def get_status(call: Call) -> dict[str, Any]:
    body = json_object(call.request)
    if set(body) != {"payment_intent_id"} or not text(body["payment_intent_id"]):
        raise invalid("body", "payment_intent_id", "Expected this key alone, a string")
    invoice_id = body["payment_intent_id"]
    if invoice_id not in [invoice["id"] for invoice in call.account["invoices"]]:
        raise ApiError(404, 10404, "There is no such purchase")
    for purchase in call.account["unsettled"]:
        if purchase["id"] == invoice_id and purchase["status_checks"] is not None and not purchase["paid"]:
            purchase["status_checks"] -= 1
            if purchase["status_checks"] <= 0:
                settle(call.account, invoice_id)
    paid = next(invoice["status"] == "paid" for invoice in call.account["invoices"] if invoice["id"] == invoice_id)
    return {"payment_intent_id": invoice_id, "status": "completed" if paid else "pending"}


@route("POST", f"{BILLING}/topup/eligibility", "write")
def get_eligibility(call: Call) -> dict[str, Any]:
    if call.settings["eligibility"] == "unknown":
        raise could_not_route(call.request.path)
    refused: str | None = call.account["purchases"]["ineligible"]
    return {"eligible": refused is None, "reason": refused or "ELIGIBLE", "recoverable": refused is not None}


def settle(account: dict[str, Any], invoice_id: str) -> None:
    """The card has been charged: the invoice is paid, and the credit on its way into the balance."""
    for invoice in account["invoices"]:
        if invoice["id"] == invoice_id:
            invoice.update(status="paid", amount_paid=invoice["amount_due"], amount_remaining=0)
    for purchase in account["unsettled"]:
        if purchase["id"] == invoice_id:
            purchase["paid"] = True
    credit(account, reads=0)


def credit(account: dict[str, Any], reads: int = 1) -> None:
    """What is paid reaches the balance after as many reads of it as the account's rules say."""
    for purchase in [each for each in account["unsettled"] if each["paid"]]:
        if purchase["balance_reads"] <= 0:
            account["balance"] += purchase["credit"]
            account["unsettled"].remove(purchase)
        else:
            purchase["balance_reads"] -= reads


def listed(account: dict[str, Any]) -> list[dict[str, Any]]:
    """The invoices that the list shows by now: a new one is missing for as many reads as the account's rules say."""
    missing = {each["id"] for each in account["unlisted"]}
    for each in account["unlisted"]:
        each["list_reads"] -= 1
    account["unlisted"][:] = [each for each in account["unlisted"] if each["list_reads"] > 0]
    return [invoice for invoice in account["invoices"] if invoice["id"] not in missing]
