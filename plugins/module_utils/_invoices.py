# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The invoices of an account: the requests, their parser, and how far back a list that is cut can be trusted.

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
from ._values import dollars, flag, number, text, utc

MOST_PAGES = 20
"""How many pages of invoices are read. Cloudflare puts 100 on a page, as far as is known."""

EARLIEST = 1_577_836_800
"""Unix seconds, the start of 2020. Cloudflare sold no AI Gateway credit before: a date before it is none."""

PAID = "paid"
PENDING = "pending"
"""What Cloudflare has accepted, and neither its list nor its word calls paid yet: a status of results, not of the API."""
VOID = "void"
"""The one status in which nobody can be charged any more: Stripe still collects what is uncollectible."""

Invoice = Mapping[str, Any]
"""An invoice as results show it: the keys in L(_TEXTS), L(_NUMBERS) and L(_FLAGS), created, and created_at in ISO 8601."""

_TEXTS = ("id", "status", "currency", "description", "created_by", "invoice_origin", "invoice_pdf")
_NUMBERS = ("amount_due", "amount_paid", "amount_remaining", "attempt_count")
_FLAGS = ("attempted", "auto_advance")


MOST_ON_A_PAGE = 5000
"""Invoices. What has more of them is no answer of Cloudflare's, and not to be kept in memory."""


class Page(NamedTuple):
    """One answer of the API, and what it claims."""

    invoices: list[Invoice]
    """In the order of the API."""
    last: bool
    """Whether there are no other pages. An answer that does not say so may have them."""
    total: int | float
    """How many invoices there are on all pages, at least."""
    number: int | float | None
    """Its own number; None where the answer has none."""


class History(NamedTuple):
    """The invoices that could be read."""

    invoices: list[Invoice]
    """Newest first; those without a date last."""
    known_since: float
    """Unix seconds since when none is missing: -inf where all were read, inf where that cannot be told."""


def invoices_request(account_id: str, kind: str, page: int | None = None) -> Call:
    """The request for invoices of a kind (auto, manual or all); its result is a L(Page).

    The API documents C(pagination) in the answer and no parameter for it, so that only later pages are asked for by number.
    """
    query = urlencode({"type": kind, **({} if page is None else {"page": page})})
    path = billing_path(account_id, f"invoice-history?{query}")
    return Call("GET", path, f"read the invoices of account {account_id}", "AI Gateway Read", page_from_api)


def page_from_api(result: object) -> Page:
    """The page in an answer. Raises ValueError for another shape."""
    result = object_in(result, "the invoices")
    items = objects_in(result, "invoices")
    if len(items) > MOST_ON_A_PAGE:
        raise ValueError(f"there are more than {MOST_ON_A_PAGE} invoices in it")
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
    """The invoices by their date; those without one are the last."""
    return sorted(invoices, key=lambda invoice: invoice["created"] or 0, reverse=True)


def read_history(send: Callable[[Call], Any], account_id: str, kind: str) -> History:
    """All invoices of a kind, as far as the API gives them. Raises L(CloudflareError)."""
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
    """All pages that the API gives."""

    invoices: list[Invoice]
    last: bool
    """Whether the API says that there are no others."""
    total: int | float
    """How many invoices there are at least, as it says."""
    number: int

    @property
    def whole(self) -> bool:
        return self.last and len(self.invoices) >= self.total

    @property
    def torn(self) -> bool:
        """Whether the list has changed between two of its pages, so that what is missing can be missing anywhere."""
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
            # It knows no pages.
            break
        others = made_since(pages.invoices, page.invoices)
        if not others:
            return pages._replace(last=page.last, total=max(pages.total, page.total))
        pages = _Pages(pages.invoices + others, page.last, max(pages.total, page.total), pages.number + 1)
    return pages


def _oldest_if_in_order(invoices: Sequence[Invoice]) -> float:
    """The date down to which a list that is cut misses nothing, if it is newest first for certain; inf if it may not be."""
    dates = [created_seconds(invoice) for invoice in invoices]
    known = [date for date in dates if date is not None]
    if len(known) < len(dates) or known != sorted(known, reverse=True) or len(set(known)) < 2:
        return math.inf
    return known[-1]


def created_seconds(invoice: Invoice) -> float | None:
    """When an invoice was made, in Unix seconds; None where it does not say so, or cannot be right.

    The unit is not documented: from 1e11 on it can only be milliseconds.
    """
    created = invoice["created"]
    if created is None:
        return None
    seconds: float = created / 1000 if created >= 1e11 else created
    return seconds if seconds >= EARLIEST else None


def made_since(before: Sequence[Invoice], after: Sequence[Invoice]) -> list[Invoice]:
    """The invoices that are new, in their order."""
    known = Counter(_key(invoice) for invoice in before)
    new: list[Invoice] = []
    # Of those that are alike, the older ones are known.
    for invoice in reversed(after):
        if known[_key(invoice)]:
            known[_key(invoice)] -= 1
        else:
            new.append(invoice)
    return new[::-1]


def _key(invoice: Invoice) -> tuple[object, ...]:
    """Every part can be missing but the amount, which does not change."""
    return invoice["id"], invoice["created"], invoice["amount_due"]


def summary(invoice: Invoice) -> dict[str, Any]:
    """What results show of an invoice."""
    return {"id": invoice["id"], "status": invoice["status"]}


def named(invoice: Invoice) -> str:
    """An invoice for a sentence: C(invoice in_1 of 2026-11-24T12:00:00Z for $52.50)."""
    created = f" of {invoice['created_at']}" if invoice["created_at"] else ""
    return f"invoice {invoice['id'] or 'without an id'}{created} for {dollars(invoice['amount_due'] or 0)}"
