# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The invoices of an account: the requests, their parser, and how far back an incomplete list can be trusted.

No HTTP and no Ansible in here. All money is in cents. This file is private to the collection and can change in any
release.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Callable, Mapping, NamedTuple, Sequence
from urllib.parse import urlencode

from ._api import Call, NotFound, Refused
from ._topup import billing_path, object_in, objects_in
from ._values import flag, in_currency, number, text, utc

MOST_PAGES = 20
"""How many pages of invoices are read at most. As far as is known, Cloudflare puts 100 invoices on a page."""

EARLIEST = 1_577_836_800
"""Unix seconds, the start of 2020. Cloudflare sold no AI Gateway credit before, so an earlier date is wrong."""

PAID = "paid"
PENDING = "pending"
"""A purchase that Cloudflare has accepted and does not report as paid yet. The status is of results, not of the API."""
VOID = "void"
"""The only status in which nobody can be charged any more: Stripe can still collect an uncollectible invoice."""

Invoice = Mapping[str, Any]
"""An invoice as results show it: the keys in `_TEXTS`, `_NUMBERS` and `_FLAGS`, created, and created_at in ISO 8601."""

_TEXTS = ("id", "status", "currency", "description", "created_by", "invoice_origin", "invoice_pdf")
_NUMBERS = ("amount_due", "amount_paid", "amount_remaining", "attempt_count")
_FLAGS = ("attempted", "auto_advance")


MOST_ON_A_PAGE = 5000
"""Invoices. A page with more does not come from Cloudflare and must not fill the memory."""


class Page(NamedTuple):
    """One response of the API, and its claims about the list."""

    invoices: list[Invoice]
    """In the order of the API."""
    last: bool
    """Whether the response says that there are no other pages. If it does not say so, there may be some."""
    total: int | float
    """How many invoices there are at least on all pages."""
    number: int | float | None
    """The number of this page; None if the response has none."""


class History(NamedTuple):
    """The invoices that could be read."""

    invoices: list[Invoice]
    """Newest first, those without a date last."""
    known_since: float
    """Unix seconds since when none is missing: -inf if all were read, inf if it is not known."""


def invoices_request(account_id: str, kind: str, page: int | None = None) -> Call:
    """The request for invoices of a kind (auto, manual or all). The result is a `Page`.

    The API documents `pagination` in the response, but no parameter for it. So the first page is requested without one.
    """
    query = urlencode({"type": kind, **({} if page is None else {"page": page})})
    path = billing_path(account_id, f"invoice-history?{query}")
    return Call("GET", path, f"read the invoices of account {account_id}", "AI Gateway Read", page_from_api)


def page_from_api(result: object) -> Page:
    """The page in a response. Raises ValueError for an unknown shape."""
    result = object_in(result, "the invoices")
    items = objects_in(result, "invoices")
    if len(items) > MOST_ON_A_PAGE:
        raise ValueError(f"it has more than {MOST_ON_A_PAGE} invoices")
    invoices: list[Invoice] = [
        {
            **{key: text(invoice.get(key)) for key in _TEXTS},
            **{key: number(invoice, key) for key in _NUMBERS},
            **{key: flag(invoice.get(key)) for key in _FLAGS},
            "created": number(invoice, "created"),
            "created_at": utc(invoice.get("created")),
        }
        for invoice in items
    ]
    claims = result.get("pagination")
    claims = claims if isinstance(claims, dict) else {}
    return Page(invoices, claims.get("has_more") is False, number(claims, "total_count") or 0, number(claims, "page"))


def newest_first(invoices: Sequence[Invoice]) -> list[Invoice]:
    """The invoices by date, newest first, those without a date last."""
    return sorted(invoices, key=lambda invoice: invoice["created"] or 0, reverse=True)


def read_history(send: Callable[[Call], Any], account_id: str, kind: str) -> History:
    """All invoices of a kind that the API returns. Raises `CloudflareError`."""
    pages = _read_pages(send, account_id, kind)
    if pages.torn:
        pages = _read_pages(send, account_id, kind)
    known_since = _oldest_if_in_order(pages.invoices)
    if pages.whole:
        known_since = -math.inf
    elif pages.torn:
        known_since = math.inf
    return History(newest_first(pages.invoices), known_since)


class _Pages(NamedTuple):
    """All pages that the API returns."""

    invoices: list[Invoice]
    last: bool
    """Whether the API says that there are no more pages."""
    total: int | float
    """How many invoices there are at least, according to the API."""
    number: int

    @property
    def whole(self) -> bool:
        return self.last and len(self.invoices) >= self.total

    @property
    def torn(self) -> bool:
        """Whether the list changed between two pages, so that any of its invoices can be missing."""
        return self.last and not self.whole and self.number > 1


def _read_pages(send: Callable[[Call], Any], account_id: str, kind: str) -> _Pages:
    page: Page = send(invoices_request(account_id, kind))
    pages = _Pages(list(page.invoices), page.last, page.total, 1)
    # Whether the first page is called 0 or 1 is not documented.
    first = 0 if page.number == 0 else 1
    while not pages.last and pages.number < MOST_PAGES:
        try:
            page = send(invoices_request(account_id, kind, first + pages.number))
        except (Refused, NotFound):
            # This API has no pages.
            break
        others = made_since(pages.invoices, page.invoices)
        if not others:
            return pages._replace(last=page.last, total=max(pages.total, page.total))
        pages = _Pages(pages.invoices + others, page.last, max(pages.total, page.total), pages.number + 1)
    return pages


def _oldest_if_in_order(invoices: Sequence[Invoice]) -> float:
    """The date since which an incomplete list misses nothing, if it is certainly newest first; otherwise inf."""
    dates = [created_seconds(invoice) for invoice in invoices]
    known = [date for date in dates if date is not None]
    if len(known) < len(dates) or known != sorted(known, reverse=True) or len(set(known)) < 2:
        return math.inf
    return known[-1]


def created_seconds(invoice: Invoice) -> float | None:
    """When an invoice was created, in Unix seconds; None if the date is missing or cannot be right.

    The unit is not documented. Values from 1e11 on can only be milliseconds.
    """
    created = invoice["created"]
    if created is None:
        return None
    seconds: float = created / 1000 if created >= 1e11 else created
    return seconds if seconds >= EARLIEST else None


def made_since(before: Sequence[Invoice], after: Sequence[Invoice]) -> list[Invoice]:
    """The new invoices, in their order."""
    known = Counter(_key(invoice) for invoice in before)
    new: list[Invoice] = []
    # Of equal invoices, the older ones are known.
    for invoice in reversed(after):
        if known[_key(invoice)]:
            known[_key(invoice)] -= 1
        else:
            new.append(invoice)
    return new[::-1]


def _key(invoice: Invoice) -> tuple[object, ...]:
    """Each part can be missing. The amount does not change."""
    return invoice["id"], invoice["created"], invoice["amount_due"]


def summary(invoice: Invoice) -> dict[str, Any]:
    """An invoice as results show it."""
    return {"id": invoice["id"], "status": invoice["status"]}


def named(invoice: Invoice) -> str:
    """An invoice for a sentence: `invoice in_1 for $52.50 (created 2026-11-24T12:00:00Z)`. What is not known is left out."""
    due = invoice["amount_due"]
    amount = "" if due is None else f" for {in_currency(due, currency_of(invoice))}"
    created = f" (created {invoice['created_at']})" if invoice["created_at"] else ""
    return f"invoice {invoice['id'] or 'without an ID'}{amount}{created}"


def currency_of(invoice: Invoice) -> str:
    """The currency of an invoice, in upper case. If it is not known, US dollars, in which Cloudflare sells credit."""
    return (invoice["currency"] or "usd").upper()
