# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory plugin keeps in a cache, and what it makes of one that somebody else has written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.finops.cloudflare.tests.simulator.simulator import (
    ACCOUNT_ID,
    OTHER_ACCOUNT_ID,
    POWERLESS_TOKEN,
    SECRETS,
    Simulator,
)
from ansible_collections.finops.cloudflare.tests.unit.plugins.inventories import EVIL, Inventory


def test_the_cache_saves_every_request(
    inventory: Inventory, simulator: Simulator, cache: dict[str, Any], tmp_path: Path
) -> None:
    simulator.set_account(ACCOUNT_ID, name=EVIL)
    options = {**cache, "fetch": ["balance"]}
    first = inventory.parse(**options).hosts
    asked = len(simulator.requests)
    assert asked == 3
    again = inventory.parse(**options).hosts
    assert again == first
    variables = again[ACCOUNT_ID]
    assert Templar(DataLoader(), variables=variables).template(variables["cloudflare_account_name"]) == EVIL
    assert len(simulator.requests) == asked
    (file,) = (tmp_path / "cache").iterdir()
    assert [secret for secret in SECRETS if secret in file.name + file.read_text()] == []
    # How the hosts are called and grouped is decided anew each time.
    assert "cloudflare_Account_fedcba" in inventory.parse(**options, hostname="name").hosts
    assert len(simulator.requests) == asked


def test_a_fresh_inventory_is_written_to_the_cache(
    inventory: Inventory, simulator: Simulator, cache: dict[str, Any]
) -> None:
    inventory.parse(**cache)
    simulator.set_account(ACCOUNT_ID, name="New")
    assert inventory.parse(**cache).hosts[ACCOUNT_ID]["cloudflare_account_name"] == "Account 012345"
    assert inventory.parse(fresh=True, **cache).hosts[ACCOUNT_ID]["cloudflare_account_name"] == "New"
    assert inventory.parse(**cache).hosts[ACCOUNT_ID]["cloudflare_account_name"] == "New"
    assert len(simulator.requests) == 2


@pytest.mark.parametrize(
    "change",
    [{"fetch": ["topup"]}, {"names": ["*"]}, {"accounts": [ACCOUNT_ID]}, {"api_token": POWERLESS_TOKEN}],
    ids=lambda change: next(iter(change)),
)
def test_what_decides_about_the_result_has_its_own_cache(
    inventory: Inventory, simulator: Simulator, cache: dict[str, Any], tmp_path: Path, change: dict[str, Any]
) -> None:
    inventory.parse(**cache)
    inventory.parse(**cache, **change)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_each_api_has_its_own_cache(inventory: Inventory, simulator: Simulator, cache: dict[str, Any]) -> None:
    inventory.parse(**cache)
    with Simulator() as other:
        other.set_account(ACCOUNT_ID, reachable=False)
        assert list(inventory.parse(**cache, api_url=other.api_url).hosts) == [OTHER_ACCOUNT_ID]


def test_a_failure_is_not_cached(
    inventory: Inventory, simulator: Simulator, cache: dict[str, Any], tmp_path: Path
) -> None:
    options = {**cache, "fetch": ["topup"]}
    simulator.add_fault(fault="status", path="topup/config", status=403)
    assert len(inventory.parse(**options).warnings) == 1
    simulator.settings["accounts"] = "hidden"
    assert len(inventory.parse(**options).warnings) == 1
    assert not (tmp_path / "cache").exists() or list((tmp_path / "cache").iterdir()) == []
    simulator.settings["accounts"] = "listed"
    assert inventory.parse(**options).warnings == []


def test_a_name_that_nobody_has_is_told_from_the_cache_too(
    inventory: Inventory, simulator: Simulator, cache: dict[str, Any]
) -> None:
    for _attempt in range(2):
        assert len(inventory.parse(**cache, names=["Nobody", "Account*"]).warnings) == 1
    assert len(simulator.requests) == 1
