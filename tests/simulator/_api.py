# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of Cloudflare's API. A new one is one function with ``@route`` above it."""

from __future__ import annotations

import json
import math
import re
import time
from typing import Any, Callable, NamedTuple

from ._messages import Answer, ApiError, Request, could_not_route, credentials_kind, json_answer, permissions_of
from ._state import ACCOUNT_ID, FOREIGN_ACCOUNT_ID, OTHER_ACCOUNT_ID, TOPUP_TYPES, Settings, is_a, new_account

API_PREFIX = "/client/v4"
BILLING = "/accounts/{account_id}/ai-gateway/billing"
PLACEHOLDERS = {"account_id": "[0-9a-f]{32}"}
PUBLISHED_LIMIT = {"requests": 1200, "window_seconds": 300}
MINIMUM_CENTS = {"amount": 1000, "threshold": 500}


class Call(NamedTuple):
    """What a route function gets to know."""

    request: Request
    account: dict[str, Any]
    settings: Settings


class Route(NamedTuple):
    method: str
    pattern: re.Pattern[str]
    permission: str
    function: Callable[[Call], Any]


ROUTES: list[Route] = []


def route(method: str, path: str, permission: str) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
    """Serves the path with the function, whose return value becomes the envelope's result."""
    pattern = API_PREFIX + re.sub(r"\{(\w+)\}", lambda name: f"(?P<{name[1]}>{PLACEHOLDERS[name[1]]})", path)

    def register(function: Callable[[Call], Any]) -> Callable[[Call], Any]:
        ROUTES.append(Route(method, re.compile(pattern), permission, function))
        return function

    return register


@route("GET", f"{BILLING}/topup/config", "read")
def get_topup_config(call: Call) -> dict[str, Any]:
    topup, settings = call.account["topup"], call.settings
    result = {key: _number(topup[key], settings) for key in TOPUP_TYPES}
    for key in ("amount", "threshold"):
        if result[key] is None and settings["unset"] == "zero":
            result[key] = _number(0, settings)
        elif result[key] is None and settings["unset"] == "missing":
            del result[key]
    for key in ("disabledReason", "error", "lastFailedAt"):
        if result[key] is None and settings["optional_keys"] == "missing":
            del result[key]
    return result


@route("POST", f"{BILLING}/topup/config", "write")
def set_topup_config(call: Call) -> dict[str, Any]:
    _refuse_all_but_dashboard(call)
    body = _json_object(call.request)
    unknown = sorted(set(body) - set(MINIMUM_CENTS))
    if unknown:
        raise _invalid(unknown[0], "Unrecognized key")
    for key, minimum in MINIMUM_CENTS.items():
        if key not in body:
            raise _invalid(key, "Required")
        if not is_a(body[key], int):
            raise _invalid(key, "Expected an integer")
        if body[key] < minimum:
            raise _invalid(key, f"Must be greater than or equal to {minimum}")
    limits = call.account["limits"]
    if not limits["min_cents"] <= body["amount"] <= limits["max_cents"]:
        raise _invalid("amount", f"Must be between {limits['min_cents']} and {limits['max_cents']} for this account")
    if call.settings["write_to_stopped"] == "resumes":
        call.account["topup"].update(dict.fromkeys(TOPUP_TYPES))
    call.account["topup"].update(body)
    return {key: _number(body[key], call.settings) for key in MINIMUM_CENTS}


@route("DELETE", f"{BILLING}/topup/config", "write")
def delete_topup_config(call: Call) -> dict[str, Any]:
    _refuse_all_but_dashboard(call)
    if call.account["topup"]["amount"] is None and call.settings["delete_unset"] == "not_found":
        raise ApiError(404, 7002, "Auto top-up configuration not found")
    call.account["topup"].update(dict.fromkeys(TOPUP_TYPES))
    return {}


@route("GET", f"{BILLING}/topup/limits", "read")
def get_topup_limits(call: Call) -> dict[str, Any]:
    if call.settings["limits"] == "unknown":
        raise could_not_route(call.request.path)
    return dict(call.account["limits"])


def _refuse_all_but_dashboard(call: Call) -> None:
    refused = call.settings["token_writes"]
    if refused == "refused_to_all" or (refused == "refused" and credentials_kind(call.request.headers) == "token"):
        raise ApiError(403, 10000, "Authentication error")


def _number(value: Any, settings: Settings) -> Any:
    return float(value) if is_a(value, (int, float)) and settings["numbers"] == "float" else value


def _invalid(key: str | None, message: str) -> ApiError:
    return ApiError(400, 7001, message, path=["body"] if key is None else ["body", key])


def _json_object(request: Request) -> dict[str, Any]:
    if request.headers.get_content_type() != "application/json":
        raise _invalid(None, "Content-Type must be application/json")
    try:
        body = json.loads(request.body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _invalid(None, "Malformed JSON in request body") from None
    if not isinstance(body, dict):
        raise _invalid(None, "Expected an object")
    return body


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class RateLimit:
    """One window of time: when its requests are used up, all are refused until it ends. Enforced only if set."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.reset()

    def reset(self) -> None:
        self._policy: dict[str, Any] = {}
        self._started = 0.0
        self._requests = 0

    def count_request(self) -> dict[str, str]:
        """The headers that tell the state of the window."""
        policy = self._settings["rate_limit"] or PUBLISHED_LIMIT
        if policy != self._policy or self._seconds_left() <= 0:
            self._policy, self._started, self._requests = policy, time.monotonic(), 0
        self._requests += 1
        left = max(0, policy["requests"] - self._requests)
        return {
            "Ratelimit": f'"default";r={left};t={self._seconds_left()}',
            "Ratelimit-Policy": f'"default";q={policy["requests"]};w={policy["window_seconds"]}',
        }

    def check(self) -> None:
        if self.exceeded:
            raise ApiError(429, 971, "Rate limit exceeded", {"Retry-After": str(self._seconds_left())})

    @property
    def exceeded(self) -> bool:
        limit = self._settings["rate_limit"]
        return limit is not None and self._requests > limit["requests"]

    def _seconds_left(self) -> int:
        window: float = self._policy["window_seconds"]
        return max(0, math.ceil(self._started + window - time.monotonic()))


class Cloudflare:
    """The accounts, and the answer to each request."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.accounts: dict[str, dict[str, Any]] = {}
        self.reset()

    def reset(self) -> None:
        self.settings.reset()
        self.accounts.clear()
        self.accounts[ACCOUNT_ID] = new_account()
        self.accounts[OTHER_ACCOUNT_ID] = new_account()
        self.accounts[FOREIGN_ACCOUNT_ID] = new_account(reachable=False)

    def answer(self, request: Request) -> Answer:
        matches = [(each, each.pattern.fullmatch(request.path)) for each in ROUTES]
        found = [(each, match) for each, match in matches if match is not None]
        if not found:
            raise could_not_route(request.path)
        for each, match in found:
            if each.method == request.method:
                return self._success(each.function(self._call(request, match.group("account_id"), each.permission)))
        allowed = ", ".join(each.method for each, match in found)
        raise ApiError(405, 10405, "Method not allowed", {"Allow": allowed})

    def _call(self, request: Request, account_id: str, permission: str) -> Call:
        permissions = permissions_of(request.headers)
        if account_id not in self.accounts:
            raise could_not_route(request.path)
        if permission not in permissions or not self.accounts[account_id]["reachable"]:
            raise ApiError(403, 10000, "Authentication error")
        return Call(request, self.accounts[account_id], self.settings)

    def _success(self, result: Any) -> Answer:
        notes = {"empty": [], "code_10000": [{"code": 10000, "message": "A note that is no error"}]}
        messages = notes[self.settings["success_messages"]]
        return json_answer(200, {"result": result, "success": True, "errors": [], "messages": messages})

    def refusal(self, error: ApiError) -> Answer:
        envelope = {"success": False, "errors": [error.error], "result": None}
        if self.settings["error_messages"] == "empty":
            envelope["messages"] = []
        return json_answer(error.status, envelope, error.headers)
