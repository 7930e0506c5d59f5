# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Cloudflare's API on a loopback port: ``with Simulator() as simulator``.

README.md beside this file says what can be set, broken and asked.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
import uuid
from typing import Any

from . import _control, _faults
from ._account import ACCOUNT_ID, FOREIGN_ACCOUNT_ID, OTHER_ACCOUNT_ID, changed_account, new_account
from ._api import Cloudflare, RateLimit
from ._messages import (
    CLIENT_SECRET,
    EMAIL,
    GLOBAL_KEY,
    POWERLESS_TOKEN,
    READ_TOKEN,
    SECRETS,
    WRITE_TOKEN,
    Answer,
    ApiError,
    Request,
    credentials_kind,
)
from ._purchases import settle
from ._routes import API_PREFIX
from ._server import Server
from ._settings import Settings

__all__ = [
    "ACCOUNT_ID",
    "CLIENT_SECRET",
    "EMAIL",
    "FOREIGN_ACCOUNT_ID",
    "GLOBAL_KEY",
    "OTHER_ACCOUNT_ID",
    "POWERLESS_TOKEN",
    "READ_TOKEN",
    "SECRETS",
    "WRITE_TOKEN",
    "Simulator",
]


class Simulator:
    """Cloudflare, the faults to come, and the log of what was asked, behind one address."""

    def __init__(self, port: int = 0, ssl_context: ssl.SSLContext | None = None) -> None:
        self._cloudflare = Cloudflare()
        self._rate_limit = RateLimit(self.settings)
        self._faults: list[dict[str, Any]] = []
        self._log: list[dict[str, Any]] = []
        self._lock = threading.RLock()
        self._server = Server(port, ssl_context, self._answer)
        # A short poll, so that stopping is as quick as starting.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Simulator:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.stop()
        self._thread.join()

    @property
    def api_url(self) -> str:
        return self._server.url + API_PREFIX

    @property
    def control_url(self) -> str:
        return self._server.url + _control.CONTROL_PREFIX

    def info(self) -> dict[str, Any]:
        return {"api_url": self.api_url, "control_url": self.control_url}

    @property
    def settings(self) -> Settings:
        return self._cloudflare.settings

    def reset(self, now: int | None = None) -> None:
        """As it was at the start, at the same address; at another moment, in Unix milliseconds, if one is given."""
        with self._lock:
            self._cloudflare.reset(now)
            self._rate_limit.reset()
            self._faults.clear()
            self._log.clear()

    def account(self, account_id: str) -> dict[str, Any]:
        """The stored state itself, not a copy; a LookupError if there is no such account."""
        if account_id not in self._cloudflare.accounts:
            raise LookupError(f"there is no account {account_id}")
        return self._cloudflare.accounts[account_id]

    @property
    def accounts(self) -> dict[str, dict[str, Any]]:
        """The stored states by ID, without the usage, which is long and which no request changes."""
        with self._lock:
            return {
                account_id: {key: value for key, value in account.items() if key != "usage"}
                for account_id, account in self._cloudflare.accounts.items()
            }

    def set_account(self, account_id: str, **changes: Any) -> None:
        """Changes what README.md lists of the account, which is made if there is none; all of it or, at a mistake, none."""
        with self._lock:
            account = self._cloudflare.accounts.get(account_id) or new_account(account_id, self._cloudflare.now)
            self._cloudflare.accounts[account_id] = changed_account(account_id, account, changes)

    def settle(self, account_id: str) -> None:
        """The cards have been charged: all purchases of the account are paid, also those that would stay pending."""
        with self._lock:
            account = self.account(account_id)
            for purchase in list(account["unsettled"]):
                settle(account, purchase["id"])

    def add_fault(self, **fault: Any) -> None:
        self.add_faults(fault)

    def add_faults(self, *faults: dict[str, Any]) -> None:
        checked = [_faults.checked(fault) for fault in faults]
        with self._lock:
            self._faults.extend(checked)

    @property
    def faults(self) -> list[dict[str, Any]]:
        """Copies of those that have not struck yet."""
        with self._lock:
            return [dict(fault) for fault in self._faults]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Copies of the log's entries, oldest first; ``status`` is None until there is an answer."""
        with self._lock:
            return [dict(entry) for entry in self._log]

    def forget_requests(self) -> list[dict[str, Any]]:
        """Returns what it forgets: no request can come between a look and this."""
        with self._lock:
            forgotten = self.requests
            self._log.clear()
            return forgotten

    def _answer(self, request: Request) -> Answer | None:
        if request.path == _control.CONTROL_PREFIX or request.path.startswith(f"{_control.CONTROL_PREFIX}/"):
            with self._lock:
                return _control.answer(self, request)
        entry = _log_entry(request)
        with self._lock:
            self._log.append(entry)
            headers = self._rate_limit.count_request()
            fault = None if self._rate_limit.exceeded else self._take_fault(request)
        answer = self._perform(request) if fault is None else self._strike(fault, request)
        if answer is None:
            return None
        entry["status"] = answer.status
        return answer._replace(headers={**headers, "cf-ray": f"{uuid.uuid4().hex[:16]}-SIM", **answer.headers})

    def _take_fault(self, request: Request) -> dict[str, Any] | None:
        for fault in self._faults:
            if _faults.matches(fault, request):
                fault["times"] -= 1
                if fault["times"] == 0:
                    self._faults.remove(fault)
                return fault
        return None

    def _strike(self, fault: dict[str, Any], request: Request) -> Answer | None:
        try:
            return _faults.strike(fault, _faults.Exchange(request, self._perform))
        except ApiError as error:
            return self._cloudflare.refusal(error)

    def _perform(self, request: Request) -> Answer:
        with self._lock:
            try:
                self._rate_limit.check()
                return self._cloudflare.answer(request)
            except ApiError as error:
                return self._cloudflare.refusal(error)


def _log_entry(request: Request) -> dict[str, Any]:
    body: Any = None
    if request.body:
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            body = request.body.decode("utf-8", errors="replace")
    entry = {
        "time": time.time(),
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "status": None,
    }
    written = json.dumps({**entry, "credentials": credentials_kind(request.headers), "body": body})
    for secret in SECRETS:
        written = written.replace(secret, "REDACTED")
    redacted: dict[str, Any] = json.loads(written)
    return redacted
