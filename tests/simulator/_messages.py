# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests, answers and refusals as Cloudflare words them, and what credentials are worth."""

from __future__ import annotations

import json
import re
from email.message import Message
from typing import Any, Iterable, NamedTuple

WRITE_TOKEN = "cfut_SimulatorWriteTokenThatMustNeverBeShownAnywhere0001"
READ_TOKEN = "cfut_SimulatorReadTokenThatMustNeverBeShownAnywhere0002"
POWERLESS_TOKEN = "cfut_SimulatorPowerlessTokenThatMustNeverBeShown0003"
EMAIL = "owner@simulator.example"
GLOBAL_KEY = "cfk_SimulatorGlobalKeyThatMustNeverBeShownAnywhere0004"

# What a bank's confirmation of a purchase (3-D Secure) is started with
CLIENT_SECRET = "pi_1Simulator_secret_ThatMustNeverBeShownAnywhere0005"

SECRETS = (WRITE_TOKEN, READ_TOKEN, POWERLESS_TOKEN, GLOBAL_KEY, CLIENT_SECRET)
PERMISSIONS = {
    WRITE_TOKEN: frozenset({"read", "write"}),
    READ_TOKEN: frozenset({"read"}),
    POWERLESS_TOKEN: frozenset(),
}


class Request(NamedTuple):
    method: str
    path: str
    query: str
    headers: Message
    body: bytes


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    cut_short: bool = False
    parts: Iterable[bytes] | None = None
    """In place of the body: what is sent one after the other, until the connection closes."""


class ApiError(Exception):
    """A refusal. ``details`` are further keys of the error object, such as error_chain or path."""

    def __init__(
        self, status: int, code: int, message: str, headers: dict[str, str] | None = None, **details: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.error = {"code": code, "message": message, **details}


def json_answer(status: int, value: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(value).encode())


def could_not_route(path: str) -> ApiError:
    return ApiError(404, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?")


def credentials_kind(headers: Message) -> str:
    token = "Authorization" in headers
    key = "X-Auth-Key" in headers or "X-Auth-Email" in headers
    return {(True, True): "both", (True, False): "token", (False, True): "key", (False, False): "none"}[token, key]


def permissions_of(headers: Message, of_an_account: bool = True) -> frozenset[str]:
    """An unknown token is refused in one way by the calls of an account, and in another where accounts are listed."""
    kind = credentials_kind(headers)
    if kind == "none":
        raise ApiError(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
    if kind == "both":
        raise ApiError(400, 6003, "Invalid request headers: send Authorization, or X-Auth-Email and X-Auth-Key")
    if kind == "token":
        unknown = ApiError(401, 10000, "Authentication error")
        return _permissions_of_token(
            headers["Authorization"], unknown if of_an_account else ApiError(403, 9109, "Invalid access token")
        )
    return _permissions_of_key(headers.get("X-Auth-Email"), headers.get("X-Auth-Key"))


def _permissions_of_token(authorization: str, unknown: ApiError) -> frozenset[str]:
    match = re.fullmatch(r"(?i:bearer) ([A-Za-z0-9_.-]+)", authorization)
    if match is None:
        raise _malformed(6111, "Authorization")
    if match.group(1) not in PERMISSIONS:
        raise unknown
    return PERMISSIONS[match.group(1)]


def _permissions_of_key(email: str | None, key: str | None) -> frozenset[str]:
    if email is None or key is None:
        raise ApiError(400, 9106, f"Missing {'X-Auth-Email' if email is None else 'X-Auth-Key'} header")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise _malformed(6102, "X-Auth-Email")
    if not re.fullmatch(r"cfk_[A-Za-z0-9_-]+|[0-9a-f]+", key):
        raise _malformed(6103, "X-Auth-Key")
    if (email, key) != (EMAIL, GLOBAL_KEY):
        raise ApiError(403, 9103, "Unknown X-Auth-Key or X-Auth-Email")
    return PERMISSIONS[WRITE_TOKEN]


def _malformed(code: int, header: str) -> ApiError:
    chain = [{"code": code, "message": f"Invalid format for {header} header"}]
    return ApiError(400, 6003, "Invalid request headers", error_chain=chain)
