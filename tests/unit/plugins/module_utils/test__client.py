# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.finops.cloudflare.plugins.module_utils import _api, _client, _http
from ansible_collections.finops.cloudflare.plugins.module_utils._api import Call, CloudflareError
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client
from ansible_collections.finops.cloudflare.plugins.module_utils._purchase import purchase_request, status_request
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import NO_TOPUP, read_topup
from ansible_collections.finops.cloudflare.tests.simulator.simulator import (
    ACCOUNT_ID,
    POWERLESS_TOKEN,
    READ_TOKEN,
    WRITE_TOKEN,
    Simulator,
)
from ansible_collections.finops.cloudflare.tests.unit.plugins.clients import (
    READ,
    REMOVE,
    WANTED,
    WRITE,
    client_of,
    failure_of,
    methods,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture
def client(simulator: Simulator) -> Client:
    return client_of(simulator.api_url)


def test_read_write_remove(client: Client, simulator: Simulator) -> None:
    assert client.send(READ) == NO_TOPUP
    assert client.send(WRITE) == WANTED
    assert client.send(READ) == WANTED
    assert client.send(REMOVE) == NO_TOPUP
    assert client.send(READ) == NO_TOPUP
    assert methods(simulator) == ["GET", "POST", "GET", "DELETE", "GET"]


def test_the_connection_is_kept_open(client: Client) -> None:
    client.send(READ)
    adapter: Any = client._session.get_adapter(client._base_url)
    (pool,) = adapter.poolmanager.pools._container.values()
    client.send(READ)
    assert (pool.num_connections, pool.num_requests) == (1, 2)


def test_the_next_client_takes_up_the_connection_and_nothing_else(simulator: Simulator) -> None:
    clients = [
        client_of(simulator.api_url),
        client_of(simulator.api_url, READ_TOKEN),
        client_of(simulator.api_url, "no"),
    ]
    assert clients[0].send(WRITE) == WANTED
    assert clients[1].send(READ) == WANTED
    assert isinstance(failure_of(clients[1], REMOVE), _api.PermissionDenied)
    assert isinstance(failure_of(clients[2], READ), _api.WrongToken)
    adapter: Any = clients[2]._session.get_adapter(simulator.api_url)
    (pool,) = adapter.poolmanager.pools._container.values()
    assert (pool.num_connections, pool.num_requests) == (1, 4)
    assert clients[2]._session.auth is None


def test_other_circumstances_have_another_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    http, https = "http://127.0.0.1/client/v4", "https://127.0.0.1/client/v4"
    same = client_of(https)._session
    assert client_of(https)._session is same
    for other in (client_of(http), client_of(https, verify=False), client_of(https, verify="/etc/ssl/certs")):
        assert other._session is not same
    same = client_of(https)._session
    monkeypatch.setattr(_client, "os", SimpleNamespace(getpid=lambda: -1))
    assert client_of(https)._session is not same


def test_another_thread_has_another_connection() -> None:
    url = "https://127.0.0.1/client/v4"
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(client_of, url).result()._session is not client_of(url)._session


def test_cookies_are_refused(raw_server: Any) -> None:
    raw_server.answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: __cf_bm=of-this-client; Path=/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    client = client_of(raw_server.url)
    failure_of(client, READ)
    assert not client._session.cookies
    assert "Cookie" not in client._session.get(raw_server.url).request.headers


@pytest.mark.parametrize(
    ("token", "error", "status", "code"),
    [
        ("wrong", _api.WrongToken, 401, 10000),
        (POWERLESS_TOKEN, _api.PermissionDenied, 403, 10000),
    ],
)
def test_refused_credentials(
    simulator: Simulator, token: str, error: type[CloudflareError], status: int, code: int
) -> None:
    failure = failure_of(client_of(simulator.api_url, token), READ, error)
    facts = failure.facts()
    assert (facts["status"], facts["code"]) == (status, code)
    assert facts["ray_id"]
    assert f"HTTP {status}, code {code} (" in str(failure)
    assert methods(simulator) == ["GET"]


def test_a_read_token_cannot_write(simulator: Simulator) -> None:
    client = client_of(simulator.api_url, READ_TOKEN)
    assert client.send(READ) == NO_TOPUP
    failure_of(client, WRITE, _api.PermissionDenied)
    assert methods(simulator) == ["GET", "POST"]


def test_an_unknown_account(client: Client) -> None:
    failure_of(client, read_topup("f" * 32), _api.NotFound)


@pytest.mark.parametrize("call", [READ, WRITE, REMOVE], ids=lambda call: call.method)
def test_429_is_waited_for_as_asked(client: Client, simulator: Simulator, pauses: list[float], call: Call) -> None:
    simulator.add_fault(fault="rate_limited", retry_after=7, times=2)
    client.send(call)
    assert pauses == [7, 7]
    assert methods(simulator) == [call.method] * 3


def test_a_wait_of_an_hour_is_an_error_that_says_so(client: Client, simulator: Simulator, pauses: list[float]) -> None:
    simulator.add_fault(fault="rate_limited", retry_after=3600)
    failure = failure_of(client, READ, _api.RateLimited)
    assert "asked to wait 3600 seconds. This collection waits at most 330 seconds" in str(failure)
    assert "Run again in 60 minutes" in str(failure)
    assert pauses == []
    assert methods(simulator) == ["GET"]


def test_the_longest_block_of_cloudflare_is_waited_for(
    client: Client, simulator: Simulator, pauses: list[float]
) -> None:
    simulator.add_fault(fault="rate_limited", retry_after=300)
    assert client.send(READ) == NO_TOPUP
    assert pauses == [300]


@pytest.mark.parametrize("retry_after", [None, "", "soon", "-5", "1.5", "²", "Mon, 32 Foo 2026 00:00:00 GMT", "0"])
def test_without_a_usable_wait_the_pauses_grow(raw_server: Any, pauses: list[float], retry_after: str | None) -> None:
    header = "" if retry_after is None else f"Retry-After: {retry_after}\r\n"
    raw_server.answer = (
        f"HTTP/1.1 429 Too Many Requests\r\n{header}Connection: close\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
    )
    failure = failure_of(client_of(raw_server.url, retries=6), READ, _api.RateLimited)
    assert "(7 attempts)" in str(failure)
    for pause, longest in zip(pauses, [1, 2, 4, 8, 16, 16]):
        assert longest / 2 <= pause <= longest
    assert len(pauses) == 6


def test_a_date_to_wait_for() -> None:
    assert 55 < (_http.seconds_to_wait(formatdate(time.time() + 60, usegmt=True)) or 0) <= 60
    assert _http.seconds_to_wait(formatdate(time.time() - 60, usegmt=True)) == 0


@pytest.mark.parametrize("fault", ["html_502", "text_503", "empty_502", "drop_before"])
@pytest.mark.parametrize("call", [READ, WRITE, REMOVE], ids=lambda call: call.method)
def test_passing_faults_are_survived(
    client: Client, simulator: Simulator, pauses: list[float], fault: str, call: Call
) -> None:
    simulator.set_account(ACCOUNT_ID, topup={"amount": 7000, "threshold": 700})
    simulator.add_fault(fault=fault, method=call.method, times=2)
    result = client.send(call)
    assert result["amount"] == {"GET": 7000, "POST": 5000, "DELETE": None}[call.method]
    assert len(pauses) == 2


@pytest.mark.parametrize("fault", ["html_502", "text_503", "empty_502"])
def test_lasting_faults_are_reported(client: Client, simulator: Simulator, pauses: list[float], fault: str) -> None:
    simulator.add_fault(fault=fault, times=9)
    failure = failure_of(client, READ, _api.ServiceFailed)
    assert "<" not in str(failure)
    assert "Ray ID" in str(failure)
    assert "(4 attempts)" in str(failure)
    assert len(pauses) == 3


def test_retries_0_sends_once(simulator: Simulator, pauses: list[float]) -> None:
    simulator.add_fault(fault="html_502", times=9)
    failure = failure_of(client_of(simulator.api_url, retries=0), READ)
    assert "attempts" not in str(failure)
    assert methods(simulator) == ["GET"]
    assert pauses == []


@pytest.mark.parametrize("call", [WRITE, REMOVE], ids=lambda call: call.method)
@pytest.mark.parametrize("retries", [0, 3])
def test_a_write_whose_answer_was_lost_is_not_sent_twice(
    simulator: Simulator, pauses: list[float], call: Call, retries: int
) -> None:
    simulator.set_account(ACCOUNT_ID, topup={"amount": 7000, "threshold": 700})
    simulator.add_fault(fault="drop_after", method=call.method)
    result = client_of(simulator.api_url, retries=retries).send(call)
    assert result["amount"] == (5000 if call is WRITE else None)
    assert methods(simulator) == [call.method, "GET"]
    assert pauses == []


def test_a_slow_write_is_looked_up_and_not_sent_twice(simulator: Simulator, pauses: list[float]) -> None:
    # The read that follows has to fit into the timeout on a busy machine too.
    simulator.add_fault(fault="slow", method="POST", seconds=12)
    assert client_of(simulator.api_url, timeout=3).send(WRITE) == WANTED
    assert methods(simulator).count("POST") == 1


@pytest.mark.parametrize("fault", ["null_result", "html_200", "empty_200", "json_not_envelope"])
def test_a_write_with_an_odd_answer_is_looked_up(client: Client, simulator: Simulator, fault: str) -> None:
    simulator.set_account(ACCOUNT_ID, topup={"amount": 5000, "threshold": 500})
    simulator.add_fault(fault=fault, method="POST")
    assert client.send(WRITE) == WANTED
    assert methods(simulator) == ["POST", "GET"]


def test_a_write_that_stores_something_else_is_a_failure(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="wrong_echo", method="POST")
    failure = failure_of(client, WRITE, _api.UnexpectedAnswer)
    assert "its amounts are not the ones that were sent" in str(failure)
    assert "Reading again shows neither the old nor the new values" in str(failure)


def test_a_write_that_keeps_failing_may_still_be_carried_out(
    client: Client, simulator: Simulator, pauses: list[float]
) -> None:
    simulator.add_fault(fault="html_502", method="POST", times=9)
    failure = failure_of(client, WRITE)
    assert failure.aftermath.startswith("Reading again does not show the change, at least not yet")
    assert failure.outcome_unknown
    assert methods(simulator) == ["POST", "GET"] * 4


def test_a_write_after_which_nothing_can_be_read_is_uncertain_and_not_repeated(
    simulator: Simulator, pauses: list[float]
) -> None:
    simulator.add_fault(fault="drop_after", method="POST")
    simulator.add_fault(fault="html_502", method="GET", times=9)
    failure = failure_of(client_of(simulator.api_url, retries=1), WRITE)
    assert "It is not known whether Cloudflare carried it out" in str(failure)
    assert "Running the same task again is safe" in str(failure)
    assert failure.facts()["method"] == "POST"
    assert methods(simulator) == ["POST", "GET", "GET"]


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "html_502", "html_200"])
def test_a_write_that_cannot_be_checked_is_sent_once(
    client: Client, simulator: Simulator, pauses: list[float], fault: str
) -> None:
    simulator.add_fault(fault=fault, method="POST")
    failure = failure_of(client, WRITE._replace(settled=None))
    assert "It is not known whether Cloudflare carried it out." in str(failure)
    assert methods(simulator) == ["POST"]
    assert pauses == []


def test_a_write_that_cannot_be_checked_is_not_repeated_after_429_either(
    client: Client, simulator: Simulator, pauses: list[float]
) -> None:
    simulator.add_fault(fault="rate_limited", retry_after=1)
    failure = failure_of(client, WRITE._replace(settled=None), _api.RateLimited)
    assert failure.aftermath == "Nothing was changed."
    assert methods(simulator) == ["POST"]


@pytest.mark.parametrize("fault", ["rate_limited", "drop_before", "drop_after", "cut_short", "html_502"])
def test_a_post_that_only_asks_is_repeated_as_a_read_is(
    client: Client, simulator: Simulator, pauses: list[float], fault: str
) -> None:
    simulator.add_faults({"fault": fault}, {"fault": fault})
    assert client.send(status_request(ACCOUNT_ID, "in_1Simulator0075")) is True
    assert methods(simulator) == ["POST"] * 3
    assert len(pauses) == 2


@pytest.mark.parametrize("fault", ["rate_limited", "drop_before", "drop_after", "cut_short", "html_502"])
def test_a_purchase_is_sent_once(client: Client, simulator: Simulator, pauses: list[float], fault: str) -> None:
    simulator.add_faults({"fault": fault})
    failure_of(client, purchase_request(ACCOUNT_ID, 5000, None))
    assert methods(simulator) == ["POST"]
    assert pauses == []


REFUSALS = [400, 401, 402, 403, 404, 405, 422, 429]
DOUBTFUL = [302, 307, 408, 409, 417, 421, 425, 451, 499, 500, 503]


@pytest.mark.parametrize("settled", [True, False], ids=["checked", "unchecked"])
@pytest.mark.parametrize("status", REFUSALS)
def test_cloudflares_own_refusal_is_certain(simulator: Simulator, status: int, settled: bool) -> None:
    simulator.add_fault(fault="status", status=status)
    call = WRITE if settled else WRITE._replace(settled=None)
    failure = failure_of(client_of(simulator.api_url, retries=0), call)
    assert (failure.refused, failure.outcome_unknown, failure.aftermath) == (True, False, "Nothing was changed.")
    assert methods(simulator) == ["POST"]


@pytest.mark.parametrize(
    "fault",
    [{"fault": "status", "status": status} for status in DOUBTFUL if status >= 400]
    + [{"fault": "foreign", "status": status} for status in sorted(REFUSALS + DOUBTFUL)]
    + [{"fault": "success_false"}, {"fault": "html_200"}, {"fault": "drop_before"}],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_any_other_answer_leaves_open_what_became_of_a_write(simulator: Simulator, fault: dict[str, Any]) -> None:
    client = client_of(simulator.api_url, retries=0)
    simulator.add_faults({**fault, "method": "POST"}, {**fault, "method": "POST"})
    unchecked = failure_of(client, WRITE._replace(settled=None))
    assert unchecked.outcome_unknown
    assert unchecked.aftermath == "It is not known whether Cloudflare carried it out."
    checked = failure_of(client, WRITE)
    assert checked.outcome_unknown
    assert checked.aftermath.startswith("Reading again does not show the change, at least not yet")
    assert methods(simulator) == ["POST", "POST", "GET"]


FACTS = (
    "wrong, expired, or revoked",
    "The credentials are valid",
    "may read but not",
    "does not know this account",
    "on Cloudflare's side",
    "Cloudflare responded with",
    "Cloudflare refused this",
)


@pytest.mark.parametrize("call", [READ, WRITE], ids=lambda call: call.method)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 451, 500, 502, 503])
def test_a_page_says_nothing_about_credentials_or_account(simulator: Simulator, status: int, call: Call) -> None:
    simulator.add_fault(fault="foreign", status=status, method=call.method)
    sentence = str(failure_of(client_of(simulator.api_url, retries=0), call))
    assert f"the response was HTTP {status} with a body that is not JSON (text/html" in sentence
    assert "proxy" in sentence
    assert "responded instead" in sentence or "responds instead" in sentence
    assert "the base URL (api_url or CLOUDFLARE_BASE_URL" in sentence
    assert ("https://www.cloudflarestatus.com" in sentence) == (status >= 500)
    assert not [fact for fact in FACTS if fact in sentence]


@pytest.mark.parametrize("status", [401, 403, 404, 502])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"error": "no"}', b'{"errors": [{"message": "no"}]}', b'{"success": false}']
)
def test_nor_does_json_without_an_envelope(raw_server: Any, pauses: list[float], status: int, body: bytes) -> None:
    head = f"HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    raw_server.answer = head.encode() + body
    failure = failure_of(client_of(raw_server.url, retries=0), READ, _api.error_class(status, set()))
    assert failure.foreign
    assert not failure.refused
    assert f"the response was HTTP {status}" in str(failure)
    assert not [fact for fact in FACTS if fact in str(failure)]


@pytest.mark.parametrize(("status", "said"), [(401, FACTS[0]), (403, FACTS[1]), (404, FACTS[3]), (503, FACTS[4])])
def test_cloudflares_own_response_keeps_its_advice(simulator: Simulator, status: int, said: str) -> None:
    simulator.add_fault(fault="status", status=status)
    failure = failure_of(client_of(simulator.api_url, retries=0), READ)
    assert not failure.foreign
    assert said in str(failure)
    assert f"Cloudflare responded with HTTP {status}, code 10000" in str(failure)


@pytest.mark.parametrize("call", [WRITE, REMOVE], ids=lambda call: call.method)
@pytest.mark.parametrize(
    "fault",
    [{"fault": "status", "status": status} for status in (408, 409, 425, 500)]
    + [{"fault": "foreign", "status": status} for status in (302, 403, 404, 413, 429, 451, 499, 504)]
    + [{"fault": "success_false"}],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_write_that_was_carried_out_whatever_the_answer_says_is_found(
    client: Client, simulator: Simulator, fault: dict[str, Any], call: Call
) -> None:
    simulator.set_account(ACCOUNT_ID, topup={"amount": 7000, "threshold": 700})
    simulator.add_fault(**fault, acts=True, method=call.method)
    assert client.send(call)["amount"] == (5000 if call is WRITE else None)
    assert methods(simulator) == [call.method, "GET"]


def test_a_refusal_does_not_close_what_an_earlier_attempt_has_left_open(
    client: Client, simulator: Simulator, pauses: list[float]
) -> None:
    simulator.add_faults({"fault": "text_503", "method": "POST"}, {"fault": "status", "status": 400, "method": "POST"})
    failure = failure_of(client, WRITE, _api.Refused)
    assert failure.aftermath.startswith("Reading again does not show the change, at least not yet")
    assert methods(simulator) == ["POST", "GET", "POST", "GET"]


def test_the_time_of_the_server(client: Client, simulator: Simulator, raw_server: Any) -> None:
    assert client.server_time is None
    client.send(READ)
    assert client.server_time == pytest.approx(time.time(), abs=60)
    simulator.add_fault(fault="date", offset=-86400)
    client.send(READ)
    assert client.server_time == pytest.approx(time.time() - 86400, abs=60)


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "now",
        "9" * 5000,
        "Sun, 99 Nov 2026 00:00:00 GMT",
        "Sun, 01 Nov 0000 00:00:00 GMT",
        "Sun, 01 Nov 2026 99:00:00 GMT",
        "Sun, 01 Foo 2026 00:00:00 GMT",
        "Sun, 01 Nov 2026 00:00:00 GMT, Mon, 02 Nov 2026 00:00:00 GMT",
    ],
)
def test_without_a_date_the_time_of_the_server_is_unknown(raw_server: Any, date: str | None) -> None:
    client = client_of(raw_server.url, retries=0)
    client.server_time = 1.0
    header = "" if date is None else f"Date: {date}\r\n"
    raw_server.answer = f"HTTP/1.1 200 OK\r\n{header}Connection: close\r\nContent-Length: 0\r\n\r\n".encode()
    failure_of(client, READ)
    assert client.server_time is None


def test_a_refused_write_is_not_repeated(client: Client, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, limits={"max_cents": 4000})
    failure = failure_of(client, WRITE, _api.Refused)
    assert failure.aftermath == "Nothing was changed."
    assert methods(simulator) == ["POST"]


def test_success_false_in_a_200_is_a_failure(client: Client, simulator: Simulator) -> None:
    simulator.add_fault(fault="success_false")
    failure = failure_of(client, READ, _api.Refused)
    assert failure.status == 200


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("html_200", "HTTP 200 with a body that is not JSON (text/html"),
        ("empty_200", "HTTP 200 with an empty body"),
        ("json_not_envelope", "HTTP 200, which is not a response of its API"),
        ("null_result", "HTTP 200, but the auto top-up configuration is not an object"),
    ],
)
def test_answers_that_are_none(client: Client, simulator: Simulator, fault: str, said: str) -> None:
    simulator.add_fault(fault=fault)
    failure = failure_of(client, READ, _api.UnexpectedAnswer)
    assert said in str(failure)
    assert methods(simulator) == ["GET"]


def test_redirects_are_not_followed(client: Client, simulator: Simulator) -> None:
    with Simulator() as elsewhere:
        simulator.add_fault(fault="redirect", location=f"{elsewhere.api_url}/{READ.path}")
        failure_of(client, READ, _api.Redirected)
        assert elsewhere.requests == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503]) | st.integers(200, 599),
    body=st.binary(max_size=200)
    | st.sampled_from(
        [
            b'{"success": true, "result": {"amount": NaN}}',
            b'{"success": true, "result": {"amount": 1e999}}',
            b'{"success": true}',
            b'{"success": false}',
            b'{"success": 1, "result": {}}',
            b'{"success": false, "errors": [{"code": 1e999, "message": null}], "messages": null}',
            b'{"errors": {"code": 10000}}',
            b"[" * 199,
            b"null",
            "{}".encode("utf-16"),
        ]
    ),
    retry_after=st.sampled_from(["", "Retry-After: 0\r\n", "Retry-After: x\r\n"]),
)
def test_whatever_answers_is_a_result_or_a_sentence(
    raw_server: Any, pauses: list[float], status: int, body: bytes, retry_after: str
) -> None:
    head = f"HTTP/1.1 {status} x\r\n{retry_after}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    raw_server.answer = head.encode() + body
    try:
        result = client_of(raw_server.url, retries=1).send(READ)
    except CloudflareError as failure:
        sentence = str(failure)
        assert sentence.startswith("Could not read the auto top-up configuration of account")
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 1000
    else:
        assert set(result) == set(NO_TOPUP)
        assert b'"success": true' in body


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    faults=st.lists(
        st.sampled_from(["html_502", "text_503", "empty_502", "drop_before", "drop_after", "rate_limited", "html_200"]),
        max_size=6,
    ),
    start=st.sampled_from([None, 7000, 5000]),
)
def test_whatever_fails_a_success_means_that_it_is_stored(
    simulator: Simulator, pauses: list[float], faults: list[str], start: int | None
) -> None:
    simulator.reset()
    simulator.set_account(ACCOUNT_ID, topup={"amount": start, "threshold": start and 500})
    for fault in faults:
        simulator.add_fault(fault=fault)
    try:
        client_of(simulator.api_url).send(WRITE)
    except CloudflareError as failure:
        if failure.aftermath in ("Nothing was changed.", "Nothing was sent."):
            assert simulator.account(ACCOUNT_ID)["topup"]["amount"] == start
    else:
        assert simulator.account(ACCOUNT_ID)["topup"]["amount"] == 5000


def test_no_secret_in_the_repr_of_anything(client: Client) -> None:
    assert WRITE_TOKEN not in repr(client) + repr(client._auth)


def test_the_user_agent_names_the_release(client: Client) -> None:
    galaxy = Path(__file__).parents[4].joinpath("galaxy.yml")
    version = yaml.safe_load(galaxy.read_text(encoding="utf-8"))["version"]
    assert client._session.headers["User-Agent"] == f"ansible-collection-finops.cloudflare/{version}"


def test_without_requests_the_file_can_still_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    name = _client.__name__
    # Importing sets the attributes of the package as well; all is put back afterwards.
    for module in (_client, _http):
        package, _dot, attribute = module.__name__.rpartition(".")
        monkeypatch.setattr(sys.modules[package], attribute, module)
        monkeypatch.delitem(sys.modules, module.__name__)
    monkeypatch.setitem(sys.modules, "requests", None)
    assert importlib.import_module(name) is not _client
    assert importlib.import_module(_http.__name__).HAS_REQUESTS is False
    assert _http.HAS_REQUESTS is True
