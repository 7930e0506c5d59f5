# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run that keeps the credit of an account above a minimum: what it reads, in which order, and when it buys.

No Ansible in here. All money is in cents. This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Callable, Mapping, NamedTuple, Sequence

from . import _billing, _funding, _invoices, _journal, _purchase, _topup
from ._api import CloudflareError, UserError
from ._client import Client
from ._deadline import Deadline


class Conditions(NamedTuple):
    """How a run works, apart from its goal."""

    account_id: str
    api_url: str
    payment_method_id: str | None
    """None for the account's default payment method."""
    check_mode: bool
    wait: bool
    wait_timeout: int
    """Seconds."""

    @property
    def waits(self) -> bool:
        return self.wait and not self.check_mode

    @property
    def timeout(self) -> int:
        """The seconds that this run waits at most."""
        return self.wait_timeout if self.waits else 0


def conditions_from(account_id: str, params: Mapping[str, Any], check_mode: bool) -> Conditions:
    """The conditions in a module's options. Raises `UserError` if they make no sense."""
    method = params["payment_method_id"]
    if not method:
        raise UserError(
            "payment_method_id is empty. Set it to the ID of a payment method, or leave it out to use the account's default."
        )
    return Conditions(
        account_id,
        params["api_url"].rstrip("/"),
        None if method == "default" else method,
        check_mode,
        params["wait"],
        _funding.seconds_to_wait(params["wait_timeout"]),
    )


class Look(NamedTuple):
    """The state of an account, with no purchase in flight."""

    credit: Mapping[str, Any]
    history: _invoices.History
    own: list[_journal.Entry]
    """Purchases that this host has recorded and that Cloudflare has accepted."""
    awaited: _invoices.Invoice | None
    """The last invoice that the run waited for."""

    @property
    def balance(self) -> float:
        balance: float = self.credit["balance"]
        return balance


class Run:
    """One run of the module."""

    def __init__(
        self,
        client: Client,
        order: _funding.Order,
        conditions: Conditions,
        warn: Callable[[str], None],
    ) -> None:
        """
        warn: gives the user a warning, at once or with the result.
        """
        self._client = client
        self._order = order
        self._account_id = conditions.account_id
        self._conditions = conditions
        self._timeout = conditions.timeout
        self._warn = warn

    def keep_funded(self) -> dict[str, Any]:
        balance = self._read_credit()["balance"]
        if balance >= self._order.minimum_balance:
            return self._result(balance, None, None, balance)
        deadline = Deadline(self._timeout)
        try:
            with self._open_journal(deadline) as journal:
                look = self._read_until_clear(journal, deadline)
                balance = look.balance
                if balance >= self._order.minimum_balance:
                    return self._result(balance, None, look.awaited, balance)
                charge = self._charge_to_make(look)
                if self._conditions.check_mode:
                    return self._result(balance, charge)
                purchase = self._buy(journal, look, charge)
        except UserError as error:
            error.result = error.result or _funding.facts(balance, None, None, balance)
            raise
        return self._follow(purchase, look, charge)

    def _open_journal(self, deadline: Deadline) -> AbstractContextManager[_journal.Journal]:
        path = _journal.journal_path(os.environ, self._conditions.api_url, self._account_id)
        if self._conditions.check_mode:
            return nullcontext(_journal.journal_as_it_is(path, self._account_id))
        return _journal.locked_journal(path, self._account_id, deadline)

    def _read_until_clear(self, journal: _journal.Journal, deadline: Deadline) -> Look:
        """The account, once no earlier purchase can still be missing in its balance."""
        awaited: set[object] = set()
        last: _invoices.Invoice | None = None
        while True:
            history = self._read_history("all")
            # After the invoices, so that a credit between the two reads is seen twice rather than not at all.
            credit = self._read_credit()
            entries = [_journal.identified(entry, history.invoices) for entry in journal.entries]
            look = Look(credit, history, [entry for entry in entries if entry.invoice_id is not None], last)
            if look.balance >= self._order.minimum_balance:
                return look
            warnings = _funding.check_history(self._account_id, history, self._now())
            flying = _funding.in_flight(self._with_own(history.invoices, look.own), self._now(), awaited)
            awaited.update(invoice["id"] for invoice in flying)
            lost = [entry for entry in entries if entry.invoice_id is None]
            if not flying and not lost:
                self._warn_of(warnings)
                return look
            if not deadline.wait():
                if lost:
                    raise _funding.unresolved(
                        self._account_id, self._order, look.balance, lost[0], journal.path, self._timeout
                    )
                raise _funding.not_clear(
                    self._account_id, self._order, look.balance, flying[0], self._clocks(), self._timeout
                )
            last = flying[0] if flying else last

    def _with_own(
        self, invoices: Sequence[_invoices.Invoice], own: Sequence[_journal.Entry]
    ) -> list[_invoices.Invoice]:
        """The invoices, corrected by what this host knows. For own purchases that are not listed, Cloudflare is asked."""
        listed = {invoice["id"] for invoice in invoices}
        missing = {str(entry.invoice_id) for entry in own} - listed
        completed = {each for each in missing if self._send_status_request(each)}
        return _journal.with_own(invoices, own, completed)

    def _send_status_request(self, invoice_id: str) -> bool:
        """Whether Cloudflare reports a purchase as completed. False if Cloudflare cannot be asked."""
        return bool(self._client.send_for_advice(_purchase.status_request(self._account_id, invoice_id)))

    def _charge_to_make(self, look: Look) -> _purchase.Charge:
        """What to buy. Raises `UserError` if something forbids it."""
        charge = self._order.charge(look.balance)
        topup = look.credit["topup"]
        if not look.credit["topup_told"]:
            topup = self._client.send(_topup.read_topup(self._account_id))
        _funding.check_topup(self._account_id, self._order, topup)
        _funding.check_payer(self._account_id, look.credit, self._conditions.payment_method_id)
        self._check_caps(charge, look)
        if self._conditions.check_mode:
            # A real purchase is checked by Cloudflare itself.
            witness = _billing.read_balance(self._account_id)
            limits = self._client.send_if_known(_topup.read_limits(self._account_id), witness)
            _topup.check_limits(charge.amount, limits, "Nothing was bought")
        self._warn_of(_funding.charge_warnings(self._account_id, self._order, look.balance, charge))
        return charge

    def _check_caps(self, charge: _purchase.Charge, look: Look) -> None:
        if not self._order.caps:
            return
        invoices = _journal.with_own(look.history.invoices, look.own, ())
        try:
            _funding.check_caps(self._account_id, self._order, charge, invoices, self._now())
        except UserError:
            # The list of all invoices includes those for monthly usage, which are not purchases.
            purchases = _journal.with_own(self._read_purchases(), look.own, ())
            _funding.check_caps(self._account_id, self._order, charge, purchases, self._now())

    def _read_purchases(self) -> list[_invoices.Invoice]:
        histories = [self._read_history(kind) for kind in ("auto", "manual")]
        for history in histories:
            self._warn_of(_funding.check_history(self._account_id, history, self._now()))
        automatic, manual = (history.invoices for history in histories)
        return [*automatic, *_invoices.made_since(automatic, manual)]

    def _buy(self, journal: _journal.Journal, look: Look, charge: _purchase.Charge) -> _purchase.Purchase:
        """Send the purchase, once. The journal then holds what a later run has to know if this run ends here."""
        entry = _journal.intent(self._clocks(), charge.amount, charge.total, look.history.invoices)
        # They count towards the limits for this long, even if the lists do not show them.
        others = [other for other in look.own if self._now() - other.latest <= _funding.MONTH]
        journal.begin([*others, entry])
        problem = journal.problem
        self._warn_of(_funding.unprotected(self._account_id, problem))
        try:
            purchase: _purchase.Purchase = self._client.send(
                _purchase.purchase_request(self._account_id, charge.amount, self._conditions.payment_method_id)
            )
        except CloudflareError as error:
            if error.outcome_unknown:
                self._explain_unknown(error, entry, look, charge)
            else:
                journal.write(others)
                self._explain_refusal(error, look, charge)
            raise
        journal.write([*others, entry._replace(invoice_id=purchase.invoice_id)])
        if journal.problem != problem:
            self._warn_of(_funding.unprotected(self._account_id, journal.problem))
        return purchase

    def _explain_refusal(self, error: CloudflareError, look: Look, charge: _purchase.Charge) -> None:
        """Make the error of a refused purchase say why it was refused, and what to do."""
        limits = eligibility = None
        if error.status in (400, 403):
            limits = self._client.send_for_advice(_topup.read_limits(self._account_id))
            eligibility = self._client.send_for_advice(_purchase.eligibility_request(self._account_id))
        if error.sent:
            error.aftermath = "Nothing was bought."
        error.next_step = _purchase.refusal(error, charge, limits, eligibility)
        error.result = _funding.facts(look.balance, None, None, look.balance)

    def _explain_unknown(
        self, error: CloudflareError, entry: _journal.Entry, look: Look, charge: _purchase.Charge
    ) -> None:
        """Make the error of a purchase that may have been made say so, together with the new invoices."""
        deadline = Deadline(self._timeout)
        since: list[_invoices.Invoice] | None = None
        while True:
            try:
                since = _invoices.made_since(look.history.invoices, self._read_history("all").invoices)
            except CloudflareError:
                # The error to report is that of the purchase.
                since = None
            if any(entry.matches(invoice) for invoice in since or []) or not deadline.wait():
                break
        _purchase.lost(error, self._account_id, since)
        error.result = {
            **_funding.facts(look.balance, charge),
            "invoices_since": None if since is None else [_invoices.summary(invoice) for invoice in since],
        }

    def _follow(self, purchase: _purchase.Purchase, look: Look, charge: _purchase.Charge) -> dict[str, Any]:
        """Wait for a purchase that Cloudflare has accepted, and report the outcome."""
        deadline = Deadline(self._timeout)
        pending = {"id": purchase.invoice_id, "status": _invoices.PENDING}
        try:
            paid = self._wait_until_paid(purchase, deadline)
        except CloudflareError as error:
            _purchase.unread(error, purchase, charge)
            error.result = _funding.facts(look.balance, charge, pending)
            raise
        if not paid:
            self._complain(
                _purchase.unpaid(self._account_id, purchase, charge, self._timeout),
                _funding.facts(look.balance, charge, pending),
            )
            return self._result(look.balance, charge, pending)
        invoice = {"id": purchase.invoice_id, "status": _invoices.PAID}
        after = self._look_after(purchase, look, charge, deadline)
        return self._result(look.balance, charge, invoice, after)

    def _wait_until_paid(self, purchase: _purchase.Purchase, deadline: Deadline) -> bool:
        while True:
            paid: bool = self._client.send(_purchase.status_request(self._account_id, purchase.invoice_id))
            if paid or not deadline.wait():
                return paid

    def _look_after(
        self, purchase: _purchase.Purchase, look: Look, charge: _purchase.Charge, deadline: Deadline
    ) -> float | None:
        """The balance once it includes the purchase, None if that cannot be seen. Warns about anything unexpected."""
        after: float | None = None
        since: list[_invoices.Invoice] = []
        listed = False
        try:
            while True:
                if after is None:
                    balance = self._read_credit()["balance"]
                    after = balance if balance > look.balance else None
                if not listed:
                    since = _invoices.made_since(look.history.invoices, self._read_history("all").invoices)
                    listed = any(invoice["id"] == purchase.invoice_id for invoice in since)
                if (listed and after is not None) or not deadline.wait():
                    break
        except CloudflareError as error:
            # It is paid, whether or not the account can be read afterwards.
            self._warn_of(
                [f"Purchase {purchase.invoice_id} of account {self._account_id} ({charge}) is paid. However: {error}"]
            )
            return after
        if not listed and after is None:
            self._complain(
                _purchase.invisible(self._account_id, purchase, charge, self._timeout),
                _funding.facts(look.balance, charge, {"id": purchase.invoice_id, "status": _invoices.PAID}),
            )
        self._warn_of(_purchase.surprises(self._account_id, purchase, charge, since, listed, after is not None))
        return after

    def _complain(self, sentence: str, result: Mapping[str, Any]) -> None:
        """Fail with this sentence, or only warn if the run does not wait."""
        if self._conditions.waits:
            raise UserError(sentence, result)
        self._warn_of([sentence])

    def _result(
        self,
        balance: float,
        charge: _purchase.Charge | None,
        invoice: _invoices.Invoice | None = None,
        balance_after: float | None = None,
    ) -> dict[str, Any]:
        return {
            **_funding.facts(balance, charge, invoice, balance_after),
            "account_id": self._account_id,
            "msg": _funding.message(self._order, balance, charge, invoice, self._conditions.check_mode),
            "diff": _funding.credit_diff(self._account_id, balance, charge),
        }

    def _now(self) -> float:
        """Unix seconds by the earlier clock, this host's or Cloudflare's, so that nothing seems older than it is."""
        return min(self._clocks())

    def _clocks(self) -> tuple[float, float]:
        """Unix seconds by this host's clock, and by Cloudflare's if it is known."""
        here, server = time.time(), self._client.server_time
        return here, here if server is None else server

    def _read_credit(self) -> Mapping[str, Any]:
        credit: Mapping[str, Any] = self._client.send(_billing.read_balance(self._account_id))
        return credit

    def _read_history(self, kind: str) -> _invoices.History:
        return _invoices.read_history(self._client.send, self._account_id, kind)

    def _warn_of(self, warnings: Sequence[str]) -> None:
        for warning in warnings:
            self._warn(warning)
