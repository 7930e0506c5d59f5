# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of all accounts, page by page. No account may be lost, whatever number of accounts the responses claim.

No HTTP and no Ansible in here. This file is private to the collection and can change in any release.
"""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping, NamedTuple

from ._api import Call, UnexpectedAnswer
from ._text import clean
from ._values import is_account_id, number

PER_PAGE = 50
"""The most accounts that Cloudflare puts on a page."""

MOST_PAGES = 1000
"""A list that is longer counts as endless."""

Account = Mapping[str, Any]
"""An account as the inventory holds it: id in lower case, name and type. Name and type are None if unknown."""

Send = Callable[[Call], Any]
"""How a call is sent: `Client.send` of a client."""


class Page(NamedTuple):
    """One page of the list of accounts, and the claims of the response, which can be wrong."""

    accounts: list[Account]
    total: int | float | None
    """How many accounts there are on all pages; None if the response does not say."""
    size: int | float
    """How many accounts a full page holds."""


class _Listing(NamedTuple):
    """All pages of the list, once."""

    accounts: list[Account]
    last: Call
    doubt: str | None
    """Why an account may be missing, or None."""


def all_accounts(send: Send) -> list[Account]:
    """Every account that the credentials can see, in Cloudflare's order. Raises `CloudflareError`."""
    listing = _all_pages(send)
    if listing.doubt:
        # The list may have changed between two pages.
        listing = _all_pages(send)
    if listing.doubt:
        raise _failed(listing.last, listing.doubt, "Run again later")
    return listing.accounts


def _all_pages(send: Send) -> _Listing:
    """The list up to its last page: an empty one, one that only repeats others, or a short one that completes the total.

    The total that a page claims never ends the list on its own, because too low a number would lose accounts.
    """
    found: dict[str, Account] = {}
    claimed: int | float = 0
    repeats = False
    for number_of_page in range(1, MOST_PAGES + 1):
        call = _read_page(number_of_page)
        page: Page = send(call)
        before = len(found)
        found.update((account["id"], account) for account in page.accounts)
        repeats = repeats or len(found) < before + len(page.accounts)
        # The highest claim counts: if an account is deleted meanwhile, another one moves to a page that was already read.
        claimed = max(claimed, page.total or 0)
        short = len(page.accounts) < page.size
        if len(found) == before or (short and page.total in (None, len(found))):
            accounts = list(found.values())
            if claimed > len(found):
                doubt = f"Cloudflare reports {clean(claimed, 20)} accounts but lists {len(found)}"
                return _Listing(accounts, call, doubt)
            if repeats and page.total != len(found):
                return _Listing(
                    accounts, call, f"its pages repeat accounts, so others may be missing after {len(found)}"
                )
            return _Listing(accounts, call, None)
    raise _failed(_read_page(MOST_PAGES), f"the list does not end within {MOST_PAGES} pages", "Check the base URL")


def _failed(call: Call, said: str, next_step: str) -> UnexpectedAnswer:
    error = UnexpectedAnswer(call, said)
    error.next_step = f"{next_step}, or set the option accounts to the account IDs."
    return error


def _read_page(number_of_page: int) -> Call:
    path = f"accounts?page={number_of_page}&per_page={PER_PAGE}"
    return Call("GET", path, "list the accounts", "Account Settings Read", page_from_api, paged=True)


def page_from_api(envelope: Mapping[str, Any]) -> Page:
    """The page in an envelope. Raises ValueError for an unknown shape."""
    items = envelope.get("result")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError("the list of accounts is not a list of objects")
    if not all(is_account_id(item.get("id")) for item in items):
        raise ValueError("an account has no ID of 32 hexadecimal characters")
    info = envelope.get("result_info")
    claims = info if isinstance(info, dict) else {}
    return Page(list(_accounts_in(items)), number(claims, "total_count"), _size(number(claims, "per_page")))


def _accounts_in(items: Iterable[Mapping[str, Any]]) -> Iterable[Account]:
    for item in items:
        yield {"id": item["id"].lower(), "name": _verbatim(item.get("name")), "type": _verbatim(item.get("type"))}


def _verbatim(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _size(claimed: int | float | None) -> int | float:
    """How many accounts a full page holds. A server may put fewer on it than requested, but not more."""
    return PER_PAGE if claimed is None else min(claimed, PER_PAGE)
