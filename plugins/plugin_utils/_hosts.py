# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts as hosts of an inventory: their variables, and the groups that users define.

This file is private to the collection and can change in any release.
"""

from __future__ import annotations

from typing import Any, Collection, Mapping

from ansible import template
from ansible.inventory.data import InventoryData
from ansible.plugins.inventory import Constructable
from ansible.utils.unsafe_proxy import wrap_var as foreign
from ansible_collections.finops.cloudflare.plugins.module_utils import _accounts
from ansible_collections.finops.cloudflare.plugins.plugin_utils import _names

# ansible-core 2.18 evaluates every template that is not marked as unsafe, later versions only those marked as trusted.
trusted = getattr(template, "trust_as_template", str)

NAMED_IN_WARNING = 10


def some(names: Collection[str]) -> str:
    """The first names for a sentence, and how many more there are."""
    more = len(names) - NAMED_IN_WARNING
    return ", ".join(list(names)[:NAMED_IN_WARNING]) + (f" and {more} more" if more > 0 else "")


class AccountHosts(Constructable):  # type: ignore[misc]  # ansible-core has no types
    """Turns the accounts of an inventory plugin into hosts and groups."""

    inventory: Any

    def _complain(self, sentence: str) -> None:
        raise NotImplementedError

    def _add_hosts(self, accounts: list[dict[str, Any]]) -> None:
        """Make a host of each account, or no host at all. Raises `UserError`."""
        before = set(self.inventory.hosts)
        try:
            self._add(accounts)
        except Exception:
            # Otherwise, hosts already added would stay although the inventory fails.
            for name in set(self.inventory.hosts) - before:
                self.inventory.remove_host(self.inventory.hosts[name])
            raise

    def _add(self, accounts: list[dict[str, Any]]) -> None:
        """Make a host of each account first, then the groups, whose names must differ from the hosts' names."""
        written = _names.check_groups(self.get_option("groups"), self.get_option("keyed_groups"))
        by_name = self.get_option("hostname") == "name"
        wanted = _accounts.own_names(accounts, self.get_option("hostname_prefix")) if by_name else {}
        hosts = _names.host_names(self.inventory, [account["id"] for account in accounts], wanted, written)
        _names.check_written(written, {*self.inventory.hosts, *hosts.names.values()})
        if hosts.refused:
            self.display.warning(
                f"These names belong to other hosts or groups, so the accounts are named by their IDs: {some(hosts.refused)}."
            )
        self.inventory.add_group(_accounts.GROUP)
        for account in accounts:
            self._add_host(hosts.names[account["id"]], account)
        keyed = _names.KeyedGroups(self.inventory, written)
        for host in hosts.names.values():
            self._construct(host, keyed)
        if keyed.refused:
            self._complain(
                "No account was added to these groups, because they come from another inventory or are named like hosts: "
                f"{some(keyed.refused)}. Give the entries of keyed_groups a prefix that no other name begins with."
            )

    def _add_host(self, host: str, account: Mapping[str, Any]) -> None:
        self.inventory.add_host(host, group=_accounts.GROUP)
        variables = {
            "ansible_connection": trusted("local"),
            # The Python that runs Ansible has the libraries that this collection needs.
            "ansible_python_interpreter": trusted("{{ ansible_playbook_python }}"),
            # It is certainly 32 hexadecimal characters, so it can be trusted. An exported inventory then shows a plain text.
            "cloudflare_account_id": trusted(account["id"]),
            "cloudflare_account_name": foreign(account["name"]),
            "cloudflare_account_type": foreign(account["type"]),
            **{f"cloudflare_ai_gateway_{part}": foreign(value) for part, value in account["parts"].items()},
        }
        if account["parts"]:
            variables["cloudflare_ai_gateway_error"] = foreign(account["error"])
        for name, value in variables.items():
            self.inventory.set_variable(host, name, value)

    def _construct(self, host: str, keyed: _names.KeyedGroups) -> None:
        strict = self.get_option("strict")
        variables = self.inventory.get_host(host).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, host, strict)
        variables = self.inventory.get_host(host).get_vars()
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict)
        entries = self.get_option("keyed_groups")
        if not entries:
            return
        # ansible-core makes their names. They are checked before they get into this inventory.
        inventory, self.inventory = self.inventory, InventoryData()
        try:
            self.inventory.add_host(host)
            self._add_host_to_keyed_groups(entries, variables, host, strict, fetch_hostvars=False)
            draft = self.inventory
        finally:
            self.inventory = inventory
        keyed.add(host, draft)
