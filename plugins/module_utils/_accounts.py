# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many accounts: which of them are meant, what they are called as hosts, what is read of each, and what a cache holds.

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
    """The accounts with these ids, each once; what only Cloudflare knows of them is None. Raises L(UserError)."""
    for position, account_id in enumerate(account_ids, 1):
        if not is_account_id(account_id):
            raise UserError(
                f"Entry {position} of accounts is no Cloudflare account id, 32 hexadecimal characters (0-9, a-f): copy the id "
                "from the account's overview in the Cloudflare dashboard, and put it in quotes."
            )
    unique = dict.fromkeys(str(account_id).lower() for account_id in account_ids)
    return [{"id": account_id, "name": None, "type": None} for account_id in unique]


def matches(account: Account, pattern: str) -> bool:
    """Whether an account's name is the pattern, or matches it as the shell would; upper and lower case differ."""
    name = account["name"]
    return name is not None and (name == pattern or fnmatchcase(name, pattern))


GROUP = "cloudflare_accounts"
"""The group that every account is in."""


def is_prefix(prefix: str) -> bool:
    """Whether the names that begin so are a realm of their own: an underscore or a hyphen ends it, and no name is an id."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*[_-]", prefix) is not None


def own_names(accounts: Sequence[Account], prefix: str) -> dict[str, str]:
    """By their ids, the accounts whose names tell them from all others, and what they could be called as hosts.

    It is the prefix and the account's name, in which all but letters, digits and hyphens has become an underscore: nothing
    in it means something else in a host pattern or a template, and C(*.example.com) does not match it.
    """
    slugs = {account["id"]: _slug(account["name"] or "") for account in accounts}
    times = Counter(slug.lower() for slug in slugs.values())
    return {account_id: prefix + slug for account_id, slug in slugs.items() if slug and times[slug.lower()] == 1}


def _slug(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", name).strip("_-")


class Reading(NamedTuple):
    """What was read of one account: the parts, each None where it failed, and then why."""

    parts: dict[str, Any]
    error: CloudflareError | None


def read_parts(send: Send, account_id: str, parts: Collection[str]) -> dict[str, Any]:
    """The parts of an account, of topup and balance. Raises L(CloudflareError)."""
    if "balance" not in parts:
        return {"topup": send(read_topup(account_id))}
    # One answer carries both.
    balance = send(read_balance(account_id))
    return {part: balance[part] for part in parts}


def read_each(
    connect: Callable[[], Send], account_ids: Iterable[str], parts: Collection[str], workers: int
) -> list[Reading]:
    """Read the parts of these accounts, in their order, by so many threads, each with a connection of its own.

    Threads share nothing, not even a pause: where Cloudflare's rate limit is hit, each of them is refused once and then
    told by Cloudflare how long to wait.
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
    """The accounts and their parts, as a cache holds them; None where this collection has written something else.

    Anybody may have written to a cache, and an account that could not be read is in none.
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
