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
  - Reads whether an account has an auto top-up of AI Gateway credit, whether Cloudflare has stopped it, and the limits for one
    purchase.
  - All money is in B(cents).
extends_documentation_fragment:
  - finops.cloudflare._attributes
  - finops.cloudflare._attributes.actiongroup_cloudflare
  - finops.cloudflare._attributes.info_module
  - finops.cloudflare._account
  - finops.cloudflare._connection
notes:
  - An API token with the permission AI Gateway Read is enough.
  - RV(healthy) does not promise that the next purchase succeeds. The account may have no payment method, or its card may be declined.
    M(finops.cloudflare.cloudflare_ai_gateway_billing_info) tells you whether the account has a default payment method.
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_topup
  - module: finops.cloudflare.cloudflare_ai_gateway_billing_info
"""

EXAMPLES = r"""
# All examples but the first take the API token from the environment variable CLOUDFLARE_API_TOKEN.

- name: Read the auto top-up
  finops.cloudflare.cloudflare_ai_gateway_topup_info:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    api_token: "{{ cloudflare_api_token }}"
  register: auto

- name: Fail if there is no auto top-up, or if Cloudflare has stopped it
  ansible.builtin.assert:
    that: auto.healthy
    fail_msg: >-
      {{
        'Cloudflare has stopped the auto top-up: ' ~ auto.topup.disabled_reason
        if auto.configured else 'There is no auto top-up.'
      }}

- name: Read what one purchase may buy
  finops.cloudflare.cloudflare_ai_gateway_topup_info:
    account_id: 0123456789abcdef0123456789abcdef
  register: other

- name: Show the largest purchase
  ansible.builtin.debug:
    msg: "One purchase may buy at most {{ other.limits.max_cents | finops.cloudflare.dollars }}"
  when:
    - other.limits is not none
    - other.limits.max_cents is not none
"""

RETURN = r"""
account_id:
  description: The ID of the account, in lower case.
  type: str
  returned: success
  sample: 023e105f4ecef8ad9ca31a8372d0c353
configured:
  description: Whether the account has an auto top-up.
  type: bool
  returned: success
  sample: true
healthy:
  description:
    - Whether the account has an auto top-up that Cloudflare has not stopped.
    - This does not promise that the next purchase succeeds.
  type: bool
  returned: success
  sample: true
limits:
  description: The limits for one purchase. V(null) if Cloudflare does not tell them for this account.
  type: dict
  returned: success
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
topup:
  description: The auto top-up. All keys are V(null) if there is none.
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
