# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _api
from ansible_collections.finops.cloudflare.plugins.module_utils._api import Call, CloudflareError
from ansible_collections.finops.cloudflare.plugins.module_utils._text import Message

READ = Call("GET", "accounts/1/thing", "read the thing of account 1", "AI Gateway Read", dict)
WRITE = Call("POST", "accounts/1/thing", "set the thing of account 1", "AI Gateway Write", dict, dashboard_only=True)


def every_error() -> list[type[CloudflareError]]:
    return CloudflareError.__subclasses__()


@pytest.mark.parametrize(
    ("status", "codes", "expected"),
    [
        (400, {9106}, _api.CredentialsMissing),
        (400, {6003}, _api.CredentialsMalformed),
        (403, {9103}, _api.WrongKey),
        (401, {10000}, _api.WrongToken),
        (401, set(), _api.WrongToken),
        (403, {9109}, _api.WrongToken),
        (403, {10000}, _api.PermissionDenied),
        (403, set(), _api.PermissionDenied),
        (404, {7003}, _api.NotFound),
        (400, {7003}, _api.NotFound),
        (404, set(), _api.NotFound),
        (429, {971}, _api.RateLimited),
        (429, {10429}, _api.RateLimited),
        (429, set(), _api.RateLimited),
        (403, {10429}, _api.RateLimited),
        (403, {971}, _api.RateLimited),
        (500, set(), _api.ServiceFailed),
        (502, {10000}, _api.ServiceFailed),
        (530, set(), _api.ServiceFailed),
        (301, set(), _api.Redirected),
        (307, set(), _api.Redirected),
        (399, set(), _api.Redirected),
        (400, {1}, _api.Refused),
        (400, {None}, _api.Refused),
        (402, set(), _api.Refused),
        (200, {7}, _api.Refused),
    ],
)
def test_error_class(status: int, codes: set[int | None], expected: type[CloudflareError]) -> None:
    assert _api.error_class(status, codes) is expected


def test_each_failure_can_be_told_from_its_message_alone() -> None:
    calls = (READ, WRITE)
    sentences = {str(error(call, "it failed")) for error in every_error() for call in calls}
    # Both calls in every class, plus nothing that two classes share.
    assert len(sentences) == len(every_error()) * len(calls)
    for sentence in sentences:
        assert sentence.startswith(
            ("Could not read the thing of account 1: it failed. ", "Could not set the thing of account 1: it failed. ")
        )
        assert sentence.endswith(".")
        assert ".." not in sentence
        assert "\n" not in sentence


def test_refused_write_names_the_permission_and_the_dashboard() -> None:
    text = str(_api.PermissionDenied(WRITE, "no"))
    assert "AI Gateway Write (Edit in the dashboard)" in text
    assert "dashboard sessions only" in text


def test_refused_read_names_its_permission_and_not_the_dashboard() -> None:
    text = str(_api.PermissionDenied(READ, "no"))
    assert "AI Gateway Read" in text
    assert "account_id" in text
    assert "dashboard sessions" not in text


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [(None, "5 minutes,"), (0, "5 minutes,"), (60, "1 minute,"), (61, "2 minutes,"), (3600, "60 minutes,")],
)
def test_rate_limit_says_when_to_run_again(retry_after: float | None, wait: str) -> None:
    assert f"Run again in {wait}" in str(_api.RateLimited(READ, "no", 429, retry_after=retry_after))


def test_aftermath_stands_between_cause_and_advice() -> None:
    error = _api.TimedOut(WRITE, "no answer")
    error.aftermath = "Nothing was changed."
    assert str(error).startswith("Could not set the thing of account 1: no answer. Nothing was changed. Raise")


def test_facts() -> None:
    error = _api.NotFound(READ, "no", 404, [Message(7003, "no route"), Message(None, "more")], "ray")
    assert error.facts() == {
        "status": 404,
        "code": 7003,
        "messages": ["no route", "more"],
        "ray_id": "ray",
        "method": "GET",
        "path": "accounts/1/thing",
    }


def test_facts_without_an_answer() -> None:
    facts = _api.NetworkFailed(READ, "no").facts()
    assert (facts["status"], facts["code"], facts["messages"], facts["ray_id"]) == (None, None, [], None)
