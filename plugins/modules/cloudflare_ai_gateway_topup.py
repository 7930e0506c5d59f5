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
  - Cloudflare sells AI Gateway credit in advance. With auto top-up, Cloudflare buys O(amount) of credit by itself whenever
    the balance of the account falls below O(threshold), and charges it to the account's payment method.
  - This module sets that configuration, or removes it. There is one for each account.
  - All money is in B(cents). Cloudflare adds a fee of 5 % to each purchase.
extends_documentation_fragment:
  - finops.cloudflare._attributes
  - finops.cloudflare._attributes.actiongroup_cloudflare
  - finops.cloudflare._account
  - finops.cloudflare._connection
attributes:
  check_mode:
    support: full
    details:
      - Reads the configuration and, if it would change, the limits of the account, for which the permission AI Gateway Read is
        enough. It writes nothing, and fails where the limits would make Cloudflare refuse the change.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) sets the auto top-up to O(amount) and O(threshold).
      - V(absent) removes it, so that nothing is bought automatically any more. O(amount) and O(threshold) are ignored then.
    type: str
    choices:
      - present
      - absent
    default: present
  amount:
    description:
      - How much credit each top-up buys, in cents. V(5000) is $50.00.
      - At least V(1000), which is $10.00. The account may have a maximum as well, which check mode sees.
      - Required if O(state=present).
    type: int
  threshold:
    description:
      - The balance below which a top-up starts, in cents. V(500) is $5.00.
      - At least V(500), which is $5.00.
      - Should not be greater than O(amount), or one top-up can leave the balance below the threshold, so that charges follow
        each other. The module warns about that.
      - Required if O(state=present).
    type: int
notes:
  - Setting the configuration charges nothing by itself. If the balance is already below O(threshold), Cloudflare can start
    a purchase at once.
  - Since September 2026 Cloudflare documents writing this configuration for dashboard sessions only, and may refuse it to API
    tokens with HTTP 403. Reading stays open to them, so that check mode still reports whether an account is as it should be.
  - Cloudflare stops an auto top-up after failed payments. With O(state=present), the module warns on every run while
    RV(topup.disabled_reason) is set, also if nothing differs. Whether writing new values restarts it is not documented.
  - An unchanged configuration costs one request, a changed one two, also in check mode.
"""

EXAMPLES = r"""
- name: Buy $50.00 of credit whenever the balance falls below $10.00
  finops.cloudflare.cloudflare_ai_gateway_topup:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    amount: 5000 # cents
    threshold: 1000 # cents
    api_token: "{{ cloudflare_api_token }}"

- name: See what would change, with the token and the account from the environment
  finops.cloudflare.cloudflare_ai_gateway_topup:
    amount: 10000
    threshold: 1000
  check_mode: true
  diff: true

- name: Use a Global API Key, and say what is in place
  finops.cloudflare.cloudflare_ai_gateway_topup:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    amount: 5000
    threshold: 1000
    api_email: "{{ cloudflare_email }}"
    api_key: "{{ cloudflare_api_key }}"
  register: result

- name: Say what is in place
  ansible.builtin.debug:
    msg: "Below {{ result.topup.threshold }} cents, Cloudflare buys {{ result.topup.amount }} cents of credit"

- name: Buy nothing automatically any more
  finops.cloudflare.cloudflare_ai_gateway_topup:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    state: absent
    api_token: "{{ cloudflare_api_token }}"

- name: Manage several accounts with the same credentials
  module_defaults:
    group/finops.cloudflare.cloudflare:
      api_token: "{{ cloudflare_api_token }}"
  block:
    - name: Set the auto top-up of each account
      finops.cloudflare.cloudflare_ai_gateway_topup:
        account_id: "{{ item.id }}"
        amount: "{{ item.amount }}"
        threshold: "{{ item.threshold }}"
      loop: "{{ accounts }}"
      loop_control:
        label: "{{ item.id }}"
"""

RETURN = r"""
account_id:
  description: The account that was managed, in lower case.
  type: str
  returned: success
  sample: 023e105f4ecef8ad9ca31a8372d0c353
topup:
  description:
    - The auto top-up configuration after the module has run, or as it would be in check mode.
    - All keys are V(null) if there is none.
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
      description:
        - Why Cloudflare has stopped the auto top-up, in Cloudflare's words. V(null) if it has not.
        - As it was before the run, if the run has changed something.
      type: str
      sample: payment_failed
    error:
      description:
        - The error of the last automatic purchase, in Cloudflare's words. V(null) if there is none.
        - As it was before the run, if the run has changed something.
      type: str
      sample: Your card was declined.
    last_failed:
      description:
        - When an automatic purchase failed last, ISO 8601 in UTC. V(null) if none did, or if the API returns something that is
          no time.
        - As it was before the run, if the run has changed something.
      type: str
      sample: "2025-10-09T08:53:20Z"
    last_failed_at:
      description:
        - The same as the API returns it, a Unix time in an undocumented unit. From 100000000000 on it can only be milliseconds.
        - As it was before the run, if the run has changed something.
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
  description: The change in words, with dollars beside cents. Both sides are equal if nothing differs.
  type: dict
  returned: success
  contains:
    before:
      description: The configuration before.
      type: str
      sample: |
        auto top-up: not set
    after:
      description: The configuration after.
      type: str
      sample: |
        auto top-up: set
        amount: 5000 ($50.00)
        threshold: 1000 ($10.00)
    before_header:
      description: What RV(diff.before) is about.
      type: str
      sample: auto top-up of account 023e105f4ecef8ad9ca31a8372d0c353
    after_header:
      description: What RV(diff.after) is about.
      type: str
      sample: auto top-up of account 023e105f4ecef8ad9ca31a8372d0c353
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
        _topup.check_limits(params["amount"], limits)

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
        if _topup.is_set(wanted):
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
