#!/usr/bin/python
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudflare_ai_gateway_topup_info
short_description: Read the auto top-up of Cloudflare AI Gateway credit
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Reads whether Cloudflare buys AI Gateway credit for an account by itself, whether that works, and what one purchase may
    cost.
  - All money is in B(cents).
extends_documentation_fragment:
  - finops.cloudflare._attributes
  - finops.cloudflare._attributes.actiongroup_cloudflare
  - finops.cloudflare._attributes.info_module
  - finops.cloudflare._account
  - finops.cloudflare._connection
notes:
  - An API token with the permission AI Gateway Read is enough.
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_topup
  - module: finops.cloudflare.cloudflare_ai_gateway_billing_info
"""

EXAMPLES = r"""
- name: Read the auto top-up
  finops.cloudflare.cloudflare_ai_gateway_topup_info:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    api_token: "{{ cloudflare_api_token }}"
  register: auto

- name: Stop where nothing would be bought
  ansible.builtin.assert:
    that: auto.healthy
    fail_msg: "Auto top-up is {{ auto.topup.disabled_reason or 'off' }}"
"""

RETURN = r"""
account_id:
  description: The account that was read, in lower case.
  type: str
  returned: success
  sample: 023e105f4ecef8ad9ca31a8372d0c353
configured:
  description: Whether there is an auto top-up configuration.
  type: bool
  returned: success
  sample: true
healthy:
  description: Whether there is one, and Cloudflare has not stopped it.
  type: bool
  returned: success
  sample: true
limits:
  description: What one purchase of the account may cost. V(null) if the account's API does not tell.
  type: dict
  returned: success
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
topup:
  description: The auto top-up configuration. All keys are V(null) if there is none.
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

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.finops.cloudflare.plugins.module_utils import _options, _topup
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client


def read(module: AnsibleModule, client: Client) -> dict[str, Any]:
    account_id = _options.account_id_of(module.params)
    read_topup = _topup.read_topup(account_id)
    topup = client.send(read_topup)
    return {
        "account_id": account_id,
        "topup": topup,
        "configured": _topup.is_set(topup),
        "healthy": _topup.is_set(topup) and topup["disabled_reason"] is None,
        "limits": client.send_if_known(_topup.read_limits(account_id), read_topup),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={**_options.connection_spec(), **_options.account_spec()}, supports_check_mode=True
    )
    _options.run(module, read)


if __name__ == "__main__":
    main()
