# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be asked of Cloudflare's API, and the ways in which it can fail. No HTTP and no Ansible in here.

This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Mapping, NamedTuple, Sequence

from ._text import Message


class UserError(Exception):
    """Something that the user has to mend, or to wait for; its text is the sentence that the user reads.

    C(result) is what a module's result holds beside it.
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
    """What the request is for, as the end of a sentence that starts with "Could not"."""
    permission: str
    """The API token permission that Cloudflare documents for it."""
    parse: Callable[[Any], Any]
    """Turns C(result) of the envelope into what the caller gets; raises ValueError when the shape is unknown."""
    body: dict[str, Any] | None = None
    """What is sent as JSON."""
    settled: Settled | None = None
    """How to find out whether a write took effect. A write without it is sent once, whatever happens."""
    dashboard_only: bool = False
    """Whether Cloudflare documents it for dashboard sessions only."""
    paged: bool = False
    """Whether C(parse) gets the whole envelope, as C(result_info) in it tells how much more there is."""
    only_asks: bool = False
    """Whether it changes nothing although it is no GET."""
    censored_key: str | None = None
    """Under which key the answer holds a secret, wherever in it. Nobody gets to see that, C(parse) included."""

    @property
    def about_an_account(self) -> bool:
        """Whether it names an account, which can then be the wrong one."""
        return self.path.startswith("accounts/")

    @property
    def writes(self) -> bool:
        """Whether it can change something."""
        return self.method != "GET" and not self.only_asks


class Settled(NamedTuple):
    """How to find out, after an answer was lost, whether a write took effect."""

    read: Call
    """The read that shows it; its parsed result stands in for the lost answer."""
    done: Callable[[Any], bool]
    """Tells from that parsed result whether the write took effect."""
    found: Callable[[Any], str]
    """What a person should know of that parsed result where the write did not, as a sentence."""


class CloudflareError(Exception):  # pylint: disable=too-many-instance-attributes
    """A call that failed; its text is the sentence that the user reads.

    C(aftermath) says what became of it, C(advice) what to do next, unless a caller knows a better C(next_step). C(transient)
    tells whether sending the call again can help. C(result) is what a module's result holds beside the failure.
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
    ) -> None:
        """
        refused: whether it is certain that Cloudflare itself has refused the call, see L(is_refusal).
        sent: whether anything of the call may have left this host.
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
        self.result: Mapping[str, Any] = {}

    def __str__(self) -> str:
        sentences = [f"Could not {self.call.purpose}: {self.said}.", self.aftermath, self.next_step or self.advice]
        return " ".join(sentence for sentence in sentences if sentence)

    @property
    def outcome_unknown(self) -> bool:
        """Whether Cloudflare may have carried out the call, or may yet do so, all the same."""
        return self.sent and not self.refused

    def facts(self) -> dict[str, Any]:
        """The failure for programs: C(status), C(code), C(messages), C(ray_id), C(method), C(path)."""
        return {
            "status": self.status,
            "code": self.messages[0].code if self.messages else None,
            "messages": [message.text for message in self.messages],
            "ray_id": self.ray_id,
            "method": self.call.method,
            "path": self.call.path,
        }


class NetworkFailed(CloudflareError):
    """No answer: name lookup, connection or proxy."""

    advice = (
        "Check name resolution, the firewall, the proxy variables HTTPS_PROXY and NO_PROXY, and the base URL (api_url or "
        "CLOUDFLARE_BASE_URL), then run again."
    )
    transient = True


class TimedOut(CloudflareError):
    """No answer within the timeout."""

    advice = "Raise the option timeout, or run again later."
    transient = True


class TlsFailed(CloudflareError):
    """No trustworthy connection."""

    advice = (
        "The certificate has to be trusted by a CA certificate in ca_path, or else in REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, or "
        "those of the system. Behind a proxy that inspects TLS, set ca_path to the proxy's CA certificate; otherwise "
        "check that the file holds certificates, that the base URL speaks https, and the clock of this host."
    )


class RateLimited(CloudflareError):
    """HTTP 429."""

    transient = True

    @property
    def advice(self) -> str:  # type: ignore[override]
        minutes = math.ceil(self.retry_after / 60) if self.retry_after else 5
        return (
            "This is Cloudflare's rate limit, 1,200 requests in 5 minutes for each user or account token: run again in "
            f"{minutes} minute{'s' if minutes > 1 else ''}, with fewer accounts or tasks at once."
        )


class ServiceFailed(CloudflareError):
    """HTTP 5xx."""

    advice = (
        "The fault is on Cloudflare's side: see https://www.cloudflarestatus.com and run again later; Cloudflare's "
        "support asks for the Ray ID."
    )
    transient = True


class UnexpectedAnswer(CloudflareError):
    """What is not an envelope, or a success that holds a result of an unknown shape."""

    advice = (
        "Check that the base URL (api_url or CLOUDFLARE_BASE_URL) is that of Cloudflare's API and that no proxy or login page "
        "answers in its place; if that is so, the API has changed: please report it with this message."
    )


class Redirected(CloudflareError):
    """HTTP 3xx: credentials are not carried to another address."""

    advice = (
        "Redirects are not followed, so that credentials reach no other address: set api_url to the right base URL."
    )


class CredentialsMissing(CloudflareError):
    """Cloudflare saw no credentials although they were sent."""

    advice = "The credentials were sent but did not arrive: look for a proxy that removes the Authorization header."


class CredentialsMalformed(CloudflareError):
    """A credential that cannot be of its kind."""

    advice = (
        "The credentials are malformed: api_token takes an API token, api_key the Global API Key and api_email its "
        "e-mail address, each without quotes. An API token put in api_key causes this error too."
    )


class WrongKey(CloudflareError):
    """Unknown key or e-mail."""

    advice = (
        "The Global API Key or its e-mail address is wrong: check api_key and api_email, or better use an API token in "
        "api_token."
    )


class WrongToken(CloudflareError):
    """Unknown, expired or revoked token."""

    advice = (
        "The API token is wrong, expired or revoked: create one in the Cloudflare dashboard and set api_token or "
        "CLOUDFLARE_API_TOKEN to it. A Global API Key (cfk_) goes in api_key, with api_email."
    )


class PermissionDenied(CloudflareError):
    """HTTP 403: valid credentials that may not do this."""

    @property
    def advice(self) -> str:  # type: ignore[override]
        if self.call.dashboard_only:
            return (
                "Reading was allowed, writing was not. Two causes are possible. 1. The API token, or the user of the Global API "
                f"Key, lacks the permission {self.call.permission} (Edit in the dashboard) for this account: add it. 2. It has "
                "the permission, but Cloudflare accepts this write from dashboard sessions only, as it documents since "
                "September 2026: make the change in the Cloudflare dashboard."
            )
        if not self.call.about_an_account:
            return (
                "The credentials are valid, but not for this: the API token, or the user of the Global API Key, lacks the "
                f"permission {self.call.permission}. Add it."
            )
        return (
            "The credentials are valid, but not for this: the API token, or the user of the Global API Key, lacks the "
            f"permission {self.call.permission} for this account, or account_id is not one of its accounts. Add the "
            "permission, or correct account_id."
        )


class NotFound(CloudflareError):
    """HTTP 404, or code 7003."""

    @property
    def advice(self) -> str:  # type: ignore[override]
        if not self.call.about_an_account:
            return "Check the base URL (api_url or CLOUDFLARE_BASE_URL): Cloudflare's ends in /client/v4."
        return (
            "Cloudflare knows no such account: check account_id or CLOUDFLARE_ACCOUNT_ID (copy the id from the account's "
            "overview in the dashboard), and the base URL if you have set it: Cloudflare's ends in /client/v4."
        )


class Refused(CloudflareError):
    """Anything else, HTTP 400 most of all: Cloudflare understood the request and said no."""

    advice = "Cloudflare refused this request for the reason that it gave: correct what it names, then run again."


_TOO_MANY_REQUESTS = {971, 10429}
_MALFORMED_HEADER = 6003
_NO_CREDENTIALS = 9106
_UNKNOWN_KEY = 9103
_INVALID_TOKEN = 9109
_NO_ROUTE = 7003


_REFUSALS = (400, 401, 402, 403, 404, 405, 422, 429)


def is_refusal(status: int, envelope: Mapping[str, Any]) -> bool:
    """Whether an answer says for certain that Cloudflare refused a call, so that nothing came of it.

    A page of a proxy in between says nothing of what Cloudflare does with a request that it has passed on; nor do statuses that
    speak of a conflict, of an early request or of the time that it took.
    """
    return status in _REFUSALS and envelope.get("success") is False and isinstance(envelope.get("errors"), list)


def error_class(status: int, codes: set[int | None]) -> type[CloudflareError]:
    """Which failure an answer means, from its HTTP status and the codes of its C(errors)."""
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
