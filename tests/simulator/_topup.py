# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls for auto top-up: what is bought by itself."""

from __future__ import annotations

from typing import Any

from ._messages import ApiError, could_not_route, credentials_kind
from ._routes import BILLING, Call, invalid, json_object, route, with_numbers, with_optional
from ._shapes import integer

MINIMUM_CENTS = {"amount": 1000, "threshold": 500}
FAILURE = ("disabledReason", "error", "lastFailedAt")


@route("GET", f"{BILLING}/topup/config", "read")
def get_topup_config(call: Call) -> dict[str, Any]:
    result = with_optional(call.account["topup"], FAILURE, call.settings)
    for key in MINIMUM_CENTS:
        if result[key] is None and call.settings["unset"] == "zero":
            result[key] = 0
        elif result[key] is None and call.settings["unset"] == "missing":
            del result[key]
    return with_numbers(result, call.settings)


@route("POST", f"{BILLING}/topup/config", "write")
def set_topup_config(call: Call) -> dict[str, Any]:
    _refuse_all_but_dashboard(call)
    body = json_object(call.request)
    unknown = sorted(set(body) - set(MINIMUM_CENTS))
    if unknown:
        raise invalid("body", unknown[0], "Unrecognized key")
    for key, minimum in MINIMUM_CENTS.items():
        if key not in body:
            raise invalid("body", key, "Required")
        if not integer(body[key]):
            raise invalid("body", key, "Expected an integer")
        if body[key] < minimum:
            raise invalid("body", key, f"Must be greater than or equal to {minimum}")
    low, high = call.account["limits"]["min_cents"], call.account["limits"]["max_cents"]
    if not low <= body["amount"] <= high:
        raise invalid("body", "amount", f"Must be between {low} and {high} for this account")
    if call.settings["write_to_stopped"] == "resumes":
        _empty(call.account["topup"])
    call.account["topup"].update(body)
    return with_numbers({key: body[key] for key in MINIMUM_CENTS}, call.settings)


@route("DELETE", f"{BILLING}/topup/config", "write")
def delete_topup_config(call: Call) -> dict[str, Any]:
    _refuse_all_but_dashboard(call)
    if call.account["topup"]["amount"] is None and call.settings["delete_unset"] == "not_found":
        raise ApiError(404, 7002, "Auto top-up configuration not found")
    _empty(call.account["topup"])
    return {}


@route("GET", f"{BILLING}/topup/limits", "read")
def get_topup_limits(call: Call) -> dict[str, Any]:
    if call.settings["limits"] == "unknown":
        raise could_not_route(call.request.path)
    return dict(call.account["limits"])


def _empty(topup: dict[str, Any]) -> None:
    topup.update(dict.fromkeys(topup))


def _refuse_all_but_dashboard(call: Call) -> None:
    refused = call.settings["token_writes"]
    if refused == "refused_to_all" or (refused == "refused" and credentials_kind(call.request.headers) == "token"):
        raise ApiError(403, 10000, "Authentication error")
