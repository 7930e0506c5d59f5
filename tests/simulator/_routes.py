# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a call of Cloudflare's API is declared, and what such calls have in common."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Collection, NamedTuple
from urllib.parse import parse_qs

from ._messages import ApiError, Request
from ._settings import Settings
from ._shapes import number

API_PREFIX = "/client/v4"
BILLING = "/accounts/{account_id}/ai-gateway/billing"
PLACEHOLDERS = {"account_id": "[0-9a-f]{32}"}


class Call(NamedTuple):
    """What a route function gets to know. ``account`` is that of the path, and empty where the path names none."""

    request: Request
    parameters: dict[str, str]
    """The values of the placeholders in the path"""
    account: dict[str, Any]
    accounts: dict[str, dict[str, Any]]
    settings: Settings


class Page(NamedTuple):
    """A result of which there is more; ``info`` is the envelope's result_info, or None where it has none."""

    result: list[Any]
    info: dict[str, int] | None


class Route(NamedTuple):
    """``permission`` is None where what the credentials may not see is left out and not refused."""

    method: str
    pattern: re.Pattern[str]
    permission: str | None
    function: Callable[[Call], Any]


ROUTES: list[Route] = []


def route(method: str, path: str, permission: str | None) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
    """Serves the path with the function, whose return value, a Page or not, becomes the envelope's result."""
    pattern = API_PREFIX + re.sub(r"\{(\w+)\}", lambda name: f"(?P<{name[1]}>{PLACEHOLDERS[name[1]]})", path)

    def register(function: Callable[[Call], Any]) -> Callable[[Call], Any]:
        ROUTES.append(Route(method, re.compile(pattern), permission, function))
        return function

    return register


def invalid(where: str, key: str | None, message: str) -> ApiError:
    """``where`` is the part of the request: body or query."""
    return ApiError(400, 7001, message, path=[where] if key is None else [where, key])


def json_object(request: Request) -> dict[str, Any]:
    if request.headers.get_content_type() != "application/json":
        raise invalid("body", None, "Content-Type must be application/json")
    try:
        body = json.loads(request.body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise invalid("body", None, "Malformed JSON in request body") from None
    if not isinstance(body, dict):
        raise invalid("body", None, "Expected an object")
    return body


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def parameter(request: Request, name: str) -> str | None:
    """The query parameter's text; None if it was not sent."""
    values = parse_qs(request.query, keep_blank_values=True).get(name, [])
    if len(values) > 1:
        raise invalid("query", name, "Expected one value")
    return values[0] if values else None


def with_numbers(value: Any, settings: Settings) -> Any:
    """The value with all of its numbers as the setting has them."""
    if isinstance(value, dict):
        return {key: with_numbers(each, settings) for key, each in value.items()}
    if isinstance(value, list):
        return [with_numbers(each, settings) for each in value]
    return float(value) if number(value) and settings["numbers"] == "float" else value


def with_optional(values: dict[str, Any], optional: Collection[str], settings: Settings) -> dict[str, Any]:
    """A copy in which those of the optional keys that are not filled are null or missing, as the setting has them."""
    missing = settings["optional_keys"] == "missing"
    return {key: value for key, value in values.items() if not (missing and value is None and key in optional)}
