# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Buying credit once: what it costs, what has to be settled first, and the calls. No HTTP and no Ansible in here.

All money is in cents. This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import math
from typing import Any, Mapping, NamedTuple, Sequence

from ._api import Call, UserError
from ._topup import MINIMUM_AMOUNT, billing_path, check_cents, object_in
from ._values import dollars, money, text

FEE_PERCENT = 5
"""What Cloudflare adds to each purchase."""

SETTLING = 15 * 60
"""Seconds for which a purchase that is paid may still be missing in the balance. How long it takes is not documented."""

_FINAL = ("paid", "void", "uncollectible")
_WRITE = "AI Gateway Write"

Charge = Mapping[str, int]
"""What a purchase costs: amount, fee, total."""


def charge_of(amount: int) -> Charge:
    """What a purchase of this amount costs; where the fee is not whole, the next whole cent."""
    fee = math.ceil(amount * FEE_PERCENT / 100)
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
        if self.target_balance is None:
            assert self.amount is not None
            amount = self.amount
        else:
            amount = max(MINIMUM_AMOUNT, math.ceil(self.target_balance - balance))
        charge = charge_of(amount)
        if charge["total"] > self.maximum_charge:
            raise UserError(
                f"Nothing was bought: {described(charge)} is more than maximum_charge, {money(self.maximum_charge)}. Raise "
                "maximum_charge if this is meant."
            )
        return charge


def order(params: Mapping[str, Any]) -> Order:
    """The order in a module's options. Raises L(UserError) for one that cannot be meant, or that could never be carried out."""
    wanted = Order(*(params[name] for name in Order._fields))
    if wanted.minimum_balance < 0:
        raise UserError(f"minimum_balance is {money(wanted.minimum_balance)}: give the balance to keep, 0 or more cents.")
    if wanted.target_balance is None:
        check_cents("amount", wanted.amount, MINIMUM_AMOUNT)
    elif wanted.target_balance < wanted.minimum_balance:
        raise UserError(
            f"target_balance, {money(wanted.target_balance)}, is below minimum_balance, {money(wanted.minimum_balance)}: each "
            "run would buy again. Raise target_balance."
        )
    # The smallest purchase that any balance below the floor leads to
    wanted.charge(wanted.minimum_balance)
    return wanted


def described(charge: Charge) -> str:
    """A charge for a sentence: C($50.00 of credit with a fee of $2.50, $52.50 in all)."""
    amount, fee, total = (dollars(charge[key]) for key in ("amount", "fee", "total"))
    return f"{amount} of credit with a fee of {fee}, {total} in all"


def in_flight(invoices: Sequence[Mapping[str, Any]], now: float) -> Mapping[str, Any] | None:
    """The newest purchase that is not in the balance for certain: neither paid nor given up, or paid a short while ago.

    C(now) is in Unix seconds. What has an unknown status, or no date, counts as in flight.
    """
    for invoice in invoices:
        if invoice["status"] not in _FINAL:
            return invoice
        if invoice["status"] == "paid" and not _is_old(invoice["created"], now):
            return invoice
    return None


def _is_old(created: object, now: float) -> bool:
    if not isinstance(created, (int, float)):
        return False
    seconds = created / 1000 if created >= 1e11 else created
    return now - seconds > SETTLING


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
    result = object_in(result, "the purchase")
    invoice_id = result.get("payment_intent_id")
    if not isinstance(invoice_id, str) or not invoice_id:
        raise ValueError("payment_intent_id is missing in it")
    secret = result.get("client_secret")
    return Purchase(invoice_id, str(secret) if secret else None)


def read_status(account_id: str, invoice_id: str) -> Call:
    """Ask whether a purchase is paid, which changes nothing although it is a POST; the result is C(completed) or C(pending)."""
    purpose = f"ask for the state of purchase {invoice_id} of account {account_id}"
    body = {"payment_intent_id": invoice_id}
    return Call("POST", billing_path(account_id, "topup/status"), purpose, _WRITE, status_from_api, body)


def status_from_api(result: object) -> str | None:
    return text(object_in(result, "the state of the purchase").get("status"))
