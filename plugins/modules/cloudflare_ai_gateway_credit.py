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
extends_documentation_fragment:
  - finops.cloudflare._attributes
  - finops.cloudflare._attributes.actiongroup_cloudflare
  - finops.cloudflare._account
  - finops.cloudflare._connection
attributes:
  check_mode:
    support: full
    details:
      - Reads the balance and, if it is too low, the invoices, for which the permission AI Gateway Read is enough. It buys
        nothing, waits for nothing, and returns what the purchase would cost.
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
      - At least V(1000), which is $10.00. The account may have a maximum as well. Cloudflare checks it when it sells, so that
        check mode does not see it.
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
  payment_method_id:
    description:
      - The payment method to charge.
      - If not set, the account's default payment method.
    type: str
  wait:
    description:
      - Whether to wait until the purchase is paid and in the balance, and before that for an earlier purchase.
      - If V(false), the module returns once Cloudflare has accepted the purchase, and fails at once if there is an earlier one on
        its way.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for the purchase, and before that for an earlier one, from V(0) to V(86400), a day.
      - A purchase that is not paid by then is a failure. A later run continues from it.
    type: int
    default: 120
notes:
  - A balance at or above O(minimum_balance) costs one request, a purchase usually seven.
  - "What the API does not show: two runs that look at the same moment cannot see each other, and both buy. Do not let jobs for the
    same account run at the same time. If it happens, the module warns afterwards."
  - The balance lags behind the payment, for a time that is not documented. For 15 minutes after an invoice was made, the module
    takes its credit as on its way. An invoice that is paid much later, such as after a bank's confirmation, can be in nobody's
    view for as long as the balance lags.
  - A failure that says that something may have been charged needs a person. Do not repeat this task with C(until) and
    C(retries), nor a job by itself.
  - Use either this module or auto top-up for an account. With both, a sudden drop of the balance can make both buy.
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

import time
from typing import Any, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.finops.cloudflare.plugins.module_utils import _billing, _credit, _options, _topup
from ansible_collections.finops.cloudflare.plugins.module_utils._api import Call, CloudflareError, UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client


class Run:
    """One run of the module, with what it was told."""

    def __init__(self, module: AnsibleModule, client: Client) -> None:
        self.module = module
        self.client = client
        self.account_id = _options.account_id_of(module.params)
        self.order = _credit.order(module.params)
        self.method = module.params["payment_method_id"]
        self.waits = module.params["wait"] and not module.check_mode
        timeout = _credit.timeout_of(module.params["wait_timeout"])
        self.timeout = timeout if self.waits else 0

    def keep_funded(self) -> dict[str, Any]:
        credit, invoices, awaited = self.read_until_clear()
        balance = credit["balance"]
        if balance >= self.order.minimum_balance:
            return self.result(balance, None, awaited, balance)

        try:
            charge = self.order.charge(balance)
            _credit.check_payment_method(self.account_id, credit, self.method)
        except UserError as error:
            error.result = _credit.facts(balance, None, None, balance)
            raise
        self.warn(_credit.charge_warnings(self.account_id, self.order, balance, charge))
        if self.module.check_mode:
            return self.result(balance, charge)
        return self.buy(balance, charge, invoices)

    def read_until_clear(self) -> tuple[dict[str, Any], list[_credit.Invoice], _credit.Invoice | None]:
        """The credit; if it is too little, the invoices, once none is in flight; and the last one that was waited for."""
        patience = _credit.Patience(self.timeout)
        invoice: _credit.Invoice | None = None
        awaited: set[object] = set()
        while True:
            credit = self.client.send(_billing.read_balance(self.account_id))
            if credit["balance"] >= self.order.minimum_balance:
                return credit, [], invoice
            invoices = self.client.send(self.read_invoices())
            invoice = _credit.in_flight(invoices, time.time(), awaited)
            if invoice is None:
                return credit, invoices, None
            if not patience.wait():
                raise _credit.not_clear(self.account_id, self.order, credit["balance"], invoice)
            awaited.add(invoice["id"])

    def buy(self, balance: float, charge: _credit.Charge, invoices: Sequence[_credit.Invoice]) -> dict[str, Any]:
        try:
            purchase = self.client.send(_credit.buy(self.account_id, charge["amount"], self.method))
        except CloudflareError as error:
            self.explain(error, balance, charge, invoices)
            raise
        if purchase.client_secret:
            self.module.no_log_values.add(purchase.client_secret)

        patience = _credit.Patience(self.timeout)
        pending = {"id": purchase.invoice_id, "status": _credit.PENDING}
        try:
            paid = self.wait_until_paid(purchase, patience)
        except CloudflareError as error:
            _credit.unread(error, purchase, charge)
            error.result = _credit.facts(balance, charge, pending)
            raise
        if not paid:
            sentence = _credit.unpaid(self.account_id, purchase, charge, self.timeout)
            if self.waits:
                raise UserError(sentence, _credit.facts(balance, charge, pending))
            self.warn([sentence])
            return self.result(balance, charge, pending)
        after = self.look_after(purchase, balance, charge, invoices, patience)
        return self.result(balance, charge, {"id": purchase.invoice_id, "status": _credit.PAID}, after)

    def wait_until_paid(self, purchase: _credit.Purchase, patience: _credit.Patience) -> bool:
        while True:
            paid: bool = self.client.send(_credit.read_status(self.account_id, purchase.invoice_id))
            if paid or not patience.wait():
                return paid

    def look_after(
        self,
        purchase: _credit.Purchase,
        before: float,
        charge: _credit.Charge,
        invoices: Sequence[_credit.Invoice],
        patience: _credit.Patience,
    ) -> float | None:
        """The balance once the purchase is in it, None if that cannot be seen. Warns of what else has happened meanwhile."""
        after: float | None = None
        try:
            while True:
                balance: float = self.client.send(_billing.read_balance(self.account_id))["balance"]
                if balance > before:
                    after = balance
                if after is not None or not patience.wait():
                    break
            since = _credit.made_since(invoices, self.client.send(self.read_invoices()))
        except CloudflareError as error:
            # What is paid is paid, whether or not it can be looked at afterwards.
            self.warn([f"Purchase {purchase.invoice_id} of account {self.account_id} is paid. But: {error}"])
        else:
            self.warn(_credit.surprises(self.account_id, purchase, charge, since))
        return after

    def explain(
        self,
        error: CloudflareError,
        balance: float,
        charge: _credit.Charge,
        invoices: Sequence[_credit.Invoice],
    ) -> None:
        """Make the error of a purchase say whether it may have been charged, and what to do."""
        if _credit.surely_refused(error):
            limits = eligibility = None
            if error.status in (400, 403):
                limits = self.client.send_for_advice(_topup.read_limits(self.account_id))
                eligibility = self.client.send_for_advice(_credit.read_eligibility(self.account_id))
            error.next_step = _credit.refusal(error, charge, limits, eligibility)
            error.result = _credit.facts(balance, None, None, balance)
            return
        after = self.client.send_for_advice(self.read_invoices())
        since = None if after is None else _credit.made_since(invoices, after)
        _credit.lost(error, self.account_id, since)
        error.result = {
            **_credit.facts(balance, charge),
            "invoices_since": None if since is None else [_credit.summary(invoice) for invoice in since],
        }

    def result(
        self,
        balance: float,
        charge: _credit.Charge | None,
        invoice: _credit.Invoice | None = None,
        balance_after: float | None = None,
    ) -> dict[str, Any]:
        return {
            **_credit.facts(balance, charge, invoice, balance_after),
            "account_id": self.account_id,
            "msg": _credit.message(self.order, balance, charge, invoice, self.module.check_mode),
            "diff": _credit.credit_diff(self.account_id, balance, charge),
        }

    def read_invoices(self) -> Call:
        return _billing.read_invoices(self.account_id, "all")

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
