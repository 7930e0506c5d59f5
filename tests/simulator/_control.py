# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API under /_simulator: looks into the simulator and changes it, over HTTP."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Callable

from ._billing import FURTHEST_TIME
from ._messages import Answer, Request, json_answer
from ._shapes import Maybe, fitted, integer

if TYPE_CHECKING:
    from .simulator import Simulator

CONTROL_PREFIX = "/_simulator"


def _change_account(simulator: Simulator, account_id: str, body: Any) -> Any:
    simulator.set_account(account_id, **_object(body))
    return simulator.account(account_id)


def _settle(simulator: Simulator, account_id: str, _body: Any) -> Any:
    simulator.settle(account_id)
    return simulator.account(account_id)


def _change_settings(simulator: Simulator, _unused: str, body: Any) -> Any:
    simulator.settings.change(_object(body))
    return dict(simulator.settings)


def _add_faults(simulator: Simulator, _unused: str, body: Any) -> Any:
    simulator.add_faults(*[_object(fault) for fault in (body if isinstance(body, list) else [body])])
    return simulator.faults


def _reset(simulator: Simulator, _unused: str, body: Any) -> Any:
    simulator.reset(**fitted("the body", {} if body is None else body, {"now": Maybe(_moment)}))
    return {}


def _moment(value: Any) -> bool:
    return integer(value) and 0 <= value <= FURTHEST_TIME


Action = Callable[["Simulator", str, Any], Any]
ACTIONS: dict[tuple[str, str], Action] = {
    ("GET", "/"): lambda simulator, unused, body: simulator.info(),
    ("POST", "/reset"): _reset,
    ("GET", "/accounts"): lambda simulator, unused, body: simulator.accounts,
    ("GET", "/accounts/{}"): lambda simulator, account_id, body: simulator.account(account_id),
    ("PATCH", "/accounts/{}"): _change_account,
    ("POST", "/accounts/{}"): _settle,
    ("GET", "/settings"): lambda simulator, unused, body: dict(simulator.settings),
    ("PATCH", "/settings"): _change_settings,
    ("GET", "/faults"): lambda simulator, unused, body: simulator.faults,
    ("POST", "/faults"): _add_faults,
    ("GET", "/requests"): lambda simulator, unused, body: simulator.requests,
    ("DELETE", "/requests"): lambda simulator, unused, body: simulator.forget_requests(),
}


def answer(simulator: Simulator, request: Request) -> Answer:
    path = request.path[len(CONTROL_PREFIX) :] or "/"
    account = re.fullmatch(r"/accounts/([^/]+)", path)
    account_id = account.group(1) if account else ""
    action = ACTIONS.get((request.method, "/accounts/{}" if account else path))
    if action is None:
        offers = ", ".join(f"{method} {CONTROL_PREFIX}{offered}" for method, offered in ACTIONS)
        return json_answer(404, {"error": f"no {request.method} {request.path} here; there are {offers}"})
    try:
        return json_answer(200, action(simulator, account_id, json.loads(request.body) if request.body else None))
    except LookupError as error:
        return json_answer(404, {"error": str(error)})
    except (ValueError, TypeError) as error:
        return json_answer(400, {"error": str(error)})


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ValueError("the body is a JSON object")
    return body
