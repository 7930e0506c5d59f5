# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts and groups of an inventory are called, so that who names an account reaches no other host or group.

A name that a user writes is the user's choice. One that holds a value of Cloudflare begins with what a user wrote, and is not
that of a host or group that is known from elsewhere. This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import re
from typing import Any, Collection, Mapping, NamedTuple, Sequence
from weakref import WeakSet

from ansible.inventory.data import InventoryData
from ansible.plugins.inventory import to_safe_group_name
from ansible_collections.finops.cloudflare.plugins.module_utils._accounts import GROUP
from ansible_collections.finops.cloudflare.plugins.module_utils._api import UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._values import is_account_id

_BUILT_IN = frozenset({"all", "ungrouped", "localhost"})

# Two sources may group accounts by the same values. A group belongs to one inventory, and is one object all of its life.
_KEYED: WeakSet[Any] = WeakSet()


class Hosts(NamedTuple):
    """What the accounts are called, by their ids."""

    names: dict[str, str]
    refused: list[str]
    """The names that others have."""


def host_names(
    inventory: InventoryData, ids: Sequence[str], wanted: Mapping[str, str], written: Collection[str]
) -> Hosts:
    """What the accounts with these ids are called: as they are already, as is wanted, or else by their ids.

    C(written) are groups that are made later. Raises L(UserError).
    """
    known = _known_accounts(inventory)
    taken = {name.lower() for name in (*inventory.hosts, *inventory.groups, *written, GROUP)}
    names: dict[str, str] = {}
    refused = []
    for account_id in ids:
        name = known.get(account_id) or wanted.get(account_id, account_id)
        if account_id in wanted and account_id not in known and name.lower() in taken:
            refused.append(name)
            name = account_id
        if name in inventory.groups:
            raise UserError(f"A group of another inventory is called like the account {name}: rename that group.")
        if name in inventory.hosts and _is_something_else(inventory.hosts[name].vars, account_id):
            raise UserError(
                f"A host of another inventory is called like the account {name}, and is not meant to be it, as it has an address, a "
                "connection or an account of its own: its tasks would run on the controller. Rename that host."
            )
        names[account_id] = name
    return Hosts(names, refused)


def _known_accounts(inventory: InventoryData) -> dict[str, str]:
    """The hosts that another source of this plugin has made, or that a user has declared to be the same, by their ids."""
    group = inventory.groups.get(GROUP)
    hosts = [(host.vars.get("cloudflare_account_id"), host.name) for host in group.get_hosts()] if group else []
    return {account_id: name for account_id, name in hosts if is_account_id(account_id)}


def _is_something_else(variables: Mapping[str, Any], account_id: str) -> bool:
    """Whether a host cannot be what a user wrote to give this account groups and variables, which may well have been."""
    if variables.get("cloudflare_account_id", account_id) != account_id:
        return True
    if "ansible_connection" in variables:
        return variables["ansible_connection"] != "local"
    return "ansible_host" in variables or "ansible_ssh_host" in variables


def check_groups(groups: Any, keyed_groups: Any) -> set[str]:
    """The names of groups that a user wrote into the options. Raises L(UserError) for what must not be the name of a group."""
    written = {to_safe_group_name(str(name)) for name in groups} if isinstance(groups, Mapping) else set()
    beginnings = []
    for position, entry in enumerate(keyed_groups if isinstance(keyed_groups, list) else [], 1):
        # What is no entry at all is refused by ansible-core.
        if isinstance(entry, Mapping):
            beginnings.append(_beginning(position, entry))
            written.update(_parents(position, entry))
    for name in sorted(written):
        if name.lower() in _BUILT_IN:
            raise UserError(f"groups or keyed_groups names a group {name}, which has a meaning of its own: rename it.")
        if name.lower().startswith(tuple(beginnings)):
            raise UserError(
                f"groups or keyed_groups names a group {name}, as an entry of keyed_groups could by a value: rename it, or "
                "give that entry another prefix."
            )
    return written


def _beginning(position: int, entry: Mapping[str, Any]) -> str:
    beginning = to_safe_group_name(f"{entry.get('prefix', '')}{entry.get('separator', '_')}")
    if not entry.get("prefix") or not re.fullmatch(r"[A-Za-z]\w*_", beginning):
        raise UserError(
            f"Entry {position} of keyed_groups needs a prefix that begins with a letter, and ends in an underscore if its "
            "separator is empty: a name that is only a value, such as prod, could be that of a group of another inventory. "
            "Names that you choose yourself can stand in groups."
        )
    return beginning.lower()


def _parents(position: int, entry: Mapping[str, Any]) -> list[str]:
    parent = entry.get("parent_group")
    if not parent:
        return []
    if not re.fullmatch(r"[^\W\d]\w*", str(parent)):
        raise UserError(
            f"parent_group in entry {position} of keyed_groups is not the name of a group: write letters, digits and "
            "underscores, and no template."
        )
    return [str(parent)]


def check_written(written: Collection[str], hosts: Collection[str]) -> None:
    """Raises L(UserError) where a group would be called like one of the hosts."""
    hosts_by_name = {name.lower(): name for name in hosts}
    for name in sorted({*written, GROUP}):
        if name.lower() in hosts_by_name:
            raise UserError(
                f"A host is called {hosts_by_name[name.lower()]}, like a group of this inventory: rename one of them."
            )


class KeyedGroups:
    """The groups that get their names from values: adds hosts to them, and keeps the names that are refused."""

    def __init__(self, inventory: InventoryData, written: Collection[str]) -> None:
        self._inventory = inventory
        others = (name for name, group in inventory.groups.items() if group not in _KEYED)
        self._taken = {name.lower() for name in (*inventory.hosts, *others, *written)}
        self.refused: dict[str, None] = {}

    def add(self, host: str, draft: InventoryData) -> None:
        """Add the host to the groups that it has in C(draft), where it is alone, with their parents."""
        for group in draft.groups.values():
            if not group.hosts:
                continue
            if group.name.lower() in self._taken:
                self.refused[group.name] = None
                continue
            name = self._inventory.add_group(group.name)
            _KEYED.add(self._inventory.groups[name])
            self._inventory.add_host(host, name)
            for parent in group.parent_groups:
                self._inventory.add_child(self._inventory.add_group(parent.name), name)
