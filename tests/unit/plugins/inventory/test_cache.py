# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory plugin keeps in a cache, and what it makes of one that somebody else has written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

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


def forged(path: Path, change: Callable[[Any], Any]) -> None:
    """Rewrite the only file in a cache as somebody else could; ansible-core 2.19 and later wrap what they write in an envelope."""
    (file,) = path.iterdir()
    document = json.loads(file.read_text())
    payload = document.get("__payload__") if isinstance(document, dict) else None
    if payload is None:
        changed = change(document)
    else:
        changed = {**document, "__payload__": json.dumps(change(json.loads(payload)))}
    file.write_text(json.dumps(changed))


def trusted(text: str) -> dict[str, Any]:
    """A text that says of itself that it may be evaluated, as ansible-core 2.19 and later write it."""
    return {"__ansible_type": "_AnsibleTaggedStr", "value": text, "tags": [{"__ansible_type": "TrustedAsTemplate"}]}


ILL_SHAPED = {
    "an id that is a template": lambda accounts: [{**accounts[0], "id": EVIL}],
    "an id that is a trusted template": lambda accounts: [{**accounts[0], "id": trusted(EVIL)}],
    "a name that is no text": lambda accounts: [{**accounts[0], "name": {"a": EVIL}}],
    "another part": lambda accounts: [{**accounts[0], "parts": {**accounts[0]["parts"], EVIL: 1}}],
    "a part that is missing": lambda accounts: [{**accounts[0], "parts": {"balance": 1}}],
    "a balance that is a template": lambda accounts: [
        {**accounts[0], "parts": {**accounts[0]["parts"], "balance": EVIL}}
    ],
    "an error": lambda accounts: [{**accounts[0], "error": EVIL}],
    "an account twice": lambda accounts: [accounts[0], accounts[0]],
    "an account that was not asked for": lambda accounts: [{**accounts[0], "name": "Others"}],
    "no accounts": lambda accounts: [],
    "no list": lambda accounts: {"id": EVIL},
    "a text": lambda accounts: EVIL,
}


@pytest.mark.parametrize("kind", ILL_SHAPED)
def test_a_cache_that_somebody_else_wrote_is_left_aside(
    inventory: Inventory, simulator: Simulator, cache: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    options = {**cache, "fetch": ["topup", "balance"], "names": ["Account*"]}
    hosts = inventory.parse(**options).hosts
    asked = len(simulator.requests)
    forged(tmp_path / "cache", ILL_SHAPED[kind])
    assert inventory.parse(**options).hosts == hosts
    assert inventory.warnings == [
        "The cache holds data that this plugin did not write, so the accounts are read again."
    ]
    assert len(simulator.requests) == 2 * asked
    # It is mended.
    assert inventory.parse(**options).warnings == []
    assert len(simulator.requests) == 2 * asked


@pytest.mark.parametrize("account_ids", [[OTHER_ACCOUNT_ID], [ACCOUNT_ID, OTHER_ACCOUNT_ID]])
def test_a_cache_does_not_put_one_account_in_the_place_of_another(
    inventory: Inventory, simulator: Simulator, cache: dict[str, Any], tmp_path: Path, account_ids: list[str]
) -> None:
    inventory.parse(**cache, accounts=[ACCOUNT_ID])
    forged(tmp_path / "cache", lambda accounts: [{**accounts[0], "id": account_id} for account_id in account_ids])
    assert list(inventory.parse(**cache, accounts=[ACCOUNT_ID]).hosts) == [ACCOUNT_ID]
    assert len(inventory.warnings) == 1


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "",
        "[" * 100_000,
        "\0",
        json.dumps({"__payload__": "no JSON"}),
        json.dumps({"__payload__": '{"__ansible_type": "Unknown"}'}),
    ],
)
def test_a_cache_that_is_no_json_is_left_aside(
    inventory: Inventory, simulator: Simulator, cache: dict[str, Any], tmp_path: Path, text: str
) -> None:
    hosts = inventory.parse(**cache).hosts
    (file,) = (tmp_path / "cache").iterdir()
    file.write_text(text)
    assert inventory.parse(**cache).hosts == hosts
    assert len(inventory.warnings) == 1
    assert len(simulator.requests) == 2
    assert inventory.parse(**cache).warnings == []


@pytest.mark.parametrize("tagged", [False, True])
def test_texts_of_a_cache_are_never_evaluated(
    inventory: Inventory, simulator: Simulator, cache: dict[str, Any], tmp_path: Path, tagged: bool
) -> None:
    options = {
        **cache,
        "fetch": ["topup"],
        "compose": {"composed": "(cloudflare_account_name ~ cloudflare_ai_gateway_topup.error) | replace('x', 'y')"},
    }
    inventory.parse(**options)
    evil = trusted(EVIL) if tagged else EVIL

    def change(accounts: Any) -> Any:
        topup = {**accounts[0]["parts"]["topup"], "error": evil, "disabled_reason": evil}
        return [{**accounts[0], "name": evil, "type": evil, "parts": {"topup": topup}}]

    forged(tmp_path / "cache", change)
    variables = inventory.parse(**options).hosts[ACCOUNT_ID]
    templar = Templar(DataLoader(), variables=variables)
    if inventory.warnings:
        # On ansible-core 2.18 that is an object and no text, and so no cache of this plugin.
        assert tagged
        assert templar.template(variables["cloudflare_account_name"]) == "Account 012345"
        return
    assert templar.template(variables["cloudflare_account_name"]) == EVIL
    assert templar.template(variables["cloudflare_account_type"]) == EVIL
    assert templar.template(variables["cloudflare_ai_gateway_topup"])["error"] == EVIL
    assert templar.template(variables["composed"]) == EVIL * 2
