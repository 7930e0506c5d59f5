# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloudflare's API as a whole: its accounts, its rate limit, and the answer to each request."""

from __future__ import annotations

import math
import time
from typing import Any

# The calls are found by what is declared in these.
from . import _accounts, _billing, _purchases, _topup  # noqa: F401  # pylint: disable=unused-import
from ._account import ACCOUNT_ID, FOREIGN_ACCOUNT_ID, OTHER_ACCOUNT_ID, new_account
from ._messages import Answer, ApiError, Request, could_not_route, json_answer, permissions_of
from ._routes import ROUTES, Call, Page, Route
from ._settings import Settings

PUBLISHED_LIMIT = {"requests": 1200, "window_seconds": 300}


class RateLimit:
    """Requests are counted in windows of time; one too many starts a block, in which all are refused. Enforced only if set."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.reset()

    def reset(self) -> None:
        self._policy: dict[str, Any] = {}
        self._ends = 0.0
        self._requests = 0

    def count_request(self) -> dict[str, str]:
        """The headers that tell the state of the window, or of the block."""
        policy = self._settings["rate_limit"] or PUBLISHED_LIMIT
        now = time.monotonic()
        if policy != self._policy or now >= self._ends:
            self._policy, self._ends, self._requests = policy, now + policy["window_seconds"], 0
        self._requests += 1
        if self._requests == policy["requests"] + 1 and self._settings["rate_limit"]:
            # The requests that are refused do not make it longer.
            self._ends = now + policy.get("block_seconds", policy["window_seconds"])
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
        return max(0, math.ceil(self._ends - time.monotonic()))


class Cloudflare:
    """The accounts, and the answer to each request."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.accounts: dict[str, dict[str, Any]] = {}
        self.now = int(time.time() * 1000)
        self.reset()

    def reset(self, now: int | None = None) -> None:
        """``now``, in milliseconds, moves the past of all accounts there and of those that are made later."""
        self.now = self.now if now is None else now
        self.settings.reset()
        self.accounts.clear()
        for account_id in (ACCOUNT_ID, OTHER_ACCOUNT_ID):
            self.accounts[account_id] = new_account(account_id, self.now)
        self.accounts[FOREIGN_ACCOUNT_ID] = new_account(FOREIGN_ACCOUNT_ID, self.now, reachable=False)

    def answer(self, request: Request) -> Answer:
        matches = [(each, each.pattern.fullmatch(request.path)) for each in ROUTES]
        found = [(each, match) for each, match in matches if match is not None]
        if not found:
            raise could_not_route(request.path)
        for each, match in found:
            if each.method == request.method:
                return self._success(each.function(self._call(request, match.groupdict(), each)))
        allowed = ", ".join(each.method for each, match in found)
        raise ApiError(405, 10405, "Method not allowed", {"Allow": allowed})

    def _call(self, request: Request, parameters: dict[str, str], route: Route) -> Call:
        account_id = parameters.get("account_id")
        permissions = permissions_of(request.headers, of_an_account=account_id is not None)
        if account_id is None:
            return Call(request, parameters, {}, self.accounts, self.settings)
        if account_id not in self.accounts:
            raise could_not_route(request.path)
        if route.permission not in permissions or not self.accounts[account_id]["reachable"]:
            raise ApiError(403, 10000, "Authentication error")
        return Call(request, parameters, self.accounts[account_id], self.accounts, self.settings)

    def _success(self, result: Any) -> Answer:
        notes = {"empty": [], "code_10000": [{"code": 10000, "message": "A note that is no error"}]}
        messages = notes[self.settings["success_messages"]]
        envelope = {"result": result, "success": True, "errors": [], "messages": messages}
        if isinstance(result, Page):
            envelope["result"] = result.result
            if result.info is not None:
                envelope["result_info"] = result.info
        return json_answer(200, envelope)

    def refusal(self, error: ApiError) -> Answer:
        envelope = {"success": False, "errors": [error.error], "result": None}
        if self.settings["error_messages"] == "empty":
            envelope["messages"] = []
        return json_answer(error.status, envelope, error.headers)
