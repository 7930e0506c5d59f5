# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from ansible_collections.finops.cloudflare.plugins.plugin_utils import _report, _table

DOCUMENTATION = r"""
name: ai_gateway_report
short_description: Turn billing data of several accounts into a report
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Sorts and adds up the AI Gateway billing data of several accounts for the playbook C(finops.cloudflare.report). The templates of that
    playbook only show the result.
  - This filter is private to that playbook, and can change in any release.
  - The daily spend and the forecast in the report rest on an assumption. Cloudflare does not document the unit of usage, and this collection
    reads it as cents.
options:
  _input:
    description:
      - The RV(ignore:results) that a loop over M(finops.cloudflare.cloudflare_ai_gateway_billing_info) registered, with the parts
        V(balance), V(topup), V(usage), and V(invoices).
      - Each loop item is an account ID, or a dictionary with C(id), and optionally with C(name) and C(minimum_balance) in cents.
    type: list
    elements: dict
    required: true
  made:
    description: The time of the report, in ISO 8601 and UTC. The report adds up the charges of the twelve months that end with it.
    type: str
    required: true
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_billing_info
  - plugin: finops.cloudflare.ai_gateway_report_refusal
    plugin_type: filter
  - ref: ansible_collections.finops.cloudflare.docsite.guide_accounts
    description: Make the report with the playbook.
"""

EXAMPLES = r"""
# The API token comes from the environment variable CLOUDFLARE_API_TOKEN.

- name: Read the billing data of two accounts
  finops.cloudflare.cloudflare_ai_gateway_billing_info:
    account_id: "{{ item }}"
    gather:
      - balance
      - topup
      - usage
      - invoices
  loop:
    - 023e105f4ecef8ad9ca31a8372d0c353
    - 0123456789abcdef0123456789abcdef
  register: read

- name: Show how much credit both accounts have together
  ansible.builtin.debug:
    msg: "{{ report.data.totals.balance | finops.cloudflare.dollars }}"
  vars:
    report: "{{ read.results | finops.cloudflare.ai_gateway_report(made='2026-11-23T12:00:00Z') }}"
"""

RETURN = r"""
_value:
  description: The report in three forms. Accounts with a problem come first in each of them.
  type: dict
  contains:
    data:
      description:
        - The report for machines. It has C(made), C(start) and C(end) of the usage, C(totals), and C(accounts). Each account has C(problems)
          and C(billing).
      type: dict
    table:
      description:
        - The report as CSV, with a line for each account. A text that a spreadsheet could take for a formula begins with an
          apostrophe.
      type: str
    page:
      description: The data for the HTML page. All texts in it are escaped.
      type: dict
"""


def ai_gateway_report(results: Sequence[Mapping[str, Any]], made: str) -> dict[str, Any]:
    whole = _report.report(results, made)
    return {"data": _report.as_data(whole), "table": _table.as_table(whole), "page": _report.as_page(whole)}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"ai_gateway_report": ai_gateway_report}
