# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Cloudflare API client: sends calls, retries what may be retried, turns every failure into a typed error.

It knows nothing of Ansible and nothing of single resources. This file is private to the collection and can change in
any release.
"""

from __future__ import annotations

import os
import random
import socket
import ssl
import threading
import time
from functools import lru_cache
from typing import Any, Mapping

from ._api import (
    Call,
    CloudflareError,
    NetworkFailed,
    NotFound,
    Refused,
    Settled,
    TimedOut,
    TlsFailed,
    UnexpectedAnswer,
    error_class,
    is_refusal,
)
from ._http import (
    DEADLINE,
    UnusableBody,
    causes_of,
    open_session,
    proxy_passwords,
    read_body,
    seconds_to_wait,
    unix_time,
)
from ._text import censored, clean, described, from_json, messages_of, secrets_in

try:
    import requests
    import urllib3
    from requests.auth import AuthBase
    from urllib3.exceptions import (
        ConnectTimeoutError,
        HTTPError,
        InsecureRequestWarning,
        LocationValueError,
        NewConnectionError,
        ReadTimeoutError,
    )
except ImportError:
    # Whoever makes a client has looked at HAS_REQUESTS.
    AuthBase = object  # type: ignore[assignment,misc]
else:
    _BEFORE_SENDING = (
        requests.ConnectTimeout,
        requests.exceptions.InvalidSchema,
        requests.exceptions.InvalidURL,
        ConnectTimeoutError,
        LocationValueError,
        NewConnectionError,
        ssl.SSLCertVerificationError,
    )

VERSION = "0.2.0"

LONGEST_WAIT = 330
"""Seconds. Cloudflare refuses everything for 5 minutes once its rate limit is hit; nothing is worth a longer wait."""

_FIRST_BACKOFF = 1.0
_LONGEST_BACKOFF = 16.0


class HeaderAuth(AuthBase):
    """Credentials as headers. Given as C(auth), because requests lets C(~/.netrc) replace a plain header."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self.secrets = {value.rpartition(" ")[2] for name, value in headers.items() if name != "X-Auth-Email"}

    def __call__(self, request: Any) -> Any:
        request.headers.update(self._headers)
        return request


class Client:
    """A client for one set of credentials. Its connection stays open, for itself and for the next client in this process."""

    def __init__(
        self, headers: Mapping[str, str], base_url: str, timeout: float, retries: int, verify: bool | str
    ) -> None:
        """
        headers: the credentials, as the headers that carry them.
        base_url: without a trailing slash; https, or http to a loopback address.
        timeout: seconds to wait for a connection, and for each part of an answer; for a whole answer, three times as long.
        retries: how many times a call is sent again, beyond the first.
        verify: whether the certificate is checked, or the path of the CA certificates to check it against.
        """
        self._auth = HeaderAuth(headers)
        self._base_url = base_url
        self._timeout = timeout
        self._retries = retries
        self._verify = verify
        self.server_time: float | None = None
        """When the last answer was given, in Unix seconds, by its C(Date) header; None where it has none."""
        self._auth.secrets.update(proxy_passwords())
        # http goes to loopback only, and a proxy from the environment would be handed the credentials in the clear.
        self._session = _session(base_url.startswith("https:"), verify, os.getpid(), threading.get_ident())
        if verify is False:
            urllib3.disable_warnings(InsecureRequestWarning)

    @property
    def secrets(self) -> set[str]:
        """What nothing of an answer may show; more can be added."""
        return self._auth.secrets

    def send(self, call: Call) -> Any:
        """Send the call, again where that is safe and can help, and return its parsed result.

        Reads, and writes that can be checked (C(call.settled)), are repeated after a connection error, a timeout, 429
        and 5xx. Before such a write is repeated the state is read: a write whose answer was lost is not sent twice.
        Any other write is sent once. Raises a L(CloudflareError).
        """
        attempts = 0
        unknown = False
        while True:
            attempts += 1
            try:
                return self._attempt(call)
            except CloudflareError as caught:
                error = caught
            # What an earlier attempt has left open is not closed by the refusal of a later one.
            unknown = unknown or error.outcome_unknown
            if call.writes and not unknown:
                error.aftermath = "Nothing was changed." if error.sent else "Nothing was sent."
            elif call.writes:
                if call.settled is None:
                    error.aftermath = "Whether Cloudflare carried it out all the same is unknown."
                    raise error
                state = self._state_after(error, call.settled)
                if call.settled.done(state):
                    return state
                error.aftermath = call.settled.found(state)
            if attempts > self._retries or not error.transient or (call.writes and not call.settled):
                if attempts > 1:
                    error.said += f" ({attempts} attempts)"
                raise error
            time.sleep(_pause(error, attempts))

    def send_if_known(self, call: Call, witness: Call) -> Any:
        """Send a read that not every version of the API knows; None where it does not.

        An unknown account is answered in the same way, so that C(witness) has to succeed then. Raises a
        L(CloudflareError).
        """
        try:
            return self.send(call)
        except NotFound:
            self.send(witness)
            return None

    def send_for_advice(self, call: Call) -> Any:
        """Send a read that only explains a failure, which is reported in any case; None where the read fails as well."""
        try:
            return self.send(call)
        except CloudflareError:
            return None

    def _state_after(self, error: CloudflareError, settled: Settled) -> Any:
        try:
            return self.send(settled.read)
        except CloudflareError as unread:
            error.aftermath = (
                "Whether Cloudflare carried it out all the same is unknown, as reading again failed as well; running the "
                "same task again is safe."
            )
            raise error from unread

    def _attempt(self, call: Call) -> Any:
        started = time.monotonic()
        try:
            response = self._session.request(
                call.method,
                f"{self._base_url}/{call.path}",
                json=call.body,
                auth=self._auth,
                timeout=self._timeout,
                # Given with each request: on the session, REQUESTS_CA_BUNDLE would win over it.
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            )
        # Every exception of requests is an OSError, and a CA bundle that does not exist is a plain one. Those of urllib3 come
        # through where the name of a host or a proxy is none.
        except (OSError, HTTPError) as exc:
            raise self._unanswered(call, exc, started) from exc
        self.server_time = unix_time(response.headers.get("date"))
        try:
            body = read_body(response)
        except UnusableBody as exc:
            return self._result(call, response, None, f" with a body {exc}")
        except (OSError, HTTPError) as exc:
            raise self._broken_off(call, exc, started) from exc
        document = from_json(body, self.secrets)
        if call.censored_key:
            self.secrets.update(secrets_in(document, call.censored_key))
            document = censored(document, self.secrets)
        return self._result(call, response, document, self._no_json(response, body))

    def _unanswered(self, call: Call, exc: Exception, started: float) -> CloudflareError:
        """What it means that there is no answer."""
        causes = causes_of(exc)
        # A CA bundle that does not exist is missed before there is a connection.
        bundle_missing = not isinstance(exc, (requests.RequestException, HTTPError))
        sent = not bundle_missing and not any(isinstance(cause, _BEFORE_SENDING) for cause in causes)
        if any(isinstance(cause, (requests.Timeout, ReadTimeoutError)) for cause in causes):
            return self._timed_out(call, started, sent)
        tls_failed = isinstance(exc, requests.exceptions.SSLError) and not isinstance(causes[-1], ssl.SSLEOFError)
        reason = self._reason(causes[-1])
        if tls_failed or bundle_missing:
            return TlsFailed(call, f"no trusted connection to {self._base_url} ({reason})", sent=sent)
        proxy = " through the proxy" if isinstance(exc, requests.exceptions.ProxyError) else ""
        lost = "the connection to {} broke off" if sent and not proxy else "no connection to {}"
        return NetworkFailed(call, f"{lost.format(self._base_url)}{proxy} ({reason})", sent=sent)

    def _broken_off(self, call: Call, exc: Exception, started: float) -> CloudflareError:
        """What it means that an answer was not received to its end."""
        causes = causes_of(exc)
        if any(isinstance(cause, (socket.timeout, ReadTimeoutError)) for cause in causes):
            return self._timed_out(call, started, True)
        return NetworkFailed(call, f"the connection to {self._base_url} broke off ({self._reason(causes[-1])})")

    def _timed_out(self, call: Call, started: float, sent: bool) -> TimedOut:
        longest = DEADLINE * self._timeout
        said = f"no answer from {self._base_url} within {self._timeout} s"
        if time.monotonic() - started >= longest:
            said = f"no whole answer from {self._base_url} within {longest} s"
        return TimedOut(call, said, sent=sent)

    def _reason(self, cause: BaseException) -> str:
        return self._quoted(getattr(cause, "strerror", None) or cause)

    def _quoted(self, text: object, length: int = 300) -> str:
        """What others have written, censored before it is cut."""
        return clean(censored(str(text), self.secrets), length)

    def _no_json(self, response: requests.Response, body: bytes) -> str:
        kind = self._quoted(response.headers.get("content-type", "no content type"), 60)
        return f" with a body that is not JSON ({kind})" if body else " with an empty body"

    def _result(self, call: Call, response: requests.Response, document: Any, no_json: str) -> Any:
        """The parsed result of an answer. Raises the failure that the answer means.

        C(document) is None where the answer has none, and C(no_json) says then how it goes on.
        """
        status = response.status_code
        ray_id = response.headers.get("cf-ray")
        ray_id = None if ray_id is None else self._quoted(ray_id, 60)
        envelope = document if isinstance(document, dict) else {}
        messages = messages_of(envelope.get("errors"))
        said = f"Cloudflare answered HTTP {status}"

        success = envelope.get("success") if 200 <= status < 300 else False
        if success is True:
            try:
                return call.parse(envelope if call.paged else envelope.get("result"))
            except ValueError as exc:
                raise UnexpectedAnswer(call, f"{said}, but {exc}", status, messages, ray_id) from exc
        if messages:
            said += ", " + "; ".join(described(message) for message in messages)
        elif document is None:
            said += no_json
        if 200 <= status < 300 and success is not False:
            raise UnexpectedAnswer(call, f"{said}, which is not an answer of its API", status, messages, ray_id)

        failure = error_class(status, {message.code for message in messages})
        if failure is Refused and not envelope:
            failure = UnexpectedAnswer
        refused = is_refusal(status, envelope)
        if not failure.transient:
            raise failure(call, said, status, messages, ray_id, refused=refused)
        if ray_id:
            said += f", Ray ID {ray_id}"
        retry_after = seconds_to_wait(response.headers.get("retry-after"))
        raise failure(call, said, status, messages, ray_id, retry_after, refused=refused)


@lru_cache(maxsize=1)
def _session(trust_env: bool, _verify: bool | str, _process: int, _thread: int) -> requests.Session:
    """The session of this process and thread: where a loop runs a module many times in one process, its connection is kept.

    A connection that was made without checking the certificate is for nobody who wants it checked, and none is shared with a
    forked process.
    """
    return open_session(trust_env, f"ansible-collection-finops.cloudflare/{VERSION}")


def _pause(error: CloudflareError, attempts: int) -> float:
    """Seconds to wait before the next attempt. Raises the error where Cloudflare asks for a wait that is too long."""
    backoff = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** (attempts - 1)) * random.uniform(0.5, 1)
    if error.retry_after is None:
        return backoff
    if error.retry_after > LONGEST_WAIT:
        error.said += f" and asked to wait {error.retry_after:.0f} seconds, longer than the {LONGEST_WAIT} seconds that this collection waits"
        raise error
    # The last second before a limit ends can be called 0 seconds, in which all attempts would be used up.
    return max(error.retry_after, backoff)
