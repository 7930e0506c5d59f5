# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who names an account reaches no host and no group of another inventory, whichever of them is read first."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, OTHER_ACCOUNT_ID, Simulator
from ansible_collections.finops.cloudflare.tests.unit.plugins.inventories import Inventory

MACHINE = {"ansible_host": "10.0.0.1"}


def add_others(inventory: Inventory, *hosts: str, group: str = "prod") -> None:
    """What a file of another inventory would add."""
    inventory.data.add_group(group)
    for host in hosts:
        inventory.data.add_host(host, group)
        inventory.data.set_variable(host, "ansible_host", MACHINE["ansible_host"])


def own(variables: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if not name.startswith("inventory_")}


@pytest.mark.parametrize("others_first", [True, False])
def test_accounts_that_are_called_like_other_hosts_and_groups(
    inventory: Inventory, simulator: Simulator, others_first: bool
) -> None:
    simulator.set_account(ACCOUNT_ID, name="web01")
    simulator.set_account(OTHER_ACCOUNT_ID, name="prod")
    if others_first:
        add_others(inventory, "web01")
    inventory.parse_more(hostname="name")
    if not others_first:
        add_others(inventory, "web01")
    inventory.data.reconcile_inventory()
    assert set(inventory.hosts) == {"web01", "cloudflare_web01", "cloudflare_prod"}
    assert own(inventory.hosts["web01"]) == MACHINE
    assert inventory.data.groups["prod"].vars == {}
    assert inventory.groups == {"prod": ["web01"], "cloudflare_accounts": ["cloudflare_web01", "cloudflare_prod"]}
    assert inventory.warnings == []


def test_a_name_that_is_known_all_the_same_is_not_taken(inventory: Inventory, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, name="web01")
    simulator.set_account(OTHER_ACCOUNT_ID, name="prod")
    add_others(inventory, "cloudflare_web01", group="cloudflare_prod")
    inventory.parse_more(hostname="name", strict=True)
    assert set(inventory.hosts) == {"cloudflare_web01", ACCOUNT_ID, OTHER_ACCOUNT_ID}
    assert own(inventory.hosts["cloudflare_web01"]) == MACHINE
    assert inventory.data.groups["cloudflare_prod"].vars == {}
    assert inventory.warnings == [
        "These names belong to other hosts or groups, so the accounts are named by their IDs: cloudflare_web01, cloudflare_prod."
    ]


def test_an_account_is_not_called_like_a_group_of_its_own_inventory(inventory: Inventory, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, name="accounts")
    simulator.set_account(OTHER_ACCOUNT_ID, name="low")
    inventory.parse(hostname="name", groups={"cloudflare_low": "true"})
    assert inventory.groups == {
        "cloudflare_accounts": [ACCOUNT_ID, OTHER_ACCOUNT_ID],
        "cloudflare_low": [ACCOUNT_ID, OTHER_ACCOUNT_ID],
    }


@pytest.mark.parametrize("hostname", ["id", "name"])
def test_two_sources_that_see_the_same_accounts(inventory: Inventory, simulator: Simulator, hostname: str) -> None:
    keyed = [{"key": "cloudflare_account_type", "prefix": "type", "parent_group": "types"}]
    inventory.parse(hostname="name", names=["Account 01*"])
    inventory.parse_more(hostname=hostname, keyed_groups=keyed, groups={"every": "true"})
    other = OTHER_ACCOUNT_ID if hostname == "id" else "cloudflare_Account_fedcba"
    hosts = ["cloudflare_Account_012345", other]
    inventory.parse_more(hostname=hostname, keyed_groups=keyed, groups={"every": "true"})
    assert inventory.groups == {"cloudflare_accounts": hosts, "type_standard": hosts, "every": hosts}
    assert inventory.warnings == []


def test_an_id_of_another_inventory_is_the_account_unless_it_is_a_machine(inventory: Inventory) -> None:
    inventory.data.add_group("gold")
    inventory.data.add_host(ACCOUNT_ID, "gold")
    assert inventory.parse_more().groups == {
        "gold": [ACCOUNT_ID],
        "cloudflare_accounts": [ACCOUNT_ID, OTHER_ACCOUNT_ID],
    }
    assert inventory.parse_more().warnings == []


def test_an_id_that_is_a_machine_fails(inventory: Inventory) -> None:
    add_others(inventory, OTHER_ACCOUNT_ID)
    assert f"is named like the account {OTHER_ACCOUNT_ID}" in inventory.failure_after()


@pytest.mark.parametrize("others_first", [True, False])
def test_groups_by_value_are_no_groups_of_others(
    inventory: Inventory, simulator: Simulator, others_first: bool
) -> None:
    simulator.set_account(ACCOUNT_ID, name="prod")
    simulator.set_account(OTHER_ACCOUNT_ID, name="ungrouped")
    keyed = [
        {"key": "cloudflare_account_name", "prefix": "name"},
        {"key": "cloudflare_account_name", "prefix": "type_", "separator": ""},
        {"key": "{'name': cloudflare_account_name}", "prefix": "by"},
        {"key": "[cloudflare_account_name]", "prefix": "list", "parent_group": "named"},
    ]
    if others_first:
        add_others(inventory, "web01")
    inventory.parse_more(keyed_groups=keyed)
    if not others_first:
        add_others(inventory, "web01")
    assert inventory.groups == {
        "prod": ["web01"],
        "cloudflare_accounts": [ACCOUNT_ID, OTHER_ACCOUNT_ID],
        **{name: [ACCOUNT_ID] for name in ("name_prod", "type_prod", "by_name_prod", "list_prod")},
        **{
            name: [OTHER_ACCOUNT_ID]
            for name in ("name_ungrouped", "type_ungrouped", "by_name_ungrouped", "list_ungrouped")
        },
    }
    assert [group.name for group in inventory.data.groups["named"].child_groups] == ["list_prod", "list_ungrouped"]
    assert inventory.warnings == []


def test_a_group_by_value_that_is_known_all_the_same_gets_no_host(inventory: Inventory, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, name="prod")
    simulator.set_account(OTHER_ACCOUNT_ID, name="web01")
    keyed = [{"key": "cloudflare_account_name", "prefix": "name"}]
    add_others(inventory, "name_web01", group="name_prod")
    inventory.parse_more(keyed_groups=keyed)
    assert inventory.groups == {
        "name_prod": ["name_web01"],
        "cloudflare_accounts": [ACCOUNT_ID, OTHER_ACCOUNT_ID],
    }
    (warning,) = inventory.warnings
    assert "they come from another inventory or are named like hosts: name_prod, name_web01." in warning


def test_where_it_is_strict_such_a_group_fails_and_no_host_is_made(inventory: Inventory, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, name="prod")
    add_others(inventory, "web01", group="name_prod")
    keyed = [{"key": "cloudflare_account_name", "prefix": "name"}]
    assert "come from another inventory" in inventory.failure_after(keyed_groups=keyed, strict=True)
    with pytest.raises(AnsibleError, match="Could not set broken"):
        inventory.parse_more(compose={"broken": "no_such_variable"}, strict=True)
    assert list(inventory.hosts) == ["web01"]


def test_groups_that_a_user_names_are_the_users_choice(inventory: Inventory) -> None:
    add_others(inventory, "web01")
    inventory.parse_more(groups={"prod": f"cloudflare_account_id == '{ACCOUNT_ID}'"})
    assert inventory.groups["prod"] == ["web01", ACCOUNT_ID]
    assert inventory.warnings == []
    assert "A host is named web01, like a group" in inventory.failure_after(groups={"web01": "true"})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hostname_prefix": ""}, "It must begin with a letter, contain only letters, digits"),
        ({"hostname_prefix": "web"}, "It must begin with a letter, contain only letters, digits"),
        ({"hostname_prefix": "{{ 1 }}_"}, "It must begin with a letter, contain only letters, digits"),
        (
            {"keyed_groups": [{"key": "cloudflare_account_name", "separator": ""}]},
            "Entry 1 of keyed_groups needs a prefix",
        ),
        (
            {"keyed_groups": [{"key": "cloudflare_account_name"}], "leading_separator": False},
            "Entry 1 of keyed_groups needs a prefix",
        ),
        ({"groups": {"all": "true"}}, "contains a group named all"),
    ],
)
def test_what_protects_nobody_is_refused_before_any_request(
    inventory: Inventory, simulator: Simulator, options: dict[str, Any], sentence: str
) -> None:
    assert sentence in inventory.failure(**options)
    assert simulator.requests == []
