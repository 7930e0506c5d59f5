# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.finops.cloudflare.plugins.filter.dollars import FilterModule

dollars = FilterModule().filters()["dollars"]


@pytest.mark.parametrize(
    ("cents", "shown"),
    [(0, "$0.00"), (-0.25, "$0.00"), (5, "$0.05"), (123456.25, "$1,234.56"), (-310.25, "-$3.10"), (5000.0, "$50.00")],
)
def test_cents_are_written_as_dollars(cents: float, shown: str) -> None:
    assert dollars(cents) == shown


@pytest.mark.parametrize("wrong", [None, "5000", True, [], math.nan, math.inf])
def test_what_is_no_amount_is_refused(wrong: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="needs a number of cents, not "):
        dollars(wrong)


def test_text_is_refused_with_a_way_out() -> None:
    with pytest.raises(AnsibleFilterError, match=r"not '5000'\. Use the filter int or float first\.$"):
        dollars("5000")
    with pytest.raises(AnsibleFilterError, match=r"not None\.$"):
        dollars(None)
