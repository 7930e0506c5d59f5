# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failure of the client says of a response, or of why there is none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _api
from ansible_collections.finops.cloudflare.tests.simulator.simulator import Simulator
from ansible_collections.finops.cloudflare.tests.unit.plugins.clients import READ, client_of, failure_of

RAY_ID = "8f2b6c1d9e0a4f35-FRA"


def response(status: int, body: bytes = b"", ray_id: str | None = RAY_ID) -> bytes:
    ray = "" if ray_id is None else f"cf-ray: {ray_id}\r\n"
    head = f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\n{ray}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"success": true, "result": 5}', _api.UnexpectedAnswer),
        (200, b"[]", _api.UnexpectedAnswer),
        (400, b'{"success": false, "errors": []}', _api.Refused),
        (503, b"", _api.ServiceFailed),
    ],
)
@pytest.mark.parametrize("ray_id", [RAY_ID, None])
def test_the_ray_id_is_that_of_the_response(
    raw_server: Any, status: int, body: bytes, kind: type[_api.CloudflareError], ray_id: str | None
) -> None:
    raw_server.answer = response(status, body, ray_id)
    failure = failure_of(client_of(raw_server.url, retries=0), READ, kind)
    assert failure.facts()["ray_id"] == ray_id
    # A person who has to wait is told at once.
    assert (f", Ray ID {RAY_ID}" in str(failure)) == (status == 503 and ray_id is not None)
    assert "Ray ID None" not in str(failure)


@pytest.mark.parametrize("status", [302, 400, 403, 404, 500, 503])
def test_a_body_that_claims_success_does_not_make_a_success(raw_server: Any, status: int) -> None:
    raw_server.answer = response(
        status, b'{"success": true, "result": {"amount": 5000, "threshold": 500}, "errors": []}'
    )
    failure = failure_of(client_of(raw_server.url, retries=0), READ)
    assert failure.facts()["status"] == status


def test_a_wait_that_is_too_long_is_said_after_the_response(simulator: Simulator, pauses: list[float]) -> None:
    simulator.add_fault(fault="rate_limited", retry_after=3600)
    said = str(failure_of(client_of(simulator.api_url), READ, _api.RateLimited))
    assert 0 < said.index("HTTP 429") < said.index(" and asked to wait 3600 seconds")


@pytest.mark.parametrize("retries", [1, 2])
def test_attempts_are_counted_from_the_second_one(simulator: Simulator, pauses: list[float], retries: int) -> None:
    simulator.add_fault(fault="html_502", times=9)
    assert f"({retries + 1} attempts)" in str(failure_of(client_of(simulator.api_url, retries=retries), READ))


def test_a_connection_that_was_never_there_did_not_break_off(simulator: Simulator) -> None:
    with Simulator() as gone:
        url = gone.api_url
    assert f"no connection to {url} (Connection refused)" in str(failure_of(client_of(url, retries=0), READ))
    simulator.add_fault(fault="drop_before")
    dropped = str(failure_of(client_of(simulator.api_url, retries=0), READ))
    assert f"the connection to {simulator.api_url} broke off (" in dropped


def test_certificates_that_no_option_names_have_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/bundle.pem")
    failure = failure_of(client_of("https://127.0.0.1"), READ, _api.CaFileUnusable)
    assert "the CA certificates cannot be used (" in str(failure)
