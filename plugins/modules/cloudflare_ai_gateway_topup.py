#!/usr/bin/python
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflare_ai_gateway_topup
short_description: Manage the auto top-up of Cloudflare AI Gateway credit
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Cloudflare sells AI Gateway credit in advance. With auto top-up, Cloudflare buys O(amount) of credit whenever the balance falls
    below O(threshold), and charges the payment method of the account.
  - This module sets or removes the auto top-up of one account. Each account has at most one.
  - All money is in B(cents). Cloudflare adds a fee of 5% to each purchase.
extends_documentation_fragment:
  - finops.cloudflare._attributes
  - finops.cloudflare._attributes.actiongroup_cloudflare
  - finops.cloudflare._account
  - finops.cloudflare._connection
attributes:
  check_mode:
    support: full
    details:
      - Check mode reads the auto top-up. If it would be set, check mode also reads the limits of the account, and fails if Cloudflare
        would refuse the change because of them. It writes nothing.
      - A token with the permission AI Gateway Read is enough.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) sets the auto top-up to O(amount) and O(threshold).
      - V(absent) removes the auto top-up, so that Cloudflare no longer buys credit automatically. O(amount) and O(threshold) are ignored.
    type: str
    choices:
      - present
      - absent
    default: present
  amount:
    description:
      - How much credit each top-up buys, in cents, without the fee. V(5000) is $50.00.
      - The minimum is V(1000), which is $10.00. The account can also have a maximum. Check mode reads it.
      - Required with O(state=present).
    type: int
  threshold:
    description:
      - Cloudflare buys credit when the balance falls below this many cents. The minimum is V(500), which is $5.00.
      - Use a threshold that is not greater than O(amount). Otherwise one top-up can leave the balance below the threshold, and one charge
        can follow another. The module warns about this.
      - Required with O(state=present).
    type: int
notes:
  - B(If the balance is already below the threshold, Cloudflare can buy credit as soon as you set the auto top-up.) The module itself
    charges nothing.
  - B(Cloudflare may refuse to change the auto top-up with an API token) and return HTTP 403. Since September 2026, Cloudflare documents this
    change for dashboard sessions only. Reading still works with a token, so check mode can still tell you whether an account matches
    your playbook. To buy credit with a token, use M(finops.cloudflare.cloudflare_ai_gateway_credit).
  - A token needs the permission AI Gateway Write to change the auto top-up. The dashboard calls it AI Gateway Edit.
  - Cloudflare stops an auto top-up after failed payments. With O(state=present), the module then warns on every run as long as
    RV(topup.disabled_reason) is set, whether or not it changes something. Cloudflare does not document whether new values restart the
    auto top-up.
  - A run sends one request if nothing changes, and two if something does. Check mode sends the same number, but only one for
    O(state=absent).
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_topup_info
  - module: finops.cloudflare.cloudflare_ai_gateway_credit
  - module: finops.cloudflare.cloudflare_ai_gateway_billing_info
  - ref: ansible_collections.finops.cloudflare.docsite.guide_awx
    description: Run this collection in AWX.
  - ref: ansible_collections.finops.cloudflare.docsite.guide_credit
    description: Buy credit without auto top-up.
"""

EXAMPLES = r"""
# All examples but the first take the API token from the environment variable CLOUDFLARE_API_TOKEN.

- name: Buy $50.00 of credit whenever the balance falls below $10.00
  finops.cloudflare.cloudflare_ai_gateway_topup:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    amount: 5000 # cents
    threshold: 1000 # cents
    api_token: "{{ cloudflare_api_token }}"

- name: Show what would change, and change nothing
  finops.cloudflare.cloudflare_ai_gateway_topup:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    amount: 10000
    threshold: 1000
  check_mode: true
  diff: true

- name: Set the auto top-up of several accounts
  finops.cloudflare.cloudflare_ai_gateway_topup:
    account_id: "{{ item.id }}"
    amount: "{{ item.amount }}"
    threshold: 1000
  loop:
    - id: 023e105f4ecef8ad9ca31a8372d0c353
      amount: 5000
    - id: 0123456789abcdef0123456789abcdef
      amount: 20000
  loop_control:
    label: "{{ item.id }}"
  register: accounts

- name: Show what each account has now
  ansible.builtin.debug:
    msg: >-
      Below {{ item.topup.threshold | finops.cloudflare.dollars }}, Cloudflare buys
      {{ item.topup.amount | finops.cloudflare.dollars }} of credit
  loop: "{{ accounts.results }}"
  loop_control:
    label: "{{ item.account_id }}"

- name: Remove the auto top-up
  finops.cloudflare.cloudflare_ai_gateway_topup:
    account_id: f174e90afafe4643bbbc4a0ed4fc8415
    state: absent

# A Global API Key instead of a token. It can do everything that its user can do, so prefer a token.
- name: Use a Global API Key
  finops.cloudflare.cloudflare_ai_gateway_topup:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    amount: 5000
    threshold: 1000
    api_email: "{{ cloudflare_email }}"
    api_key: "{{ cloudflare_api_key }}"
"""

RETURN = r"""
account_id:
  description: The ID of the account, in lower case.
  type: str
  returned: success
  sample: 023e105f4ecef8ad9ca31a8372d0c353
topup:
  description:
    - The auto top-up after the run. In check mode, the auto top-up as a run would leave it.
    - All keys are V(null) if there is no auto top-up.
    - If the run has set new amounts, the other keys still hold what Cloudflare told before the change.
  type: dict
  returned: success
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
        - When an automatic purchase last failed, in ISO 8601 and UTC. V(null) if none has failed, or if Cloudflare returns a value that
          is not a time.
      type: str
      sample: "2025-10-09T08:53:20Z"
    last_failed_at:
      description:
        - The value that RV(topup.last_failed) is made from, as Cloudflare returns it. It is a Unix time.
        - Cloudflare does not document its unit. A value of 100000000000 or more can only be milliseconds.
      type: raw
      sample: 1760000000000
  sample:
    amount: 5000
    threshold: 1000
    disabled_reason:
    error:
    last_failed:
    last_failed_at:
diff:
  description: The change, in cents and in dollars. Both sides are equal if nothing changes.
  type: dict
  returned: success
  contains:
    before:
      description: The auto top-up before the run.
      type: str
      sample: |
        auto top-up: not set
    after:
      description: The auto top-up after the run.
      type: str
      sample: |
        auto top-up: set
        amount: 5000 ($50.00)
        threshold: 1000 ($10.00)
    before_header:
      description: The title of RV(diff.before).
      type: str
      sample: auto top-up of account 023e105f4ecef8ad9ca31a8372d0c353
    after_header:
      description: The title of RV(diff.after).
      type: str
      sample: auto top-up of account 023e105f4ecef8ad9ca31a8372d0c353
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
      sample: accounts/023e105f4ecef8ad9ca31a8372d0c353/ai-gateway/billing/topup/config
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.finops.cloudflare.plugins.module_utils import _options, _topup
from ansible_collections.finops.cloudflare.plugins.module_utils._api import PermissionDenied, Refused
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client


def manage_topup(module: AnsibleModule, client: Client) -> dict[str, Any]:
    params = module.params
    account_id = _options.account_id_of(params)
    wanted = _topup.NO_TOPUP
    if params["state"] == "present":
        wanted = _topup.wanted_topup(params["amount"], params["threshold"])

    before = client.send(_topup.read_topup(account_id))
    changed = not _topup.same(before, wanted)
    if changed and not module.check_mode:
        write(client, account_id, before, wanted)
    elif changed and _topup.is_set(wanted):
        # A real write is checked by Cloudflare itself.
        limits = client.send_if_known(_topup.read_limits(account_id), _topup.read_topup(account_id))
        _topup.check_limits(params["amount"], limits, "Nothing was changed")

    after = _topup.after_write(before, wanted)
    for warning in _topup.topup_warnings(account_id, after, changed):
        _options.warn(module, warning)
    return {
        "changed": changed,
        "account_id": account_id,
        "topup": after,
        "diff": _topup.topup_diff(account_id, before, after),
    }


def write(client: Client, account_id: str, before: _topup.Topup, wanted: _topup.Topup) -> None:
    try:
        client.send(_topup.write_topup(account_id, before, wanted))
    except PermissionDenied as error:
        if _topup.is_set(wanted) and not error.foreign:
            error.next_step = f"{error.advice} {_topup.BUY_INSTEAD}"
        raise
    except Refused as error:
        if error.refused and error.status == 400 and _topup.is_set(wanted):
            limits = client.send_for_advice(_topup.read_limits(account_id))
            error.next_step = _topup.refusal(wanted["amount"], limits)
        raise


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_options.connection_spec(),
            **_options.account_spec(),
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "amount": {"type": "int"},
            "threshold": {"type": "int"},
        },
        required_if=[("state", "present", ("amount", "threshold"))],
        supports_check_mode=True,
    )
    _options.run(module, manage_topup)


if __name__ == "__main__":
    main()
