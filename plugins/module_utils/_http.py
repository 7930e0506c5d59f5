# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The session that sends requests, and the bounds of what it receives: in size, in time, and in decoding.

It knows nothing about Cloudflare. This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import time
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import unquote
from urllib.request import getproxies_environment

try:
    import requests
    from requests import Session
    from requests.adapters import HTTPAdapter
except ImportError:
    HAS_REQUESTS = False
    Session = HTTPAdapter = object  # type: ignore[assignment,misc]
else:
    HAS_REQUESTS = True

LARGEST_BODY = 8 << 20
"""Bytes. The longest responses, with hundreds of invoices, have less than 1 MiB."""

DEADLINE = 3
"""A whole response may take this many times the timeout."""

_PART = 1 << 16
_HTTP_DATE = r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [1-9][0-9]{3} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"


class UnusableBody(Exception):
    """A body that is not read to its end. Its text is the rest of a sentence after "a body"."""


def open_session(trust_env: bool, user_agent: str) -> requests.Session:
    """A session with bounded responses. It holds no credentials and no cookies, so it is not tied to a client."""
    session = _Session()
    session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "identity"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.trust_env = trust_env
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session


def read_body(response: requests.Response) -> bytes:
    """The body of a response to a request with `stream`. Raises `UnusableBody`, and what urllib3 raises.

    A connection is only reused if its response was read to the end.
    """
    with response:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise UnusableBody("that is encoded although no encoding was requested")
        # Before version 2, urllib3 accepts a body that breaks off as complete.
        response.raw.enforce_content_length = True
        parts: list[bytes] = []
        left = LARGEST_BODY
        while True:
            # requests would decode it without a bound.
            part = response.raw.read(_PART, decode_content=False)
            if not part:
                return b"".join(parts)
            parts.append(part)
            left -= len(part)
            if left < 0:
                raise UnusableBody(f"of more than {LARGEST_BODY >> 20} MiB")


def proxy_passwords() -> set[str]:
    """The passwords in the proxy variables. The text of an error can repeat them."""
    found = (re.search(r"://[^/@]*?:(.+)@", url) for url in getproxies_environment().values())
    passwords = {match[1] for match in found if match}
    return {form for password in passwords for form in (password, unquote(password)) if len(form) > 3}


def causes_of(exc: BaseException) -> list[BaseException]:
    """The exception and what it wraps, outermost first. urllib3 and requests keep it in `reason` and in `args`."""
    causes = [exc]
    while True:
        last = causes[-1]
        wrapped = [getattr(last, "reason", None), *last.args, last.__cause__]
        inner = next((item for item in wrapped if isinstance(item, BaseException) and item not in causes), None)
        if inner is None:
            return causes
        causes.append(inner)


def seconds_to_wait(retry_after: str | None) -> float | None:
    """The wait that a `Retry-After` header asks for: whole seconds or, from proxies, a date. None if it is neither."""
    if retry_after and re.fullmatch(r"\s*[0-9]{1,9}\s*", retry_after):
        return float(retry_after)
    until = unix_time(retry_after)
    return None if until is None else max(0.0, until - time.time())


def unix_time(header: str | None) -> float | None:
    """The date in a header as Unix seconds, in the only form that HTTP uses. None if it is not a date."""
    if header is None or not re.fullmatch(_HTTP_DATE, header):
        return None
    try:
        return parsedate_to_datetime(header).timestamp()
    except (TypeError, ValueError):
        return None


class _Session(Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """No target. To find one, requests would read the whole body even if the redirect is not followed."""


class _Adapter(HTTPAdapter):
    """Reads the responses of all connections with `_Answer`."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)  # pylint: disable=no-member
        _limit(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)  # pylint: disable=no-member
        if not known:
            _limit(manager)
        return manager


def _limit(manager: Any) -> None:
    manager.pool_classes_by_scheme = {scheme: _limited(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}


@lru_cache(maxsize=None)
def _limited(pool: Any) -> Any:
    """This class of connection pools, but with connections whose responses are `_Answer`."""
    connection = pool.ConnectionCls
    limited = type(connection.__name__, (connection,), {"response_class": _Answer})
    return type(pool.__name__, (pool,), {"ConnectionCls": limited})


class _Answer(http.client.HTTPResponse):
    """A response that is read until its deadline: status line, headers, body and everything in between."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Incoming(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Incoming(io.RawIOBase):
    """What a socket receives from now on. The socket's timeout is for each part, the deadline for the whole.

    A bound on the size leaves room for headers and chunks around the largest body.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._timeout: float | None = sock.gettimeout()
        self._end = time.monotonic() + DEADLINE * (self._timeout or 0)
        self._room = 2 * LARGEST_BODY

    def makefile(self, _mode: str) -> io.BufferedReader:
        """http.client calls this on a socket to read from it."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        received = self._receive(buffer)
        self._room -= received or 0
        if self._room < 0:
            raise OSError("the response is too large")
        return received

    def _receive(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if self._timeout is None or left >= self._timeout:
            return self._raw.readinto(buffer)
        if left <= 0:
            raise socket.timeout("the response takes too long")
        self._sock.settimeout(left)
        try:
            return self._raw.readinto(buffer)
        finally:
            self._sock.settimeout(self._timeout)

    def close(self) -> None:
        self._raw.close()
        super().close()
