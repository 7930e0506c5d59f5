#!/usr/bin/python
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflare_ai_gateway_credit
short_description: Keep Cloudflare AI Gateway credit above a floor
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Cloudflare sells AI Gateway credit in advance. If the balance of the account is below O(minimum_balance), this module buys
    credit once, and B(charges the payment method at once).
  - Run by a schedule, it does what auto top-up does, for accounts whose API tokens may not set that.
  - All money is in B(cents). Cloudflare adds a fee of 5 % to each purchase.
  - A run sends at most one purchase, once, whatever happens. Before, it reads the invoices, and buys nothing while a purchase may
    still be on its way into the balance.
  - The host where the module runs remembers each purchase before it is sent, in a file of its own for each account. So two runs on
    that host do not both buy, and a run that was killed is not followed by a second purchase.
extends_documentation_fragment:
  - finops.cloudflare._attributes
  - finops.cloudflare._attributes.actiongroup_cloudflare
  - finops.cloudflare._account
  - finops.cloudflare._connection
attributes:
  check_mode:
    support: full
    details:
      - Reads the balance and, if it is too low, the invoices and the limits of the account, for which the permission AI Gateway
        Read is enough. It buys nothing, waits for nothing, writes no file, and returns what the purchase would cost.
      - It fails where a run would be refused by O(maximum_charge) and the other limits, by the account's own limits, for lack of a
        payment method, because of an auto top-up, or because a purchase may be on its way. Whether the card can be charged, only a
        purchase shows.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description: V(funded) buys credit if the balance is below O(minimum_balance).
    type: str
    choices:
      - funded
    default: funded
  minimum_balance:
    description:
      - The balance to keep, in cents. V(1000) is $10.00. At or above it, nothing is bought.
      - At least V(500), which is $5.00; or V(0), to buy only when the balance is negative.
    type: int
    required: true
  amount:
    description:
      - How much credit a purchase buys, in cents, fee excluded. V(5000) is $50.00.
      - At least V(1000), which is $10.00. The account may have a maximum as well, which check mode sees.
      - Either this or O(target_balance) is required.
    type: int
  target_balance:
    description:
      - Buy as much as brings the balance up to this, in cents, but at least V(1000), which is $10.00.
      - At least O(minimum_balance).
      - Either this or O(amount) is required.
    type: int
  maximum_charge:
    description:
      - The most that one run may charge, in cents, fee included. V(5250) is $52.50.
      - A purchase that costs more is refused. With O(amount), this is known before any request is made; with
        O(target_balance), before anything is bought.
      - Taxes, if Cloudflare charges any, are not foreseen. The module warns if the invoice differs from the expected charge.
    type: int
    required: true
  maximum_charge_per_day:
    description:
      - The most that all purchases of credit of the last 24 hours may charge together, in cents, the next one included.
      - Purchases count whoever made them, by hand and by an auto top-up as well, and whether they are paid or not. Invoices that are
        void do not count, nor do those for the usage of a month.
      - A purchase that would go beyond it is refused, and so is any purchase while an invoice cannot be counted, as it has no date,
        no amount, or another currency than US dollars.
      - If not set, there is no such limit.
    type: int
    version_added: 0.2.0
  maximum_charge_per_month:
    description:
      - The same as O(maximum_charge_per_day), for the last 30 days.
      - If not set, there is no such limit.
    type: int
    version_added: 0.2.0
  allow_auto_topup:
    description:
      - Whether to buy for an account that has an auto top-up, which buys as well.
      - If V(false), the module refuses to buy while there is one, unless Cloudflare has stopped it.
    type: bool
    default: false
    version_added: 0.2.0
  payment_method_id:
    description:
      - The id of the payment method to charge. An empty text is refused.
      - If not set, the account's default payment method.
    type: str
  wait:
    description:
      - Whether to wait until the purchase is paid and in the balance, and before that for an earlier purchase, and for another run
        on the same host that decides about the same account.
      - If V(false), the module returns once Cloudflare has accepted the purchase, and fails at once if there is an earlier one on
        its way, or another run at work.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for the purchase, and before that for an earlier one or another run, from V(0) to V(86400), a day.
      - A purchase that is not paid by then is a failure, and so is one that neither the balance nor the invoices show by then. A later
        run continues from it.
      - If the answer to a purchase is lost, the invoices are looked at until then.
    type: int
    default: 120
notes:
  - A balance at or above O(minimum_balance) costs one request, a purchase usually seven.
  - "Purchases are remembered below C($XDG_STATE_HOME/finops.cloudflare), or else C(~/.local/state/finops.cloudflare), of the user and
    on the host that the module runs as and on. That covers forks, loops, jobs that overlap, and a run that is killed and started
    again. It does not cover another host, another user or home directory, nor a container that is thrown away, such as an execution
    environment of AWX: there, two runs at the same moment both buy. Let one job at a time work for an account."
  - If a run ends without learning what became of its purchase, later runs buy nothing until an invoice shows it, or until a person
    has looked and has removed the file that the message names.
  - The balance lags behind the payment, for a time that is not documented. For 15 minutes after an invoice was made, the module
    takes its credit as on its way. An invoice that is paid much later, such as after a bank's confirmation, can be in nobody's
    view for as long as the balance lags.
  - A failure that says that something may have been charged needs a person. Do not repeat this task with C(until) and
    C(retries), nor a job by itself.
  - Reading needs the permission AI Gateway Read, buying AI Gateway Write.
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_topup
  - module: finops.cloudflare.cloudflare_ai_gateway_billing_info
"""

EXAMPLES = r"""
- name: Buy $50.00 of credit if the balance is below $10.00, and never be charged more than $52.50
  finops.cloudflare.cloudflare_ai_gateway_credit:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    minimum_balance: 1000 # cents
    amount: 5000 # cents
    maximum_charge: 5250 # cents, fee included
    maximum_charge_per_day: 10500 # cents, of all purchases
    maximum_charge_per_month: 50000
    api_token: "{{ cloudflare_api_token }}"

- name: See what would be charged to bring the balance up to $100.00
  finops.cloudflare.cloudflare_ai_gateway_credit:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    minimum_balance: 2000
    target_balance: 10000
    maximum_charge: 15000
  check_mode: true
  diff: true
  register: result

- name: Say it
  ansible.builtin.debug:
    var: result.msg

- name: Buy, and let a later run see what became of it
  finops.cloudflare.cloudflare_ai_gateway_credit:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    minimum_balance: 1000
    amount: 5000
    maximum_charge: 5250
    wait: false
"""

RETURN = r"""
account_id:
  description: The account that was managed, in lower case.
  type: str
  returned: success
  sample: 023e105f4ecef8ad9ca31a8372d0c353
changed:
  description: Whether credit was bought, or would be in check mode. Also V(true) if the module fails and may have bought credit.
  type: bool
  returned: always
  sample: true
msg:
  description: What was done and why, with dollars. In a failure, what went wrong and what to do.
  type: str
  returned: always
  sample: >-
    Bought $50.00 of credit with a fee of $2.50, $52.50 in all, as the balance, $4.00, was below minimum_balance, $10.00.
balance_before:
  description: The balance before, in cents. It can have a fraction, and be negative.
  type: float
  returned: success, or failure after the balance was read
  sample: 400
balance_after:
  description:
    - The balance after, in cents. V(null) while it is unknown, which includes check mode.
    - If nothing was bought, it is RV(balance_before).
  type: float
  returned: success, or failure after the balance was read
  sample: 5400
charge:
  description:
    - What was bought, or would be in check mode. V(null) if nothing was.
    - In a failure, what was ordered, whether it is paid or not. With RV(invoices_since), not even that it was ordered is certain.
  type: dict
  returned: success, or failure after the balance was read
  contains:
    amount:
      description: The credit, in cents.
      type: int
      sample: 5000
    fee:
      description: Cloudflare's fee, in cents. 5 % of RV(charge.amount), and where that is not whole the next whole cent.
      type: int
      sample: 250
    total:
      description: What is charged, in cents, as far as it is known before the invoice.
      type: int
      sample: 5250
invoice:
  description:
    - The purchase, or the earlier one that this run has waited for. V(null) if there is none, and if it is not known.
  type: dict
  returned: success, or failure after the balance was read
  contains:
    id:
      description: The id of the invoice.
      type: str
      sample: in_1MtHbELkdIwHu7ixl4OzzPMv
    status:
      description:
        - V(paid), or V(pending) as long as that is not certain.
        - For an earlier purchase, the status of its invoice as it was seen last, such as V(open).
      type: str
      sample: paid
invoices_since:
  description: The invoices that are new since the purchase was sent, newest first. V(null) if they could not be read.
  type: list
  elements: dict
  returned: failure after which it is not known whether something was charged
  contains:
    id:
      description: The id of the invoice.
      type: str
      sample: in_1MtHbELkdIwHu7ixl4OzzPMv
    status:
      description: The status of the invoice.
      type: str
      sample: open
diff:
  description: The purchase in words, with dollars beside cents. Both sides are equal if nothing is bought.
  type: dict
  returned: success
  contains:
    before:
      description: The balance before.
      type: str
      sample: |
        balance: 400 ($4.00)
    after:
      description: The balance as it is to be expected, and the charge.
      type: str
      sample: |
        balance: 5400 ($54.00)
        charge: 5250 ($52.50), fee 250 ($2.50) included
    before_header:
      description: What RV(diff.before) is about.
      type: str
      sample: AI Gateway credit of account 023e105f4ecef8ad9ca31a8372d0c353
    after_header:
      description: What RV(diff.after) is about.
      type: str
      sample: AI Gateway credit of account 023e105f4ecef8ad9ca31a8372d0c353
error:
  description: The failed request. The sentence for people is in RV(ignore:msg).
  type: dict
  returned: failure of a request
  contains:
    status:
      description: HTTP status of the answer. V(null) if there was no answer.
      type: int
      sample: 403
    code:
      description: Cloudflare's code of the first error. V(null) if the answer has none.
      type: int
      sample: 10000
    messages:
      description: Cloudflare's messages.
      type: list
      elements: str
      sample:
        - Authentication error
    ray_id:
      description: The Ray ID that Cloudflare's support asks for. V(null) if there was no answer.
      type: str
      sample: 8f2b6c1d9e0a4f35-FRA
    method:
      description: HTTP method of the request.
      type: str
      sample: POST
    path:
      description: Path of the request, below O(api_url).
      type: str
      sample: accounts/023e105f4ecef8ad9ca31a8372d0c353/ai-gateway/billing/topup
"""

import os
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Mapping, NamedTuple, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.finops.cloudflare.plugins.module_utils import (
    _billing,
    _funding,
    _invoices,
    _journal,
    _options,
    _purchase,
    _topup,
)
from ansible_collections.finops.cloudflare.plugins.module_utils._api import CloudflareError, UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client
from ansible_collections.finops.cloudflare.plugins.module_utils._deadline import Deadline


class Look(NamedTuple):
    """An account as it was found, with nothing in flight."""

    credit: Mapping[str, Any]
    history: _invoices.History
    unlisted: list[_journal.Entry]
    """Purchases that only this host knows, and that Cloudflare has accepted."""
    awaited: _invoices.Invoice | None
    """The last one that was waited for."""

    @property
    def balance(self) -> float:
        balance: float = self.credit["balance"]
        return balance


class Run:
    """One run of the module, with what it was told."""

    def __init__(self, module: AnsibleModule, client: Client) -> None:
        self.module = module
        self.client = client
        self.account_id = _options.account_id_of(module.params)
        self.order = _funding.order_from(module.params)
        self.method = module.params["payment_method_id"]
        if self.method == "":
            raise UserError("payment_method_id is empty: give one, or leave it out for the account's default.")
        self.waits = module.params["wait"] and not module.check_mode
        timeout = _funding.seconds_to_wait(module.params["wait_timeout"])
        self.timeout = timeout if self.waits else 0

    def keep_funded(self) -> dict[str, Any]:
        balance = self.read_credit()["balance"]
        if balance >= self.order.minimum_balance:
            return self.result(balance, None, None, balance)
        deadline = Deadline(self.timeout)
        try:
            with self.open_journal(deadline) as journal:
                look = self.read_until_clear(journal, deadline)
                balance = look.balance
                if balance >= self.order.minimum_balance:
                    return self.result(balance, None, look.awaited, balance)
                charge = self.charge_to_make(look)
                if self.module.check_mode:
                    return self.result(balance, charge)
                purchase = self.buy(journal, look, charge)
        except UserError as error:
            error.result = error.result or _funding.facts(balance, None, None, balance)
            raise
        return self.follow(purchase, look, charge)

    def open_journal(self, deadline: Deadline) -> AbstractContextManager[_journal.Journal]:
        path = _journal.journal_path(os.environ, self.module.params["api_url"].rstrip("/"), self.account_id)
        if self.module.check_mode:
            return nullcontext(_journal.journal_as_it_is(path))
        return _journal.locked_journal(path, self.account_id, deadline)

    def read_until_clear(self, journal: _journal.Journal, deadline: Deadline) -> Look:
        """The account, once nothing that was bought before can still be missing in its balance."""
        awaited: set[object] = set()
        last: _invoices.Invoice | None = None
        while True:
            history = self.read_history("all")
            # After the invoices: what is credited between the two is then seen twice, and not in neither.
            credit = self.read_credit()
            unlisted = _journal.unlisted(journal.entries, history.invoices)
            look = Look(credit, history, [entry for entry in unlisted if entry.invoice_id is not None], last)
            if look.balance >= self.order.minimum_balance:
                return look
            warnings = _funding.check_history(self.account_id, history, self.now())
            flying = _funding.in_flight(history.invoices, self.now(), awaited)
            awaited.update(invoice["id"] for invoice in flying)
            flying += _funding.unlisted_in_flight(look.unlisted, self.paid_among(look.unlisted), self.now())
            lost = [entry for entry in unlisted if entry.invoice_id is None]
            if not flying and not lost:
                self.warn(warnings)
                return look
            if not deadline.wait():
                if lost:
                    raise _funding.unresolved(self.account_id, self.order, look.balance, lost[0], journal.path)
                raise _funding.not_clear(self.account_id, self.order, look.balance, flying[0])
            last = flying[0] if flying else last

    def paid_among(self, entries: Sequence[_journal.Entry]) -> list[str | None]:
        """The ids of those that Cloudflare calls completed; where it cannot be asked, none."""
        return [
            entry.invoice_id
            for entry in entries
            if self.client.send_for_advice(_purchase.status_request(self.account_id, str(entry.invoice_id)))
        ]

    def charge_to_make(self, look: Look) -> _purchase.Charge:
        """What to buy. Raises L(UserError) where something forbids it."""
        charge = self.order.charge(look.balance)
        _funding.check_payer(self.account_id, self.order, look.credit, self.method)
        self.check_caps(charge, look)
        if self.module.check_mode:
            # A purchase finds out by itself.
            witness = _billing.read_balance(self.account_id)
            _topup.check_limits(charge.amount, self.client.send_if_known(_topup.read_limits(self.account_id), witness))
        self.warn(_funding.charge_warnings(self.account_id, self.order, look.balance, charge))
        return charge

    def check_caps(self, charge: _purchase.Charge, look: Look) -> None:
        if not self.order.caps:
            return
        unlisted = [_funding.entry_invoice(entry) for entry in look.unlisted]
        try:
            _funding.check_caps(self.order, charge, [*look.history.invoices, *unlisted], self.now())
        except UserError:
            # Among all invoices are those for the usage of a month, which are no purchases.
            purchases = self.read_purchases()
            _funding.check_caps(self.order, charge, [*purchases, *unlisted], self.now())

    def read_purchases(self) -> list[_invoices.Invoice]:
        histories = [self.read_history(kind) for kind in ("auto", "manual")]
        for history in histories:
            self.warn(_funding.check_history(self.account_id, history, self.now()))
        automatic, manual = (history.invoices for history in histories)
        return [*automatic, *_invoices.made_since(automatic, manual)]

    def buy(self, journal: _journal.Journal, look: Look, charge: _purchase.Charge) -> _purchase.Purchase:
        """Send the purchase, once. What it leaves in the journal is what a later run has to know if this one ends here."""
        now = self.now()
        entry = _journal.intent(now, charge.amount, charge.total, look.history.invoices)
        others = [other for other in look.unlisted if now - other.at <= _funding.MONTH]
        journal.begin([*others, entry])
        self.warn(_funding.unprotected(self.account_id, journal.problem))
        try:
            purchase: _purchase.Purchase = self.client.send(
                _purchase.purchase_request(self.account_id, charge.amount, self.method)
            )
        except CloudflareError as error:
            if error.outcome_unknown:
                self.explain_unknown(error, entry, look, charge)
            else:
                journal.write(others)
                self.explain_refusal(error, look, charge)
            raise
        journal.write([*others, entry._replace(invoice_id=purchase.invoice_id)])
        if purchase.client_secret:
            _options.keep_secret(self.module, purchase.client_secret)
        return purchase

    def explain_refusal(self, error: CloudflareError, look: Look, charge: _purchase.Charge) -> None:
        """Make the error of a purchase that was not made say why, and what to do."""
        limits = eligibility = None
        if error.status in (400, 403):
            limits = self.client.send_for_advice(_topup.read_limits(self.account_id))
            eligibility = self.client.send_for_advice(_purchase.eligibility_request(self.account_id))
        error.next_step = _purchase.refusal(error, charge, limits, eligibility)
        error.result = _funding.facts(look.balance, None, None, look.balance)

    def explain_unknown(
        self, error: CloudflareError, entry: _journal.Entry, look: Look, charge: _purchase.Charge
    ) -> None:
        """Make the error of a purchase that may have been made say so, with what the invoices tell of it meanwhile."""
        deadline = Deadline(self.timeout)
        since: list[_invoices.Invoice] | None = None
        while True:
            try:
                since = _invoices.made_since(look.history.invoices, self.read_history("all").invoices)
            except CloudflareError:
                # The purchase is what failed, and what is reported.
                since = None
            if any(entry.matches(invoice) for invoice in since or []) or not deadline.wait():
                break
        _purchase.lost(error, self.account_id, since)
        error.result = {
            **_funding.facts(look.balance, charge),
            "invoices_since": None if since is None else [_invoices.summary(invoice) for invoice in since],
        }

    def follow(self, purchase: _purchase.Purchase, look: Look, charge: _purchase.Charge) -> dict[str, Any]:
        """What becomes of a purchase that Cloudflare has accepted."""
        deadline = Deadline(self.timeout)
        pending = {"id": purchase.invoice_id, "status": _purchase.PENDING}
        try:
            paid = self.wait_until_paid(purchase, deadline)
        except CloudflareError as error:
            _purchase.unread(error, purchase, charge)
            error.result = _funding.facts(look.balance, charge, pending)
            raise
        if not paid:
            self.complain(
                _purchase.unpaid(self.account_id, purchase, charge, self.timeout),
                _funding.facts(look.balance, charge, pending),
            )
            return self.result(look.balance, charge, pending)
        invoice = {"id": purchase.invoice_id, "status": _purchase.PAID}
        after = self.look_after(purchase, look, charge, deadline)
        return self.result(look.balance, charge, invoice, after)

    def wait_until_paid(self, purchase: _purchase.Purchase, deadline: Deadline) -> bool:
        while True:
            paid: bool = self.client.send(_purchase.status_request(self.account_id, purchase.invoice_id))
            if paid or not deadline.wait():
                return paid

    def look_after(
        self, purchase: _purchase.Purchase, look: Look, charge: _purchase.Charge, deadline: Deadline
    ) -> float | None:
        """The balance once the purchase is in it, None if that cannot be seen. Warns of what else has happened meanwhile."""
        after: float | None = None
        since: list[_invoices.Invoice] = []
        listed = False
        try:
            while True:
                if after is None:
                    balance = self.read_credit()["balance"]
                    after = balance if balance > look.balance else None
                if not listed:
                    since = _invoices.made_since(look.history.invoices, self.read_history("all").invoices)
                    listed = any(invoice["id"] == purchase.invoice_id for invoice in since)
                if (listed and after is not None) or not deadline.wait():
                    break
        except CloudflareError as error:
            # What is paid is paid, whether or not it can be looked at afterwards.
            self.warn([f"Purchase {purchase.invoice_id} of account {self.account_id} is paid. But: {error}"])
            return after
        if not listed and after is None:
            self.complain(
                _purchase.invisible(self.account_id, purchase, charge, self.timeout),
                _funding.facts(look.balance, charge, {"id": purchase.invoice_id, "status": _purchase.PAID}),
            )
        self.warn(_purchase.surprises(self.account_id, purchase, charge, since, listed, after is not None))
        return after

    def complain(self, sentence: str, result: Mapping[str, Any]) -> None:
        """Fail with this, or where nothing was to be waited for, warn."""
        if self.waits:
            raise UserError(sentence, result)
        self.warn([sentence])

    def result(
        self,
        balance: float,
        charge: _purchase.Charge | None,
        invoice: _invoices.Invoice | None = None,
        balance_after: float | None = None,
    ) -> dict[str, Any]:
        return {
            **_funding.facts(balance, charge, invoice, balance_after),
            "account_id": self.account_id,
            "msg": _funding.message(self.order, balance, charge, invoice, self.module.check_mode),
            "diff": _funding.credit_diff(self.account_id, balance, charge),
        }

    def now(self) -> float:
        """Unix seconds by the clock that is behind, this host's or Cloudflare's, so that nothing seems older than it is."""
        server = self.client.server_time
        return time.time() if server is None else min(time.time(), server)

    def read_credit(self) -> Mapping[str, Any]:
        credit: Mapping[str, Any] = self.client.send(_billing.read_balance(self.account_id))
        return credit

    def read_history(self, kind: str) -> _invoices.History:
        return _invoices.read_history(self.client.send, self.account_id, kind)

    def warn(self, warnings: Sequence[str]) -> None:
        for warning in warnings:
            _options.warn(self.module, warning)


def keep_funded(module: AnsibleModule, client: Client) -> dict[str, Any]:
    return Run(module, client).keep_funded()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_options.connection_spec(),
            **_options.account_spec(),
            "state": {"type": "str", "choices": ["funded"], "default": "funded"},
            "minimum_balance": {"type": "int", "required": True},
            "amount": {"type": "int"},
            "target_balance": {"type": "int"},
            "maximum_charge": {"type": "int", "required": True},
            "maximum_charge_per_day": {"type": "int"},
            "maximum_charge_per_month": {"type": "int"},
            "allow_auto_topup": {"type": "bool", "default": False},
            "payment_method_id": {"type": "str"},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 120},
        },
        mutually_exclusive=[("amount", "target_balance")],
        required_one_of=[("amount", "target_balance")],
        supports_check_mode=True,
    )
    _options.run(module, keep_funded)


if __name__ == "__main__":
    main()
