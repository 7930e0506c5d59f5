# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Cloudflare API client: sends calls, retries them where that is safe, and turns each failure into a typed error.

It knows nothing about Ansible or about single resources. This file is private to the collection and can change in
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
    CaFileUnusable,
    Call,
    CertificateNotTrusted,
    CloudflareError,
    NetworkFailed,
    NotFound,
    NotTls,
    Refused,
    Settled,
    TimedOut,
    TlsFailed,
    UnexpectedAnswer,
    error_class,
    is_foreign,
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
from ._values import in_seconds

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
    # Whoever creates a client has checked HAS_REQUESTS.
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
"""Seconds. After a rate limit, Cloudflare refuses everything for 5 minutes. No longer wait makes sense."""

_NOT_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"}
)
"""What the versions of OpenSSL report when the first bytes from the server are not TLS."""

_FIRST_BACKOFF = 1.0
_LONGEST_BACKOFF = 16.0


class HeaderAuth(AuthBase):
    """Credentials as headers. Passed as `auth`, because requests lets `~/.netrc` replace a plain header."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self.secrets = {value.rpartition(" ")[2] for name, value in headers.items() if name != "X-Auth-Email"}

    def __call__(self, request: Any) -> Any:
        request.headers.update(self._headers)
        return request


class Client:
    """A client for one set of credentials. Its connection stays open for the next client in this process."""

    def __init__(
        self, headers: Mapping[str, str], base_url: str, timeout: float, retries: int, verify: bool | str
    ) -> None:
        """
        headers: the credentials, as the headers that carry them.
        base_url: without a trailing slash; https, or http to a loopback address.
        timeout: seconds to wait for a connection and for each part of a response; three times as long for a whole response.
        retries: how many times a call is sent again after the first time.
        verify: whether to check the certificate, or the path of the CA certificates to check it against.
        """
        self._auth = HeaderAuth(headers)
        self._base_url = base_url
        self._timeout = timeout
        self._retries = retries
        self._verify = verify
        self.server_time: float | None = None
        """The time of the last response in Unix seconds, by its `Date` header; None if it has none."""
        self._auth.secrets.update(proxy_passwords())
        # http goes only to loopback. A proxy from the environment would get the credentials in plain text.
        self._session = _session(base_url.startswith("https:"), verify, os.getpid(), threading.get_ident())
        if verify is False:
            urllib3.disable_warnings(InsecureRequestWarning)

    @property
    def secrets(self) -> set[str]:
        """What is censored in every response. More can be added."""
        return self._auth.secrets

    def send(self, call: Call) -> Any:
        """Send the call, retry it if that is safe and can help, and return its parsed result.

        Reads, and writes that can be checked (`call.settled`), are retried after a connection error, a timeout, 429 and
        5xx. Before a write is retried, the state is read, so that a write whose response was lost is not sent twice. Any
        other write is sent once. Raises a `CloudflareError`.
        """
        attempts = 0
        unknown = False
        while True:
            attempts += 1
            try:
                return self._attempt(call)
            except CloudflareError as caught:
                error = caught
            # If the outcome of an earlier attempt is unknown, the refusal of a later one does not settle it.
            unknown = unknown or error.outcome_unknown
            if call.writes and not unknown:
                error.aftermath = "Nothing was changed." if error.sent else "Nothing was sent."
            elif call.writes:
                if call.settled is None:
                    error.aftermath = "It is not known whether Cloudflare carried it out."
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
        """Send a read that not every version of the API knows. None if this API does not know it.

        An unknown account gets the same response, so `witness` has to succeed then. Raises a `CloudflareError`.
        """
        try:
            return self.send(call)
        except NotFound:
            self.send(witness)
            return None

    def send_for_advice(self, call: Call) -> Any:
        """Send a read that only helps to explain a failure. None if the read fails as well."""
        try:
            return self.send(call)
        except CloudflareError:
            return None

    def _state_after(self, error: CloudflareError, settled: Settled) -> Any:
        try:
            return self.send(settled.read)
        except CloudflareError as unread:
            error.aftermath = (
                "It is not known whether Cloudflare carried it out, because reading again failed as well. Running the same "
                "task again is safe."
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
                # With each request, because REQUESTS_CA_BUNDLE would win over a setting of the session.
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            )
        # Every exception of requests is an OSError. A missing CA bundle is a plain OSError. Exceptions of urllib3 get through
        # if the name of a host or a proxy is not valid.
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
        """The failure if there is no response."""
        causes = causes_of(exc)
        tls_failure = _tls_failure(exc, causes[-1])
        sent = tls_failure is not CaFileUnusable and not any(isinstance(cause, _BEFORE_SENDING) for cause in causes)
        if any(isinstance(cause, (requests.Timeout, ReadTimeoutError)) for cause in causes):
            return self._timed_out(call, started, sent)
        reason = self._reason(causes[-1])
        if tls_failure is CaFileUnusable:
            place = f" in {self._quoted(self._verify)}" if isinstance(self._verify, str) else ""
            return CaFileUnusable(call, f"the CA certificates{place} cannot be used ({reason})", sent=sent)
        if tls_failure is not None:
            return tls_failure(call, f"no TLS connection to {self._base_url} ({reason})", sent=sent)
        if isinstance(exc, requests.exceptions.ProxyError):
            said = f"no connection to {self._base_url} through the proxy"
        else:
            said = f"the connection to {self._base_url} broke off" if sent else f"no connection to {self._base_url}"
        return NetworkFailed(call, f"{said} ({reason})", sent=sent)

    def _broken_off(self, call: Call, exc: Exception, started: float) -> CloudflareError:
        """The failure if a response broke off."""
        causes = causes_of(exc)
        if any(isinstance(cause, (socket.timeout, ReadTimeoutError)) for cause in causes):
            return self._timed_out(call, started, True)
        return NetworkFailed(call, f"the connection to {self._base_url} broke off ({self._reason(causes[-1])})")

    def _timed_out(self, call: Call, started: float, sent: bool) -> TimedOut:
        longest = DEADLINE * self._timeout
        said = f"no response from {self._base_url} within {in_seconds(self._timeout)}"
        if time.monotonic() - started >= longest:
            said = f"no complete response from {self._base_url} within {in_seconds(longest)}"
        return TimedOut(call, said, sent=sent)

    def _reason(self, cause: BaseException) -> str:
        return self._quoted(getattr(cause, "strerror", None) or cause)

    def _quoted(self, text: object, length: int = 300) -> str:
        """Text from elsewhere, censored before it is cut."""
        return clean(censored(str(text), self.secrets), length)

    def _no_json(self, response: requests.Response, body: bytes) -> str:
        kind = self._quoted(response.headers.get("content-type", "no content type"), 60)
        return f" with a body that is not JSON ({kind})" if body else " with an empty body"

    def _result(self, call: Call, response: requests.Response, document: Any, no_json: str) -> Any:
        """The parsed result of a response. Raises the failure that the response means.

        `document` is None if the response has none. `no_json` is then the rest of the sentence.
        """
        status = response.status_code
        ray_id = response.headers.get("cf-ray")
        ray_id = None if ray_id is None else self._quoted(ray_id, 60)
        envelope = document if isinstance(document, dict) else {}
        messages = messages_of(envelope.get("errors"))
        said = f"HTTP {status}"

        success = envelope.get("success") if 200 <= status < 300 else False
        if success is True:
            try:
                return call.parse(envelope if call.paged else envelope.get("result"))
            except ValueError as exc:
                raise UnexpectedAnswer(
                    call, f"Cloudflare responded with {said}, but {exc}", status, messages, ray_id
                ) from exc
        if messages:
            said += ", " + "; ".join(described(message) for message in messages)
        elif document is None:
            said += no_json
        if 200 <= status < 300 and success is not False:
            said = f"Cloudflare responded with {said}, which is not a response of its API"
            raise UnexpectedAnswer(call, said, status, messages, ray_id)

        failure = error_class(status, {message.code for message in messages})
        if failure is Refused and not envelope:
            failure = UnexpectedAnswer
        foreign = is_foreign(failure, envelope)
        said = f"{'the response was' if foreign or not envelope else 'Cloudflare responded with'} {said}"
        retry_after = None
        if failure.transient:
            said += f", Ray ID {ray_id}" if ray_id else ""
            retry_after = seconds_to_wait(response.headers.get("retry-after"))
        raise failure(
            call,
            said,
            status,
            messages,
            ray_id,
            retry_after,
            refused=is_refusal(status, envelope),
            foreign=foreign,
        )


@lru_cache(maxsize=1)
def _session(trust_env: bool, _verify: bool | str, _process: int, _thread: int) -> requests.Session:
    """The session of this process and thread. It keeps its connection when a loop runs a module many times in one process.

    A connection without a certificate check is never reused for a client that wants the check. No connection is shared with
    a forked process.
    """
    return open_session(trust_env, f"ansible-collection-finops.cloudflare/{VERSION}")


def _tls_failure(exc: Exception, cause: BaseException) -> type[CloudflareError] | None:
    """Which failure of TLS this is, by its innermost cause; None if something else failed."""
    if not isinstance(exc, (requests.RequestException, HTTPError)):
        # A missing CA bundle is found before there is a connection.
        return CaFileUnusable
    if not isinstance(exc, requests.exceptions.SSLError) or isinstance(
        cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)
    ):
        return None
    if isinstance(cause, (FileNotFoundError, PermissionError, IsADirectoryError)):
        return CaFileUnusable
    # Before its version 2, urllib3 has an exception of its own for a host name that does not match. pyOpenSSL, which old
    # releases of requests use if it is there, raises an SSLError without details.
    not_trusted = isinstance(cause, ssl.SSLCertVerificationError) or "certificate verify failed" in str(cause)
    if not_trusted or not isinstance(cause, ssl.SSLError):
        return CertificateNotTrusted
    if getattr(cause, "library", None) in ("X509", "PEM"):
        return CaFileUnusable
    return NotTls if getattr(cause, "reason", None) in _NOT_TLS else TlsFailed


def _pause(error: CloudflareError, attempts: int) -> float:
    """Seconds to wait before the next attempt. Raises the error if Cloudflare asks for too long a wait."""
    backoff = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** (attempts - 1)) * random.uniform(0.5, 1)
    if error.retry_after is None:
        return backoff
    if error.retry_after > LONGEST_WAIT:
        error.said += (
            f" and asked to wait {error.retry_after:.0f} seconds. This collection waits at most {LONGEST_WAIT} seconds"
        )
        raise error
    # In the last second before a limit ends, Cloudflare can ask for 0 seconds, which would use up all attempts.
    return max(error.retry_after, backoff)
