#!/usr/bin/python
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflare_ai_gateway_billing_info
short_description: Read credit, usage, and invoices of Cloudflare AI Gateway
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Reads how much AI Gateway credit an account has left, whether Cloudflare buys more automatically, and what was charged.
  - It can also read the usage, and forecast how long the credit lasts.
  - The module sends one request for each part in O(gather), and none for anything else. RV(billing.balance) and RV(billing.topup) share one
    request.
  - All money is in B(cents). Balance and usage can have fractions, and the balance can be negative.
  - B(The forecast rests on an assumption.) Cloudflare does not document the unit of usage, and this module reads it as cents.
extends_documentation_fragment:
  - finops.cloudflare._attributes
  - finops.cloudflare._attributes.actiongroup_cloudflare
  - finops.cloudflare._attributes.info_module
  - finops.cloudflare._account
  - finops.cloudflare._connection
options:
  gather:
    description:
      - The parts to read. If one of them cannot be read, the module fails and names it.
      - V(balance) reads the credit that is left, and the payment method.
      - V(topup) reads the auto top-up.
      - V(limits) reads the limits for one purchase.
      - V(usage) reads what was used in each day or hour. Together with V(balance), it adds RV(billing.forecast).
      - V(invoices) reads the past invoices, and V(invoice_preview) the coming one.
      - V(spending_limit) reads the spending limit of the whole account. Cloudflare has replaced it with limits on each gateway.
      - V(all) reads all of these.
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
      - Whether to add up usage by day or by hour. Days are in UTC.
    type: str
    choices:
      - day
      - hour
    default: day
  usage_start:
    description:
      - The start of the usage to read.
      - Either a time in ISO 8601, such as V(2026-11-01) or V(2026-11-01T12:00:00Z), or how long ago in days or hours, such as V(7d) or
        V(36h). A time without a time zone is in UTC.
      - The module widens the range to whole days or hours, depending on O(usage_window).
    type: str
    default: 30d
  usage_end:
    description:
      - The end of the usage to read, in the same forms as O(usage_start).
      - If you do not set it, the range ends now.
    type: str
  invoice_type:
    description:
      - Which invoices to read. V(auto) reads those of automatic purchases, V(manual) those of other purchases, and V(all) every invoice.
    type: str
    choices:
      - auto
      - manual
      - all
    default: all
notes:
  - An API token with the permission AI Gateway Read is enough.
  - Compare the usage with the Cloudflare dashboard once before you rely on the forecast, because its unit is assumed.
  - Cloudflare returns invoices in pages, and this module reads the first page only. As far as is known, a page holds 100 invoices.
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_topup_info
  - module: finops.cloudflare.cloudflare_ai_gateway_credit
  - plugin: finops.cloudflare.dollars
    plugin_type: filter
  - ref: ansible_collections.finops.cloudflare.docsite.guide_credit
    description: Use the daily spend to choose a minimum balance.
"""

EXAMPLES = r"""
# All examples but the first take the API token from the environment variable CLOUDFLARE_API_TOKEN.

- name: Read the balance
  finops.cloudflare.cloudflare_ai_gateway_billing_info:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    api_token: "{{ cloudflare_api_token }}"
  register: credit

- name: Show the balance
  ansible.builtin.debug:
    msg: "{{ credit.billing.balance | finops.cloudflare.dollars }} of credit left"

- name: Read the balance, and forecast how long it lasts at the pace of the last seven days
  finops.cloudflare.cloudflare_ai_gateway_billing_info:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    gather:
      - balance
      - usage
    usage_start: 7d
  register: pace

- name: Fail if the credit lasts for less than three days, or if that is unknown
  ansible.builtin.assert:
    that:
      - pace.billing.forecast.days_until_empty is not none
      - pace.billing.forecast.days_until_empty >= 3
    fail_msg: >-
      {{ pace.billing.balance | finops.cloudflare.dollars }} of credit left.
      Days until it is empty: {{ pace.billing.forecast.days_until_empty | default('unknown', true) }}.

- name: Read the invoices
  finops.cloudflare.cloudflare_ai_gateway_billing_info:
    account_id: 0123456789abcdef0123456789abcdef
    gather:
      - invoices
  register: history

- name: Show the invoices that are not paid
  ansible.builtin.debug:
    msg: "{{ item.id }} of {{ item.created_at }} is {{ item.status }}. Cents left to pay: {{ item.amount_remaining }}"
  loop: "{{ history.billing.invoices | rejectattr('status', 'in', ['paid', 'void']) }}"
  loop_control:
    label: "{{ item.id }}"
"""

RETURN = r"""
account_id:
  description: The ID of the account, in lower case.
  type: str
  returned: success
  sample: 023e105f4ecef8ad9ca31a8372d0c353
billing:
  description: What the module has read, with the keys of the parts in O(gather).
  type: dict
  returned: success
  contains:
    balance:
      description: The credit that is left, in cents. It can have a fraction. It is negative if more was used than was bought.
      type: float
      returned: if O(gather) has V(balance)
      sample: 2350.5
    has_default_payment_method:
      description: Whether the account has a default payment method, which purchases are charged to. V(null) if Cloudflare does not tell.
      type: bool
      returned: if O(gather) has V(balance)
      sample: true
    payment_method:
      description: The default payment method. V(null) if there is none.
      type: dict
      returned: if O(gather) has V(balance)
      contains:
        brand:
          description: The brand of the card.
          type: str
          sample: visa
        last4:
          description: The last four digits of the card number.
          type: str
          sample: "4242"
    first_topup_success:
      description: Whether the first purchase of the account succeeded. V(null) if Cloudflare does not tell.
      type: bool
      returned: if O(gather) has V(balance)
      sample: true
    topup:
      description: The auto top-up. All keys are V(null) if there is none.
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
          description: Why Cloudflare has stopped the auto top-up, in Cloudflare's words. V(null) if Cloudflare has not stopped it.
          type: str
          sample: payment_failed
        error:
          description: The error of the last automatic purchase, in Cloudflare's words. V(null) if there is none.
          type: str
          sample: Your card was declined.
        last_failed:
          description:
            - When an automatic purchase last failed, in ISO 8601 and UTC. V(null) if none has failed, or if Cloudflare returns a value
              that is not a time.
          type: str
          sample: "2025-10-09T08:53:20Z"
        last_failed_at:
          description:
            - The value that RV(billing.topup.last_failed) is made from, as Cloudflare returns it. It is a Unix time.
            - Cloudflare does not document its unit. A value of 100000000000 or more can only be milliseconds.
          type: raw
          sample: 1760000000000
    limits:
      description: The limits for one purchase. V(null) if Cloudflare does not tell them for this account.
      type: dict
      returned: if O(gather) has V(limits)
      contains:
        min_cents:
          description: The smallest amount of credit that one purchase may buy, in cents. V(null) if it is unknown.
          type: int
          sample: 1000
        max_cents:
          description: The largest amount of credit that one purchase may buy, in cents. V(null) if it is unknown.
          type: int
          sample: 500000
        currency:
          description: The currency of these cents.
          type: str
          sample: USD
    usage:
      description: What was used. Cloudflare does not document the unit. This module reads it as cents.
      type: dict
      returned: if O(gather) has V(usage)
      contains:
        window:
          description: Whether the buckets are days or hours.
          type: str
          sample: day
        start:
          description: The start of the range, in ISO 8601 and UTC.
          type: str
          sample: "2026-10-24T12:00:00Z"
        start_time:
          description: The start of the range, in Unix milliseconds.
          type: int
          sample: 1792843200000
        end:
          description: The end of the range, in ISO 8601 and UTC.
          type: str
          sample: "2026-11-23T12:00:00Z"
        end_time:
          description: The end of the range, in Unix milliseconds.
          type: int
          sample: 1795435200000
        total:
          description: The sum of all buckets, in cents if the assumption about the unit is right.
          type: float
          sample: 3120.25
        history:
          description: The buckets, oldest first. Cloudflare may leave out a bucket without usage.
          type: list
          elements: dict
          contains:
            id:
              description: The ID of the bucket.
              type: str
              sample: a1
            amount:
              description: What was used in the bucket, in cents if the assumption about the unit is right.
              type: float
              sample: 104.25
            start:
              description: The start of the bucket, in ISO 8601 and UTC.
              type: str
              sample: "2026-11-22T00:00:00Z"
            start_time:
              description: The start of the bucket, in Unix milliseconds, as Cloudflare returns it.
              type: int
              sample: 1795305600000
            end:
              description: The end of the bucket, in ISO 8601 and UTC.
              type: str
              sample: "2026-11-23T00:00:00Z"
            end_time:
              description: The end of the bucket, in Unix milliseconds, as Cloudflare returns it.
              type: int
              sample: 1795392000000
    forecast:
      description:
        - How long the credit lasts if usage continues as in the range of RV(billing.usage).
        - B(The unit of usage is assumed.) Cloudflare does not document it, and this module reads it as cents. If that is wrong, so is the
          forecast.
        - A value is V(null) if the data is not sufficient to compute it.
      type: dict
      returned: if O(gather) has V(balance) and V(usage)
      contains:
        daily_spend:
          description:
            - The average spend in cents per day. It is RV(billing.usage.total) divided by a number of days.
            - The days run from the start of the first bucket that Cloudflare returned to the end of the range, or to now if that is
              earlier. If Cloudflare has not returned the current bucket yet, they end where that bucket starts.
            - V(null) if there is no bucket, if there is less than one day of data, or if the total is negative.
          type: float
          sample: 104.01
        days_until_empty:
          description:
            - RV(billing.balance) divided by RV(billing.forecast.daily_spend), rounded to two digits. V(0) if the balance is 0 or
              negative.
            - V(null) if nothing is spent, or if the daily spend is unknown. Automatic purchases are not taken into account.
          type: float
          sample: 22.6
        days_until_topup:
          description:
            - RV(billing.balance) minus the threshold of the auto top-up, divided by RV(billing.forecast.daily_spend), rounded to two
              digits. V(0) if the balance is at or below the threshold.
            - V(null) if there is no auto top-up, if Cloudflare has stopped it, if nothing is spent, or if the daily spend is unknown.
          type: float
          sample: 12.98
    invoices:
      description: The past invoices on the first page that Cloudflare returns, newest first.
      type: list
      elements: dict
      returned: if O(gather) has V(invoices)
      contains:
        id:
          description: The ID of the invoice.
          type: str
          sample: in_1abc
        status:
          description: The status of the invoice, such as V(paid), V(open), or V(void), in Cloudflare's words.
          type: str
          sample: paid
        currency:
          description: The currency of these cents.
          type: str
          sample: usd
        description:
          description: What the invoice is for.
          type: str
          sample: AI Gateway credits
        created:
          description: When the invoice was created, as Cloudflare returns it.
          type: int
          sample: 1795305600
        created_at:
          description: When the invoice was created, in ISO 8601 and UTC.
          type: str
          sample: "2026-11-22T00:00:00Z"
        created_by:
          description: Who created the invoice.
          type: str
          sample: auto-topup
        invoice_origin:
          description: Where the invoice comes from.
          type: str
          sample: auto
        invoice_pdf:
          description: The URL of the invoice as a PDF file.
          type: str
          sample: https://example.com/invoice.pdf
        amount_due:
          description: The amount due, in cents.
          type: int
          sample: 5250
        amount_paid:
          description: The amount that was paid, in cents.
          type: int
          sample: 5250
        amount_remaining:
          description: The amount that is left to pay, in cents.
          type: int
          sample: 0
        attempt_count:
          description: How many times a payment was attempted.
          type: int
          sample: 1
        attempted:
          description: Whether a payment was attempted.
          type: bool
          sample: true
        auto_advance:
          description: Whether the payment is collected automatically.
          type: bool
          sample: true
    invoice_preview:
      description: The coming invoice.
      type: dict
      returned: if O(gather) has V(invoice_preview)
      contains:
        id:
          description: The ID of the invoice.
          type: str
          sample: upcoming_in_1abc
        status:
          description: The status of the invoice.
          type: str
          sample: draft
        currency:
          description: The currency of these cents.
          type: str
          sample: usd
        amount_due:
          description: The amount that will be due, in cents.
          type: int
          sample: 5250
        amount_paid:
          description: The amount that is already paid, in cents.
          type: int
          sample: 0
        amount_remaining:
          description: The amount that is left to pay, in cents.
          type: int
          sample: 5250
        start:
          description: The start of the period, in ISO 8601 and UTC.
          type: str
          sample: "2026-11-01T00:00:00Z"
        period_start:
          description: The start of the period, as Cloudflare returns it.
          type: int
          sample: 1793491200
        end:
          description: The end of the period, in ISO 8601 and UTC.
          type: str
          sample: "2026-12-01T00:00:00Z"
        period_end:
          description: The end of the period, as Cloudflare returns it.
          type: int
          sample: 1796083200
        lines:
          description: The lines of the invoice.
          type: list
          elements: dict
          contains:
            description:
              description: What the line is for.
              type: str
              sample: AI Gateway credits
            amount:
              description: The amount of the line, in cents.
              type: int
              sample: 5000
            currency:
              description: The currency of these cents.
              type: str
              sample: usd
            quantity:
              description: The quantity of the line.
              type: int
              sample: 1
    spending_limit:
      description: The spending limit of the whole account.
      type: dict
      returned: if O(gather) has V(spending_limit)
      contains:
        enabled:
          description: Whether the limit is in force.
          type: bool
          sample: false
        amount:
          description: The limit, in cents. V(null) if there is none.
          type: int
          sample: 10000
        duration:
          description: The period of the limit. V(null) if there is none.
          type: str
          sample: monthly
        strategy:
          description: How the period is counted, such as V(fixed) or V(sliding). V(null) if there is none.
          type: str
          sample: fixed
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
      sample: GET
    path:
      description: The path of the request, relative to O(api_url).
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
