# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls that read billing: credit, usage, invoices, and the spending limit."""

from __future__ import annotations

import math
import re
from typing import Any

from ._account import DAY, HOUR
from ._purchases import credit, listed
from ._routes import BILLING, Call, invalid, parameter, route, with_numbers, with_optional
from ._topup import get_topup_config

WINDOWS = {"day": DAY, "hour": HOUR}
# The furthest moments that a JavaScript Date can hold
FURTHEST_TIME = 8_640_000_000_000_000
MOST_EMPTY_BUCKETS = 10_000
REQUIRED_OF_INVOICE = ("amount_paid", "amount_due", "amount_remaining", "currency")


@route("GET", f"{BILLING}/credit-balance", "read")
def get_credit_balance(call: Call) -> dict[str, Any]:
    account, card = call.account, call.account["payment_method"]
    credit(account)
    result = {
        "balance": account["balance"],
        "has_default_payment_method": account["has_default_payment_method"],
        "payment_method": None if card is None else with_optional(card, tuple(card), call.settings),
        "topup_config": get_topup_config(call),
        "first_topup_success": account["first_topup_success"],
    }
    return with_numbers(with_optional(result, ("first_topup_success",), call.settings), call.settings)


@route("GET", f"{BILLING}/usage-history", "read")
def get_usage_history(call: Call) -> dict[str, Any]:
    """The buckets that lie wholly between the bounds."""
    window = parameter(call.request, "value_grouping_window")
    if window not in WINDOWS:
        raise invalid("query", "value_grouping_window", f"Expected one of {', '.join(WINDOWS)}")
    length = WINDOWS[window]
    sums: dict[int, float] = {}
    for entry in call.account["usage"]:
        bucket = entry["start_time"] // length * length
        sums[bucket] = sums.get(bucket, 0) + entry["aggregated_value"]
    start = _bound(call, "start_time", length, min(sums, default=0))
    end = _bound(call, "end_time", length, max(sums, default=0) + length)
    if start >= end:
        raise invalid("query", "end_time", "Must be after start_time")
    asked = range(math.ceil(start / length) * length, math.floor(end / length) * length, length)
    if call.settings["empty_buckets"] == "left_out":
        buckets = sorted(bucket for bucket in sums if bucket in asked)
    elif len(asked) <= MOST_EMPTY_BUCKETS:
        buckets = list(asked)
    else:
        raise invalid("query", None, f"More than {MOST_EMPTY_BUCKETS} buckets")
    if call.settings["usage_order"] == "newest_first":
        buckets.reverse()
    history = [
        {
            "id": f"usage_{window}_{bucket}",
            "aggregated_value": sums.get(bucket, 0),
            "start_time": bucket,
            "end_time": bucket + length,
        }
        for bucket in buckets
    ]
    return with_numbers({"history": history}, call.settings)


def _bound(call: Call, name: str, length: int, otherwise: float) -> float:
    sent = parameter(call.request, name)
    if sent is None:
        if call.settings["usage_bounds"] == "optional":
            return otherwise
        raise invalid("query", name, "Required")
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", sent) or abs(float(sent)) > FURTHEST_TIME:
        raise invalid("query", name, "Expected a time in milliseconds")
    if call.settings["usage_bounds"] == "aligned" and float(sent) % length:
        raise invalid("query", name, "Must be aligned with the boundaries of value_grouping_window")
    return float(sent)


@route("GET", f"{BILLING}/invoice-history", "read")
def get_invoice_history(call: Call) -> dict[str, Any]:
    kinds = {"auto": ("auto",), "manual": ("manual",), "all": ("auto", "manual", "usage")}
    sent = parameter(call.request, "type")
    asked = "all" if sent is None else sent
    if asked not in kinds:
        raise invalid("query", "type", f"Expected one of {', '.join(kinds)}")
    found = [invoice for invoice in listed(call.account) if invoice["type"] in kinds[asked]]
    if call.settings["invoice_order"] == "oldest_first":
        found.reverse()
    page, per_page = _page_of_invoices(call), call.settings["invoices_per_page"]
    on_page = found[(page - 1) * per_page : page * per_page]
    shown = [{key: invoice[key] for key in invoice if key != "type"} for invoice in on_page]
    pagination = {
        "has_more": len(found) > page * per_page,
        "page": page,
        "per_page": per_page,
        "total_count": len(found),
    }
    invoices = [with_optional(each, set(each).difference(REQUIRED_OF_INVOICE), call.settings) for each in shown]
    return with_numbers({"invoices": invoices, "pagination": pagination}, call.settings)


def _page_of_invoices(call: Call) -> int:
    sent = parameter(call.request, "page")
    if sent is None or call.settings["invoice_pages"] == "ignored":
        return 1
    if call.settings["invoice_pages"] == "refused" or not re.fullmatch("[1-9][0-9]{0,5}", sent):
        raise invalid("query", "page", "Unrecognized key")
    return int(sent)


@route("GET", f"{BILLING}/invoice-preview", "read")
def get_invoice_preview(call: Call) -> dict[str, Any]:
    lines = [
        with_optional(
            {**line, "pretax_credit_amounts": _pretax_credits(call, line)}, ("pretax_credit_amounts",), call.settings
        )
        for line in call.account["invoice_preview"]["invoice_lines"]
    ]
    return with_numbers({**call.account["invoice_preview"], "invoice_lines": lines}, call.settings)


def _pretax_credits(call: Call, line: dict[str, Any]) -> list[dict[str, Any]] | None:
    amounts = line["pretax_credit_amounts"]
    optional = ("credit_balance_transaction", "discount")
    return None if amounts is None else [with_optional(each, optional, call.settings) for each in amounts]


@route("GET", f"{BILLING}/spending-limit", "read")
def get_spending_limit(call: Call) -> dict[str, Any]:
    config = dict(call.account["spending_limit"])
    enabled = config.pop("enabled")
    return with_numbers({"enabled": enabled, "config": config}, call.settings)
