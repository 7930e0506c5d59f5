# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each scripted fault does what the README of the simulator says: to the answer, and to what is stored."""

from __future__ import annotations

import gzip
import json
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
from simulator import _faults
from simulator.simulator import ACCOUNT_ID, EMAIL, GLOBAL_KEY, WRITE_TOKEN, Simulator

if TYPE_CHECKING:
    from ansible_collections.finops.cloudflare.tests.contract.conftest import Client

TOPUP = {"amount": 5000, "threshold": 500}

# What a POST gets, and whether it is acted upon nevertheless.
MADE_UP = {
    "html_502": (502, "text/html; charset=UTF-8", "<title>502: Bad gateway</title>"),
    "text_503": (503, "text/plain", "upstream connect error"),
    "empty_502": (502, None, ""),
    "empty_200": (200, None, ""),
    "html_200": (200, "text/html; charset=UTF-8", "<!DOCTYPE html>"),
    "json_not_envelope": (200, "application/json", "["),
    "rate_limited": (429, "application/json", '"code": 10429'),
    "success_false": (200, "application/json", '{"success": false, "errors": [{'),
    "echo_secret": (400, "application/json", f"Authorization: Bearer {WRITE_TOKEN}"),
}


def stored(simulator: Simulator) -> dict[str, Any]:
    topup = simulator.account(ACCOUNT_ID)["topup"]
    return {key: topup[key] for key in TOPUP}


@pytest.mark.parametrize("kind", MADE_UP)
def test_an_answer_that_is_made_up_does_not_act(client: Client, simulator: Simulator, kind: str) -> None:
    status, content_type, text = MADE_UP[kind]
    simulator.add_fault(fault=kind)
    answer = client.ask("POST", json=TOPUP)
    assert (answer.status_code, answer.headers.get("Content-Type")) == (status, content_type)
    assert text in answer.text
    assert bool(answer.content) == bool(text)
    assert stored(simulator) == {"amount": None, "threshold": None}
    assert client.result("POST", json=TOPUP) == TOPUP


@pytest.mark.parametrize("retry_after", ["7", 7, "Wed, 21 Oct 2026 07:28:00 GMT", "soon", "", None])
def test_retry_after_is_sent_as_given(client: Client, simulator: Simulator, retry_after: Any) -> None:
    given = {} if retry_after is None else {"retry_after": retry_after}
    simulator.add_faults({"fault": "rate_limited", **given}, {"fault": "status", "status": 503, **given})
    for status in (429, 503):
        answer = client.ask("GET")
        assert answer.status_code == status
        assert answer.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))


def test_any_refusal(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="status", status=409, code=1234, message="Conflict of its own kind")
    answer = client.ask("GET")
    assert answer.status_code == 409
    assert answer.json()["errors"] == [{"code": 1234, "message": "Conflict of its own kind"}]


def test_an_echo_repeats_a_key_as_well(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="echo_secret")
    answer = client.ask("GET", headers={"X-Auth-Email": EMAIL, "X-Auth-Key": GLOBAL_KEY})
    assert f"X-Auth-Email: {EMAIL}, X-Auth-Key: {GLOBAL_KEY}" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(("kind", "acts"), [("drop_before", False), ("drop_after", True), ("cut_short", True)])
def test_a_connection_that_breaks(client: Client, simulator: Simulator, kind: str, acts: bool) -> None:
    simulator.add_fault(fault=kind)
    error = requests.exceptions.ChunkedEncodingError if kind == "cut_short" else requests.exceptions.ConnectionError
    with pytest.raises(error):
        client.ask("POST", json=TOPUP)
    assert (stored(simulator) == TOPUP) == acts
    assert simulator.requests[0]["status"] == (200 if kind == "cut_short" else None)
    assert client.ask("GET").status_code == 200


def test_a_slow_answer_acts_first_and_holds_nobody_up(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="slow", seconds=1, method="POST")
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.session.post(
            f"{simulator.api_url}/accounts/{ACCOUNT_ID}/ai-gateway/billing/topup/config",
            headers={"Authorization": f"Bearer {WRITE_TOKEN}"},
            json=TOPUP,
            timeout=0.2,
        )
    started = time.monotonic()
    assert client.result("GET")["amount"] == 5000
    assert time.monotonic() - started < 0.7


def test_a_slow_answer_comes(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="slow", seconds=0.3)
    started = time.monotonic()
    assert client.ask("GET", headers={}).status_code == 400
    assert time.monotonic() - started >= 0.3


def test_a_redirect(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="redirect", location="https://elsewhere.example/")
    answer = client.ask("GET")
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://elsewhere.example/")


def test_a_wrong_echo_stores_and_answers_other_values(client: Client, simulator: Simulator) -> None:
    simulator.add_faults({"fault": "wrong_echo"}, {"fault": "wrong_echo", "amount": 7000, "threshold": 700})
    for other in ({"amount": 1111, "threshold": 555}, {"amount": 7000, "threshold": 700}):
        assert client.result("POST", json=TOPUP) == other
        assert stored(simulator) == other
    assert simulator.requests[0]["body"] == TOPUP


def test_a_null_result_acts(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="null_result")
    assert client.result("POST", json=TOPUP) is None
    assert stored(simulator) == TOPUP


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ({"fault": "foreign", "status": 451}, 451, "<!DOCTYPE html>"),
        ({"fault": "foreign", "status": 302}, 302, "<!DOCTYPE html>"),
        ({"fault": "status", "status": 409}, 409, '{"success": false'),
        ({"fault": "success_false"}, 200, '{"success": false'),
    ],
)
def test_an_answer_that_hides_what_was_done(
    client: Client, simulator: Simulator, fault: dict[str, Any], status: int, text: str
) -> None:
    simulator.add_faults(fault, {**fault, "acts": True})
    for expected in ({"amount": None, "threshold": None}, TOPUP):
        answer = client.ask("POST", json=TOPUP)
        assert (answer.status_code, answer.text[: len(text)]) == (status, text)
        assert stored(simulator) == expected


@pytest.mark.parametrize("acts", [False, True])
def test_a_body_that_does_not_end(client: Client, simulator: Simulator, acts: bool) -> None:
    simulator.add_fault(fault="endless", acts=acts)
    with client.ask("POST", json=TOPUP, stream=True) as answer:
        assert "Content-Length" not in answer.headers
        assert len(answer.raw.read(20_000_000)) == 20_000_000
    assert (stored(simulator) == TOPUP) == acts
    assert client.ask("GET").status_code == 200


@pytest.mark.parametrize("acts", [False, True])
def test_a_body_that_grows_when_unpacked(client: Client, simulator: Simulator, acts: bool) -> None:
    simulator.add_fault(fault="gzip_bomb", acts=acts)
    with client.ask("POST", json=TOPUP, stream=True) as answer:
        packed = answer.raw.read(decode_content=False)
    assert len(packed) < 1 << 20
    assert len(gzip.decompress(packed)) == 128 << 20
    assert (stored(simulator) == TOPUP) == acts


def test_a_body_that_comes_a_byte_at_a_time(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="drip", seconds=0.01)
    with client.ask("POST", json=TOPUP, stream=True) as answer:
        assert answer.raw.read1(100) == b"{"
        assert json.loads(b"{" + answer.raw.read())["result"] == TOPUP
    assert stored(simulator) == TOPUP


@pytest.mark.parametrize("offset", [-86400, 3600])
def test_an_answer_of_another_time(client: Client, simulator: Simulator, offset: int) -> None:
    simulator.add_fault(fault="date", offset=offset)
    answer = client.ask("POST", json=TOPUP)
    then = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert then == pytest.approx(time.time() + offset, abs=60)
    assert stored(simulator) == TOPUP


def test_faults_strike_in_order_where_they_match(client: Client, simulator: Simulator) -> None:
    simulator.add_faults(
        {"fault": "empty_502", "method": "POST"},
        {"fault": "text_503", "path": "topup/limits"},
        {"fault": "html_502", "times": 2},
        {"fault": "success_false"},
    )
    asked = [("GET", "config"), ("GET", "limits"), ("POST", "config"), ("GET", "config"), ("GET", "config")]
    answers = [client.ask(method, f"topup/{path}") for method, path in [*asked, ("GET", "config")]]
    assert [answer.status_code for answer in answers] == [502, 503, 502, 502, 200, 200]
    assert [answer.text[:1] for answer in answers] == ["<", "u", "", "<", "{", "{"]
    assert [answer.json()["success"] for answer in answers[4:]] == [False, True]
    assert simulator.faults == []


def test_a_fault_strikes_before_credentials_are_looked_at(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="text_503")
    assert client.ask("GET", headers={}).status_code == 503


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({}, "there is no fault None"),
        ({"fault": "html_500"}, "there is no fault 'html_500'"),
        ({"fault": ["slow"]}, "there is no fault ['slow']"),
        ({"fault": "slow"}, "missing a required argument: 'seconds'"),
        ({"fault": "slow", "seconds": "1"}, "seconds cannot be '1'"),
        ({"fault": "slow", "seconds": -1}, "seconds cannot be -1"),
        ({"fault": "slow", "seconds": 1, "second": 2}, "unexpected keyword argument 'second'"),
        ({"fault": "html_502", "times": 0}, "times cannot be 0"),
        ({"fault": "html_502", "times": True}, "times cannot be True"),
        ({"fault": "html_502", "method": "get"}, "method cannot be 'get'"),
        ({"fault": "html_502", "path": 1}, "path cannot be 1"),
        ({"fault": "html_502", "_exchange": 1}, "multiple values for argument '_exchange'"),
        ({"fault": "rate_limited", "retry_after": "1\r\nX: y"}, "retry_after cannot be"),
        ({"fault": "redirect", "location": "a\nb"}, "location cannot be"),
        ({"fault": "redirect"}, "missing a required argument: 'location'"),
        ({"fault": "status", "status": 100}, "status cannot be 100"),
        ({"fault": "status", "status": 204}, "status cannot be 204"),
        ({"fault": "status", "status": 400, "code": "1"}, "code cannot be '1'"),
        ({"fault": "status", "status": 400, "message": 1}, "message cannot be 1"),
        ({"fault": "wrong_echo", "amount": 1.5}, "amount cannot be 1.5"),
        ({"fault": "wrong_echo", "threshold": None}, "threshold cannot be None"),
        ({"fault": "endless", "acts": 1}, "acts cannot be 1"),
        ({"fault": "foreign"}, "missing a required argument: 'status'"),
        ({"fault": "date", "offset": 10**12}, "offset cannot be"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(simulator: Simulator, fault: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError) as refused:
        simulator.add_faults({"fault": "html_502"}, fault)
    assert complaint in str(refused.value)
    assert simulator.faults == []


def test_no_fault_is_left_untested() -> None:
    others = {"status", "drop_before", "drop_after", "cut_short", "slow", "redirect", "wrong_echo", "null_result"}
    others |= {"foreign", "endless", "gzip_bomb", "drip", "date"}
    assert set(_faults.FAULTS) == set(MADE_UP) | others
