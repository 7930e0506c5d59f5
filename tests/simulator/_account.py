# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account: what is remembered of it, how it begins, and how it may be changed."""

from __future__ import annotations

import re
from typing import Any

from ._shapes import Maybe, fitted, flag, integer, number, one_of, text

ACCOUNT_ID = "0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT_ID = "fedcba9876543210fedcba9876543210"
FOREIGN_ACCOUNT_ID = "f0e1d2c3b4a5968778695a4b3c2d1e0f"

HOUR = 3_600_000
DAY = 24 * HOUR


def _full_hour(value: Any) -> bool:
    return integer(value) and value % HOUR == 0


TOPUP = {
    "amount": Maybe(number),
    "threshold": Maybe(number),
    "disabledReason": Maybe(text),
    "error": Maybe(text),
    "lastFailedAt": Maybe(number),
}
INVOICE = {
    "type": one_of("auto", "manual", "usage"),
    "amount_paid": number,
    "amount_due": number,
    "amount_remaining": number,
    "currency": text,
    "id": Maybe(text),
    "attempt_count": Maybe(number),
    "attempted": Maybe(flag),
    "auto_advance": Maybe(flag),
    "created": Maybe(number),
    "created_by": Maybe(text),
    "description": Maybe(text),
    "invoice_origin": Maybe(text),
    "invoice_pdf": Maybe(text),
    "status": Maybe(text),
}
PRETAX_CREDIT = {
    "amount": number,
    "type": text,
    "credit_balance_transaction": Maybe(text),
    "discount": Maybe(text),
}
INVOICE_LINE = {
    "description": Maybe(text),
    "amount": number,
    "currency": text,
    "quantity": number,
    "period": {"start": number, "end": number},
    "pricing": {"unit_amount_decimal": Maybe(text)},
    "pretax_credit_amounts": Maybe([PRETAX_CREDIT]),
}
INVOICE_PREVIEW = {
    "id": text,
    "amount_due": number,
    "amount_paid": number,
    "amount_remaining": number,
    "currency": text,
    "period_start": number,
    "period_end": number,
    "status": one_of("draft", "open", "paid", "uncollectible", "void"),
    "invoice_lines": [INVOICE_LINE],
}
ACCOUNT = {
    "name": text,
    "type": one_of("standard", "enterprise"),
    "created_on": Maybe(text),
    "reachable": flag,
    "topup": TOPUP,
    "limits": {"min_cents": integer, "max_cents": integer, "currency": text},
    "balance": number,
    "payment_method": Maybe({"brand": Maybe(text), "last4": Maybe(text)}),
    "has_default_payment_method": flag,
    "first_topup_success": Maybe(flag),
    "usage": [{"start_time": _full_hour, "aggregated_value": number}],
    "invoices": [INVOICE],
    "purchases": {
        "outcome": one_of("paid", "pending", "declined", "authentication"),
        "status_checks": integer,
        "balance_reads": integer,
        "list_reads": integer,
        "ineligible": Maybe(text),
    },
    "unsettled": [
        {"id": text, "credit": integer, "paid": flag, "status_checks": Maybe(integer), "balance_reads": integer}
    ],
    "unlisted": [{"id": text, "list_reads": integer}],
    "invoice_preview": INVOICE_PREVIEW,
    "spending_limit": {
        "enabled": flag,
        "amount": Maybe(number),
        "duration": Maybe(text),
        "strategy": Maybe(text),
    },
}
# A change of these leaves the keys alone that it does not name; all else is replaced.
CHANGED_BY_KEY = ("topup", "limits", "purchases", "invoice_preview", "spending_limit")


def new_account(account_id: str, now: int, reachable: bool = True) -> dict[str, Any]:
    """``now``, in milliseconds, is where its past ends: the same moment makes the same account."""
    return fitted(
        "account",
        {
            "name": f"Account {account_id[:6]}",
            "type": "standard",
            "created_on": "2024-03-01T05:20:00.12345Z",
            "reachable": reachable,
            "topup": {},
            "limits": {"min_cents": 1000, "max_cents": 500000, "currency": "USD"},
            "balance": 2500,
            "payment_method": {"brand": "visa", "last4": "4242"},
            "has_default_payment_method": True,
            "first_topup_success": True,
            "usage": _usage(now),
            "invoices": _invoices(now),
            "purchases": {
                "outcome": "paid",
                "status_checks": 0,
                "balance_reads": 0,
                "list_reads": 0,
                "ineligible": None,
            },
            "unsettled": [],
            "unlisted": [],
            "invoice_preview": _invoice_preview(now),
            "spending_limit": {"enabled": False},
        },
        ACCOUNT,
    )


def changed_account(account_id: str, account: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The account with the changes, or a ValueError that says which of them cannot be."""
    if not re.fullmatch(r"[0-9a-f]{32}", account_id):
        raise ValueError(f"an account id is 32 hexadecimal digits, not {account_id!r}")
    changed = {**account, **changes}
    for key in CHANGED_BY_KEY:
        if isinstance(changed[key], dict):
            changed[key] = {**account[key], **changed[key]}
    if changed["topup"] is None:
        changed["topup"] = {}
    return fitted("account", changed, ACCOUNT)


def _usage(now: int) -> list[dict[str, Any]]:
    """Five weeks of it: more on working days, nothing on Sundays."""
    cents_at = {9: 20.25, 12: 31.5, 15: 28.75, 18: 12}
    hours = range((now - 35 * DAY) // HOUR * HOUR, now // HOUR * HOUR, HOUR)
    usage = []
    for start in hours:
        day, hour = start // DAY, start % DAY // HOUR
        # The first of January 1970 was a Thursday.
        weekday = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")[day % 7]
        if weekday != "Sun" and hour in cents_at and (weekday != "Sat" or hour == 12):
            usage.append({"start_time": start, "aggregated_value": cents_at[hour] + day * 5 % 11})
    return usage


def _invoices(now: int) -> list[dict[str, Any]]:
    """Each purchase of 50 or 20 dollars, with Cloudflare's fee of 5 %. Dates are in seconds, as Stripe has them."""
    paid = {"amount_remaining": 0, "currency": "usd", "attempt_count": 1, "attempted": True, "auto_advance": False}
    return [
        {
            **paid,
            "type": kind,
            "id": f"in_1Simulator{days:04}",
            "amount_paid": cents,
            "amount_due": cents,
            "created": now // HOUR * 3600 - days * 86400,
            "created_by": "ai-gateway",
            "description": description,
            "invoice_origin": f"{kind}_topup",
            "invoice_pdf": f"https://pay.simulator.example/invoice/in_1Simulator{days:04}/pdf",
            "status": "paid",
        }
        for kind, days, cents, description in (
            ("auto", 6, 5250, "AI Gateway credits (auto top-up)"),
            ("auto", 41, 5250, "AI Gateway credits (auto top-up)"),
            ("manual", 75, 2100, None),
        )
    ]


def _invoice_preview(now: int) -> dict[str, Any]:
    start, end = now // DAY * 86400 - 20 * 86400, now // DAY * 86400 + 10 * 86400
    credit = {"amount": 1600.75, "type": "credit_balance_transaction", "credit_balance_transaction": "cbtxn_1Simulator"}
    return {
        "id": "upcoming_in_1Simulator",
        "amount_due": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "currency": "usd",
        "period_start": start,
        "period_end": end,
        "status": "draft",
        "invoice_lines": [
            {
                "description": "AI Gateway usage",
                "amount": 1600.75,
                "currency": "usd",
                "quantity": 160075,
                "period": {"start": start, "end": end},
                "pricing": {"unit_amount_decimal": "0.01"},
                "pretax_credit_amounts": [credit],
            }
        ],
    }
