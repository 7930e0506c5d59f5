# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of the playbook `report` about many accounts, as data for its templates. Pure functions. Money is in cents.

This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import html
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.finops.cloudflare.plugins.module_utils._accounts import listed_id
from ansible_collections.finops.cloudflare.plugins.module_utils._api import UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._funding import check_floor, in_flight
from ansible_collections.finops.cloudflare.plugins.module_utils._invoices import currency_of, named
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import is_set
from ansible_collections.finops.cloudflare.plugins.module_utils._values import dollars, in_currency

DAYS_TO_WORRY = 7
MONTHS_OF_CHARGES = 12
LAST_INVOICES = 5
UNPAID = ("open", "uncollectible")

# The urgency of a problem, the most urgent first.
_FAILED, _EMPTY, _STOPPED, _ENDING, _BELOW, _FAILING, _OPEN, _UNKNOWN, _NONE = range(9)


def refusal(accounts: Sequence[Any]) -> str:
    """Why no report can be made on these accounts, as a sentence. Empty if it can be made.

    It does not repeat a wrong ID, which may be a secret in the wrong place.
    """
    try:
        _check(accounts)
    except UserError as error:
        return str(error)
    return ""


def _check(accounts: Sequence[Any]) -> None:
    positions: dict[str, int] = {}
    for position, account in enumerate(accounts, 1):
        entry = account if isinstance(account, Mapping) else {"id": account}
        if entry is account and entry.get("id") is None:
            raise UserError(f"Entry {position} of accounts has no id. Set its id to the account ID.")
        # In YAML, an ID of digits alone is a number.
        account_id = listed_id(position, str(entry["id"]))
        if positions.setdefault(account_id, position) != position:
            raise UserError(
                f"Entries {positions[account_id]} and {position} of accounts have the same ID. Remove one of them."
            )
        if entry.get("minimum_balance") is not None:
            try:
                _check_floor(entry["minimum_balance"])
            except UserError as error:
                raise UserError(f"Account {entry['id']}: {error}") from error


def _check_floor(floor: Any) -> None:
    """The same check as in the credit module."""
    if isinstance(floor, bool) or not isinstance(floor, int):
        shown = json.dumps(str(floor)[:40]) if isinstance(floor, str) else str(floor)[:40]
        raise UserError(f"minimum_balance is {shown}. Set it to a whole number of cents, for example 1000 for $10.00.")
    check_floor("minimum_balance", floor)


def report(results: Sequence[Mapping[str, Any]], made: str) -> dict[str, Any]:
    """The report on what a loop over `cloudflare_ai_gateway_billing_info` registered.

    `made` is the time of the report, ISO 8601 in UTC. Each loop item is an account ID, or a mapping with id, name and
    minimum_balance, the balance in cents above which purchases keep the account.
    """
    accounts = sorted((_account(result, made) for result in results), key=_urgency)
    read = [account for account in accounts if account["billing"]]
    usages = [account["billing"]["usage"] for account in read]
    balances = [account["billing"]["balance"] for account in read]
    return {
        "made": made,
        "start": min((usage["start"] for usage in usages), default=None),
        "end": max((usage["end"] for usage in usages), default=None),
        "totals": {
            "accounts": len(accounts),
            "failed": len(accounts) - len(read),
            "problems": sum(bool(account["problems"]) for account in accounts),
            # The debt of one account does not reduce the credit of another.
            "balance": _sum(max(balance, 0) for balance in balances),
            "overdrawn": _sum(max(-balance, 0) for balance in balances),
            "usage": _sum(usage["total"] for usage in usages),
            "daily_spend": _sum(account["billing"]["forecast"]["daily_spend"] or 0 for account in read),
            "charged": _sum(account["charged"] for account in read),
        },
        "accounts": accounts,
    }


def _sum(cents: Iterable[float]) -> float:
    """The sum, without rounding errors of fractions."""
    return round(sum(cents), 2)


def as_page(whole: Mapping[str, Any]) -> Any:
    """The report for an HTML template. All texts are escaped here, so that a template cannot forget one."""
    return _escaped(whole)


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, Mapping):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(item) for item in value]
    return value


def as_data(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The report for programs, without the parts that only the page needs."""
    kept = ("id", "name", "minimum_balance", "problems", "error", "auto_topup", "charged", "billing")
    return {**whole, "accounts": [{key: account[key] for key in kept} for account in whole["accounts"]]}


def _account(result: Mapping[str, Any], made: str) -> dict[str, Any]:
    item = result["item"]
    asked = item if isinstance(item, Mapping) else {"id": item}
    account_id = str(asked["id"]).lower()
    account: dict[str, Any] = {
        "id": account_id,
        "name": str(asked.get("name") or account_id),
        "minimum_balance": asked.get("minimum_balance"),
        "billing": result.get("billing"),
        "error": None,
        "auto_topup": "unknown",
        "charged": None,
    }
    if account["billing"] is None:
        account["error"] = result.get("msg") or "The account could not be read."
        return {**account, "urgency": _FAILED, "problems": [account["error"]]}
    billing = account["billing"]
    account["auto_topup"] = _state(billing["topup"])
    problems = _problems(billing, account["auto_topup"], account["minimum_balance"], made)
    why_no_end = _why_no_end(billing["forecast"])
    charges = _charges(billing["invoices"], made)
    return {
        **account,
        "charged": charges["sum"],
        "urgency": min((urgency for urgency, _text in problems), default=_NONE),
        "problems": [text for _urgency, text in problems],
        "why_no_end": why_no_end,
        "why_no_topup": _why_no_topup(billing["topup"], account["auto_topup"], why_no_end),
        "spend": _bars(_spend(billing["usage"])),
        "charges": charges,
        "invoices": [_invoice(invoice) for invoice in billing["invoices"][:LAST_INVOICES]],
    }


def _urgency(account: Mapping[str, Any]) -> tuple[int, float, str]:
    days = account["billing"]["forecast"]["days_until_empty"] if account["billing"] else None
    return account["urgency"], float("inf") if days is None else days, account["name"].lower()


def _state(topup: Mapping[str, Any]) -> str:
    if topup["disabled_reason"]:
        return "stopped"
    return "on" if is_set(topup) else "off"


def _problems(billing: Mapping[str, Any], state: str, floor: float | None, made: str) -> list[tuple[int, str]]:
    topup, balance, forecast = billing["topup"], billing["balance"], billing["forecast"]
    days = forecast["days_until_empty"]
    alone = state == "off" and floor is None
    problems = []
    if balance < 1:
        problems.append((_EMPTY, f"The credit is used up: the balance is {dollars(balance)}."))
    if state == "stopped":
        problems.append((_STOPPED, f"Cloudflare has stopped the auto top-up: {topup['disabled_reason']}"))
    elif alone and balance >= 1 and days is not None and days < DAYS_TO_WORRY:
        problems.append((_ENDING, f"Less than {DAYS_TO_WORRY} days of credit are left, and nothing adds credit."))
    elif alone and balance >= 1 and forecast["daily_spend"] is None:
        problems.append(
            (_UNKNOWN, "Nothing adds credit, and there is too little usage to tell how long the credit lasts.")
        )
    elif state == "on" and billing["has_default_payment_method"] is False:
        problems.append((_STOPPED, "The auto top-up cannot buy anything: there is no payment method."))
    if floor is not None and balance < floor:
        problems.append((_BELOW, _why_below(billing, floor, made)))
    if topup["error"]:
        problems.append((_FAILING, f"The last automatic purchase failed: {topup['error']}"))
    for invoice in billing["invoices"]:
        if invoice["status"] in UNPAID and invoice["amount_remaining"]:
            left = _money(invoice["amount_remaining"], invoice)
            problems.append((_OPEN, f"An invoice of {_date(invoice) or 'unknown date'} is not paid: {left}."))
    return problems


def _why_below(billing: Mapping[str, Any], floor: float, made: str) -> str:
    """Why the balance may be below its minimum although purchases should prevent that."""
    flying = in_flight(billing["invoices"], datetime.strptime(made, "%Y-%m-%dT%H:%M:%S%z").timestamp())
    below = f"The balance is below the minimum balance, {dollars(floor)}"
    if flying:
        return f"{below}. Nothing is bought while an earlier purchase may be in progress: {named(flying[0])}."
    return f"{below}, and no purchase is in progress. Check that the job that buys credit runs."


def _why_no_end(forecast: Mapping[str, Any]) -> str | None:
    """Why there is no forecast of when the credit runs out."""
    if forecast["days_until_empty"] is not None:
        return None
    return "too little usage to tell" if forecast["daily_spend"] is None else "nothing is spent"


def _why_no_topup(topup: Mapping[str, Any], state: str, why_no_end: str | None) -> str | None:
    """Why there is no forecast of the next top-up."""
    if state == "on":
        return "no threshold" if topup["threshold"] is None else why_no_end
    return {"off": "no auto top-up", "stopped": "auto top-up is stopped"}[state]


def _spend(usage: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    """Each day of the range with the amount spent, None if the API reports nothing for it."""
    amounts = {(bucket["start"] or "")[:10]: bucket["amount"] for bucket in usage["history"]}
    first, end = (datetime.fromtimestamp(usage[key] / 1000, timezone.utc) for key in ("start_time", "end_time"))
    days = [(first + timedelta(days=day)).strftime("%Y-%m-%d") for day in range((end - first).days)]
    return [(day, amounts.get(day)) for day in days]


def _charges(invoices: Sequence[Mapping[str, Any]], made: str) -> dict[str, Any]:
    """The payments of each month. Payments without a month or in another currency are left out and named."""
    last = int(made[:4]) * 12 + int(made[5:7]) - 1
    paid: dict[str, float | None] = {
        f"{month // 12:04}-{month % 12 + 1:02}": None for month in range(last - MONTHS_OF_CHARGES + 1, last + 1)
    }
    left_out = set()
    for invoice in invoices:
        month = _date(invoice)[:7]
        if not invoice["amount_paid"]:
            continue
        if not month:
            left_out.add("charges without a date")
        elif month in paid and currency_of(invoice) != "USD":
            left_out.add(f"charges in {currency_of(invoice)}")
        elif month in paid:
            paid[month] = (paid[month] or 0) + invoice["amount_paid"]
    return {**_bars(list(paid.items())), "left_out": sorted(left_out)}


def _invoice(invoice: Mapping[str, Any]) -> dict[str, Any]:
    address = invoice["invoice_pdf"] or ""
    return {
        "date": _date(invoice),
        "title": invoice["description"] or invoice["id"] or "Invoice",
        # Only a web address may be followed, never a script.
        "link": address if re.match("https?://", address, re.IGNORECASE) else None,
        "status": invoice["status"],
        "due": _money(invoice["amount_due"], invoice),
        "paid": _money(invoice["amount_paid"], invoice),
    }


def _date(invoice: Mapping[str, Any]) -> str:
    return (invoice["created_at"] or "")[:10]


def _money(cents: float | None, invoice: Mapping[str, Any]) -> str | None:
    return None if cents is None else in_currency(cents, currency_of(invoice))


def _bars(amounts: Sequence[tuple[str, float | None]]) -> dict[str, Any]:
    """Amounts with their heights in percent of the highest one. A day or month without an amount has no bar."""
    known = [amount for _when, amount in amounts if amount is not None]
    highest = max(known, default=0)
    return {
        "highest": highest,
        "sum": _sum(known),
        "count": len(amounts),
        "first": amounts[0][0],
        "last": amounts[-1][0],
        "bars": [
            {
                "position": position,
                "when": when,
                "amount": amount,
                # Even a tiny amount must be visible.
                "height": round(max(1.5, 100 * amount / highest if highest > 0 else 0), 2),
            }
            for position, (when, amount) in enumerate(amounts)
            if amount is not None
        ],
    }
