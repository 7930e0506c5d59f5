# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When to buy credit, and how much: the order, the purchases in flight, and what forbids a purchase.

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
from ._values import dollars, in_seconds, money, utc

SETTLING = 15 * 60
"""Seconds during which the credit of a paid purchase may be missing in the balance. The real delay is not documented."""

DAY = 24 * 60 * 60
MONTH = 30 * DAY

LONGEST_WAIT = DAY

NO_LIMIT = 2**53
"""Cents: stands for a limit that is not set."""


class Cap(NamedTuple):
    """A limit over time."""

    option: str
    cents: int
    seconds: int
    period: str
    """The period in words, for messages."""


class Order(NamedTuple):
    """What the user wants, checked. The fields are named like the options."""

    minimum_balance: int
    """Credit is bought when the balance is below it."""
    amount: int | None
    """How much to buy. None means up to `target_balance`."""
    target_balance: int | None
    maximum_charge: int
    """The most that one run may charge, including the fee."""
    maximum_charge_per_day: int
    """The most that all purchases of 24 hours may charge, or `NO_LIMIT`. The next field is the same for 30 days."""
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
        """What to buy at this balance. Raises `UserError` if it would charge more than a limit allows."""
        if self.amount is not None:
            amount = self.amount
        else:
            amount = max(MINIMUM_AMOUNT, math.ceil((self.target_balance or 0) - balance))
        charge = charge_for(amount)
        self._check_maximums(charge, f"{charge},", "")
        return charge

    def check_smallest_charge(self) -> None:
        """Raises `UserError` if even the smallest purchase would charge more than a limit allows, whatever the balance is."""
        if self.amount is not None:
            self.charge(self.minimum_balance)
            return
        target = self.target_balance or 0
        smallest = charge_for(max(MINIMUM_AMOUNT, target - self.minimum_balance))
        from_zero = charge_for(max(MINIMUM_AMOUNT, target))
        self._check_maximums(
            smallest,
            f"at least {dollars(smallest.amount)} of credit for at least {dollars(smallest.total)}, including the fee,",
            f" From a balance of $0.00, a purchase charges {money(from_zero.total)}.",
        )

    def _check_maximums(self, charge: Charge, shown: str, hint: str) -> None:
        for name, cents in (("maximum_charge", self.maximum_charge), *((cap.option, cap.cents) for cap in self.caps)):
            if charge.total > cents:
                raise UserError(
                    f"Nothing was bought: a purchase of {shown} exceeds {name}, {money(cents)}. If you want to spend this "
                    f"much, raise {name}.{hint}"
                )


def order_from(params: Mapping[str, Any]) -> Order:
    """The order in a module's options. Raises `UserError` if it makes no sense or could never be carried out."""
    order = Order(*(params[name] for name in Order._fields))
    if order.amount is None and order.target_balance is None:
        # For Ansible, a template that yields null is a value.
        raise UserError(
            "amount and target_balance are both null. Set one of them in cents, for example amount: 5000 for $50.00. If the "
            "value comes from a template, check the template."
        )
    check_floor("minimum_balance", order.minimum_balance)
    smallest = charge_for(MINIMUM_AMOUNT).total
    check_cents("maximum_charge", order.maximum_charge, smallest)
    for cap in order.caps:
        check_cents(cap.option, cap.cents, smallest, "For no limit, leave it out.")
    if order.amount is not None:
        check_cents("amount", order.amount, MINIMUM_AMOUNT)
    elif order.target_balance is not None:
        check_cents("target_balance", order.target_balance, 0)
        if order.target_balance < order.minimum_balance:
            raise UserError(_target_too_low(order.target_balance, order.minimum_balance))
    order.check_smallest_charge()
    return order


def _target_too_low(target: int, minimum: int) -> str:
    # An amount that is too small for cents was probably meant in dollars.
    in_dollars = target < MINIMUM_THRESHOLD and target * 100 >= minimum
    meant = f" For {dollars(target * 100)}, write {target * 100}." if in_dollars else ""
    return (
        f"target_balance is in cents: {target} is {dollars(target)}. That is below minimum_balance, {money(minimum)}, so each "
        f"run would buy again. Raise target_balance.{meant}"
    )


def check_floor(name: str, cents: int) -> None:
    """Raises `UserError` for a minimum balance that was probably meant in dollars: below the smallest threshold, but not 0."""
    if isinstance(cents, bool) or cents != 0:
        check_cents(name, cents, MINIMUM_THRESHOLD)


def seconds_to_wait(seconds: int | None) -> int:
    """The seconds to wait. Raises `UserError` if they are out of range."""
    # A boolean is an integer for Python.
    if seconds is None or isinstance(seconds, bool) or not 0 <= seconds <= LONGEST_WAIT:
        raise UserError(f"wait_timeout is {seconds}. Set it to a number of seconds from 0 to {LONGEST_WAIT}.")
    return seconds


def charge_warnings(account_id: str, order: Order, balance: float, charge: Charge) -> list[str]:
    """Warnings about a purchase that is about to be made."""
    expected = balance + charge.amount
    if expected >= order.minimum_balance:
        return []
    warning = (
        f"One purchase of {dollars(charge.amount)} leaves account {account_id} with {dollars(expected)}. That is still below "
        f"minimum_balance, {dollars(order.minimum_balance)}, so a later run buys again. To buy enough at once, raise amount or "
        "use target_balance."
    )
    return [warning]


def check_topup(account_id: str, order: Order, topup: Topup) -> None:
    """Raises `UserError` if Cloudflare buys for the account as well."""
    if is_set(topup) and not topup["disabled_reason"] and not order.allow_auto_topup:
        raise UserError(
            f"Nothing was bought: account {account_id} has an auto top-up. When the credit runs low, both Cloudflare and this "
            "job would buy. Remove the auto top-up with the module finops.cloudflare.cloudflare_ai_gateway_topup and "
            "state: absent, or in the Cloudflare dashboard. If you want both to buy, set allow_auto_topup: true."
        )


def check_payer(account_id: str, credit: Mapping[str, Any], payment_method_id: str | None) -> None:
    """Raises `UserError` if the account cannot pay. If Cloudflare does not say, the purchase itself will tell."""
    if credit["has_default_payment_method"] is False and not payment_method_id:
        raise UserError(
            f"Nothing was bought: account {account_id} has no default payment method. Add one in the Cloudflare dashboard."
        )


def check_history(account_id: str, history: History, now: float) -> list[str]:
    """Warnings about invoices that could not be read. Raises `UserError` if a recent one may be among them."""
    if history.known_since == -math.inf:
        return []
    count = len(history.invoices)
    if history.known_since > now - MONTH:
        raise UserError(
            f"Nothing was bought: Cloudflare lists only {count} invoices of account {account_id}, and some of the last 30 days "
            "may be missing. A purchase may be in progress without being listed. Buy in the Cloudflare dashboard, and report "
            "this problem, because this collection cannot read the other invoices."
        )
    warning = (
        f"Cloudflare lists only the {count} newest invoices of account {account_id}, created since "
        f"{utc(history.known_since)}. This module cannot see an older invoice that is still open. Check once in the Cloudflare "
        "dashboard that there is none."
    )
    return [warning]


def in_flight(invoices: Sequence[Invoice], now: float, awaited: Collection[object] = ()) -> list[Invoice]:
    """The purchases whose credit may be missing in the balance, newest first: neither paid nor void, or paid recently.

    `now` is in Unix seconds. An invoice has a date of creation, but none of payment. `awaited` holds the ids that were
    unpaid before: if they are paid now, they were paid just now. An unknown status, or a date that cannot be right, counts
    as in flight.
    """
    return [
        invoice
        for invoice in invoices
        if invoice["status"] != VOID
        and (invoice["status"] != PAID or invoice["id"] in awaited or _is_young(created_seconds(invoice), now))
    ]


def _is_young(made: float | None, now: float) -> bool:
    return made is None or now - made <= SETTLING


def not_clear(
    account_id: str,
    order: Order,
    balance: float,
    invoice: Invoice,
    clocks: tuple[float, float],
    waited: int,
) -> UserError:
    """Why nothing is bought while a purchase is in flight.

    `clocks` are this host's and Cloudflare's, in Unix seconds. `waited` is how many seconds the run has waited.
    """
    earlier, later = sorted(clocks)
    made = created_seconds(invoice)
    if (made is None or made > later + DAY) and invoice["status"] == PAID:
        state = "is paid but has no plausible date, so its credit may still come"
        step = "Look at it in the billing of the Cloudflare dashboard. If its credit has arrived, buy there"
    elif made is not None and invoice["status"] == PAID:
        state = "is paid, and its credit may not be in the balance yet"
        # When it was paid is not known, but it was before now. A later run may measure by either clock.
        latest = math.ceil(max(later, made) + later - earlier) + SETTLING
        step = (
            f"A later run buys if the balance is still too low. Run again after {utc(latest)}: by then, the credit has had "
            f"{SETTLING // 60} minutes to arrive, whenever the invoice was paid"
        )
    elif invoice["status"] == PENDING:
        state = "was bought from this machine and is not in the list of invoices yet, so its credit may still come"
        step = "Run again later. If this message stays, look at the billing in the Cloudflare dashboard"
    else:
        state = f"is not settled (status: {invoice['status'] or 'unknown'}), so its credit may still come"
        step = (
            "If the payment is still in progress, run again later. Otherwise pay the invoice or have it voided in the billing "
            "of the Cloudflare dashboard, then run again"
        )
    return UserError(
        f"The balance of account {account_id}, {dollars(balance)}, is below minimum_balance, "
        f"{dollars(order.minimum_balance)}, but nothing was bought: {named(invoice)} {state}.{_waiting(waited)} {step}.",
        facts(balance, None, invoice, balance),
    )


def _waiting(waited: int) -> str:
    return f" This run waited {in_seconds(waited)}." if waited else ""


def unresolved(account_id: str, order: Order, balance: float, entry: Entry, path: str, waited: int) -> UserError:
    """Why nothing is bought after a purchase whose outcome nobody knows. `waited` is as in `not_clear`."""
    return UserError(
        f"The balance of account {account_id}, {dollars(balance)}, is below minimum_balance, "
        f"{dollars(order.minimum_balance)}, but nothing was bought: a run on this machine sent a purchase of "
        f"{dollars(entry.amount)} at {utc(entry.at)} and ended before it learned the outcome. No invoice shows the purchase yet."
        f"{_waiting(waited)} Run again in {SETTLING // 60} minutes. Once there is an invoice, the run continues from it. If this "
        f"message stays, look in the billing of the Cloudflare dashboard for an invoice of about {dollars(entry.total)}, created "
        f"at that time or later. Remove the file {path} and run again only if there is no such invoice, if it is void, or if its "
        "credit is already in the balance.",
        facts(balance, None, None, balance),
    )


def charged_within(account_id: str, seconds: float, invoices: Sequence[Invoice], now: float) -> float:
    """What the purchases of this period charge, paid or not. Raises `UserError` for one that cannot be counted."""
    total: float = 0
    for invoice in invoices:
        made = created_seconds(invoice)
        if invoice["status"] == VOID or (made is not None and now - made > seconds):
            continue
        doubt = _why_not_countable(invoice)
        if doubt:
            raise UserError(
                f"Nothing was bought: {named(invoice)} of account {account_id} cannot be counted towards the limits, because it "
                f"has {doubt}. Look at it in the billing of the Cloudflare dashboard. Invoices are counted only if "
                "maximum_charge_per_day or maximum_charge_per_month is set."
            )
        total += max(invoice["amount_due"], invoice["amount_paid"])
    return total


def _why_not_countable(invoice: Invoice) -> str:
    """What is wrong with an invoice, as the end of a sentence. Empty if it can be counted."""
    amounts = (invoice["amount_due"], invoice["amount_paid"])
    if created_seconds(invoice) is None:
        return "no plausible date"
    if None in amounts or min(amounts) < 0:
        return "no plausible amount"
    currency = invoice["currency"] or ""
    return "" if currency.lower() == "usd" else f"a currency other than US dollars ({currency or 'unknown'})"


def check_caps(account_id: str, order: Order, charge: Charge, invoices: Sequence[Invoice], now: float) -> None:
    """Raises `UserError` if this purchase, with the recent ones, would exceed a limit."""
    for cap in order.caps:
        charged = charged_within(account_id, cap.seconds, invoices, now)
        if charged + charge.total > cap.cents:
            raise UserError(
                f"Nothing was bought for account {account_id}: purchases of the last {cap.period} charged "
                f"{dollars(charged)}. With {dollars(charge.total)} for this one, it would be {dollars(charged + charge.total)}, "
                f"more than {cap.option}, {money(cap.cents)}. Find out what uses up the credit. If you want to spend this much, raise {cap.option}."
            )


def unprotected(account_id: str, problem: str | None) -> list[str]:
    """The warning that purchases cannot be recorded on this host, and what this means."""
    if problem is None:
        return []
    warning = (
        f"Purchases for account {account_id} are not recorded on this machine, because {problem}. Two runs at the same time can "
        "both buy, and after a run is killed, the next one can buy again. Give the user that runs this a writable home "
        "directory, or set XDG_STATE_HOME."
    )
    return [warning]


def credit_diff(account_id: str, balance: float, charge: Charge | None) -> dict[str, str]:
    """The purchase for a person to review, in the form that `--diff` prints."""
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
    """The facts about a run for its result, whether it succeeds or fails."""
    return {
        "changed": charge is not None,
        "balance_before": balance,
        "balance_after": balance_after,
        "charge": charge._asdict() if charge else None,
        "invoice": summary(invoice) if invoice else None,
    }


def message(order: Order, balance: float, charge: Charge | None, invoice: Invoice | None, check_mode: bool) -> str:
    """What a successful run has done, as a sentence."""
    floor = f"minimum_balance, {dollars(order.minimum_balance)}"
    if charge is None:
        return f"Nothing was bought: the balance, {dollars(balance)}, is not below {floor}."
    limits = ", ".join(
        [f"{dollars(order.maximum_charge)} per run", *(f"{dollars(cap.cents)} in {cap.period}" for cap in order.caps)]
    )
    if check_mode:
        return f"Would buy {charge}, because the balance, {dollars(balance)}, is below {floor}. Limits: {limits}."
    done = "Bought" if invoice and invoice["status"] == PAID else "Ordered, but not yet paid:"
    return f"{done} {charge}, because the balance, {dollars(balance)}, was below {floor}. Limits: {limits}."
