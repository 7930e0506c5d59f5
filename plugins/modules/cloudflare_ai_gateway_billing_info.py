#!/usr/bin/python
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflare_ai_gateway_billing_info
short_description: Read credit, usage and invoices of Cloudflare AI Gateway
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Reads how much AI Gateway credit an account has left, how fast it goes and how long it will last, whether Cloudflare buys
    more by itself, and what was charged.
  - Only what O(gather) asks for is requested, with one request for each part. RV(billing.balance) and RV(billing.topup) come
    with the same request.
  - All money is in B(cents). Balance and usage can have fractions, and the balance can be negative.
extends_documentation_fragment:
  - finops.cloudflare._attributes
  - finops.cloudflare._attributes.actiongroup_cloudflare
  - finops.cloudflare._attributes.info_module
  - finops.cloudflare._account
  - finops.cloudflare._connection
options:
  gather:
    description:
      - The parts to read.
      - V(balance) is the credit left, with the payment method.
      - V(topup) is the auto top-up configuration.
      - V(limits) is what one purchase may cost.
      - V(usage) is what was used, in days or hours. Together with V(balance) it gives RV(billing.forecast) as well.
      - V(invoices) are the past invoices, V(invoice_preview) is the coming one.
      - V(spending_limit) is the limit of the whole account. Cloudflare has replaced it by limits on each gateway.
      - V(all) is everything.
      - If a part cannot be read, the module fails and names it.
    type: list
    elements: str
    choices:
      - balance
      - topup
      - limits
      - usage
      - invoices
      - invoice_preview
      - spending_limit
      - all
    default:
      - balance
      - topup
  usage_window:
    description:
      - The size of the buckets that usage is summed up in.
    type: str
    choices:
      - day
      - hour
    default: day
  usage_start:
    description:
      - Where the usage to read starts. A time in ISO 8601, such as V(2026-11-01) or V(2026-11-01T12:00:00Z), which is in UTC
        unless it says otherwise; or how long ago in days or hours, such as V(7d) or V(36h).
      - The range is widened to whole buckets. Days are those of UTC.
    type: str
    default: 30d
  usage_end:
    description:
      - Where the usage to read ends, in the same forms.
      - If not set, it ends now.
    type: str
  invoice_type:
    description:
      - Which invoices to read. V(auto) are those of automatic purchases, V(manual) those of others.
    type: str
    choices:
      - auto
      - manual
      - all
    default: all
notes:
  - An API token with the permission AI Gateway Read is enough.
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_topup_info
"""

EXAMPLES = r"""
- name: Read the credit that is left
  finops.cloudflare.cloudflare_ai_gateway_billing_info:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    api_token: "{{ cloudflare_api_token }}"
  register: credit

- name: Say how much it is
  ansible.builtin.debug:
    msg: "${{ '%.2f' | format(credit.billing.balance / 100) }} of credit left"

- name: Read how long the credit lasts at the pace of the last week
  finops.cloudflare.cloudflare_ai_gateway_billing_info:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    api_token: "{{ cloudflare_api_token }}"
    gather:
      - balance
      - usage
    usage_start: 7d
  register: pace

- name: Stop if it is empty within three days
  ansible.builtin.assert:
    that: days is none or days > 3
  vars:
    days: "{{ pace.billing.forecast.days_until_empty }}"
"""

RETURN = r"""
account_id:
  description: The account that was read, in lower case.
  type: str
  returned: success
  sample: 023e105f4ecef8ad9ca31a8372d0c353
billing:
  description: A key for each part that was gathered.
  type: dict
  returned: success
  contains:
    balance:
      description: The credit left, in cents. It can have a fraction. It is negative if more was used than was bought.
      type: float
      returned: if O(gather) has V(balance)
      sample: 2350.5
    has_default_payment_method:
      description: Whether the account has a payment method that purchases are charged to.
      type: bool
      returned: if O(gather) has V(balance)
      sample: true
    payment_method:
      description: That payment method. V(null) if there is none.
      type: dict
      returned: if O(gather) has V(balance)
      contains:
        brand:
          description: The brand of the card.
          type: str
          sample: visa
        last4:
          description: The last four digits of its number.
          type: str
          sample: "4242"
    first_topup_success:
      description: Whether the first purchase of the account succeeded. V(null) if the API does not tell.
      type: bool
      returned: if O(gather) has V(balance)
      sample: true
    topup:
      description: The auto top-up configuration. All keys are V(null) if there is none.
      type: dict
      returned: if O(gather) has V(topup)
      contains:
        amount:
          description: How much credit each top-up buys, in cents.
          type: int
          sample: 5000
        threshold:
          description: The balance below which a top-up starts, in cents.
          type: int
          sample: 1000
        disabled_reason:
          description: Why Cloudflare has stopped the auto top-up, in Cloudflare's words. V(null) if it has not.
          type: str
          sample: payment_failed
        error:
          description: The error of the last automatic purchase, in Cloudflare's words. V(null) if there is none.
          type: str
          sample: Your card was declined.
        last_failed:
          description:
            - When an automatic purchase failed last, ISO 8601 in UTC. V(null) if none did, or if the API returns something that is
              no time.
          type: str
          sample: "2025-10-09T08:53:20Z"
        last_failed_at:
          description:
            - The same as the API returns it, a Unix time in an undocumented unit. From 100000000000 on it can only be milliseconds.
          type: raw
          sample: 1760000000000
    limits:
      description: What one purchase may cost. V(null) if the account's API does not tell.
      type: dict
      returned: if O(gather) has V(limits)
      contains:
        min_cents:
          description: The least, in cents.
          type: int
          sample: 1000
        max_cents:
          description: The most, in cents.
          type: int
          sample: 500000
        currency:
          description: The currency whose cents are counted.
          type: str
          sample: USD
    usage:
      description: What was used. Cloudflare does not document the unit; it is read as cents.
      type: dict
      returned: if O(gather) has V(usage)
      contains:
        window:
          description: The size of the buckets.
          type: str
          sample: day
        start:
          description: Where the range starts, ISO 8601 in UTC.
          type: str
          sample: "2026-10-24T12:00:00Z"
        start_time:
          description: Where the range starts, in Unix milliseconds.
          type: int
          sample: 1792843200000
        end:
          description: Where the range ends, ISO 8601 in UTC.
          type: str
          sample: "2026-11-23T12:00:00Z"
        end_time:
          description: Where the range ends, in Unix milliseconds.
          type: int
          sample: 1795435200000
        total:
          description: The sum of all buckets, in cents.
          type: float
          sample: 3120.25
        history:
          description: The buckets, oldest first. Whether a bucket without usage is among them is Cloudflare's choice.
          type: list
          elements: dict
          contains:
            id:
              description: The id of the bucket.
              type: str
              sample: a1
            amount:
              description: What was used in it, in cents.
              type: float
              sample: 104.25
            start:
              description: Where it starts, ISO 8601 in UTC.
              type: str
              sample: "2026-11-22T00:00:00Z"
            start_time:
              description: Where it starts, as the API returns it, in Unix milliseconds.
              type: int
              sample: 1795305600000
            end:
              description: Where it ends, ISO 8601 in UTC.
              type: str
              sample: "2026-11-23T00:00:00Z"
            end_time:
              description: Where it ends, as the API returns it, in Unix milliseconds.
              type: int
              sample: 1795392000000
    forecast:
      description:
        - How long the credit lasts, if it goes on being used as it was in the range of RV(billing.usage).
        - A value is V(null) where the data does not carry it. It is never guessed.
      type: dict
      returned: if O(gather) has V(balance) and V(usage)
      contains:
        daily_spend:
          description:
            - RV(billing.usage.total), divided by the days from the start of the first bucket that the API returned to the end of
              the range or to now, whichever is earlier, in cents for each day. If the API returned no bucket for that time, the
              days are counted to the start of that bucket.
            - V(null) without any bucket, with less than one day of data, and if the total is negative.
          type: float
          sample: 104.01
        days_until_empty:
          description:
            - RV(billing.balance) divided by RV(billing.forecast.daily_spend), rounded to two digits. V(0) if the balance is 0
              or negative.
            - V(null) if nothing is spent or the spend is not known. Automatic purchases are not counted.
          type: float
          sample: 22.6
        days_until_topup:
          description:
            - RV(billing.balance) minus the threshold of the auto top-up, divided by RV(billing.forecast.daily_spend), rounded
              to two digits. V(0) if the balance is at the threshold or below.
            - V(null) if there is no auto top-up, Cloudflare has stopped it, nothing is spent, or the spend is not known.
          type: float
          sample: 12.98
    invoices:
      description: The past invoices, newest first.
      type: list
      elements: dict
      returned: if O(gather) has V(invoices)
      contains:
        id:
          description: The id of the invoice.
          type: str
          sample: in_1abc
        status:
          description: Its status, in Cloudflare's words.
          type: str
          sample: paid
        currency:
          description: The currency whose cents are counted.
          type: str
          sample: usd
        description:
          description: What it is for.
          type: str
          sample: AI Gateway credits
        created:
          description: When it was made, as the API returns it.
          type: int
          sample: 1795305600
        created_at:
          description: When it was made, ISO 8601 in UTC.
          type: str
          sample: "2026-11-22T00:00:00Z"
        created_by:
          description: Who made it.
          type: str
          sample: auto-topup
        invoice_origin:
          description: Where it comes from.
          type: str
          sample: auto
        invoice_pdf:
          description: The address of the invoice as PDF.
          type: str
          sample: https://example.com/invoice.pdf
        amount_due:
          description: What was to be paid, in cents.
          type: int
          sample: 5250
        amount_paid:
          description: What was paid, in cents.
          type: int
          sample: 5250
        amount_remaining:
          description: What is still to be paid, in cents.
          type: int
          sample: 0
        attempt_count:
          description: How often a payment was tried.
          type: int
          sample: 1
        attempted:
          description: Whether a payment was tried.
          type: bool
          sample: true
        auto_advance:
          description: Whether it is collected automatically.
          type: bool
          sample: true
    invoice_preview:
      description: The coming invoice.
      type: dict
      returned: if O(gather) has V(invoice_preview)
      contains:
        id:
          description: The id of the invoice.
          type: str
          sample: upcoming_in_1abc
        status:
          description: Its status.
          type: str
          sample: draft
        currency:
          description: The currency whose cents are counted.
          type: str
          sample: usd
        amount_due:
          description: What will have to be paid, in cents.
          type: int
          sample: 5250
        amount_paid:
          description: What was paid already, in cents.
          type: int
          sample: 0
        amount_remaining:
          description: What is still to be paid, in cents.
          type: int
          sample: 5250
        start:
          description: Where its period starts, ISO 8601 in UTC.
          type: str
          sample: "2026-11-01T00:00:00Z"
        period_start:
          description: Where its period starts, as the API returns it.
          type: int
          sample: 1793491200
        end:
          description: Where its period ends, ISO 8601 in UTC.
          type: str
          sample: "2026-12-01T00:00:00Z"
        period_end:
          description: Where its period ends, as the API returns it.
          type: int
          sample: 1796083200
        lines:
          description: What it is made of.
          type: list
          elements: dict
          contains:
            description:
              description: What the line is for.
              type: str
              sample: AI Gateway credits
            amount:
              description: Its amount, in cents.
              type: int
              sample: 5000
            currency:
              description: The currency whose cents are counted.
              type: str
              sample: usd
            quantity:
              description: How many.
              type: int
              sample: 1
    spending_limit:
      description: The spending limit of the account.
      type: dict
      returned: if O(gather) has V(spending_limit)
      contains:
        enabled:
          description: Whether it is in force.
          type: bool
          sample: false
        amount:
          description: The limit, in cents. V(null) if there is none.
          type: int
          sample: 10000
        duration:
          description: The period that it is for. V(null) if there is none.
          type: str
          sample: monthly
        strategy:
          description: How the period is counted. V(null) if there is none.
          type: str
          sample: fixed
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
      sample: GET
    path:
      description: Path of the request, below O(api_url).
      type: str
      sample: accounts/023e105f4ecef8ad9ca31a8372d0c353/ai-gateway/billing/topup/config
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.finops.cloudflare.plugins.module_utils import _billing, _invoices, _options, _topup
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client

PARTS = ("balance", "topup", "limits", "usage", "invoices", "invoice_preview", "spending_limit")


def read(module: AnsibleModule, client: Client) -> dict[str, Any]:
    params = module.params
    account_id = _options.account_id_of(params)
    parts = PARTS if "all" in params["gather"] else params["gather"]
    now = int(time.time() * 1000)
    window = params["usage_window"]
    start, end = _billing.usage_range(window, params["usage_start"], params["usage_end"], now)
    read_topup = _topup.read_topup(account_id)

    billing: dict[str, Any] = {}
    topup = None
    if "balance" in parts:
        # One response holds both.
        billing.update(client.send(_billing.read_balance(account_id)))
        topup = billing.pop("topup")
        del billing["topup_told"]
    elif "topup" in parts:
        topup = client.send(read_topup)
    if "topup" in parts:
        billing["topup"] = topup
    if "limits" in parts:
        billing["limits"] = client.send_if_known(_topup.read_limits(account_id), read_topup)
    if "usage" in parts:
        billing["usage"] = client.send(_billing.read_usage(account_id, window, start, end))
    if "invoices" in parts:
        page = client.send(_invoices.invoices_request(account_id, params["invoice_type"]))
        billing["invoices"] = _invoices.newest_first(page.invoices)
    if "invoice_preview" in parts:
        billing["invoice_preview"] = client.send(_billing.read_invoice_preview(account_id))
    if "spending_limit" in parts:
        billing["spending_limit"] = client.send(_billing.read_spending_limit(account_id))
    if "balance" in parts and "usage" in parts:
        billing["forecast"] = _billing.forecast(billing["balance"], billing["usage"], topup, now)
    return {"account_id": account_id, "billing": billing}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_options.connection_spec(),
            **_options.account_spec(),
            "gather": {
                "type": "list",
                "elements": "str",
                "choices": [*PARTS, "all"],
                "default": ["balance", "topup"],
            },
            "usage_window": {"type": "str", "choices": ["day", "hour"], "default": "day"},
            "usage_start": {"type": "str", "default": "30d"},
            "usage_end": {"type": "str"},
            "invoice_type": {"type": "str", "choices": ["auto", "manual", "all"], "default": "all"},
        },
        supports_check_mode=True,
    )
    _options.run(module, read)


if __name__ == "__main__":
    main()
