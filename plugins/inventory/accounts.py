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
  - Adds a host for each Cloudflare account that the credentials can see, or for each account that O(accounts) or O(names) selects. A play can
    then work on many accounts with the forks, limits, and reports of Ansible.
  - All hosts are in the group C(cloudflare_accounts). Each host has the variables C(cloudflare_account_id), C(cloudflare_account_name), and
    C(cloudflare_account_type). The name and the type are V(null) for an account from O(accounts).
  - Tasks for these hosts run on the controller, with the Python that runs Ansible. The plugin sets C(ansible_connection) and
    C(ansible_python_interpreter) for each host.
  - The name of the inventory file must end in C(cloudflare_accounts.yml) or C(cloudflare_accounts.yaml).
extends_documentation_fragment:
  - constructed
  - inventory_cache
  - finops.cloudflare._connection
options:
  plugin:
    description: Tells Ansible that the file is for this plugin.
    type: str
    required: true
    choices:
      - finops.cloudflare.accounts
  accounts:
    description:
      - The IDs of the accounts to add, 32 hexadecimal characters each. Put them in quotes.
      - If you do not set it, the plugin asks Cloudflare for the accounts. A token then needs the permission Account Settings Read.
      - Cannot be used together with O(names).
    type: list
    elements: str
  names:
    description:
      - The names of the accounts to add. V(*), V(?), and V([...]) are wildcards, as in a shell. Names are case-sensitive.
      - If you do not set it, accounts with any name are added.
      - Cannot be used together with O(accounts).
    type: list
    elements: str
  hostname:
    description:
      - What to use as the name of a host.
      - V(id) is the account ID. It stays the same when the account is renamed.
      - V(name) is O(hostname_prefix) followed by the name of the account. Every character except letters, digits, hyphens, and underscores
        becomes an underscore.
      - With V(name), the host gets the account ID instead if the name is empty or not unique, or if another host or group already has that
        name. In the last case, the plugin warns.
      - An account that another source of this plugin has already added keeps the host that it has.
    type: str
    choices:
      - id
      - name
    default: id
  hostname_prefix:
    description:
      - The beginning of each host name with O(hostname=name).
      - The prefix protects your other inventories. Without it, people who can name an account could give it the name of one of your hosts or
        groups, for example V(web01) or V(prod). The tasks for that host would then run on the controller.
      - Choose a prefix that no other host or group begins with. It can contain letters, digits, hyphens, and underscores. It must begin with
        a letter and end in a hyphen or an underscore. It cannot be empty.
    type: str
    default: cloudflare_
  fetch:
    description:
      - What to read for each account. The plugin sends one request for each account. A token needs the permission AI Gateway Read.
      - V(topup) sets the variable C(cloudflare_ai_gateway_topup), with the same keys as
        RV(finops.cloudflare.cloudflare_ai_gateway_topup_info#module:topup).
      - V(balance) sets the variable C(cloudflare_ai_gateway_balance) to the credit in cents. It can be negative and have a fraction.
      - Both also set C(cloudflare_ai_gateway_error). It is V(null) if the account could be read. Otherwise it is the error, and the other
        variables of O(fetch) are V(null).
    type: list
    elements: str
    choices:
      - topup
      - balance
    default: []
  workers:
    description: How many accounts O(fetch) reads at the same time, from V(1) to V(32).
    type: int
    default: 4
  strict:
    description:
      - With V(true), the inventory fails, and adds no host, in cases where it would otherwise only warn.
      - It fails if O(fetch) cannot read an account, if no account matches an entry of O(names), if Cloudflare lists no account, or if
        a group of O(keyed_groups) already exists elsewhere.
      - It also fails if O(compose), O(groups), or O(keyed_groups) cannot be evaluated for a host.
      - If O(fetch) cannot read any of the accounts, the inventory fails even with V(false).
notes:
  - B(If an inventory source fails, Ansible only warns. A play over its hosts then has no hosts, and ansible-playbook ends with exit code 0.)
    To prevent this, set E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true), or C(any_unparsed_is_failed = true) in the section C([inventory]) of
    C(ansible.cfg). C(ansible-playbook) then stops with exit code 1. This works whether the inventory has one source or several.
  - E(ANSIBLE_INVENTORY_UNPARSED_FAILED=true) is not enough. It stops the run only if every source fails.
  - B(An empty list of accounts is a warning, not a failure.) Cloudflare returns an empty list if a token lacks the permission
    Account Settings Read. Set O(strict=true) as well, so that this also stops the run.
  - The connection options that are strings, such as O(api_token), can be templates with lookups and extra variables. They can also be
    encrypted with C(ansible-vault encrypt_string).
  - Values from Cloudflare are never evaluated as templates. The same is true for what O(compose) makes of them.
  - Each entry of O(keyed_groups) needs a C(prefix). Otherwise the name of a group would be a value from Cloudflare alone, and could be the
    name of a group in another inventory. The prefix must begin with a letter. It must end in an underscore if C(separator) is empty.
    C(parent_group) must be a name, not a template.
  - The plugin does not add a host to a group of O(keyed_groups) if that group already exists elsewhere or has the name of a host. It warns
    instead. With O(groups), you choose the names yourself, so hosts are also added to groups of other inventories.
  - A host pattern that begins with a wildcard, such as V(*prod), also matches host names that are made from account names.
  - If another inventory has a host whose name is the ID of an account, the plugin uses that host for the account. In this way, the other
    inventory can give it groups and variables. The inventory fails if that host has C(ansible_host), a C(ansible_connection) other than
    V(local), or another C(cloudflare_account_id).
  - With O(cache), the plugin caches names, types, and what O(fetch) reads, separately for each set of credentials. It does not cache the
    credentials, and it caches nothing if an account could not be read. If the cache holds something that this plugin has not written,
    the plugin warns and ignores it.
  - The plugin reads pages of accounts until there are no more. If the list seems incomplete, for example because Cloudflare announces more
    accounts than it lists, the plugin reads the list once more, and then fails. It also fails after 1,000 pages, which hold at most 50,000
    accounts.
  - If Cloudflare's rate limit is reached, each worker waits as long as Cloudflare asks, up to 330 seconds, and then continues.
seealso:
  - module: finops.cloudflare.cloudflare_ai_gateway_topup
  - module: finops.cloudflare.cloudflare_ai_gateway_credit
  - module: finops.cloudflare.cloudflare_ai_gateway_billing_info
  - ref: ansible_collections.finops.cloudflare.docsite.guide_accounts
    description: Manage many accounts.
  - ref: ansible_collections.finops.cloudflare.docsite.guide_awx
    description: Run this collection in AWX.
"""

EXAMPLES = r"""
# prod.cloudflare_accounts.yml: every account that the token in CLOUDFLARE_API_TOKEN can see.
# Also set ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true, or a failure ends with exit code 0.
plugin: finops.cloudflare.accounts
strict: true

---
# Accounts selected by name, such as cloudflare_Acme_EU, with groups for those that need attention.
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
# Accounts given by ID, with the token from a file that only its owner can read, and a cache that lasts an hour.
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
        """The connection options as in a module: the same types, defaults, and environment variables."""
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
            effect = "no host was added" if self.get_option("strict") else "their variables are null"
            self._complain(
                f"{len(errors)} of {len(accounts)} accounts could not be read, so {effect}: {some(errors)}. "
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
