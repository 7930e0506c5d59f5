# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulator remembers, and what may be changed of it: the accounts and the settings."""

from __future__ import annotations

import re
from collections import UserDict
from typing import Any

ACCOUNT_ID = "0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT_ID = "fedcba9876543210fedcba9876543210"
FOREIGN_ACCOUNT_ID = "f0e1d2c3b4a5968778695a4b3c2d1e0f"

TOPUP_TYPES: dict[str, Any] = {
    "amount": (int, float),
    "threshold": (int, float),
    "disabledReason": str,
    "error": str,
    "lastFailedAt": (int, float),
}
LIMITS_TYPES: dict[str, Any] = {"min_cents": int, "max_cents": int, "currency": str}

# Each switch is something that is not known about the real API; the first value is the default.
SWITCHES = {
    "unset": ("null", "zero", "missing"),
    "numbers": ("integer", "float"),
    "optional_keys": ("null", "missing"),
    "token_writes": ("allowed", "refused", "refused_to_all"),
    "limits": ("known", "unknown"),
    "write_to_stopped": ("resumes", "stays_stopped"),
    "delete_unset": ("succeeds", "not_found"),
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
                    raise ValueError('rate_limit is null or {"requests": integer > 0, "window_seconds": number > 0}')
            elif name not in SWITCHES:
                raise ValueError(f"there is no setting {name!r}; there are {', '.join([*SWITCHES, 'rate_limit'])}")
            elif value not in SWITCHES[name]:
                raise ValueError(f"{name} is one of {', '.join(SWITCHES[name])}, not {value!r}")
        self.data.update(changes)


def _is_rate_limit(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"requests", "window_seconds"}
        and is_a(value["requests"], int)
        and is_a(value["window_seconds"], (int, float))
        and min(value.values()) > 0
    )


def is_a(value: Any, kind: Any) -> bool:
    """isinstance, with JSON's idea of a number: a boolean is none."""
    return isinstance(value, kind) and not isinstance(value, bool)


def new_account(reachable: bool = True) -> dict[str, Any]:
    return {
        "reachable": reachable,
        "topup": dict.fromkeys(TOPUP_TYPES),
        "limits": {"min_cents": 1000, "max_cents": 500000, "currency": "USD"},
    }


def change_account(account_id: str, account: dict[str, Any], changes: dict[str, Any]) -> None:
    """Lays the changes over the account; all of them or, at a mistake, none."""
    if not re.fullmatch(r"[0-9a-f]{32}", account_id):
        raise ValueError(f"an account id is 32 hexadecimal digits, not {account_id!r}")
    unknown = set(changes) - set(account)
    if unknown:
        raise ValueError(f"an account has no {', '.join(sorted(unknown))}; it has {', '.join(account)}")
    reachable = changes.get("reachable", account["reachable"])
    if not isinstance(reachable, bool):
        raise ValueError("reachable is true or false")
    topup = changes.get("topup", {})
    topup = dict.fromkeys(TOPUP_TYPES) if topup is None else topup
    _check_values("topup", topup, TOPUP_TYPES, nullable=True)
    limits = changes.get("limits", {})
    _check_values("limits", limits, LIMITS_TYPES, nullable=False)
    account["reachable"] = reachable
    account["topup"].update(topup)
    account["limits"].update(limits)


def _check_values(name: str, values: Any, types: dict[str, Any], nullable: bool) -> None:
    if not isinstance(values, dict):
        raise ValueError(f"{name} is an object with {', '.join(types)}")
    for key, value in values.items():
        if key not in types:
            raise ValueError(f"{name} has no {key!r}; it has {', '.join(types)}")
        if not is_a(value, types[key]) and not (nullable and value is None):
            raise ValueError(f"{name}.{key} cannot be {value!r}")
