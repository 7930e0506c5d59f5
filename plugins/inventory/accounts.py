# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: accounts
short_description: Cloudflare accounts as hosts
version_added: 0.1.0
author:
  - finops.cloudflare contributors (@finops)
description:
  - Makes a host of each Cloudflare account that the credentials can see, or of those that O(accounts) or O(names) selects, so that
    a play runs for many accounts at once, with Ansible's forks, limits and reports.
  - All hosts are in the group C(cloudflare_accounts). Each has the variables C(cloudflare_account_id), C(cloudflare_account_name)
    and C(cloudflare_account_type). Name and type are V(null) for an account that is taken from O(accounts).
  - Tasks for these hosts run on the controller, with the Python that runs Ansible, as C(ansible_connection) and
    C(ansible_python_interpreter) are set for each of them.
  - The name of the file ends in C(cloudflare_accounts.yml) or C(cloudflare_accounts.yaml).
extends_documentation_fragment:
  - constructed
  - inventory_cache
  - finops.cloudflare._connection
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices:
      - finops.cloudflare.accounts
  accounts:
    description:
      - The ids of the accounts to take, 32 hexadecimal characters each. Put them in quotes.
      - If not set, the accounts are listed, for which a token needs the permission Account Settings Read.
      - Not with O(names).
    type: list
    elements: str
  names:
    description:
      - The names of the accounts to take. V(*), V(?) and V([...]) stand for other characters, as in a shell. Upper and lower
        case differ.
      - Not with O(accounts).
    type: list
    elements: str
  hostname:
    description:
      - What the hosts are called.
      - V(id) is the account's id. It stays when the account is renamed.
      - V(name) is O(hostname_prefix) and the account's name, in which anything but letters, digits, hyphens and underscores
        becomes an underscore. The id is used in its place where the name is empty or not unique, and, with a warning, where a
        host or a group is called like that already.
      - An account that is a host already, as another source of this plugin has made it one, keeps that host.
    type: str
    choices:
      - id
      - name
    default: id
  hostname_prefix:
    description:
      - What the name of each host begins with, for O(hostname=name). Who may name an account could otherwise give it the name of
        a host or a group of another inventory, V(web01) or V(prod) for example, and their tasks would run on the controller.
      - Take one that no other host or group begins with. Letters, digits, hyphens and underscores, first a letter, and last a
        hyphen or an underscore. It cannot be empty.
    type: str
    default: cloudflare_
  fetch:
    description:
      - What to read of each account, with one request for each. A token needs the permission AI Gateway Read.
      - V(topup) sets the variable C(cloudflare_ai_gateway_topup) to the same keys as RV(finops.cloudflare.cloudflare_ai_gateway_topup_info#module:topup).
      - V(balance) sets the variable C(cloudflare_ai_gateway_balance) to the credit in cents, which can be negative and have a fraction.
      - Both set C(cloudflare_ai_gateway_error) as well, to V(null) or to why the account could not be read. The other variables are
        V(null) then.
    type: list
    elements: str
    choices:
      - topup
      - balance
    default: []
  workers:
    description: How many accounts O(fetch) reads at a time, from V(1) to V(32).
    type: int
    default: 4
  strict:
    description:
      - Whether to fail, and make no host at all, where there would only be a warning otherwise, which are an account that
        O(fetch) cannot read, an entry of O(names) that no account matches, an empty list of accounts, and a group of
        O(keyed_groups) that is known from elsewhere; and where O(compose), O(groups) or O(keyed_groups) cannot be evaluated for a
        host.
      - If no account at all can be read, the inventory fails in any case.
notes:
  - The connection options that are texts, the token for one, can be templates with lookups and extra variables, or encrypted
    with C(ansible-vault encrypt_string).
  - If the inventory fails, Ansible warns and goes on without its hosts. Set E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true) for runs that
    nobody watches.
  - Values from Cloudflare are never evaluated as templates, nor is what O(compose) makes of them.
  - Each entry of O(keyed_groups) needs a C(prefix), as a group that is called by a value alone could be one of another inventory.
    It begins with a letter, and ends in an underscore where C(separator) is empty. C(parent_group) is a name and no template. A
    host is not added to a group that is known from elsewhere or is called like a host; a warning says so. With O(groups), where
    you write the names yourself, hosts are added to groups of other inventories too.
  - Patterns that begin with a wildcard, V(*prod) for one, match names of accounts as well, whatever they begin with.
  - An id that is a host elsewhere is taken for the account, so that another inventory can give it groups and variables. If that
    host has C(ansible_host), a C(ansible_connection) other than V(local) or another C(cloudflare_account_id), the inventory fails.
  - With O(cache), names, types and what O(fetch) reads are kept, apart for each set of credentials, but neither the credentials nor
    a result with an account that could not be read. What is in the cache and was not written by this plugin is left aside, with
    a warning.
  - How many accounts there are is found out by reading pages until there are no more. If more accounts are announced than
    listed, the list is read once more, and then the inventory fails; so it does after 1,000 pages, which hold 50,000 accounts.
  - If Cloudflare's rate limit is hit, each worker waits as long as Cloudflare asks for, and then goes on.
"""

EXAMPLES = r"""
# prod.cloudflare_accounts.yml: every account that the token in CLOUDFLARE_API_TOKEN can see
plugin: finops.cloudflare.accounts

---
# Some of them, by name, such as cloudflare_Acme_EU, with groups of those that need a look
plugin: finops.cloudflare.accounts
names:
  - Acme *
hostname: name
fetch:
  - topup
  - balance
groups:
  # An account that could not be read counts as low.
  low: (cloudflare_ai_gateway_balance or 0) < 1000
  stopped: cloudflare_ai_gateway_topup is not none and cloudflare_ai_gateway_topup.disabled_reason is not none
  unread: cloudflare_ai_gateway_error is not none
keyed_groups:
  - key: cloudflare_account_type
    prefix: type
compose:
  account_id: cloudflare_account_id

---
# Given accounts, the token from a file that only its owner can read, and an hour's cache
plugin: finops.cloudflare.accounts
accounts:
  - "023e105f4ecef8ad9ca31a8372d0c353"
  - "f174e90afafe4643bbbc4a0ed4fc8415"
api_token: "{{ lookup('ansible.builtin.file', '~/.cloudflare-token') | trim }}"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/cloudflare
cache_timeout: 3600
"""

import hashlib
import json
from typing import Any, Mapping

from ansible.errors import AnsibleParserError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable
from ansible_collections.finops.cloudflare.plugins.module_utils import _account_pages, _accounts, _options
from ansible_collections.finops.cloudflare.plugins.module_utils._api import CloudflareError, UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._client import VERSION, Client
from ansible_collections.finops.cloudflare.plugins.module_utils._text import censored
from ansible_collections.finops.cloudflare.plugins.plugin_utils import _names
from ansible_collections.finops.cloudflare.plugins.plugin_utils._hosts import AccountHosts, some

MOST_WORKERS = 32


# ansible-core has no types and many base classes.
class InventoryModule(BaseInventoryPlugin, AccountHosts, Cacheable):  # type: ignore[misc]  # pylint: disable=too-many-ancestors
    NAME = "finops.cloudflare.accounts"
    _secret = ""

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(("cloudflare_accounts.yml", "cloudflare_accounts.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        try:
            self._add_hosts(self._current(config, cache))
        except (UserError, CloudflareError) as error:
            # Otherwise the cause would be shown as well, uncensored.
            raise AnsibleParserError(self._censored(error)) from None

    def _current(self, config: Mapping[str, Any], cache: bool) -> list[dict[str, Any]]:
        """The accounts with what was read from them, from the cache if it may be used."""
        params = self._connection(config)
        client, self._secret = _options.client_of(params)
        self._check_options(config)
        key = self._key(params)
        found = self._cached(key) if cache and self.get_option("cache") else None
        if found is None:
            found = self._read(self._selected(client), params)
            if self.get_option("cache") and found and not any(account["error"] for account in found):
                self._cache[key] = found
        for name in self.get_option("names") or []:
            if not any(_accounts.matches(account, name) for account in found):
                self._complain(f"These credentials see no account named {name}. Correct names.")
        return found

    def _cached(self, key: str) -> list[dict[str, Any]] | None:
        """The content of the cache, if this plugin can have written it."""
        try:
            kept = self._cache.get(key)
        # Foreign content can make a cache plugin, or its decoder, raise anything.
        except Exception as error:  # noqa: BLE001  # pylint: disable=broad-exception-caught
            self.display.warning(f"The cache cannot be read, so the accounts are read again: {error}")
            return None
        found = _accounts.accounts_in_cache(kept, self.get_option("fetch") or [])
        if kept is not None and (found is None or not self._are_selected(found)):
            self.display.warning("The cache holds data that this plugin did not write, so the accounts are read again.")
            return None
        return found

    def _are_selected(self, accounts: list[dict[str, Any]]) -> bool:
        account_ids, names = self.get_option("accounts"), self.get_option("names")
        if account_ids is not None:
            wanted = [account["id"] for account in _accounts.listed_accounts(account_ids)]
            return [account["id"] for account in accounts] == wanted
        return names is None or all(any(_accounts.matches(account, name) for name in names) for account in accounts)

    def _check_options(self, config: Mapping[str, Any]) -> None:
        defined = self.option_definitions.items()
        known = {name for option, about in defined for name in (option, *(about.get("aliases") or []))}
        unknown = sorted(str(name) for name in config if name not in known)
        if unknown:
            raise UserError(f"Unknown options: {', '.join(unknown)}. The options are {', '.join(sorted(known))}.")
        selections = [name for name in ("accounts", "names") if name in config]
        if len(selections) > 1:
            raise UserError("accounts and names are both set. Set only one of them.")
        # Whoever removed the last entry of a list does not mean all accounts.
        if selections and not self.get_option(*selections):
            raise UserError(
                f"{selections[0]} is empty. Add an entry, or leave it out to use all accounts that the credentials see."
            )
        prefix = self.get_option("hostname_prefix")
        if not _accounts.is_prefix(prefix):
            raise UserError(
                f"hostname_prefix is {json.dumps(prefix)}. It must begin with a letter, contain only letters, digits, - and _, and "
                "end in - or _. It cannot be empty, because accounts could then take the names of other hosts and groups."
            )
        _names.check_groups(self.get_option("groups"), self.get_option("keyed_groups"))
        workers = self.get_option("workers")
        if not 1 <= workers <= MOST_WORKERS:
            raise UserError(f"workers is {workers}. Set it to a number from 1 to {MOST_WORKERS}.")

    def _connection(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The connection options as in a module: the same types, defaults and environment variables."""
        spec = _options.connection_spec()
        names = {name for option, about in spec.items() for name in (option, *about.get("aliases", []))}
        self.templar.available_variables = self._vars
        given = {name: self.templar.template(_decrypted(config[name])) for name in names.intersection(config)}
        validated = ArgumentSpecValidator(spec).validate(given)
        if validated.error_messages:
            raise UserError("; ".join(validated.error_messages))
        return validated.validated_parameters

    def _key(self, params: Mapping[str, Any]) -> str:
        """The cache key, made from everything that affects the result. The secret in it cannot be recovered."""
        options = [self.get_option(name) for name in ("accounts", "names", "fetch")]
        decisive = json.dumps([VERSION, params["api_url"], self._secret, *options], default=str)
        return f"{self.NAME}_{hashlib.sha256(decisive.encode()).hexdigest()}"

    def _selected(self, client: Client) -> list[_account_pages.Account]:
        account_ids, names = self.get_option("accounts"), self.get_option("names")
        if account_ids is not None:
            return _accounts.listed_accounts(account_ids)
        accounts = _account_pages.all_accounts(client.send)
        if not accounts:
            self._complain(
                "Cloudflare lists no account for these credentials. A token without the permission Account Settings Read gets "
                "an empty list instead of an error. Add the permission to the token, or set the option accounts to the account "
                "IDs."
            )
        if names is None:
            return accounts
        return [account for account in accounts if any(_accounts.matches(account, name) for name in names)]

    def _read(self, accounts: list[_account_pages.Account], params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The accounts with the parts that the option fetch requests."""
        parts = self.get_option("fetch")
        if not parts:
            return [{**account, "parts": {}, "error": None} for account in accounts]
        readings = _accounts.read_each(
            lambda: _options.client_of(params)[0].send,
            [account["id"] for account in accounts],
            parts,
            self.get_option("workers"),
        )
        errors = {account["id"]: reading.error for account, reading in zip(accounts, readings) if reading.error}
        if errors:
            first = next(iter(errors.values()))
            if len(errors) == len(accounts):
                raise first
            self._complain(
                f"{len(errors)} of {len(accounts)} accounts could not be read, so their variables are null: {some(errors)}. "
                f"The first error is: {self._censored(first)}"
            )
        return [
            {**account, "parts": reading.parts, "error": reading.error and self._censored(reading.error)}
            for account, reading in zip(accounts, readings)
        ]

    def _complain(self, sentence: str) -> None:
        if self.get_option("strict"):
            raise UserError(sentence)
        self.display.warning(sentence)

    def _censored(self, error: Exception) -> str:
        """An error's text without the secret, which a response of Cloudflare may repeat."""
        return str(censored(str(error), [self._secret]))


def _decrypted(value: Any) -> Any:
    """The value itself, or the decrypted text if a vault has encrypted it."""
    return value if value is None or isinstance(value, (str, int)) else to_text(value)
