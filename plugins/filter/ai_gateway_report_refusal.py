# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable, Sequence

from ansible_collections.finops.cloudflare.plugins.plugin_utils import _report

DOCUMENTATION = r"""
name: ai_gateway_report_refusal
short_description: Check the accounts for a report
version_added: 0.2.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Checks the accounts that you pass to the playbook C(finops.cloudflare.report), before anything is read. Each needs a valid ID of its own.
    The rules for minimum balances are those of O(finops.cloudflare.cloudflare_ai_gateway_credit#module:minimum_balance).
  - This filter is private to that playbook, and can change in any release.
options:
  _input:
    description:
      - The accounts. Each is an account ID, or a dictionary with C(id), and optionally with C(name) and C(minimum_balance).
      - C(minimum_balance) is a whole number of cents. V(null) means that there is none.
    type: list
    elements: raw
    required: true
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_credit
  - plugin: finops.cloudflare.ai_gateway_report
    plugin_type: filter
  - ref: ansible_collections.finops.cloudflare.docsite.guide_accounts
    description: Make the report with the playbook.
"""

EXAMPLES = r"""
- name: Fail if an account ID is wrong or a minimum balance is likely to be a mistake
  ansible.builtin.assert:
    that: why == ''
    fail_msg: "{{ why }}"
  vars:
    accounts:
      - 023e105f4ecef8ad9ca31a8372d0c353
      - id: 0123456789abcdef0123456789abcdef
        name: Team B
        minimum_balance: 1000 # cents
    why: "{{ accounts | finops.cloudflare.ai_gateway_report_refusal }}"
"""

RETURN = r"""
_value:
  description: What is wrong with the first account that is refused. An empty string if none is.
  type: str
"""


def ai_gateway_report_refusal(accounts: Sequence[Any]) -> str:
    return _report.refusal(accounts)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"ai_gateway_report_refusal": ai_gateway_report_refusal}
