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
      - If not set, there is no such limit. Null is refused, as a template can yield it by mistake.
    type: int
    version_added: 0.2.0
  maximum_charge_per_month:
    description:
      - The same as O(maximum_charge_per_day), for the last 30 days.
      - If not set, there is no such limit. Null is refused.
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
      - The id of the payment method to charge. Null and an empty text are refused, as a template can yield them by mistake.
      - V(default) is the account's default payment method.
    type: str
    default: default
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
  description: What was done and why, with dollars, and the limits that are set. In a failure, what went wrong and what to do.
  type: str
  returned: always
  sample: >-
    Bought $50.00 of credit with a fee of $2.50, $52.50 in all, as the balance, $4.00, was below minimum_balance, $10.00.
    Limits: $52.50 a run.
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

import functools
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.finops.cloudflare.plugins.module_utils import _credit, _funding, _options
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client


def keep_funded(module: AnsibleModule, client: Client) -> dict[str, Any]:
    run = _credit.Run(
        client,
        _funding.order_from(module.params),
        _credit.conditions_from(_options.account_id_of(module.params), module.params, module.check_mode),
        warn=functools.partial(_options.warn, module),
    )
    return run.keep_funded()


def no_limit() -> int:
    """A fallback for `argument_spec`. Without it, a limit that is left out could not be told from one that is null by mistake."""
    return _funding.NO_LIMIT


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
            "maximum_charge_per_day": {"type": "int", "fallback": (no_limit, [])},
            "maximum_charge_per_month": {"type": "int", "fallback": (no_limit, [])},
            "allow_auto_topup": {"type": "bool", "default": False},
            "payment_method_id": {"type": "str", "default": "default"},
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
