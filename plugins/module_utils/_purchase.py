# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One purchase of credit: what it costs, its requests, and what to say of it when something went wrong.

No HTTP and no Ansible in here. All money is in cents. This file is private to the collection and can change in any
release.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence

from ._api import Call, CloudflareError, PermissionDenied
from ._invoices import PAID, Invoice, named
from ._topup import billing_path, object_in
from ._topup import refusal as topup_refusal
from ._values import dollars, text

FEE_PERCENT = 5
"""What Cloudflare adds to each purchase."""


_WRITE = "AI Gateway Write"


class Charge(NamedTuple):
    """What a purchase costs."""

    amount: int
    """The credit."""
    fee: int
    total: int

    def __str__(self) -> str:
        """For a sentence: C($50.00 of credit with a fee of $2.50, $52.50 in all)."""
        return f"{dollars(self.amount)} of credit with a fee of {dollars(self.fee)}, {dollars(self.total)} in all"


def charge_for(amount: int) -> Charge:
    """What a purchase of this amount costs; where the fee is not whole, the next whole cent."""
    fee = -(-amount * FEE_PERCENT // 100)
    return Charge(amount, fee, amount + fee)


class Purchase(NamedTuple):
    """What Cloudflare said of a purchase that it accepted."""

    invoice_id: str
    asks_cardholder: bool
    """Whether the bank may want the cardholder to confirm it."""


def purchase_request(account_id: str, amount: int, payment_method_id: str | None) -> Call:
    """The request that charges the card. It has no C(settled): it is never sent twice. Its result is a L(Purchase)."""
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
    """The purchase in an answer. Raises ValueError for another shape."""
    result = object_in(result, "the purchase")
    sent = result.get("payment_intent_id")
    invoice_id = text(sent) if isinstance(sent, str) else None
    if invoice_id is None:
        raise ValueError("payment_intent_id is missing in it")
    return Purchase(invoice_id, bool(result.get("client_secret")))


def status_request(account_id: str, invoice_id: str) -> Call:
    """The question whether a purchase is paid, which changes nothing although it is a POST; its result is a boolean."""
    purpose = f"ask whether purchase {invoice_id} of account {account_id} is paid"
    body = {"payment_intent_id": invoice_id}
    return Call(
        "POST", billing_path(account_id, "topup/status"), purpose, _WRITE, status_from_api, body, only_asks=True
    )


def status_from_api(result: object) -> bool:
    """Whether a purchase is paid: anything but C(completed) does not say so."""
    return object_in(result, "the state of the purchase").get("status") == "completed"


def eligibility_request(account_id: str) -> Call:
    """The question why an account cannot buy, which starts nothing although it is a POST; its result is a sentence or None."""
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
    return topup_refusal(charge.amount, limits) if error.status == 400 else ""


def lost(error: CloudflareError, account_id: str, since: Sequence[Invoice] | None) -> None:
    """Make the error say that a purchase may have been made. C(since) are the new invoices, None if they are not known."""
    if since is None:
        found = "The invoices could not be read afterwards."
    elif since:
        found = "Invoices made since: " + ", ".join(
            f"{named(invoice)} (status: {invoice['status'] or 'unknown'})" for invoice in since[:5]
        )
        found += f" and {len(since) - 5} more." if len(since) > 5 else "."
    else:
        found = "No new invoice is there yet."
    error.aftermath = f"This may have been charged. {found}"
    error.next_step = (
        f"Look at the invoices of account {account_id} in the Cloudflare dashboard, or with "
        "cloudflare_ai_gateway_billing_info, until you know; then run again, which goes on from the invoice, or says what to do "
        "if there is none. Do not let a job repeat this by itself."
    )


def unread(error: CloudflareError, purchase: Purchase, charge: Charge) -> None:
    """Make the error of asking for a purchase say that it was made."""
    error.aftermath = f"The purchase was accepted as {purchase.invoice_id} ({charge}); whether it is paid is unknown."
    error.next_step = "Run again: a later run waits for this purchase, and buys nothing while it is open."


def unpaid(account_id: str, purchase: Purchase, charge: Charge, timeout: int) -> str:
    """What to do about a purchase that is not paid in time."""
    said = (
        f"Purchase {purchase.invoice_id} of account {account_id} ({charge}) is not paid after {timeout} seconds, and may "
        "still be."
    )
    if purchase.asks_cardholder:
        return (
            f"{said} The bank may ask the cardholder to confirm it (3-D Secure), which no automation can do: confirm it in the "
            "Cloudflare dashboard. Later runs buy nothing while it is open."
        )
    return f"{said} Run again later: a later run waits for this purchase, and buys nothing while it is open."


def invisible(account_id: str, purchase: Purchase, charge: Charge, timeout: int) -> str:
    """What to do about a purchase that is called paid, and that nothing else shows in time."""
    return (
        f"Purchase {purchase.invoice_id} of account {account_id} ({charge}) is paid, as Cloudflare says, but after {timeout} "
        "seconds neither the balance nor the invoices show it. Look at the billing of the account in the Cloudflare dashboard "
        "before anything else is bought for it."
    )


def surprises(
    account_id: str, purchase: Purchase, charge: Charge, since: Sequence[Invoice], listed: bool, credited: bool
) -> list[str]:
    """What looking at a purchase afterwards tells, a sentence each, where it is not what was expected.

    C(since) are the invoices made since. C(listed) tells whether the purchase is among them, C(credited) whether it is in
    the balance.
    """
    warnings = []
    if credited and not listed:
        warnings.append(
            f"The invoices of account {account_id} do not show purchase {purchase.invoice_id} yet, although its credit has "
            "arrived: until they do, a job on another machine cannot see it."
        )
    if listed and not credited:
        warnings.append(
            f"The balance of account {account_id} does not show purchase {purchase.invoice_id} yet, although it is paid: for a "
            "while, later runs take its credit as on its way."
        )
    for invoice in since:
        if invoice["id"] != purchase.invoice_id:
            warnings.append(
                f"Beside purchase {purchase.invoice_id}, account {account_id} has {named(invoice)}, made at the same time. If "
                "that is not meant, look for a second job or an auto top-up that buys for this account."
            )
        elif invoice["status"] != PAID:
            warnings.append(
                f"Cloudflare calls purchase {purchase.invoice_id} of account {account_id} paid, but its invoice is not (status: "
                f"{invoice['status'] or 'unknown'}). Look at it in the billing of the Cloudflare dashboard."
            )
        elif invoice["amount_due"] not in (None, charge.total):
            warnings.append(
                f"Cloudflare's {named(invoice)} differs from the expected charge, {charge}: taxes may be in it. Mind "
                "maximum_charge."
            )
    return warnings
