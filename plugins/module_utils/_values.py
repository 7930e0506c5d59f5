# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers and texts of the billing API, and how to show them to a person. No HTTP and no Ansible in here.

All money is in cents. This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Mapping

from ._text import clean


def dollars(cents: float) -> str:
    """5000 as `$50.00`."""
    value = Decimal(str(cents)) / 100
    shown = f"{abs(value):,.2f}"
    return f"-${shown}" if value < 0 and shown != "0.00" else f"${shown}"


def money(cents: float) -> str:
    """5000 as `5000 ($50.00)`: the cents that the user writes, and the dollars that the user means."""
    return f"{cents} ({dollars(cents)})"


def in_currency(cents: float, currency: str) -> str:
    """An amount for a sentence, whose currency may not be US dollars: `$50.00`, `50.00 EUR`. `currency` is in upper case."""
    return dollars(cents) if currency == "USD" else f"{dollars(cents).replace('$', '')} {currency}"


def in_seconds(count: float) -> str:
    """A duration for a sentence: `1 second`, `120 seconds`."""
    return f"{count} second{'' if count == 1 else 's'}"


_LARGEST = 2**63


def is_number(value: object) -> bool:
    """Whether it is a number in JSON. Booleans, infinity (1e999) and values too large for an amount or a time are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST


def number(result: Mapping[str, Any], key: str) -> int | float | None:
    """The number under a key: an integer if it is whole (5000.0), None if it is null or missing.

    Raises ValueError if it is something else or too large to make sense.
    """
    value = result.get(key)
    if value is None:
        return None
    if not is_number(value):
        raise ValueError(f"{key} is not a number")
    whole = int(value)
    return whole if whole == value else value


def is_account_id(value: object) -> bool:
    """Whether it has the form of a Cloudflare account ID, 32 hexadecimal characters."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{32}", value) is not None


def text(value: object) -> str | None:
    """Text from elsewhere for one line. None if there is none or it is empty."""
    if isinstance(value, (str, bool)) or is_number(value):
        return clean(value) or None
    return None


def flag(value: object) -> bool | None:
    """A boolean of the API. None for anything else."""
    return value if isinstance(value, bool) else None


def scalar(value: object) -> str | int | float | bool | None:
    """A value of unknown type: a boolean or a number as it is, a text for one line, or None for anything else."""
    return value if isinstance(value, bool) or is_number(value) else text(value)  # type: ignore[return-value]


def utc(timestamp: Any) -> str | None:
    """A Unix time as ISO 8601 in UTC. None if it is not a time. Values from 1e11 on can only be milliseconds."""
    if not is_number(timestamp):
        return None
    try:
        unix = timestamp / 1000 if timestamp >= 1e11 else timestamp
        return datetime.fromtimestamp(unix, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None
