# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be read from an account's AI Gateway billing: calls, and pure functions that convert the API's objects.

No HTTP and no Ansible in here. All money is in cents. This file is private to the collection and can change in any
release.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import Any, Mapping
from urllib.parse import urlencode

from ._api import Call, UserError
from ._topup import object_in, objects_in, read, topup_from_api
from ._values import flag, number, text, utc

Parsed = Mapping[str, Any]


def read_balance(account_id: str) -> Call:
    """Read the credit balance. One response holds balance, payment_method, has_default_payment_method,
    first_topup_success and topup. topup_told says whether it mentioned topup at all."""
    return read(account_id, "credit-balance", "credit balance", balance_from_api)


def balance_from_api(result: object) -> Parsed:
    """The credit balance in a response. It can be negative and have a fraction. Raises ValueError for an unknown shape."""
    result = object_in(result, "the credit balance")
    method = result.get("payment_method")
    return {
        "balance": _required(result, "balance"),
        "has_default_payment_method": flag(result.get("has_default_payment_method")),
        "payment_method": {"brand": text(method.get("brand")), "last4": text(method.get("last4"))}
        if isinstance(method, dict)
        else None,
        "first_topup_success": flag(result.get("first_topup_success")),
        "topup": topup_from_api(result.get("topup_config") or {}),
        "topup_told": isinstance(result.get("topup_config"), dict),
    }


_DAY = 86_400_000
_HOUR = 3_600_000
_WINDOWS = {"day": _DAY, "hour": _HOUR}
_UNITS = {"d": _DAY, "h": _HOUR}


def moment(name: str, value: str, now: int) -> int:
    """A time given by the user, in Unix milliseconds. It is ISO 8601, in UTC by default, or how long ago.

    Raises `UserError`.
    """
    ago = re.fullmatch(r"([0-9]{1,5})([dh])", value)
    if ago:
        return now - int(ago.group(1)) * _UNITS[ago.group(2)]
    try:
        # Before Python 3.11, fromisoformat does not accept the Z.
        time = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", value))
        time = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
        return int(time.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise UserError(
            f"{name} is {value!r}. Set it to a time like 2026-11-01 or 2026-11-01T12:00:00Z, or to days or hours ago like 7d or "
            "36h."
        ) from None


def usage_range(window: str, start: str, end: str | None, now: int) -> tuple[int, int]:
    """The range of usage to read, in Unix milliseconds, widened to whole buckets because the API may not split one.

    Raises `UserError`.
    """
    first = moment("usage_start", start, now)
    last = now if end is None else moment("usage_end", end, now)
    if first >= last:
        raise UserError(f"usage_start ({utc(first)}) is not before usage_end ({utc(last)}). Swap or correct them.")
    length = _WINDOWS[window]
    return first // length * length, -(-last // length) * length


def read_usage(account_id: str, window: str, start: int, end: int) -> Call:
    """Read the usage. `window` is day or hour, `start` and `end` are Unix milliseconds."""
    query = urlencode({"value_grouping_window": window, "start_time": start, "end_time": end})

    def parse(result: object) -> Parsed:
        return usage_from_api(result, window, start, end)

    return read(account_id, f"usage-history?{query}", "usage", parse)


def usage_from_api(result: object, window: str, start: int, end: int) -> Parsed:
    """The usage in a response, oldest first, and its sum."""
    history: list[dict[str, Any]] = [
        {
            "id": text(bucket.get("id")),
            "amount": _required(bucket, "aggregated_value"),
            "start": utc(bucket.get("start_time")),
            "start_time": _required(bucket, "start_time"),
            "end": utc(bucket.get("end_time")),
            "end_time": _required(bucket, "end_time"),
        }
        for bucket in objects_in(object_in(result, "the usage"), "history")
    ]
    history.sort(key=lambda bucket: bucket["start_time"])
    return {
        "window": window,
        "start": utc(start),
        "start_time": start,
        "end": utc(end),
        "end_time": end,
        "total": sum(bucket["amount"] for bucket in history),
        "history": history,
    }


def read_invoice_preview(account_id: str) -> Call:
    """Read the preview of the next invoice."""
    return read(account_id, "invoice-preview", "invoice preview", invoice_preview_from_api)


def invoice_preview_from_api(result: object) -> Parsed:
    result = object_in(result, "the invoice preview")
    return {
        "id": text(result.get("id")),
        "status": text(result.get("status")),
        "currency": text(result.get("currency")),
        "amount_due": number(result, "amount_due"),
        "amount_paid": number(result, "amount_paid"),
        "amount_remaining": number(result, "amount_remaining"),
        **_time(result, "period_start", "start"),
        **_time(result, "period_end", "end"),
        "lines": [
            {
                "description": text(line.get("description")),
                "amount": number(line, "amount"),
                "currency": text(line.get("currency")),
                "quantity": number(line, "quantity"),
            }
            for line in objects_in(result, "invoice_lines")
        ],
    }


def read_spending_limit(account_id: str) -> Call:
    """Read the spending limit of the account. Cloudflare has replaced it by limits on each gateway."""
    return read(account_id, "spending-limit", "spending limit", spending_limit_from_api)


def spending_limit_from_api(result: object) -> Parsed:
    result = object_in(result, "the spending limit")
    config = result.get("config")
    config = config if isinstance(config, dict) else {}
    return {
        "enabled": flag(result.get("enabled")),
        "amount": number(config, "amount"),
        "duration": text(config.get("duration")),
        "strategy": text(config.get("strategy")),
    }


def _required(result: Mapping[str, Any], key: str) -> int | float:
    value = number(result, key)
    if value is None:
        raise ValueError(f"{key} is missing")
    return value


def _time(item: Mapping[str, Any], key: str, name: str) -> dict[str, Any]:
    """A time in two forms: the API's number under its key, and ISO 8601 in UTC under the name."""
    value = number(item, key)
    return {key: value, name: utc(value)}


def forecast(balance: float | None, usage: Parsed | None, topup: Parsed | None, now: int) -> dict[str, float | None]:
    """How fast the credit is spent, and how long it lasts at that rate. None if there is not enough data.

    `daily_spend`, in cents, is the sum of the usage divided by a number of days. These days begin with the first bucket
    that the API returned. They end with the range or now (Unix milliseconds), whichever is earlier. If the API returned no
    bucket for that time, they end with the start of that bucket. `daily_spend` is None with less than one day of data,
    without any bucket, and if the sum is negative.
    `days_until_empty` is 0 if the balance is 0 or less, otherwise balance / daily_spend. `days_until_topup` is 0 if the
    balance is not above the threshold, otherwise (balance - threshold) / daily_spend. It is None if there is no auto
    top-up or Cloudflare has stopped it. Both are None if nothing is spent, because the credit then never runs out.
    """
    spend = _daily_spend(usage, now)
    threshold = topup["threshold"] if topup and not topup["disabled_reason"] else None
    return {
        "daily_spend": spend,
        "days_until_empty": _days_until(balance, 0, spend),
        "days_until_topup": _days_until(balance, threshold, spend),
    }


def _daily_spend(usage: Parsed | None, now: int) -> float | None:
    if not usage or not usage["history"] or usage["total"] < 0:
        return None
    first = max(usage["start_time"], usage["history"][0]["start_time"])
    end = min(usage["end_time"], now)
    complete = end // _WINDOWS[usage["window"]] * _WINDOWS[usage["window"]]
    last = min(end, max(complete, usage["history"][-1]["end_time"]))
    days = (last - first) / _DAY
    return usage["total"] / days if days >= 1 else None


def _days_until(balance: float | None, floor: float | None, spend: float | None) -> float | None:
    if balance is None or floor is None:
        return None
    if balance <= floor:
        return 0
    days = (balance - floor) / spend if spend else math.inf
    return round(days, 2) if days < math.inf else None
