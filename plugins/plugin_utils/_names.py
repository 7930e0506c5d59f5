# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of the hosts and groups of an inventory. Nobody can reach another host or group by naming an account like it.

A name that a user writes is the user's choice. A name that contains a value from Cloudflare begins with a prefix that the
user wrote, and never equals a host or group from elsewhere. This file is private to the collection and can change in any release.
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

# Two sources may group accounts by the same values. A group belongs to one inventory and stays one object.
_KEYED: WeakSet[Any] = WeakSet()


class Hosts(NamedTuple):
    """The host names of the accounts."""

    names: dict[str, str]
    """By account ID."""
    refused: list[str]
    """The wanted names that belong to others."""


def host_names(
    inventory: InventoryData, ids: Sequence[str], wanted: Mapping[str, str], written: Collection[str]
) -> Hosts:
    """The host names of these accounts: an existing name, otherwise the wanted name, otherwise the ID.

    `written` holds groups that are created later. Raises `UserError`.
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
            raise UserError(f"A group of another inventory is named like the account {name}. Rename that group.")
        if name in inventory.hosts and _is_something_else(inventory.hosts[name].vars, account_id):
            raise UserError(
                f"A host of another inventory is named like the account {name} but is not that account, because it has its own "
                "address, connection, or account. Its tasks would run on the controller. Rename that host."
            )
        names[account_id] = name
    return Hosts(names, refused)


def _known_accounts(inventory: InventoryData) -> dict[str, str]:
    """By account ID, the hosts that another source of this plugin has made or that a user has declared to be accounts."""
    group = inventory.groups.get(GROUP)
    hosts = [(host.vars.get("cloudflare_account_id"), host.name) for host in group.get_hosts()] if group else []
    return {account_id: name for account_id, name in hosts if is_account_id(account_id)}


def _is_something_else(variables: Mapping[str, Any], account_id: str) -> bool:
    """Whether a host is not this account. A user may have written it to give the account groups and variables."""
    if variables.get("cloudflare_account_id", account_id) != account_id:
        return True
    if "ansible_connection" in variables:
        return variables["ansible_connection"] != "local"
    return "ansible_host" in variables or "ansible_ssh_host" in variables


def check_groups(groups: Any, keyed_groups: Any) -> set[str]:
    """The group names that a user wrote into the options. Raises `UserError` for names that are not allowed."""
    written = {to_safe_group_name(str(name)) for name in groups} if isinstance(groups, Mapping) else set()
    beginnings = []
    for position, entry in enumerate(keyed_groups if isinstance(keyed_groups, list) else [], 1):
        # ansible-core refuses what is not an entry at all.
        if isinstance(entry, Mapping):
            beginnings.append(_beginning(position, entry))
            written.update(_parents(position, entry))
    for name in sorted(written):
        if name.lower() in _BUILT_IN:
            raise UserError(
                f"groups or keyed_groups contains a group named {name}, which has a special meaning. Rename it."
            )
        if name.lower().startswith(tuple(beginnings)):
            raise UserError(
                f"groups or keyed_groups contains a group named {name}, and an entry of keyed_groups could create the same name "
                "from a value. Rename the group, or give that entry another prefix."
            )
    return written


def _beginning(position: int, entry: Mapping[str, Any]) -> str:
    beginning = to_safe_group_name(f"{entry.get('prefix', '')}{entry.get('separator', '_')}")
    if not entry.get("prefix") or not re.fullmatch(r"[A-Za-z]\w*_", beginning):
        raise UserError(
            f"Entry {position} of keyed_groups needs a prefix that begins with a letter and, if its separator is empty, ends in an "
            "underscore. A name that is only a value, for example prod, could be that of a group of another inventory. Put names "
            "that you choose yourself in groups."
        )
    return beginning.lower()


def _parents(position: int, entry: Mapping[str, Any]) -> list[str]:
    parent = entry.get("parent_group")
    if not parent:
        return []
    if not re.fullmatch(r"[^\W\d]\w*", str(parent)):
        raise UserError(
            f"parent_group in entry {position} of keyed_groups is not a group name. Use letters, digits and underscores, and no "
            "template."
        )
    return [str(parent)]


def check_written(written: Collection[str], hosts: Collection[str]) -> None:
    """Raises `UserError` if a group would have the name of a host."""
    hosts_by_name = {name.lower(): name for name in hosts}
    for name in sorted({*written, GROUP}):
        if name.lower() in hosts_by_name:
            raise UserError(
                f"A host is named {hosts_by_name[name.lower()]}, like a group of this inventory. Rename one of them."
            )


class KeyedGroups:
    """The groups that are named after values. Adds hosts to them and remembers the refused names."""

    def __init__(self, inventory: InventoryData, written: Collection[str]) -> None:
        self._inventory = inventory
        others = (name for name, group in inventory.groups.items() if group not in _KEYED)
        self._taken = {name.lower() for name in (*inventory.hosts, *others, *written)}
        self.refused: dict[str, None] = {}

    def add(self, host: str, draft: InventoryData) -> None:
        """Add the host to the groups that it has in `draft`, where it is the only host, and add their parents."""
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
