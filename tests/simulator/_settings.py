# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches that choose between the possibilities where the real API is not known."""

from __future__ import annotations

from collections import UserDict
from typing import Any

from ._shapes import is_a

# Each switch is something that is not known about the real API; the first value is the default.
SWITCHES = {
    "unset": ("null", "zero", "missing"),
    "numbers": ("integer", "float"),
    "optional_keys": ("null", "missing"),
    "token_writes": ("allowed", "refused", "refused_to_all"),
    "limits": ("known", "unknown"),
    "accounts": ("listed", "hidden"),
    "result_info": ("full", "missing"),
    "total_count": ("right", "of_the_page", "zero", "too_many"),
    "pages": ("numbered", "capped", "clamped", "repeated", "endless"),
    "usage_bounds": ("required", "optional", "aligned"),
    "usage_order": ("oldest_first", "newest_first"),
    "empty_buckets": ("left_out", "zero"),
    "write_to_stopped": ("resumes", "stays_stopped"),
    "delete_unset": ("succeeds", "not_found"),
    "declined_invoice": ("none", "open"),
    "invoice_pages": ("ignored", "refused", "followed"),
    "invoices_per_page": (100, 2),
    "invoice_order": ("newest_first", "oldest_first"),
    "eligibility": ("known", "unknown"),
    "success_messages": ("empty", "code_10000"),
    "error_messages": ("missing", "empty"),
}


class Settings(UserDict):  # type: ignore[type-arg]  # UserDict takes no type arguments on Python 3.8
    """The switches. An unknown name or value is refused, so that a misspelt one does not pass unseen."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        self.data = {name: values[0] for name, values in SWITCHES.items()}
        self.data["rate_limit"] = None

    def __setitem__(self, name: str, value: Any) -> None:
        self.change({name: value})

    def change(self, changes: dict[str, Any]) -> None:
        """Makes all of the changes or, at a mistake, none."""
        for name, value in changes.items():
            if name == "rate_limit":
                if value is not None and not _is_rate_limit(value):
                    raise ValueError(
                        'rate_limit is null or {"requests": integer > 0, "window_seconds": number > 0}, and may have '
                        '"block_seconds": number > 0'
                    )
            elif name not in SWITCHES:
                raise ValueError(f"there is no setting {name!r}; there are {', '.join([*SWITCHES, 'rate_limit'])}")
            elif value not in SWITCHES[name]:
                raise ValueError(f"{name} is one of {', '.join(map(str, SWITCHES[name]))}, not {value!r}")
        self.data.update(changes)


def _is_rate_limit(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"requests", "window_seconds"} <= set(value) <= {"requests", "window_seconds", "block_seconds"}
        and all(is_a(number, (int, float)) and number > 0 for number in value.values())
        and is_a(value["requests"], int)
    )
