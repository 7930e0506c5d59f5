# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.filter.ai_gateway_report_refusal import FilterModule
from ansible_collections.finops.cloudflare.plugins.module_utils._api import UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._funding import check_floor

ID, OTHER = "0123456789abcdef0123456789abcdef", "a" * 32
NO_NUMBER = "Set it to a whole number of cents, for example 1000 for $10.00."

refusal = FilterModule().filters()["ai_gateway_report_refusal"]


@pytest.mark.parametrize("floor", [None, 0, 500, 1000, 10**9])
def test_a_floor_that_can_be_meant(floor: int | None) -> None:
    assert refusal([OTHER, {"id": ID, "name": "Team", "minimum_balance": floor}]) == ""
    assert refusal([{"id": ID}]) == refusal([]) == ""


def test_each_account_needs_an_id_of_its_own() -> None:
    assert refusal([OTHER, {"id": int("1" * 32)}, {"name": "Team", "id": ID.upper()}]) == ""
    no_id = "Entry {} of accounts is not a Cloudflare account ID, 32 hexadecimal characters (0-9, a-f)."
    for wrong in ("", "a" * 31, "g" * 32, f"{ID}\n", None, 5, True, [ID]):
        assert refusal([OTHER, wrong]).startswith(no_id.format(2))
    assert refusal([{"id": "secret"}, OTHER]).startswith(no_id.format(1))
    assert "secret" not in refusal([{"id": "secret"}])
    for nameless in ({}, {"account_id": ID}, {"id": None}):
        assert refusal([OTHER, ID, nameless]) == "Entry 3 of accounts has no id. Set its id to the account ID."
    for same in (ID, ID.upper(), {"id": ID}):
        assert refusal([ID, OTHER, same]) == "Entries 1 and 3 of accounts have the same ID. Remove one of them."


@pytest.mark.parametrize("floor", [1, 10, 499, -5, -1000])
def test_the_rules_are_those_of_the_module(floor: int) -> None:
    with pytest.raises(UserError) as refused:
        check_floor("minimum_balance", floor)
    assert refusal([OTHER, {"id": ID, "minimum_balance": floor}]) == f"Account {ID}: {refused.value}"
    assert "in cents" in str(refused.value)


@pytest.mark.parametrize(
    ("floor", "shown"),
    [
        (True, "True"),
        (False, "False"),
        ("1000", '"1000"'),
        ("", '""'),
        ("line\nbreak", '"line\\nbreak"'),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (1000.5, "1000.5"),
        ([], "[]"),
        ({"a": 1}, "{'a': 1}"),
        ("x" * 10**6, '"' + "x" * 40 + '"'),
    ],
)
def test_what_is_no_whole_number_is_refused(floor: Any, shown: str) -> None:
    assert refusal([{"id": ID, "minimum_balance": floor}]) == f"Account {ID}: minimum_balance is {shown}. {NO_NUMBER}"
