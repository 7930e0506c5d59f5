# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One purchase of credit: what it costs, its requests, and what to tell the user when something went wrong.

No HTTP and no Ansible in here. All money is in cents. This file is private to the collection and can change in any
release.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence

from ._api import Call, CloudflareError, PermissionDenied
from ._invoices import PAID, Invoice, named
from ._topup import billing_path, object_in
from ._topup import refusal as topup_refusal
from ._values import dollars, in_seconds, text

FEE_PERCENT = 5
"""The fee that Cloudflare adds to each purchase."""


_WRITE = "AI Gateway Write"


class Charge(NamedTuple):
    """What a purchase costs."""

    amount: int
    """The credit."""
    fee: int
    total: int

    def __str__(self) -> str:
        """For a sentence: `$50.00 of credit for $52.50, including a fee of $2.50`."""
        return f"{dollars(self.amount)} of credit for {dollars(self.total)}, including a fee of {dollars(self.fee)}"


def charge_for(amount: int) -> Charge:
    """What a purchase of this amount costs. The fee is rounded up to whole cents."""
    fee = -(-amount * FEE_PERCENT // 100)
    return Charge(amount, fee, amount + fee)


class Purchase(NamedTuple):
    """A purchase that Cloudflare has accepted."""

    invoice_id: str
    asks_cardholder: bool
    """Whether the bank may ask the cardholder to confirm it."""


def purchase_request(account_id: str, amount: int, payment_method_id: str | None) -> Call:
    """The request that charges the card. It has no `settled`, so it is never sent twice. The result is a `Purchase`."""
    body: dict[str, Any] = {"amount": amount}
    if payment_method_id:
        body["payment_method_id"] = payment_method_id
    purpose = f"buy {dollars(amount)} of credit for account {account_id}"
    return Call(
        "POST",
        billing_path(account_id, "topup"),
        purpose,
        _WRITE,
        purchase_from_api,
        body,
        censored_key="client_secret",
    )


def purchase_from_api(result: object) -> Purchase:
    """The purchase in a response. Raises ValueError for an unknown shape."""
    result = object_in(result, "the purchase")
    sent = result.get("payment_intent_id")
    invoice_id = text(sent) if isinstance(sent, str) else None
    if invoice_id is None:
        raise ValueError("payment_intent_id is missing")
    return Purchase(invoice_id, bool(result.get("client_secret")))


def status_request(account_id: str, invoice_id: str) -> Call:
    """Ask whether a purchase is paid. It changes nothing although it is a POST. The result is a boolean."""
    purpose = f"ask whether purchase {invoice_id} of account {account_id} is paid"
    body = {"payment_intent_id": invoice_id}
    return Call(
        "POST", billing_path(account_id, "topup/status"), purpose, _WRITE, status_from_api, body, only_asks=True
    )


def status_from_api(result: object) -> bool:
    """Whether a purchase is paid. Only the status `completed` says so."""
    return object_in(result, "the state of the purchase").get("status") == "completed"


def eligibility_request(account_id: str) -> Call:
    """Ask why an account cannot buy. It changes nothing although it is a POST. The result is a sentence or None."""
    purpose = f"ask why account {account_id} cannot buy credit"
    path = billing_path(account_id, "topup/eligibility")
    return Call("POST", path, purpose, _WRITE, eligibility_from_api, only_asks=True)


def eligibility_from_api(result: object) -> str | None:
    """Why an account cannot buy, as sentences. None if nothing is known to prevent it."""
    result = object_in(result, "the eligibility")
    if result.get("eligible") is not False:
        return None
    reason = text(result.get("reason")) or "no reason"
    step = _INELIGIBLE.get(reason, "Look at the account's billing in the Cloudflare dashboard.")
    return f"Cloudflare reports that this account cannot buy credit ({reason}). {step}"


_NO_CARD = "Add a card as the payment method in the Cloudflare dashboard."
_NO_DEFAULT = "Make the card the default payment method of AI Gateway in the Cloudflare dashboard."
_AUTHENTICATE = "Complete the bank's confirmation (3-D Secure) in the Cloudflare dashboard."
_INELIGIBLE = {
    "NO_ACCOUNT_PAYMENT_METHOD": _NO_CARD,
    "UNSUPPORTED_ACCOUNT_PAYMENT_METHOD": _NO_CARD,
    "ACCOUNT_PAYMENT_METHOD_NOT_DEFAULT": _NO_DEFAULT,
    "ACCOUNT_PAYMENT_METHOD_NOT_LINKED_TO_AIG": _NO_DEFAULT,
    "CONTRACT_BILLING_NOT_SELF_SERVE": "It is billed by contract. Ask your contact at Cloudflare for credit.",
    "PENDING_3DS_AUTHENTICATION": _AUTHENTICATE,
    "PAYMENT_AUTHENTICATION_FAILED": _AUTHENTICATE,
}


def refusal(error: CloudflareError, charge: Charge, limits: Mapping[str, Any] | None, eligibility: str | None) -> str:
    """The next step after a purchase that was certainly refused. Empty if the error already has one."""
    if error.status == 402:
        return (
            "The payment was declined. Ask the cardholder to check the card with the bank, or choose another default payment "
            "method in the Cloudflare dashboard. The declined payment may have left an open invoice: look in the billing of the "
            "Cloudflare dashboard, and pay it or have it voided. Later runs buy nothing while it is open. Then run again."
        )
    if eligibility:
        return eligibility
    if isinstance(error, PermissionDenied):
        return (
            f"These credentials may read but not buy. The API token, or the user of the Global API Key, lacks the permission "
            f"{_WRITE} (Edit in the dashboard) for this account. Add it. If the permission is there, Cloudflare does not accept "
            "purchases with these credentials: buy in the Cloudflare dashboard."
        )
    return topup_refusal(charge.amount, limits) if error.status == 400 else ""


def lost(error: CloudflareError, account_id: str, since: Sequence[Invoice] | None) -> None:
    """Make the error say that a purchase may have been made. `since` holds the new invoices, or None if unknown."""
    if since is None:
        found = "The invoices could not be read afterwards."
    elif since:
        found = "New invoices: " + "; ".join(
            f"{named(invoice)}, status {invoice['status'] or 'unknown'}" for invoice in since[:5]
        )
        found += f" and {len(since) - 5} more." if len(since) > 5 else "."
    else:
        found = "There is no new invoice yet."
    error.aftermath = f"The card may have been charged. {found}"
    error.next_step = (
        f"Look at the invoices of account {account_id} in the Cloudflare dashboard, or with the module "
        "finops.cloudflare.cloudflare_ai_gateway_billing_info, until you know whether it was charged. Then run again. The "
        "run continues from the invoice or, if there is none, says what to do. Do not let a job repeat this automatically."
    )


def unread(error: CloudflareError, purchase: Purchase, charge: Charge) -> None:
    """Make the error of a status request say that the purchase was made."""
    error.aftermath = (
        f"The purchase was accepted as {purchase.invoice_id} ({charge}). It is not known whether it is paid."
    )
    error.next_step = "Run again. A later run waits for this purchase and buys nothing while it is open."


def unpaid(account_id: str, purchase: Purchase, charge: Charge, timeout: int) -> str:
    """What happened to a purchase that is not paid in time, and what to do."""
    said = (
        f"Purchase {purchase.invoice_id} of account {account_id} ({charge}) is not paid after {in_seconds(timeout)}. The card may "
        "still be charged."
    )
    if purchase.asks_cardholder:
        return (
            f"{said} The bank may ask the cardholder to confirm it (3-D Secure), which no automation can do. Confirm it in the "
            "Cloudflare dashboard. Later runs buy nothing while it is open."
        )
    return (
        f"{said} Run again later. A later run waits for this purchase and buys nothing while it is open. If it stays open, pay "
        "it or have it voided in the billing of the Cloudflare dashboard."
    )


def invisible(account_id: str, purchase: Purchase, charge: Charge, timeout: int) -> str:
    """What to do about a purchase that Cloudflare reports as paid, but that nothing else shows in time."""
    return (
        f"Cloudflare reports purchase {purchase.invoice_id} of account {account_id} ({charge}) as paid, but after "
        f"{in_seconds(timeout)} neither the balance nor the invoices show it. Before you buy anything else for this account, "
        "look at its billing in the Cloudflare dashboard."
    )


def surprises(
    account_id: str, purchase: Purchase, charge: Charge, since: Sequence[Invoice], listed: bool, credited: bool
) -> list[str]:
    """Warnings about what is unexpected after a purchase.

    `since` holds the invoices created since. `listed` tells whether the purchase is among them, `credited` whether it is in
    the balance.
    """
    warnings = []
    purchased = f"purchase {purchase.invoice_id} for {dollars(charge.total)}"
    if credited and not listed:
        warnings.append(
            f"The invoices of account {account_id} do not show {purchased} yet, although its credit has arrived. Until they do, "
            "a job on another machine cannot see it."
        )
    if listed and not credited:
        warnings.append(
            f"The balance of account {account_id} does not show {purchased} yet, although it is paid. For a while, later runs "
            "expect its credit to arrive and buy nothing."
        )
    for invoice in since:
        if invoice["id"] != purchase.invoice_id:
            warnings.append(
                f"Besides {purchased}, account {account_id} has {named(invoice)}, which is new as well. If you did not expect "
                "that, look for a second job or an auto top-up that buys for this account."
            )
        elif invoice["status"] != PAID:
            warnings.append(
                f"Cloudflare reports {purchased} of account {account_id} as paid, but its invoice is not (status: "
                f"{invoice['status'] or 'unknown'}). Look at it in the billing of the Cloudflare dashboard."
            )
        elif invoice["amount_due"] not in (None, charge.total):
            warnings.append(
                f"Cloudflare's {named(invoice)} differs from the expected charge, {charge}. It may include taxes, "
                "which maximum_charge does not take into account."
            )
    return warnings
