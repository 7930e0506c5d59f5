# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Buying credit once: what it costs, what has to be settled first, what became of it, and the calls.

No HTTP and no Ansible in here. All money is in cents. This file is private to the collection and can change in any
release.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import Any, Collection, Mapping, NamedTuple, Sequence

from ._api import Call, CloudflareError, PermissionDenied, UserError
from ._topup import MINIMUM_AMOUNT, MINIMUM_THRESHOLD, billing_path, check_cents, object_in
from ._topup import refusal as topup_refusal
from ._values import dollars, money, text

FEE_PERCENT = 5
"""What Cloudflare adds to each purchase."""

SETTLING = 15 * 60
"""Seconds for which a purchase that is paid may still be missing in the balance. How long it takes is not documented."""

LONGEST_WAIT = 24 * 60 * 60

PAID = "paid"
PENDING = "pending"

_GIVEN_UP = ("void", "uncollectible")
_WRITE = "AI Gateway Write"

Charge = Mapping[str, int]
"""What a purchase costs: amount, fee, total."""

Invoice = Mapping[str, Any]


def charge_of(amount: int) -> Charge:
    """What a purchase of this amount costs; where the fee is not whole, the next whole cent."""
    fee = -(-amount * FEE_PERCENT // 100)
    return {"amount": amount, "fee": fee, "total": amount + fee}


class Order(NamedTuple):
    """What the user wants, checked."""

    minimum_balance: int
    """The floor: below it, credit is bought."""
    amount: int | None
    """How much to buy; None to buy up to C(target_balance)."""
    target_balance: int | None
    maximum_charge: int
    """The most that one run may charge, the fee included."""

    def charge(self, balance: float) -> Charge:
        """What to buy at this balance. Raises L(UserError) where that is more than may be charged."""
        amount = self.amount
        if amount is None:
            amount = max(MINIMUM_AMOUNT, math.ceil((self.target_balance or 0) - balance))
        charge = charge_of(amount)
        if charge["total"] > self.maximum_charge:
            raise UserError(
                f"Nothing was bought: {described(charge)} is more than maximum_charge, {money(self.maximum_charge)}. If this "
                "is meant, raise maximum_charge."
            )
        return charge


def order(params: Mapping[str, Any]) -> Order:
    """The order in a module's options. Raises L(UserError) for one that cannot be meant, or that could never be carried out."""
    wanted = Order(*(params[name] for name in Order._fields))
    # Less than the smallest threshold of an auto top-up is more likely meant in dollars; 0 is not.
    if isinstance(wanted.minimum_balance, bool) or wanted.minimum_balance != 0:
        check_cents("minimum_balance", wanted.minimum_balance, MINIMUM_THRESHOLD)
    check_cents("maximum_charge", wanted.maximum_charge, charge_of(MINIMUM_AMOUNT)["total"])
    if wanted.amount is not None:
        check_cents("amount", wanted.amount, MINIMUM_AMOUNT)
    elif wanted.target_balance is not None:
        check_cents("target_balance", wanted.target_balance, 0)
        if wanted.target_balance < wanted.minimum_balance:
            raise UserError(
                f"target_balance, {money(wanted.target_balance)}, is below minimum_balance, {money(wanted.minimum_balance)}: "
                "each run would buy again. Raise target_balance."
            )
    # The smallest purchase that any balance below the floor leads to
    wanted.charge(wanted.minimum_balance)
    return wanted


def timeout_of(seconds: int) -> int:
    """The seconds to wait. Raises L(UserError) where that is no time."""
    # A boolean is an integer for Python.
    if isinstance(seconds, bool) or not 0 <= seconds <= LONGEST_WAIT:
        raise UserError(f"wait_timeout is {seconds}: give the seconds to wait, from 0 to {LONGEST_WAIT}.")
    return seconds


def described(charge: Charge) -> str:
    """A charge for a sentence: C($50.00 of credit with a fee of $2.50, $52.50 in all)."""
    amount, fee, total = (dollars(charge[key]) for key in ("amount", "fee", "total"))
    return f"{amount} of credit with a fee of {fee}, {total} in all"


def charge_warnings(account_id: str, wanted: Order, balance: float, charge: Charge) -> list[str]:
    """What a person should know of a purchase that is about to be made, a sentence each."""
    expected = balance + charge["amount"]
    if expected >= wanted.minimum_balance:
        return []
    warning = (
        f"One purchase of {dollars(charge['amount'])} leaves account {account_id} with {dollars(expected)}, which is still "
        f"below minimum_balance, {dollars(wanted.minimum_balance)}. A later run buys again; to buy enough at once, raise "
        "amount or use target_balance."
    )
    return [warning]


def check_payment_method(account_id: str, credit: Mapping[str, Any], payment_method_id: str | None) -> None:
    """Raises L(UserError) where the account can pay nothing. Where Cloudflare does not say, trying will tell."""
    if credit["has_default_payment_method"] is False and not payment_method_id:
        raise UserError(
            f"Nothing was bought: account {account_id} has no default payment method. Add one in the Cloudflare dashboard, or "
            "set payment_method_id."
        )


def credit_diff(account_id: str, balance: float, charge: Charge | None) -> dict[str, str]:
    """The purchase for a person to review, in the form that C(--diff) prints."""
    header = f"AI Gateway credit of account {account_id}"
    before = f"balance: {money(balance)}\n"
    after = before
    if charge:
        expected = round(balance + charge["amount"], 2)
        after = f"balance: {money(expected)}\ncharge: {money(charge['total'])}, fee {money(charge['fee'])} included\n"
    return {"before_header": header, "after_header": header, "before": before, "after": after}


def in_flight(invoices: Sequence[Invoice], now: float, awaited: Collection[object] = ()) -> Invoice | None:
    """The newest purchase that is not in the balance for certain: neither paid nor given up, or paid a short while ago.

    C(now) is in Unix seconds. An invoice has the date when it was made, not when it was paid: those in C(awaited), ids
    that were seen unpaid before, have been paid just now. What has an unknown status, or no date, is in flight as well.
    """
    for invoice in invoices:
        status = invoice["status"]
        if status in _GIVEN_UP:
            continue
        if status != PAID or invoice["id"] in awaited or not _is_old(invoice["created"], now):
            return invoice
    return None


def _is_old(created: object, now: float) -> bool:
    if not isinstance(created, (int, float)):
        return False
    seconds = created / 1000 if created >= 1e11 else created
    return now - seconds > SETTLING


def not_clear(account_id: str, wanted: Order, balance: float, invoice: Invoice) -> UserError:
    """Why nothing is bought while a purchase is in flight."""
    if invoice["status"] == PAID:
        state = "is paid, and its credit may not be in the balance yet"
        step = f"Run again {SETTLING // 60} minutes after it was paid"
    else:
        state = f"is not settled (status: {invoice['status'] or 'unknown'}), so that its credit may still come"
        step = "Look at it in the billing of the Cloudflare dashboard, pay it or have it voided, and run again"
    return UserError(
        f"The balance of account {account_id}, {dollars(balance)}, is below minimum_balance, "
        f"{dollars(wanted.minimum_balance)}, but nothing was bought: {named(invoice)} {state}. {step}.",
        facts(balance, None, invoice, balance),
    )


def facts(
    balance: float, charge: Charge | None, invoice: Invoice | None = None, balance_after: float | None = None
) -> dict[str, Any]:
    """What is known of a run, for its result, whether it succeeds or fails."""
    return {
        "changed": charge is not None,
        "balance_before": balance,
        "balance_after": balance_after,
        "charge": charge,
        "invoice": summary(invoice) if invoice else None,
    }


def message(wanted: Order, balance: float, charge: Charge | None, invoice: Invoice | None, check_mode: bool) -> str:
    """What a run that succeeds has done, as a sentence."""
    floor = f"minimum_balance, {dollars(wanted.minimum_balance)}"
    if charge is None:
        return f"Nothing was bought: the balance, {dollars(balance)}, is not below {floor}."
    if check_mode:
        return f"Would buy {described(charge)}, as the balance, {dollars(balance)}, is below {floor}."
    done = "Bought" if invoice and invoice["status"] == PAID else "Ordered, but not yet paid:"
    return f"{done} {described(charge)}, as the balance, {dollars(balance)}, was below {floor}."


def summary(invoice: Invoice) -> dict[str, Any]:
    """What results show of an invoice."""
    return {"id": invoice["id"], "status": invoice["status"]}


def named(invoice: Invoice) -> str:
    """An invoice for a sentence."""
    created = f" of {invoice['created_at']}" if invoice["created_at"] else ""
    return f"invoice {invoice['id'] or 'without an id'}{created} over {dollars(invoice['amount_due'] or 0)}"


def made_since(before: Sequence[Invoice], after: Sequence[Invoice]) -> list[Invoice]:
    """The invoices that are new, newest first."""
    known = Counter(_key(invoice) for invoice in before)
    new: list[Invoice] = []
    for invoice in reversed(after):
        if known[_key(invoice)]:
            known[_key(invoice)] -= 1
        else:
            new.insert(0, invoice)
    return new


def _key(invoice: Invoice) -> tuple[object, ...]:
    """Every part can be missing but the amount, which does not change."""
    return invoice["id"], invoice["created"], invoice["amount_due"]


class Purchase(NamedTuple):
    """What Cloudflare said of a purchase that it accepted."""

    invoice_id: str
    client_secret: str | None
    """Where the bank wants the cardholder to confirm, and a secret."""


def buy(account_id: str, amount: int, payment_method_id: str | None) -> Call:
    """Buy credit, which charges the card. It has no C(settled): it is never sent twice. The result is a L(Purchase)."""
    body: dict[str, Any] = {"amount": amount}
    if payment_method_id:
        body["payment_method_id"] = payment_method_id
    purpose = f"buy {dollars(amount)} of credit for account {account_id}"
    return Call("POST", billing_path(account_id, "topup"), purpose, _WRITE, purchase_from_api, body)


def purchase_from_api(result: object) -> Purchase:
    """The purchase in an answer. Raises ValueError for another shape."""
    result = object_in(result, "the purchase")
    invoice_id = text(result.get("payment_intent_id"))
    if not invoice_id:
        raise ValueError("payment_intent_id is missing in it")
    secret = result.get("client_secret")
    return Purchase(invoice_id, str(secret) if secret else None)


def read_status(account_id: str, invoice_id: str) -> Call:
    """Ask whether a purchase is paid, which changes nothing although it is a POST; the result is a boolean."""
    purpose = f"ask whether purchase {invoice_id} of account {account_id} is paid"
    body = {"payment_intent_id": invoice_id}
    return Call(
        "POST", billing_path(account_id, "topup/status"), purpose, _WRITE, status_from_api, body, only_asks=True
    )


def status_from_api(result: object) -> bool:
    """Whether a purchase is paid: anything but C(completed) does not say so."""
    return object_in(result, "the state of the purchase").get("status") == "completed"


def read_eligibility(account_id: str) -> Call:
    """Ask why an account cannot buy, which starts nothing although it is a POST; the result is a sentence or None."""
    purpose = f"ask why account {account_id} cannot buy credit"
    path = billing_path(account_id, "topup/eligibility")
    return Call("POST", path, purpose, _WRITE, eligibility_from_api, only_asks=True)


def eligibility_from_api(result: object) -> str | None:
    """Why an account cannot buy; None where it can, as far as is known."""
    result = object_in(result, "the eligibility")
    if result.get("eligible") is not False:
        return None
    reason = text(result.get("reason")) or "no reason"
    step = _INELIGIBLE.get(reason, "Look at the account's billing in the Cloudflare dashboard.")
    return f"Cloudflare says that this account cannot buy credit by itself ({reason}). {step}"


_NO_CARD = "Add a card as the payment method in the Cloudflare dashboard."
_NO_DEFAULT = (
    "Make the card the default payment method of AI Gateway in the Cloudflare dashboard, or set payment_method_id."
)
_AUTHENTICATE = "Finish the bank's confirmation (3-D Secure) in the Cloudflare dashboard."
_INELIGIBLE = {
    "NO_ACCOUNT_PAYMENT_METHOD": _NO_CARD,
    "UNSUPPORTED_ACCOUNT_PAYMENT_METHOD": _NO_CARD,
    "ACCOUNT_PAYMENT_METHOD_NOT_DEFAULT": _NO_DEFAULT,
    "ACCOUNT_PAYMENT_METHOD_NOT_LINKED_TO_AIG": _NO_DEFAULT,
    "CONTRACT_BILLING_NOT_SELF_SERVE": "It is billed by contract: ask your contact at Cloudflare for credit.",
    "PENDING_3DS_AUTHENTICATION": _AUTHENTICATE,
    "PAYMENT_AUTHENTICATION_FAILED": _AUTHENTICATE,
}


class Patience:
    """Waits between questions, longer each time, and not beyond the seconds that the user gives."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._pause = 1.0

    def wait(self) -> bool:
        """Whether it has waited, so that asking again may help; False once the time is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(self._pause, left))
        self._pause = min(self._pause * 1.5, 5.0)
        return True


def surely_refused(error: CloudflareError) -> bool:
    """Whether a failed purchase has charged nothing for certain, so that running again is safe.

    That is known of answers that say so by their status; 408 and 409 do not, as a first attempt may be on its way.
    """
    return error.status is not None and 300 <= error.status < 500 and error.status not in (408, 409)


def refusal(error: CloudflareError, charge: Charge, limits: Mapping[str, Any] | None, eligibility: str | None) -> str:
    """The next step after a purchase that was refused for certain; empty where the error has it already."""
    if error.status == 402:
        return (
            "The payment was declined. Have the cardholder look at the card and ask the bank, or choose another payment method "
            "in the Cloudflare dashboard or with payment_method_id; then run again. If this has left an open invoice, later "
            "runs buy nothing until it is paid or voided."
        )
    if eligibility:
        return eligibility
    if isinstance(error, PermissionDenied):
        return (
            f"Reading was allowed, buying was not. The API token, or the user of the Global API Key, lacks the permission "
            f"{_WRITE} (Edit in the dashboard) for this account: add it. If it has it, Cloudflare does not let these "
            "credentials buy: do it in the Cloudflare dashboard."
        )
    return topup_refusal(charge["amount"], limits) if error.status == 400 else ""


def lost(error: CloudflareError, account_id: str, since: Sequence[Invoice] | None) -> None:
    """Make the error say that a purchase may have been made. C(since) are the new invoices, None if they are not known."""
    if since is None:
        found = "The invoices could not be read afterwards."
    elif since:
        found = "Invoices made since: " + ", ".join(
            f"{named(invoice)} (status: {invoice['status'] or 'unknown'})" for invoice in since
        )
        found += "."
    else:
        found = "No new invoice is there yet."
    error.aftermath = f"This may have been charged. {found}"
    error.next_step = (
        f"Look at the invoices of account {account_id} in the Cloudflare dashboard, or with "
        "cloudflare_ai_gateway_billing_info, until you know; then run again, which buys nothing while a purchase is open. "
        "Do not let a job repeat this by itself."
    )


def unread(error: CloudflareError, purchase: Purchase, charge: Charge) -> None:
    """Make the error of asking for a purchase say that it was made."""
    error.aftermath = (
        f"The purchase was accepted as {purchase.invoice_id} ({described(charge)}); whether it is paid is unknown."
    )
    error.next_step = "Run again: a later run waits for this purchase, and buys nothing while it is open."


def unpaid(account_id: str, purchase: Purchase, charge: Charge, timeout: int) -> str:
    """What to do about a purchase that is not paid in time."""
    said = (
        f"Purchase {purchase.invoice_id} of account {account_id} ({described(charge)}) is not paid after {timeout} seconds, "
        "and may still be."
    )
    if purchase.client_secret:
        return (
            f"{said} The bank may ask the cardholder to confirm it (3-D Secure), which no automation can do: confirm it in the "
            "Cloudflare dashboard. Later runs buy nothing while it is open."
        )
    return f"{said} Run again later: a later run waits for this purchase, and buys nothing while it is open."


def surprises(account_id: str, purchase: Purchase, charge: Charge, since: Sequence[Invoice]) -> list[str]:
    """What the invoices made since tell of a purchase, a sentence each, where it is not what was expected."""
    warnings = []
    for invoice in since:
        if invoice["id"] != purchase.invoice_id:
            warnings.append(
                f"Beside purchase {purchase.invoice_id}, account {account_id} has {named(invoice)}, made at the same time. If "
                "that is not meant, look for a second job or an auto top-up that buys for this account."
            )
        elif invoice["amount_due"] not in (None, charge["total"]):
            warnings.append(
                f"Cloudflare's {named(invoice)} differs from the expected charge, {described(charge)}: taxes may be in it. "
                "Mind maximum_charge."
            )
    return warnings
