# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.inventory.data import InventoryData
from ansible_collections.finops.cloudflare.plugins.module_utils._api import UserError
from ansible_collections.finops.cloudflare.plugins.plugin_utils import _names
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, OTHER_ACCOUNT_ID
from hypothesis import given
from hypothesis import strategies as st


def inventory_of(
    hosts: dict[str, dict[str, Any]] | None = None, groups: tuple[str, ...] = (), accounts: dict[str, str] | None = None
) -> InventoryData:
    """Hosts and groups of elsewhere, and hosts of accounts with their ids."""
    inventory = InventoryData()
    for group in (*groups, "cloudflare_accounts"):
        inventory.add_group(group)
    for name, variables in (hosts or {}).items():
        inventory.add_host(name)
        for variable, value in variables.items():
            inventory.set_variable(name, variable, value)
    for name, account_id in (accounts or {}).items():
        inventory.add_host(name, "cloudflare_accounts")
        inventory.set_variable(name, "cloudflare_account_id", account_id)
    return inventory


def names(inventory: InventoryData, written: tuple[str, ...] = (), **wanted: str) -> tuple[list[str], list[str]]:
    ids = {"one": ACCOUNT_ID, "two": OTHER_ACCOUNT_ID}
    hosts = _names.host_names(inventory, list(ids.values()), {ids[key]: name for key, name in wanted.items()}, written)
    return [hosts.names[account_id] for account_id in ids.values()], hosts.refused


def test_without_a_name_the_id_is_taken() -> None:
    assert names(inventory_of()) == ([ACCOUNT_ID, OTHER_ACCOUNT_ID], [])
    assert names(inventory_of(), one="cf_a") == (["cf_a", OTHER_ACCOUNT_ID], [])


@pytest.mark.parametrize("inventory", [{"hosts": {"CF_a": {}}}, {"groups": ("cf_a",)}], ids=["host", "group"])
def test_a_name_that_others_have_is_not_taken(inventory: dict[str, Any]) -> None:
    assert names(inventory_of(**inventory), one="cf_a", two="cf_b") == ([ACCOUNT_ID, "cf_b"], ["cf_a"])


def test_a_name_of_a_group_that_is_made_later_is_not_taken() -> None:
    found = names(inventory_of(), ("cf_low",), one="cf_low", two="cloudflare_accounts")
    assert found == ([ACCOUNT_ID, OTHER_ACCOUNT_ID], ["cf_low", "cloudflare_accounts"])


def test_an_account_is_one_host_whatever_its_sources_call_it() -> None:
    known = inventory_of(accounts={"cf_a": ACCOUNT_ID, OTHER_ACCOUNT_ID: OTHER_ACCOUNT_ID})
    assert names(known) == (["cf_a", OTHER_ACCOUNT_ID], [])
    assert names(known, one="cf_a", two="cf_b") == (["cf_a", OTHER_ACCOUNT_ID], [])


def test_another_account_of_that_name_is_another_host() -> None:
    renamed = inventory_of(accounts={"cf_a": ACCOUNT_ID})
    assert names(renamed, one="cf_b", two="cf_a") == (["cf_a", OTHER_ACCOUNT_ID], ["cf_a"])
    assert names(inventory_of(accounts={"cf_a": "e" * 32}), one="cf_a") == ([ACCOUNT_ID, OTHER_ACCOUNT_ID], ["cf_a"])


def test_what_is_said_to_be_an_account_but_has_no_id_is_none() -> None:
    odd = inventory_of(accounts={"cf_a": ["no id"]})  # type: ignore[dict-item]
    assert names(odd, one="cf_a") == ([ACCOUNT_ID, OTHER_ACCOUNT_ID], ["cf_a"])


@pytest.mark.parametrize("variables", [{}, {"team": "a"}, {"ansible_connection": "local", "ansible_host": "x"}])
def test_an_id_that_is_written_elsewhere_is_the_account(variables: dict[str, Any]) -> None:
    assert names(inventory_of({ACCOUNT_ID: variables})) == ([ACCOUNT_ID, OTHER_ACCOUNT_ID], [])


@pytest.mark.parametrize(
    "variables",
    [
        {"ansible_host": "10.0.0.1"},
        {"ansible_connection": "ssh"},
        {"ansible_ssh_host": "x"},
        {"cloudflare_account_id": OTHER_ACCOUNT_ID},
    ],
)
def test_an_id_that_is_a_machine_elsewhere_is_refused(variables: dict[str, Any]) -> None:
    with pytest.raises(
        UserError, match=f"is named like the account {ACCOUNT_ID} but is not .* would run on the controller"
    ):
        names(inventory_of({ACCOUNT_ID: variables}))


def test_an_id_that_is_a_group_is_refused() -> None:
    with pytest.raises(UserError, match=f"A group of another inventory is named like the account {OTHER_ACCOUNT_ID}"):
        names(inventory_of(groups=(OTHER_ACCOUNT_ID,)))


KNOWN = st.sampled_from(["cf_a", "cf_b", "cf_C", "web01", "prod"])


@given(st.sets(KNOWN), st.sets(KNOWN), st.permutations(["cf_a", "cf_b", "cf_c"]))
def test_no_account_gets_a_name_that_is_known(hosts: set[str], groups: set[str], wanted: list[str]) -> None:
    inventory = inventory_of({name: {} for name in hosts}, tuple(groups))
    found, refused = names(inventory, one=wanted[0], two=wanted[1])
    known = {name.lower() for name in hosts | groups}
    assert not known & {name.lower() for name in found}
    assert found == [
        account_id if name in refused else name for name, account_id in zip(wanted[:2], (ACCOUNT_ID, OTHER_ACCOUNT_ID))
    ]
    assert set(refused) == {name for name in wanted[:2] if name in known}


@pytest.mark.parametrize(
    "entry",
    [
        {"prefix": "type"},
        {"prefix": "type", "separator": "-"},
        {"prefix": "type_", "separator": ""},
        {"prefix": "Account-type.", "separator": "", "parent_group": "account_types"},
        {"prefix": "type", "parent_group": None},
        {"prefix": "type", "default_value": "none"},
    ],
)
def test_groups_by_value_that_have_a_realm_of_their_own(entry: dict[str, Any]) -> None:
    parent = entry.get("parent_group")
    assert _names.check_groups({"low": "true"}, [{"key": "x", **entry}]) == {"low", *([parent] if parent else [])}


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"prefix": ""},
        {"prefix": None},
        {"prefix": "", "separator": ""},
        {"prefix": "", "separator": "type_"},
        {"prefix": "pr", "separator": ""},
        {"prefix": "_"},
        {"prefix": "1"},
        {"prefix": "-"},
    ],
)
def test_groups_by_value_that_could_have_any_name(entry: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="Entry 2 of keyed_groups needs a prefix"):
        _names.check_groups({}, [{"key": "x", "prefix": "ok"}, {"key": "x", **entry}])


@pytest.mark.parametrize("parent", ["{{ cloudflare_account_name }}", "a b", "1st", "a-b", ["x"]])
def test_a_parent_is_no_template(parent: object) -> None:
    with pytest.raises(UserError, match="parent_group in entry 1 of keyed_groups is not a group name"):
        _names.check_groups({}, [{"key": "x", "prefix": "ok", "parent_group": parent}])


@pytest.mark.parametrize(
    ("groups", "parent", "sentence"),
    [
        ({"all": "true"}, None, "contains a group named all, which has a special meaning"),
        ({"Ungrouped": "true"}, None, "contains a group named Ungrouped, which has a special meaning"),
        ({"localhost": "true"}, None, "contains a group named localhost, which has"),
        ({}, "all", "contains a group named all, which has a special meaning"),
        (
            {"type low": "true"},
            None,
            "contains a group named type_low, and an entry of keyed_groups could create the same",
        ),
        ({}, "TYPE_low", "contains a group named TYPE_low, and an entry of keyed_groups could create the same"),
    ],
)
def test_names_that_a_user_may_not_write(groups: dict[str, str], parent: str | None, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        _names.check_groups(groups, [{"key": "x", "prefix": "type", "parent_group": parent}])


@pytest.mark.parametrize(("groups", "keyed"), [(None, None), ([], {}), ("x", "x"), ({}, ["no entry", None])])
def test_what_are_no_groups_is_left_to_ansible(groups: object, keyed: object) -> None:
    assert _names.check_groups(groups, keyed) == set()


def test_no_group_is_called_like_a_host() -> None:
    _names.check_written({"low", "prod"}, ["web01"])
    with pytest.raises(UserError, match="A host is named WEB01, like a group of this inventory"):
        _names.check_written({"web01"}, ["WEB01"])
    with pytest.raises(UserError, match="A host is named cloudflare_accounts, like a group"):
        _names.check_written(set(), ["cloudflare_accounts"])


def draft_of(host: str, *groups: str, parent: str | None = None) -> InventoryData:
    draft = InventoryData()
    draft.add_host(host)
    for group in groups:
        draft.add_host(host, draft.add_group(group))
        if parent:
            draft.add_child(draft.add_group(parent), group)
    return draft


def test_groups_of_elsewhere_get_no_host_and_those_of_another_source_do() -> None:
    inventory = inventory_of({"type_host": {}}, ("type_prod",), {"a": ACCOUNT_ID, "b": OTHER_ACCOUNT_ID})
    first = _names.KeyedGroups(inventory, {"type_low"})
    first.add("a", draft_of("a", "type_x", "type_prod", "type_host", "Type_Low", parent="types"))
    assert list(first.refused) == ["type_prod", "type_host", "Type_Low"]
    second = _names.KeyedGroups(inventory, set())
    second.add("b", draft_of("b", "type_x"))
    assert list(second.refused) == []
    assert [host.name for host in inventory.groups["type_x"].hosts] == ["a", "b"]
    assert [group.name for group in inventory.groups["types"].child_groups] == ["type_x"]
    assert inventory.groups["type_prod"].hosts == []
    assert "Type_Low" not in inventory.groups
