# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.finops.cloudflare.plugins.module_utils import _values

DOCUMENTATION = r"""
name: dollars
short_description: Format cents as dollars
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Formats an amount in cents as dollars, for messages that people read. All modules of this collection return money in cents.
options:
  _input:
    description: The amount in cents. It can be negative. A fraction is rounded to whole cents. Null is an error.
    type: float
    required: true
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_billing_info
  - module: finops.cloudflare.cloudflare_ai_gateway_credit
"""

EXAMPLES = r"""
- name: Format an amount
  ansible.builtin.debug:
    msg: "{{ 123450 | finops.cloudflare.dollars }}"
  # -> $1,234.50

# The API token comes from the environment variable CLOUDFLARE_API_TOKEN.
- name: Read the balance
  finops.cloudflare.cloudflare_ai_gateway_billing_info:
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
  register: credit

- name: Show the balance
  ansible.builtin.debug:
    msg: "{{ credit.billing.balance | finops.cloudflare.dollars }} of credit left"
"""

RETURN = r"""
_value:
  description: The amount with a dollar sign, commas between thousands, and two decimals.
  type: str
  sample: $1,234.50
"""


def dollars(cents: Any) -> str:
    if not _values.is_number(cents):
        step = " Use the filter int or float first." if isinstance(cents, str) else ""
        raise AnsibleFilterError(f"finops.cloudflare.dollars needs a number of cents, not {cents!r}.{step}")
    return _values.dollars(cents)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"dollars": dollars}
