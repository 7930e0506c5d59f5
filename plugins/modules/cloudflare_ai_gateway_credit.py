#!/usr/bin/python
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflare_ai_gateway_credit
short_description: Keep Cloudflare AI Gateway credit above a minimum balance
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Cloudflare sells AI Gateway credit in advance. If the balance of the account is below O(minimum_balance), this module buys credit.
    B(It charges the payment method at once.)
  - Run it on a schedule instead of auto top-up, for accounts whose API tokens cannot set auto top-up.
  - All money is in B(cents). Cloudflare adds a fee of 5% to each purchase.
  - A run sends at most one purchase and never repeats it. Before it buys, it reads the invoices. It buys nothing while the credit of an
    earlier purchase may not be in the balance yet.
  - The module records each purchase in a file before it sends it. The file is on the host where the module runs, and each account has its
    own. Two runs of one user on that host therefore do not both buy, and a run that was killed is not followed by a second purchase.
extends_documentation_fragment:
  - finops.cloudflare._attributes
  - finops.cloudflare._attributes.actiongroup_cloudflare
  - finops.cloudflare._account
  - finops.cloudflare._connection
attributes:
  check_mode:
    support: full
    details:
      - Check mode reads the balance. If it is too low, check mode also reads the invoices and the limits of the account. A token with the
        permission AI Gateway Read is enough.
      - Check mode buys nothing, waits for nothing, and writes no file. It returns what the purchase would cost.
      - Check mode fails if a run would refuse to buy because of O(maximum_charge), another limit in the options, or the limits of the
        account.
      - It also fails if the account has no payment method, if it has an auto top-up, or if the credit of an earlier purchase may not be in
        the balance yet.
      - Check mode cannot tell whether the payment method can be charged. Only a purchase shows that.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - A second run buys nothing if the first run has brought the balance to O(minimum_balance) or above it. O(target_balance) always does
        that, unless the credit is used in the meantime.
      - If O(amount) is too small for that, the module warns, and a later run buys again.
      - While the purchase of the first run is not in the balance, a second run buys nothing. It waits, and fails if the credit does not
        arrive in time.
options:
  state:
    description: V(funded) buys credit if the balance is below O(minimum_balance).
    type: str
    choices:
      - funded
    default: funded
  minimum_balance:
    description:
      - The module buys credit if the balance is below this many cents. V(1000) is $10.00.
      - The minimum is V(500), which is $5.00. V(0) is also accepted. With V(0), the module buys only if the balance is negative.
    type: int
    required: true
  amount:
    description:
      - How much credit to buy, in cents, without the fee. V(5000) is $50.00.
      - The minimum is V(1000), which is $10.00. The account can also have a maximum. Check mode reads it.
      - Set either this option or O(target_balance).
    type: int
  target_balance:
    description:
      - Buy enough credit to bring the balance up to this many cents. A purchase is at least V(1000), which is $10.00.
      - It cannot be below O(minimum_balance).
      - Set either this option or O(amount).
    type: int
  maximum_charge:
    description:
      - The most that one run may charge, in cents, including the fee. V(5250) is $52.50.
      - The minimum is V(1050), because the smallest purchase costs $10.50.
      - If a purchase would cost more, the module fails and buys nothing. With O(amount), it knows this before it sends a request.
      - The limit does not include taxes, if Cloudflare charges any. The module warns if the invoice differs from the expected charge.
    type: int
    required: true
  maximum_charge_per_day:
    description:
      - The most that all purchases of credit in the last 24 hours may charge together, in cents, including the fees and the next
        purchase. The minimum is V(1050).
      - All purchases count, including those made by hand or by an auto top-up, whether or not they are paid. Void invoices and the
        monthly invoices for usage do not count.
      - If a purchase would exceed the limit, the module fails and buys nothing. It also fails if it cannot count a recent invoice because
        the invoice has no valid date, no valid amount, or a currency other than US dollars.
      - If you do not set it, there is no such limit. Null is refused, because a template can produce it by mistake.
    type: int
    version_added: 0.2.0
  maximum_charge_per_month:
    description:
      - The same as O(maximum_charge_per_day), but for the last 30 days.
      - If you do not set it, there is no such limit. Null is refused.
    type: int
    version_added: 0.2.0
  allow_auto_topup:
    description:
      - Whether to buy for an account that has an auto top-up. Cloudflare then buys credit as well.
      - With V(false), the module refuses to buy if the account has an auto top-up that Cloudflare has not stopped.
    type: bool
    default: false
    version_added: 0.2.0
  payment_method_id:
    description:
      - The ID of the payment method to charge. V(default) is the default payment method of the account, and is nearly always the right
        choice.
      - Any other value must be the ID of a Stripe PaymentMethod. Cloudflare does not document where to find it, and this collection cannot
        look it up or check it. To charge another card, make it the default payment method in the Cloudflare dashboard.
      - Null and an empty string are refused, because a template can produce them by mistake.
    type: str
    default: default
  wait:
    description:
      - Whether to wait until the purchase is paid and in the balance.
      - With V(true), a run also waits for an earlier purchase, and for another run on the same host that works on the same account.
      - With V(false), the module returns as soon as Cloudflare has accepted the purchase. It fails at once if an earlier purchase may not
        be in the balance yet, or if another run is working.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for the purchase, and before it for an earlier purchase or another run, from V(0) to V(86400) (one day).
      - If the purchase is not paid in this time, or if neither the balance nor the invoices show it, the module fails. A later run
        continues from there.
      - If the response to a purchase is lost, the module keeps reading the invoices for this time.
    type: int
    default: 120
notes:
  - B(If a failure says that something may have been charged, a person must look at it.) Do not repeat this task with C(until) and
    C(retries), and do not let anything restart the job automatically.
  - B(Let only one job at a time work on an account.) The record of purchases protects one user on one host, where it covers forks, loops,
    jobs that overlap, and a run that is killed and started again. It does not cover another host, another user, another home
    directory, or a container that is thrown away, such as an execution environment in AWX. There, two runs at the same moment can
    both buy.
  - The record is in C($XDG_STATE_HOME/finops.cloudflare), or else in C(~/.local/state/finops.cloudflare), of the user that the module runs
    as. If it cannot be created, written, or locked, the module warns and buys without it. If it exists and cannot be read, the module
    buys nothing.
  - If a run ends without learning what happened to its purchase, later runs on that host buy nothing. They continue as soon as an invoice
    shows the purchase, or after a person has checked the account and removed the file that the message names.
  - The balance lags behind the payment. Cloudflare does not document for how long. For 15 minutes after an invoice was created, the module
    assumes that its credit may not be in the balance yet. If an invoice is paid much later, for example after the bank has asked for
    confirmation, a run can buy again while the balance still lags.
  - A run sends one request if the balance is high enough. If it buys, it usually sends seven.
  - A token needs the permission AI Gateway Read for a run that does not buy, and AI Gateway Write for one that does. The dashboard calls the
    latter AI Gateway Edit.
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_topup
  - module: finops.cloudflare.cloudflare_ai_gateway_topup_info
  - module: finops.cloudflare.cloudflare_ai_gateway_billing_info
  - ref: ansible_collections.finops.cloudflare.docsite.guide_credit
    description: Choose the minimum balance, schedule the purchases, and handle each failure.
  - ref: ansible_collections.finops.cloudflare.docsite.guide_awx
    description: Run this collection in AWX.
"""

EXAMPLES = r"""
# All examples but the first take the API token from the environment variable CLOUDFLARE_API_TOKEN.

- name: Buy $50.00 of credit if the balance is below $10.00
  finops.cloudflare.cloudflare_ai_gateway_credit:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    minimum_balance: 1000 # cents
    amount: 5000 # cents
    maximum_charge: 5250 # cents, including the fee: the most that this run may charge
    maximum_charge_per_day: 10500 # cents, for all purchases in 24 hours
    maximum_charge_per_month: 50000 # cents, for all purchases in 30 days
    api_token: "{{ cloudflare_api_token }}"

- name: Preview what it would cost to bring a balance below $30.00 up to $100.00
  finops.cloudflare.cloudflare_ai_gateway_credit:
    account_id: 0123456789abcdef0123456789abcdef
    minimum_balance: 3000
    target_balance: 10000
    maximum_charge: 10500
  check_mode: true
  diff: true
  register: preview

- name: Show the result of the preview
  ansible.builtin.debug:
    var: preview.msg

- name: Buy credit, but do not wait until it is paid
  finops.cloudflare.cloudflare_ai_gateway_credit:
    account_id: f174e90afafe4643bbbc4a0ed4fc8415
    minimum_balance: 1000
    amount: 5000
    maximum_charge: 5250
    maximum_charge_per_day: 10500
    wait: false
"""

RETURN = r"""
account_id:
  description: The ID of the account, in lower case.
  type: str
  returned: success
  sample: 023e105f4ecef8ad9ca31a8372d0c353
changed:
  description:
    - Whether the module bought credit. In check mode, whether it would.
    - Also V(true) if the module fails and may have bought credit.
  type: bool
  returned: always
  sample: true
msg:
  description:
    - What the module did and why, in dollars, with the limits that are set.
    - If the module fails, what went wrong and what to do.
  type: str
  returned: always
  sample: >-
    Bought $50.00 of credit for $52.50, including a fee of $2.50, because the balance, $4.00, was below minimum_balance, $10.00.
    Limits: $52.50 per run.
balance_before:
  description: The balance before the run, in cents. It can be negative and have a fraction.
  type: float
  returned: success, or failure after the balance was read
  sample: 400
balance_after:
  description:
    - The balance after the run, in cents. V(null) if it is unknown, as in check mode.
    - If nothing was bought, it equals RV(balance_before).
  type: float
  returned: success, or failure after the balance was read
  sample: 5400
charge:
  description:
    - What the module bought. In check mode, what it would buy. V(null) if it bought nothing.
    - If the module fails, what it ordered, whether or not it is paid. If RV(invoices_since) is returned, not even the order is certain.
  type: dict
  returned: success, or failure after the balance was read
  contains:
    amount:
      description: The credit, in cents.
      type: int
      sample: 5000
    fee:
      description: Cloudflare's fee, in cents. It is 5% of RV(charge.amount), rounded up to a whole cent.
      type: int
      sample: 250
    total:
      description: The expected charge, in cents. The invoice can differ.
      type: int
      sample: 5250
invoice:
  description:
    - The invoice of the purchase, or of an earlier purchase that this run has waited for. V(null) if there is none, or if it is unknown.
  type: dict
  returned: success, or failure after the balance was read
  contains:
    id:
      description: The ID of the invoice.
      type: str
      sample: in_1MtHbELkdIwHu7ixl4OzzPMv
    status:
      description:
        - V(paid), or V(pending) as long as the payment is not certain.
        - For an earlier purchase, the last known status of its invoice, such as V(open).
      type: str
      sample: paid
invoices_since:
  description:
    - The invoices that have appeared since the module sent the purchase, newest first. V(null) if the module could not read them.
  type: list
  elements: dict
  returned: failure after which it is unknown whether something was charged
  contains:
    id:
      description: The ID of the invoice.
      type: str
      sample: in_1MtHbELkdIwHu7ixl4OzzPMv
    status:
      description: The status of the invoice.
      type: str
      sample: open
diff:
  description: The purchase, in cents and in dollars. Both sides are equal if nothing is bought.
  type: dict
  returned: success
  contains:
    before:
      description: The balance before the purchase.
      type: str
      sample: |
        balance: 400 ($4.00)
    after:
      description: The expected balance and the charge.
      type: str
      sample: |
        balance: 5400 ($54.00)
        charge: 5250 ($52.50), fee 250 ($2.50) included
    before_header:
      description: The title of RV(diff.before).
      type: str
      sample: AI Gateway credit of account 023e105f4ecef8ad9ca31a8372d0c353
    after_header:
      description: The title of RV(diff.after).
      type: str
      sample: AI Gateway credit of account 023e105f4ecef8ad9ca31a8372d0c353
error:
  description: The request that failed. RV(ignore:msg) explains it in a sentence.
  type: dict
  returned: failure of a request
  contains:
    status:
      description: The HTTP status of the response. V(null) if there was no response.
      type: int
      sample: 403
    code:
      description: Cloudflare's code of the first error. V(null) if the response has none.
      type: int
      sample: 10000
    messages:
      description: The error messages in the response.
      type: list
      elements: str
      sample:
        - Authentication error
    ray_id:
      description: The Ray ID, which Cloudflare's support asks for. V(null) if there was no response or if it has none.
      type: str
      sample: 8f2b6c1d9e0a4f35-FRA
    method:
      description: The HTTP method of the request.
      type: str
      sample: POST
    path:
      description: The path of the request, relative to O(api_url).
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
