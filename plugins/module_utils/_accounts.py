# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many accounts: which there are, which of them are meant, what they are called as hosts, and what is read of each.

No HTTP and no Ansible in here. This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from typing import Any, Callable, Collection, Iterable, Mapping, NamedTuple, Sequence

from ._api import Call, CloudflareError, UnexpectedAnswer, UserError
from ._billing import read_balance
from ._topup import read_topup
from ._values import is_account_id, number

PER_PAGE = 50
"""The most accounts that Cloudflare puts on a page."""

Account = Mapping[str, Any]
"""An account as the inventory holds it: id, in lower case, name and type. The last two are None where they are unknown."""

Send = Callable[[Call], Any]
"""How a call is sent: L(Client.send) of a client."""


class Page(NamedTuple):
    """One page of the list of accounts."""

    accounts: list[Account]
    total: int | float | None
    """How many accounts there are on all pages; None where the answer does not tell."""


def all_accounts(send: Send) -> list[Account]:
    """Every account that the credentials can see, in Cloudflare's order. Raises L(CloudflareError)."""
    try:
        return _all_pages(send)
    except UnexpectedAnswer:
        # The list may have changed between two of its pages.
        return _all_pages(send)


def _all_pages(send: Send) -> list[Account]:
    found: dict[str, Account] = {}
    for number_of_page in itertools.count(1):
        call = _read_page(number_of_page)
        page = send(call)
        before = len(found)
        found.update((account["id"], account) for account in page.accounts)
        if len(page.accounts) < PER_PAGE if page.total is None else len(found) >= page.total:
            break
        if len(found) == before:
            known = "more" if page.total is None else page.total
            raise UnexpectedAnswer(call, f"page {number_of_page} holds no new account, after {before} of {known}")
    return list(found.values())


def _read_page(number_of_page: int) -> Call:
    path = f"accounts?page={number_of_page}&per_page={PER_PAGE}"
    return Call("GET", path, "list the accounts", "Account Settings Read", page_from_api, paged=True)


def page_from_api(envelope: Mapping[str, Any]) -> Page:
    """The page in an envelope. Raises ValueError for another shape."""
    items = envelope.get("result")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError("the list of accounts in it is not a list of objects")
    if not all(is_account_id(item.get("id")) for item in items):
        raise ValueError("an account in it has no id of 32 hexadecimal characters")
    info = envelope.get("result_info")
    return Page(
        [
            {"id": item["id"].lower(), "name": _verbatim(item.get("name")), "type": _verbatim(item.get("type"))}
            for item in items
        ],
        number(info, "total_count") if isinstance(info, dict) else None,
    )


def _verbatim(value: object) -> str | None:
    return value if isinstance(value, str) else None


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

_RESERVED = {"all", "localhost", "ungrouped", GROUP}


def host_names(accounts: Sequence[Account], use_names: bool) -> dict[str, str]:
    """The host name of each account, by its id: unique, and free of what host patterns or templates give a meaning to.

    It is the id, or the account's name in which all but letters, digits, dots, hyphens and underscores has become an
    underscore. Where that does not tell one account from all others and from what is no account, it is the id again.
    """
    wanted = {account["id"]: _slug(account["name"] or "") if use_names else "" for account in accounts}
    times = Counter(name.lower() for name in wanted.values())
    return {
        account_id: account_id if times[name.lower()] > 1 or _is_taken(name) else name
        for account_id, name in wanted.items()
    }


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("_.-")


def _is_taken(name: str) -> bool:
    # Digits and dots alone could be an address, 127.0.0.1 for one.
    return not name or name.lower() in _RESERVED or is_account_id(name) or re.fullmatch(r"[0-9.]+", name) is not None


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
