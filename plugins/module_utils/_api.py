# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls to Cloudflare's API and their failures. No HTTP and no Ansible in here.

This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Mapping, NamedTuple, Sequence

from ._text import Message


class UserError(Exception):
    """A problem that the user has to fix or to wait for. Its text is what the user reads.

    `result` is added to the module's result.
    """

    def __init__(self, text: str, result: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.result = result or {}


class Call(NamedTuple):
    """One request to Cloudflare's API, described but not sent."""

    method: str
    """HTTP method."""
    path: str
    """Path below the base URL, without a leading slash."""
    purpose: str
    """The purpose of the request, as the end of a sentence that starts with "Could not"."""
    permission: str
    """The API token permission that Cloudflare documents for it."""
    parse: Callable[[Any], Any]
    """Turns `result` of the envelope into what the caller gets. Raises ValueError for an unknown shape."""
    body: dict[str, Any] | None = None
    """The JSON to send."""
    settled: Settled | None = None
    """How to find out whether a write took effect. A write without it is always sent only once."""
    dashboard_only: bool = False
    """Whether Cloudflare documents it for dashboard sessions only."""
    paged: bool = False
    """Whether `parse` gets the whole envelope, whose `result_info` tells how much more there is."""
    only_asks: bool = False
    """Whether it changes nothing although it is not a GET."""
    censored_key: str | None = None
    """The key that holds a secret anywhere in the response. It is censored before anything else, including `parse`, sees it."""

    @property
    def about_an_account(self) -> bool:
        """Whether it names an account, which can be the wrong one."""
        return self.path.startswith("accounts/")

    @property
    def writes(self) -> bool:
        """Whether it can change something."""
        return self.method != "GET" and not self.only_asks


class Settled(NamedTuple):
    """How to find out whether a write took effect, after its response was lost."""

    read: Call
    """The read that shows it. Its parsed result replaces the lost response."""
    done: Callable[[Any], bool]
    """Whether the write took effect, according to that parsed result."""
    found: Callable[[Any], str]
    """A sentence about that parsed result, for when the write did not take effect."""


class CloudflareError(Exception):  # pylint: disable=too-many-instance-attributes
    """A failed call. Its text is what the user reads.

    `aftermath` says what became of the call. `advice` says what to do next, unless a caller sets a better `next_step`.
    `transient` tells whether a retry can help. `result` is added to the module's result.
    """

    aftermath = ""
    advice = ""
    next_step = ""
    transient = False

    def __init__(
        self,
        call: Call,
        said: str,
        status: int | None = None,
        messages: Sequence[Message] = (),
        ray_id: str | None = None,
        retry_after: float | None = None,
        *,
        refused: bool = False,
        sent: bool = True,
        foreign: bool = False,
    ) -> None:
        """
        refused: whether Cloudflare itself has certainly refused the call, see `is_refusal`.
        sent: whether any part of the call may have left this host.
        foreign: whether something else than Cloudflare's API may have responded, see `is_foreign`.
        """
        super().__init__()
        self.call = call
        self.said = said
        self.status = status
        self.messages = messages
        self.ray_id = ray_id
        self.retry_after = retry_after
        self.refused = refused
        self.sent = sent
        self.foreign = foreign
        self.result: Mapping[str, Any] = {}

    def __str__(self) -> str:
        advice = _foreign_advice(self.status) if self.foreign else self.advice
        sentences = [f"Could not {self.call.purpose}: {self.said}.", self.aftermath, self.next_step or advice]
        return " ".join(sentence for sentence in sentences if sentence)

    @property
    def outcome_unknown(self) -> bool:
        """Whether Cloudflare may have carried out the call, or may still do so."""
        return self.sent and not self.refused

    def facts(self) -> dict[str, Any]:
        """The failure for programs: `status`, `code`, `messages`, `ray_id`, `method`, `path`."""
        return {
            "status": self.status,
            "code": self.messages[0].code if self.messages else None,
            "messages": [message.text for message in self.messages],
            "ray_id": self.ray_id,
            "method": self.call.method,
            "path": self.call.path,
        }


def _foreign_advice(status: int | None) -> str:
    """What to do about a response that may come from something else than Cloudflare's API."""
    if status is not None and status >= 500:
        return (
            "This is not a response of Cloudflare's API. Either Cloudflare has a problem, or a proxy or firewall responded instead. "
            "See https://www.cloudflarestatus.com, check the base URL (api_url or CLOUDFLARE_BASE_URL) and the proxy variables "
            "HTTPS_PROXY and NO_PROXY, and run again later. If there is a Ray ID, Cloudflare's support asks for it."
        )
    return (
        "This is not a response of Cloudflare's API. A proxy, a firewall, or a login page may have responded instead, so the "
        "credentials and the account may be right. Check the base URL (api_url or CLOUDFLARE_BASE_URL; Cloudflare's ends in "
        "/client/v4), the proxy variables HTTPS_PROXY and NO_PROXY, and whether a firewall lets this host reach Cloudflare's API."
    )


class NetworkFailed(CloudflareError):
    """No response: name lookup, connection or proxy."""

    advice = (
        "Check name resolution, the firewall, the proxy variables HTTPS_PROXY and NO_PROXY, and the base URL (api_url or "
        "CLOUDFLARE_BASE_URL). Then run again."
    )
    transient = True


class TimedOut(CloudflareError):
    """No response within the timeout."""

    advice = "Raise the option timeout, or run again later."
    transient = True


class TlsFailed(CloudflareError):
    """No TLS connection, for another reason than those of the next three classes."""

    advice = "TLS failed. Check the base URL (api_url or CLOUDFLARE_BASE_URL), and any proxy or firewall in between."


class CertificateNotTrusted(CloudflareError):
    """The server's certificate did not pass the check."""

    advice = (
        "The server's certificate could not be verified. Behind a proxy that inspects TLS, set ca_path to the proxy's CA "
        "certificate. Otherwise check the host name in the base URL (api_url or CLOUDFLARE_BASE_URL) and the clock of this "
        "host. Trusted CA certificates come from ca_path if it is set, then from REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, then "
        "from the system."
    )


class CaFileUnusable(CloudflareError):
    """The file with the trusted CA certificates is missing or holds none."""

    advice = (
        "The file with the trusted CA certificates must exist, be readable, and contain certificates in PEM format. Its path "
        "comes from ca_path if it is set, then from REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, then from the system."
    )


class NotTls(CloudflareError):
    """The port answers, but does not speak TLS."""

    advice = (
        "The port does not speak https. It probably speaks plain http. Check the scheme and the port of the base URL (api_url "
        "or CLOUDFLARE_BASE_URL)."
    )


class RateLimited(CloudflareError):
    """HTTP 429."""

    transient = True

    @property
    def advice(self) -> str:  # type: ignore[override]
        minutes = math.ceil(self.retry_after / 60) if self.retry_after else 5
        return (
            "This is Cloudflare's rate limit of 1,200 requests in 5 minutes for each user or account token. Run again in "
            f"{minutes} minute{'s' if minutes > 1 else ''}, with fewer accounts or tasks at the same time."
        )


class ServiceFailed(CloudflareError):
    """HTTP 5xx."""

    advice = (
        "The problem is on Cloudflare's side. See https://www.cloudflarestatus.com and run again later. Cloudflare's support "
        "asks for the Ray ID."
    )
    transient = True


class UnexpectedAnswer(CloudflareError):
    """A response that is not an envelope, or a success whose result has an unknown shape."""

    advice = (
        "Check that the base URL (api_url or CLOUDFLARE_BASE_URL) is that of Cloudflare's API, and that no proxy or login page "
        "responds instead. If both are right, the API has changed: please report this message."
    )


class Redirected(CloudflareError):
    """HTTP 3xx. Credentials are not sent to another address."""

    advice = (
        "Redirects are not followed, so that credentials reach no other address. Set api_url to the right base URL."
    )


class CredentialsMissing(CloudflareError):
    """Cloudflare received no credentials although they were sent."""

    advice = "The credentials were sent but did not arrive. Look for a proxy that removes the Authorization header."


class CredentialsMalformed(CloudflareError):
    """A malformed credential."""

    advice = (
        "The credentials are malformed. Set api_token or CLOUDFLARE_API_TOKEN to an API token. Or set api_key or "
        "CLOUDFLARE_API_KEY to the Global API Key, and api_email or CLOUDFLARE_EMAIL to its email address. Leave out quotes. An "
        "API token instead of the key causes this error too."
    )


class WrongKey(CloudflareError):
    """Unknown key or email address."""

    advice = (
        "The Global API Key or its email address is wrong. Check api_key and api_email, or CLOUDFLARE_API_KEY and "
        "CLOUDFLARE_EMAIL. Better, use an API token in api_token or CLOUDFLARE_API_TOKEN."
    )


class WrongToken(CloudflareError):
    """Unknown, expired, or revoked token."""

    advice = (
        "The API token is wrong, expired, or revoked. Create a new one in the Cloudflare dashboard and set api_token or "
        "CLOUDFLARE_API_TOKEN to it. A Global API Key (cfk_) goes in api_key, together with api_email."
    )


class PermissionDenied(CloudflareError):
    """HTTP 403: the credentials are valid but may not do this."""

    @property
    def advice(self) -> str:  # type: ignore[override]
        if self.call.dashboard_only:
            return (
                "These credentials may read but not make this change. There are two possible causes. 1. The API token, or the "
                f"user of the Global API Key, lacks the permission {self.call.permission} (Edit in the dashboard) for this "
                "account. Add it. 2. The permission is there, but Cloudflare accepts this change from dashboard sessions only, "
                "as documented since September 2026. Make the change in the Cloudflare dashboard."
            )
        if not self.call.about_an_account:
            return (
                "The credentials are valid, but the API token, or the user of the Global API Key, lacks the permission "
                f"{self.call.permission}. Add it."
            )
        return (
            "The credentials are valid, but the API token, or the user of the Global API Key, lacks the permission "
            f"{self.call.permission} for this account, or account_id is not one of its accounts. Add the permission, or "
            "correct account_id."
        )


class NotFound(CloudflareError):
    """HTTP 404, or code 7003."""

    @property
    def advice(self) -> str:  # type: ignore[override]
        if not self.call.about_an_account:
            return "Check the base URL (api_url or CLOUDFLARE_BASE_URL). Cloudflare's ends in /client/v4."
        return (
            "Cloudflare does not know this account. Check account_id or CLOUDFLARE_ACCOUNT_ID, and copy the ID from the "
            "account's overview in the Cloudflare dashboard. If you have set a base URL (api_url or CLOUDFLARE_BASE_URL), check "
            "it too. Cloudflare's ends in /client/v4."
        )


class Refused(CloudflareError):
    """Anything else, mostly HTTP 400: Cloudflare understood the request and refused it."""

    advice = "Cloudflare refused this request for the reason above. Correct it, then run again."


_TOO_MANY_REQUESTS = {971, 10429}
_MALFORMED_HEADER = 6003
_NO_CREDENTIALS = 9106
_UNKNOWN_KEY = 9103
_INVALID_TOKEN = 9109
_NO_ROUTE = 7003


_REFUSALS = (400, 401, 402, 403, 404, 405, 422, 429)


def is_refusal(status: int, envelope: Mapping[str, Any]) -> bool:
    """Whether a response proves that Cloudflare refused a call, so that the call had no effect.

    A page of a proxy in between proves nothing about a request that the proxy has passed on. Statuses for a conflict, an
    early request or a timeout prove nothing either.
    """
    return status in _REFUSALS and _is_failure_of_the_api(envelope)


def _is_failure_of_the_api(envelope: Mapping[str, Any]) -> bool:
    return envelope.get("success") is False and isinstance(envelope.get("errors"), list)


def is_foreign(failure: type[CloudflareError], envelope: Mapping[str, Any]) -> bool:
    """Whether something else than Cloudflare's API may have sent the response, so that the failure's own advice may be wrong.

    Cloudflare's edge, too, responds with pages. The three exceptions advise the same, whoever responded.
    """
    return failure not in (RateLimited, Redirected, UnexpectedAnswer) and not _is_failure_of_the_api(envelope)


def error_class(status: int, codes: set[int | None]) -> type[CloudflareError]:
    """The failure that a response means, from its HTTP status and the codes of its `errors`."""
    if status == 429 or codes & _TOO_MANY_REQUESTS:
        return RateLimited
    if status >= 500:
        return ServiceFailed
    if _MALFORMED_HEADER in codes:
        return CredentialsMalformed
    if _NO_CREDENTIALS in codes:
        return CredentialsMissing
    if _UNKNOWN_KEY in codes:
        return WrongKey
    if status == 401 or _INVALID_TOKEN in codes:
        return WrongToken
    if status == 404 or _NO_ROUTE in codes:
        return NotFound
    if status == 403:
        return PermissionDenied
    if status // 100 == 3:
        return Redirected
    return Refused
