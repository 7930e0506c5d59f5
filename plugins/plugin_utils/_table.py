# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of the playbook `report` as CSV in which no text is a formula. Pure functions.

This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from typing import Any, Mapping

# Where a spreadsheet may start another cell, and what makes that cell a formula. In some languages, a number can begin
# with the mathematical minus sign.
_CELL_STARTS = re.compile("([,;\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029])")
_FORMULA_STARTS = tuple("=+-@\u2212")


def as_table(whole: Mapping[str, Any]) -> str:
    """The report as CSV, one line per account. The last line has no line break, because the template adds it."""
    rows = [_row(account, whole["made"]) for account in whole["accounts"]]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue().rstrip("\n")


def _row(account: Mapping[str, Any], made: str) -> dict[str, Any]:
    billing = account["billing"] or {}
    topup, usage, forecast = (billing.get(part, {}) for part in ("topup", "usage", "forecast"))
    return {
        "account_id": account["id"],
        "name": account["name"],
        "read": "no" if account["error"] else "yes",
        "problems": "; ".join(account["problems"]),
        "balance_cents": billing.get("balance"),
        "minimum_balance_cents": account["minimum_balance"],
        "auto_topup": account["auto_topup"],
        "topup_amount_cents": topup.get("amount"),
        "topup_threshold_cents": topup.get("threshold"),
        "topup_disabled_reason": topup.get("disabled_reason"),
        "topup_error": topup.get("error"),
        "usage_cents": usage.get("total"),
        "usage_start": usage.get("start"),
        "usage_end": usage.get("end"),
        "daily_spend_cents": None if forecast.get("daily_spend") is None else round(forecast["daily_spend"], 2),
        "days_until_empty": forecast.get("days_until_empty"),
        "days_until_topup": forecast.get("days_until_topup"),
        "charged_12_months_cents": account["charged"],
        "made": made,
    }


def _cell(value: Any) -> Any:
    """A text with an apostrophe wherever a spreadsheet could see a formula. A number stays as it is."""
    if not isinstance(value, str):
        return value
    return "".join(f"'{part}" if _starts_formula(part) else part for part in _CELL_STARTS.split(value))


def _starts_formula(text: str) -> bool:
    # Decomposed, so that another form of a character, or an accent on it, hides nothing.
    seen = (char for char in unicodedata.normalize("NFKD", text) if not _is_unseen(char))
    return next(seen, "") in _FORMULA_STARTS


def _is_unseen(char: str) -> bool:
    """Whether a spreadsheet may skip it at the start: spaces, control and format characters, accents, quotes, blank letters."""
    return unicodedata.category(char)[0] in "CMZ" or char in '"\u115f\u1160\u2800'
