# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many accounts: which ones to use, their names as hosts, what is read from each, and what a cache holds.

No HTTP and no Ansible in here. This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from typing import Any, Callable, Collection, Iterable, NamedTuple, Sequence

from ._account_pages import Account, Send
from ._api import CloudflareError, UserError
from ._billing import read_balance
from ._topup import NO_TOPUP, read_topup
from ._values import is_account_id, is_number


def listed_accounts(account_ids: Sequence[object]) -> list[Account]:
    """The accounts with these IDs, each once. What only Cloudflare knows about them is None. Raises `UserError`."""
    unique = dict.fromkeys(listed_id(position, account_id) for position, account_id in enumerate(account_ids, 1))
    return [{"id": account_id, "name": None, "type": None} for account_id in unique]


def listed_id(position: int, account_id: object) -> str:
    """The account ID as Cloudflare writes it, at this position of a list. Raises `UserError`, which does not repeat it."""
    if not is_account_id(account_id):
        raise UserError(
            f"Entry {position} of accounts is not a Cloudflare account ID, 32 hexadecimal characters (0-9, a-f). Copy the ID "
            "from the account's overview in the Cloudflare dashboard, and put it in quotes."
        )
    return str(account_id).lower()


def matches(account: Account, pattern: str) -> bool:
    """Whether an account's name equals the pattern or matches it like in a shell. Case matters."""
    name = account["name"]
    return name is not None and (name == pattern or fnmatchcase(name, pattern))


GROUP = "cloudflare_accounts"
"""The group of all accounts."""


def is_prefix(prefix: str) -> bool:
    """Whether names with this prefix stay apart from others: it ends in an underscore or a hyphen, and never looks like an ID."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*[_-]", prefix) is not None


def own_names(accounts: Sequence[Account], prefix: str) -> dict[str, str]:
    """By account ID, the host names of the accounts whose names are unique.

    A host name is the prefix and the account's name, in which everything but letters, digits and hyphens becomes an
    underscore. So no part of it has a meaning in a host pattern or a template, and `*.example.com` does not match it.
    """
    slugs = {account["id"]: _slug(account["name"] or "") for account in accounts}
    times = Counter(slug.lower() for slug in slugs.values())
    return {account_id: prefix + slug for account_id, slug in slugs.items() if slug and times[slug.lower()] == 1}


def _slug(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", name).strip("_-")


class Reading(NamedTuple):
    """What was read from one account. If it failed, each part is None, and `error` says why."""

    parts: dict[str, Any]
    error: CloudflareError | None


def read_parts(send: Send, account_id: str, parts: Collection[str]) -> dict[str, Any]:
    """The requested parts of an account, out of topup and balance. Raises `CloudflareError`."""
    if "balance" not in parts:
        return {"topup": send(read_topup(account_id))}
    # One response holds both.
    balance = send(read_balance(account_id))
    return {part: balance[part] for part in parts}


def read_each(
    connect: Callable[[], Send], account_ids: Iterable[str], parts: Collection[str], workers: int
) -> list[Reading]:
    """Read the parts of these accounts, in their order, with `workers` threads. Each has its own connection.

    Threads share nothing, not even a pause. After a rate limit, Cloudflare refuses each thread once and tells it how long
    to wait.
    """
    own = threading.local()

    def connect_thread() -> None:
        own.send = connect()

    def read(account_id: str) -> Reading:
        try:
            return Reading(read_parts(own.send, account_id, parts), None)
        except CloudflareError as error:
            return Reading(dict.fromkeys(parts), error)

    with ThreadPoolExecutor(workers, initializer=connect_thread) as pool:
        return list(pool.map(read, account_ids))


def accounts_in_cache(found: object, parts: Collection[str]) -> list[dict[str, Any]] | None:
    """The accounts and their parts from a cache. None if the content is not what this collection writes.

    Anybody may have written to a cache. Accounts that could not be read are never cached.
    """
    if not isinstance(found, list) or not found or not all(_is_cached(item, parts) for item in found):
        return None
    if len({item["id"] for item in found}) < len(found):
        return None
    return [
        {
            **{key: item[key] for key in ("id", "name", "type", "error")},
            "parts": {part: item["parts"][part] for part in parts},
        }
        for item in found
    ]


def _is_cached(item: object, parts: Collection[str]) -> bool:
    if not isinstance(item, dict) or set(item) != {"id", "name", "type", "parts", "error"}:
        return False
    kept = item["parts"]
    return (
        is_account_id(item["id"])
        and item["id"] == item["id"].lower()
        and all(item[key] is None or isinstance(item[key], str) for key in ("name", "type"))
        and item["error"] is None
        and isinstance(kept, dict)
        and set(kept) == set(parts)
        and _is_topup(kept.get("topup", NO_TOPUP))
        and is_number(kept.get("balance", 0))
    )


def _is_topup(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == set(NO_TOPUP)
        and all(value[key] is None or is_number(value[key]) for key in ("amount", "threshold"))
        and all(each is None or isinstance(each, (str, bool)) or is_number(each) for each in value.values())
    )
