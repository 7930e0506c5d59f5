# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from ansible_collections.finops.cloudflare.plugins.plugin_utils import _report, _table

DOCUMENTATION = r"""
name: ai_gateway_report
short_description: Sort and sum up what was read of the AI Gateway credit of several accounts
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Does the arithmetic of the playbook C(finops.cloudflare.report), whose templates only show what comes out of it.
  - It serves that playbook alone, and can change in any release.
options:
  _input:
    description:
      - The RV(ignore:results) that a loop over M(finops.cloudflare.cloudflare_ai_gateway_billing_info) registered, with the parts
        V(balance), V(topup), V(usage) and V(invoices). Each loop item is an account id, or a dictionary with C(id),
        C(name) and C(minimum_balance).
    type: list
    elements: dict
    required: true
  made:
    description: The time of the report, ISO 8601 in UTC. Charges are summed up for the twelve months that end with it.
    type: str
    required: true
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_billing_info
"""

EXAMPLES = r"""
- name: Show how much credit all accounts have together, in cents
  ansible.builtin.debug:
    msg: "{{ (read.results | finops.cloudflare.ai_gateway_report(made='2026-11-23T12:00:00Z')).data.totals.balance }}"
"""

RETURN = r"""
_value:
  description: The report in three forms. Accounts with a problem come first in all of them.
  type: dict
  contains:
    data:
      description:
        - C(made), C(start) and C(end) of the usage that was read, C(totals), and C(accounts) with C(problems) and C(billing).
      type: dict
    table:
      description:
        - A line for each account, as CSV. An apostrophe stands before whatever a spreadsheet could take for a formula.
      type: str
    page:
      description: What the HTML page shows. All texts in it are escaped.
      type: dict
"""


def ai_gateway_report(results: Sequence[Mapping[str, Any]], made: str) -> dict[str, Any]:
    whole = _report.report(results, made)
    return {"data": _report.as_data(whole), "table": _table.as_table(whole), "page": _report.as_page(whole)}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"ai_gateway_report": ai_gateway_report}
