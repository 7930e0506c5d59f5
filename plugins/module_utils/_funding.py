# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When credit is bought, and how much: the order, what is on its way, and what forbids a purchase.

No HTTP and no Ansible in here. All money is in cents. This file is private to the collection and can change in any
release.
"""

from __future__ import annotations

import math
from typing import Any, Collection, Mapping, NamedTuple, Sequence

from ._api import UserError
from ._invoices import PAID, PENDING, VOID, History, Invoice, created_seconds, named, summary
from ._journal import Entry
from ._purchase import Charge, charge_for
from ._topup import MINIMUM_AMOUNT, MINIMUM_THRESHOLD, Topup, check_cents, is_set
from ._values import dollars, money, utc

SETTLING = 15 * 60
"""Seconds for which a purchase that is paid may still be missing in the balance. How long it takes is not documented."""

DAY = 24 * 60 * 60
MONTH = 30 * DAY

LONGEST_WAIT = DAY

NO_LIMIT = 2**53
"""Cents: what stands for a limit that is not set."""


class Cap(NamedTuple):
    """A limit over time."""

    option: str
    cents: int
    seconds: int
    period: str
    """As a sentence calls it."""


class Order(NamedTuple):
    """What the user wants, checked. The names are those of the options."""

    minimum_balance: int
    """The floor: below it, credit is bought."""
    amount: int | None
    """How much to buy; None to buy up to C(target_balance)."""
    target_balance: int | None
    maximum_charge: int
    """The most that one run may charge, the fee included."""
    maximum_charge_per_day: int
    """The most that all purchases of 24 hours may charge, or L(NO_LIMIT). The next one is the same for 30 days."""
    maximum_charge_per_month: int
    allow_auto_topup: bool

    @property
    def caps(self) -> list[Cap]:
        """The limits over time that are set."""
        caps = [
            Cap("maximum_charge_per_day", self.maximum_charge_per_day, DAY, "24 hours"),
            Cap("maximum_charge_per_month", self.maximum_charge_per_month, MONTH, "30 days"),
        ]
        return [cap for cap in caps if cap.cents != NO_LIMIT]

    def charge(self, balance: float) -> Charge:
        """What to buy at this balance. Raises L(UserError) where that is more than may be charged."""
        if self.amount is not None:
            amount = self.amount
        else:
            amount = max(MINIMUM_AMOUNT, math.ceil((self.target_balance or 0) - balance))
        charge = charge_for(amount)
        for name, cents in (("maximum_charge", self.maximum_charge), *((cap.option, cap.cents) for cap in self.caps)):
            if charge.total > cents:
                raise UserError(
                    f"Nothing was bought: {charge} is more than {name}, {money(cents)}. If this is meant, raise {name}."
                )
        return charge


def order_from(params: Mapping[str, Any]) -> Order:
    """The order in a module's options. Raises L(UserError) for one that cannot be meant, or that could never be carried out."""
    order = Order(*(params[name] for name in Order._fields))
    if order.amount is None and order.target_balance is None:
        # A template that yields null is given, as far as Ansible can see.
        raise UserError(
            "amount and target_balance are both null: give one of them in cents, such as amount: 5000 for $50.00, and look at "
            "the template that it comes from."
        )
    check_floor("minimum_balance", order.minimum_balance)
    smallest = charge_for(MINIMUM_AMOUNT).total
    check_cents("maximum_charge", order.maximum_charge, smallest)
    for cap in order.caps:
        check_cents(cap.option, cap.cents, smallest)
    if order.amount is not None:
        check_cents("amount", order.amount, MINIMUM_AMOUNT)
    elif order.target_balance is not None:
        check_cents("target_balance", order.target_balance, 0)
        if order.target_balance < order.minimum_balance:
            raise UserError(
                f"target_balance, {money(order.target_balance)}, is below minimum_balance, {money(order.minimum_balance)}: "
                "each run would buy again. Raise target_balance."
            )
    # The smallest purchase that any balance below the floor leads to
    order.charge(order.minimum_balance)
    return order


def check_floor(name: str, cents: int) -> None:
    """Raises L(UserError) for a floor that is more likely meant in dollars: less than the smallest threshold, but not 0."""
    if isinstance(cents, bool) or cents != 0:
        check_cents(name, cents, MINIMUM_THRESHOLD)


def seconds_to_wait(seconds: int | None) -> int:
    """The seconds to wait. Raises L(UserError) where that is no time."""
    # A boolean is an integer for Python.
    if seconds is None or isinstance(seconds, bool) or not 0 <= seconds <= LONGEST_WAIT:
        raise UserError(f"wait_timeout is {seconds}: give the seconds to wait, from 0 to {LONGEST_WAIT}.")
    return seconds


def charge_warnings(account_id: str, order: Order, balance: float, charge: Charge) -> list[str]:
    """What a person should know of a purchase that is about to be made, a sentence each."""
    expected = balance + charge.amount
    if expected >= order.minimum_balance:
        return []
    warning = (
        f"One purchase of {dollars(charge.amount)} leaves account {account_id} with {dollars(expected)}, which is still "
        f"below minimum_balance, {dollars(order.minimum_balance)}. A later run buys again; to buy enough at once, raise "
        "amount or use target_balance."
    )
    return [warning]


def check_topup(account_id: str, order: Order, topup: Topup) -> None:
    """Raises L(UserError) where Cloudflare buys for the account as well."""
    if is_set(topup) and not topup["disabled_reason"] and not order.allow_auto_topup:
        raise UserError(
            f"Nothing was bought: account {account_id} has an auto top-up, so that Cloudflare and this job would both buy when "
            "the credit is used up. Remove it with cloudflare_ai_gateway_topup and state: absent, or in the Cloudflare "
            "dashboard; or, if both are meant to buy, set allow_auto_topup: true."
        )


def check_payer(account_id: str, credit: Mapping[str, Any], payment_method_id: str | None) -> None:
    """Raises L(UserError) where the account can pay nothing. Where Cloudflare does not say, trying will tell."""
    if credit["has_default_payment_method"] is False and not payment_method_id:
        raise UserError(
            f"Nothing was bought: account {account_id} has no default payment method. Add one in the Cloudflare dashboard, or "
            "set payment_method_id."
        )


def check_history(account_id: str, history: History, now: float) -> list[str]:
    """Warnings about invoices that could not be read. Raises L(UserError) where a recent one may be among them."""
    if history.known_since == -math.inf:
        return []
    count = len(history.invoices)
    if history.known_since > now - MONTH:
        raise UserError(
            f"Nothing was bought: Cloudflare lists only {count} of the invoices of account {account_id}, and it is not certain "
            "that all of the last 30 days are among them, so that a purchase may be on its way unseen. Buy in the Cloudflare "
            "dashboard, and report this: the collection would have to learn how to read the others."
        )
    warning = (
        f"Cloudflare lists only the {count} newest invoices of account {account_id}, those since {utc(history.known_since)}. An "
        "older one that is still open cannot be seen: look for it in the Cloudflare dashboard once."
    )
    return [warning]


def in_flight(invoices: Sequence[Invoice], now: float, awaited: Collection[object] = ()) -> list[Invoice]:
    """The purchases that are not in the balance for certain, newest first: not paid and not void, or paid a short while ago.

    C(now) is in Unix seconds. An invoice has the date when it was made, not when it was paid: those in C(awaited), ids
    that were seen unpaid before, have been paid just now. What has an unknown status, or no date that can be right, is in
    flight as well.
    """
    return [
        invoice
        for invoice in invoices
        if invoice["status"] != VOID
        and (invoice["status"] != PAID or invoice["id"] in awaited or _is_young(created_seconds(invoice), now))
    ]


def _is_young(made: float | None, now: float) -> bool:
    return made is None or now - made <= SETTLING


def not_clear(account_id: str, order: Order, balance: float, invoice: Invoice) -> UserError:
    """Why nothing is bought while a purchase is in flight."""
    made = created_seconds(invoice)
    if made is None and invoice["status"] == PAID:
        state = "is paid and has no date that can be right, so that its credit may still come"
        step = "Look at it in the billing of the Cloudflare dashboard; if its credit has arrived, buy there"
    elif made is not None and invoice["status"] == PAID:
        state = "is paid, and its credit may not be in the balance yet"
        step = f"Run again {SETTLING // 60} minutes after it was paid, which is {utc(made + SETTLING)} at the earliest"
    elif invoice["status"] == PENDING:
        state = "was bought from this machine and is not in the list of invoices yet, so that its credit may still come"
        step = "Run again later, or look at the billing in the Cloudflare dashboard"
    else:
        state = f"is not settled (status: {invoice['status'] or 'unknown'}), so that its credit may still come"
        step = "Look at it in the billing of the Cloudflare dashboard, pay it or have it voided, and run again"
    return UserError(
        f"The balance of account {account_id}, {dollars(balance)}, is below minimum_balance, "
        f"{dollars(order.minimum_balance)}, but nothing was bought: {named(invoice)} {state}. {step}.",
        facts(balance, None, invoice, balance),
    )


def unresolved(account_id: str, order: Order, balance: float, entry: Entry, path: str) -> UserError:
    """Why nothing is bought after a purchase of which nobody knows what became of it."""
    return UserError(
        f"The balance of account {account_id}, {dollars(balance)}, is below minimum_balance, "
        f"{dollars(order.minimum_balance)}, but nothing was bought: a run on this machine sent a purchase of "
        f"{dollars(entry.amount)} at {utc(entry.at)} and ended without learning what became of it, and no invoice shows it yet. "
        f"Run again in {SETTLING // 60} minutes, which goes on from the invoice once there is one. If this message stays, look in "
        f"the billing of the Cloudflare dashboard for an invoice of about {dollars(entry.total)} made at that time or later. Only "
        f"if there is none, if it is void, or once its credit is in the balance, remove the file {path} and run again.",
        facts(balance, None, None, balance),
    )


def charged_within(account_id: str, seconds: float, invoices: Sequence[Invoice], now: float) -> float:
    """What the purchases of this time charge, paid or not. Raises L(UserError) for one that cannot be counted."""
    total: float = 0
    for invoice in invoices:
        made = created_seconds(invoice)
        if invoice["status"] == VOID or (made is not None and now - made > seconds):
            continue
        doubt = _why_not_countable(invoice)
        if doubt:
            raise UserError(
                f"Nothing was bought: invoice {invoice['id'] or 'without an id'} of account {account_id} cannot be counted "
                f"towards the limits, as it has {doubt}. Look at it in the billing of the Cloudflare dashboard; without "
                "maximum_charge_per_day and maximum_charge_per_month, nothing is counted."
            )
        total += max(invoice["amount_due"], invoice["amount_paid"])
    return total


def _why_not_countable(invoice: Invoice) -> str:
    """What is wrong with an invoice, as the end of a sentence; empty where it can be added to others."""
    amounts = (invoice["amount_due"], invoice["amount_paid"])
    if created_seconds(invoice) is None:
        return "no date that can be right"
    if None in amounts or min(amounts) < 0:
        return "no amount that can be right"
    currency = invoice["currency"] or ""
    return "" if currency.lower() == "usd" else f"another currency than US dollars ({currency or 'unknown'})"


def check_caps(account_id: str, order: Order, charge: Charge, invoices: Sequence[Invoice], now: float) -> None:
    """Raises L(UserError) where a purchase would bring what was charged lately above a limit."""
    for cap in order.caps:
        charged = charged_within(account_id, cap.seconds, invoices, now)
        if charged + charge.total > cap.cents:
            raise UserError(
                f"Nothing was bought for account {account_id}: purchases of the last {cap.period} have charged {dollars(charged)}, and "
                f"with {dollars(charge.total)} for this one it would be {dollars(charged + charge.total)}, more than "
                f"{cap.option}, {money(cap.cents)}. Find out what uses up the credit; if this is meant, raise {cap.option}."
            )


def unprotected(account_id: str, problem: str | None) -> list[str]:
    """What is not guarded against while nothing can be remembered on this host."""
    if problem is None:
        return []
    warning = (
        f"What is bought for account {account_id} is not remembered on this machine, as {problem}. Two runs at the same moment can "
        "both buy, and a run that is killed can be followed by a second purchase. Give the user that runs this a home "
        "directory that it can write to, or set XDG_STATE_HOME."
    )
    return [warning]


def credit_diff(account_id: str, balance: float, charge: Charge | None) -> dict[str, str]:
    """The purchase for a person to review, in the form that C(--diff) prints."""
    header = f"AI Gateway credit of account {account_id}"
    before = f"balance: {money(balance)}\n"
    after = before
    if charge:
        expected = round(balance + charge.amount, 2)
        after = f"balance: {money(expected)}\ncharge: {money(charge.total)}, fee {money(charge.fee)} included\n"
    return {"before_header": header, "after_header": header, "before": before, "after": after}


def facts(
    balance: float, charge: Charge | None, invoice: Invoice | None = None, balance_after: float | None = None
) -> dict[str, Any]:
    """What is known of a run, for its result, whether it succeeds or fails."""
    return {
        "changed": charge is not None,
        "balance_before": balance,
        "balance_after": balance_after,
        "charge": charge._asdict() if charge else None,
        "invoice": summary(invoice) if invoice else None,
    }


def message(order: Order, balance: float, charge: Charge | None, invoice: Invoice | None, check_mode: bool) -> str:
    """What a run that succeeds has done, as a sentence."""
    floor = f"minimum_balance, {dollars(order.minimum_balance)}"
    if charge is None:
        return f"Nothing was bought: the balance, {dollars(balance)}, is not below {floor}."
    limits = ", ".join(
        [f"{dollars(order.maximum_charge)} a run", *(f"{dollars(cap.cents)} in {cap.period}" for cap in order.caps)]
    )
    if check_mode:
        return f"Would buy {charge}, as the balance, {dollars(balance)}, is below {floor}. Limits: {limits}."
    done = "Bought" if invoice and invoice["status"] == PAID else "Ordered, but not yet paid:"
    return f"{done} {charge}, as the balance, {dollars(balance)}, was below {floor}. Limits: {limits}."
