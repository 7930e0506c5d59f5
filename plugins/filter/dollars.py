# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.finops.cloudflare.plugins.module_utils import _values

DOCUMENTATION = r"""
name: dollars
short_description: Write cents as dollars
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Writes an amount of this collection, which counts all money in cents, the way a person reads it.
options:
  _input:
    description: The amount in cents. It can be negative and have a fraction, which is rounded to whole cents.
    type: float
    required: true
"""

EXAMPLES = r"""
- name: Say how much credit is left
  ansible.builtin.debug:
    msg: "{{ credit.billing.balance | finops.cloudflare.dollars }} of credit are left."
  # -> $1,234.50 of credit are left.
"""

RETURN = r"""
_value:
  description: The amount in dollars and cents, with the dollar sign and a comma between thousands.
  type: str
  sample: $1,234.50
"""


def dollars(cents: Any) -> str:
    if not _values.is_number(cents):
        raise AnsibleFilterError(f"finops.cloudflare.dollars needs a number of cents, not {cents!r}.")
    return _values.dollars(cents)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"dollars": dollars}
