# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inputs of modules, generated: options that are right, wrong, missing or of other types, accounts, and faults."""

from __future__ import annotations

import random
from typing import Any, Callable, NamedTuple

from simulator.simulator import EMAIL, GLOBAL_KEY, POWERLESS_TOKEN, READ_TOKEN, WRITE_TOKEN

MISSING = "missing"
# No braces, as Ansible would take them for a template.
LETTERS = "aZ09 -_.,:;/\\'\"$#%&!@\t\n\r\x07\x7f\x85\u00e9\u2028\ufeff\uffff\U0001f4b8"


class Values(NamedTuple):
    """Values of an option that are right, and some that are wrong in a way of their own."""

    right: list[Any]
    wrong: list[Any]


CONNECTION = {
    "api_token": Values(
        [WRITE_TOKEN, WRITE_TOKEN, READ_TOKEN], [POWERLESS_TOKEN, f"{WRITE_TOKEN}\n", f"{WRITE_TOKEN}\u00e9"]
    ),
    "api_key": Values([GLOBAL_KEY], ["cfk_NoSuchKey"]),
    "account_email": Values([EMAIL], ["nobody@simulator.example"]),
    "timeout": Values([5, "5"], [0]),
    "validate_certs": Values([True, "no"], ["perhaps"]),
    "ca_path": Values(["~", "."], ["/no/such/file"]),
    "unknown": Values([], [5000]),
}
OPTIONS = {
    "cloudflare_ai_gateway_topup": {
        "state": Values(["present", "present", "absent"], ["gone"]),
        "amount": Values([1000, 5000, "6000"], [999, 5000.5, -5000, True]),
        "threshold": Values([1000, 500, "5000"], [499, 5000.5, "1e3"]),
    },
    "cloudflare_ai_gateway_topup_info": {},
    "cloudflare_ai_gateway_credit": {
        "minimum_balance": Values([1000, 1000, "500", 1500], [-1, "ten"]),
        "amount": Values([5000, "1000"], [999, 5000.5]),
        "maximum_charge": Values([5250, 6000], [5249, 1049]),
        "target_balance": Values([], [6000]),
        "maximum_charge_per_day": Values([5250, 5249], [10]),
        "allow_auto_topup": Values([True, True, False], ["perhaps"]),
        "payment_method_id": Values(["pm_1"], [5]),
        "wait": Values([True, False], ["perhaps"]),
        "wait_timeout": Values([0], [-1]),
    },
    "cloudflare_ai_gateway_billing_info": {
        "gather": Values([["all"], ["balance", "limits"], "invoices,topup"], [["nothing"]]),
        "usage_window": Values(["day", "hour"], ["year"]),
        "usage_start": Values(["7d", "2026-11-20T10:20:00Z"], ["yesterday"]),
        "invoice_type": Values(["auto", "manual"], ["some"]),
    },
}
# Without these, little else is tried.
USUAL = {
    "api_token",
    "amount",
    "threshold",
    "gather",
    "minimum_balance",
    "maximum_charge",
    "wait",
    "wait_timeout",
    "allow_auto_topup",
}

FAULTS: list[dict[str, Any]] = [
    {"fault": "echo_secret"},
    {"fault": "echo_secret", "method": "POST"},
    {"fault": "html_502"},
    {"fault": "rate_limited", "retry_after": 0},
    {"fault": "rate_limited", "retry_after": 9999},
    {"fault": "drop_before"},
    {"fault": "drop_after", "method": "POST"},
    {"fault": "cut_short"},
    {"fault": "json_not_envelope"},
    {"fault": "success_false", "message": "\u2028 \u00fc \U0001f4b8"},
    {"fault": "redirect", "location": "https://login.invalid/"},
    {"fault": "status", "status": 403, "method": "POST"},
    {"fault": "wrong_echo", "method": "POST"},
    {"fault": "null_result"},
]
TOPUPS: list[dict[str, Any]] = [
    {},
    {"amount": 5000, "threshold": 1000},
    {"amount": 1000.0, "threshold": 5000},
    {"amount": 5000, "threshold": 1000, "disabledReason": f"not with {WRITE_TOKEN}", "error": "\U0001f4b8 declined"},
]
PURCHASES: list[dict[str, Any]] = [
    {},
    {"outcome": "pending"},
    {"outcome": "authentication"},
    {"outcome": "declined"},
    {"status_checks": 1, "balance_reads": 1},
    {"list_reads": 9},
    {"ineligible": "NO_ACCOUNT_PAYMENT_METHOD"},
]


def text(chance: random.Random) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randrange(9)))


# Values that are wrong nearly everywhere.
ODD: list[Callable[[random.Random], Any]] = [
    text,
    lambda chance: None,
    lambda chance: chance.random() < 0.5,
    lambda chance: chance.randrange(-(10**6), 10**18),
    lambda chance: chance.uniform(-1e4, 1e4),
    lambda chance: [text(chance), chance.randrange(9)],
    lambda chance: {text(chance): text(chance)},
]


def example(chance: random.Random, module: str) -> dict[str, Any]:
    """Half of them are right; in the others one option is wrong, odd, or missing."""
    possible = {**CONNECTION, **OPTIONS[module]}
    options = {
        name: chance.choice(values.right)
        for name, values in possible.items()
        if values.right and (name in USUAL or chance.random() < 0.2)
    }
    if chance.random() < 0.5:
        name = chance.choice(sorted(possible))
        options[name] = chance.choice([chance.choice(possible[name].wrong), chance.choice(ODD)(chance), MISSING])
        if options[name] == MISSING:
            del options[name]
    return {
        "options": options,
        "check_mode": chance.random() < 0.3,
        "diff": chance.random() < 0.5,
        "topup": chance.choice(TOPUPS),
        "purchases": chance.choice(PURCHASES),
        "faults": [chance.choice(FAULTS)] if chance.random() < 0.3 else [],
    }


def generated(module: str, number: int) -> list[dict[str, Any]]:
    """The same ones in each run."""
    chance = random.Random(module)
    return [example(chance, module) for _number in range(number)]
