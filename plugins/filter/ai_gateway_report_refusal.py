# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable, Sequence

from ansible_collections.finops.cloudflare.plugins.plugin_utils import _report

DOCUMENTATION = r"""
name: ai_gateway_report_refusal
short_description: Say why no report can be made on these accounts
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Checks the floors in the accounts that the playbook C(finops.cloudflare.report) is given, before anything is read, by the rules
    for O(finops.cloudflare.cloudflare_ai_gateway_credit#module:minimum_balance).
  - It serves that playbook alone, and can change in any release.
options:
  _input:
    description:
      - The accounts. Each is an account id, or a dictionary with C(id), C(name) and C(minimum_balance), a whole number of cents.
        A floor of V(null) counts as not given.
    type: list
    elements: raw
    required: true
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_credit
  - plugin: finops.cloudflare.ai_gateway_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Stop if a floor cannot be meant
  ansible.builtin.fail:
    msg: "{{ why }}"
  when: why != ''
  vars:
    why: "{{ accounts | finops.cloudflare.ai_gateway_report_refusal }}"
"""

RETURN = r"""
_value:
  description: A sentence about the first account with a wrong floor, or an empty text.
  type: str
"""


def ai_gateway_report_refusal(accounts: Sequence[Any]) -> str:
    return _report.refusal(accounts)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"ai_gateway_report_refusal": ai_gateway_report_refusal}
