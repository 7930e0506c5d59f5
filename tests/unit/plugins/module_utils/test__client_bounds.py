# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client and answers that are too long, too slow, or of a shape that nobody expects."""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import threading
from contextlib import suppress
from typing import Any, Callable, Iterable, Iterator

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _api, _http
from ansible_collections.finops.cloudflare.plugins.module_utils._api import Call
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client
from ansible_collections.finops.cloudflare.plugins.module_utils._purchase import purchase_request
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import NO_TOPUP
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, EMAIL, GLOBAL_KEY, Simulator
from ansible_collections.finops.cloudflare.tests.unit.plugins.clients import (
    READ,
    WANTED,
    WRITE,
    client_of,
    failure_of,
    methods,
)

BUY = purchase_request(ACCOUNT_ID, 5000, None)
OK = b"HTTP/1.1 200 OK\r\n"
ENVELOPE = json.dumps({"success": True, "errors": [], "messages": [], "result": {**WANTED}}).encode()


class Sender:
    """A server that sends these parts to whoever asks, until the client hangs up."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.parts: Callable[[], Iterable[bytes]] = tuple
        self.hung_up = threading.Event()
        self._over = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def drip(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        for part in parts:
            if self._over.wait(0.02):
                return
            yield part

    def stop(self) -> None:
        self._over.set()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _peer = self._listener.accept()
                with connection:
                    connection.recv(65536)
                    try:
                        for part in self.parts():
                            connection.sendall(part)
                    except OSError:
                        self.hung_up.set()


@pytest.fixture
def sender() -> Iterator[Sender]:
    server = Sender()
    yield server
    server.stop()


def bodies_that_do_not_end() -> dict[str, Iterable[bytes]]:
    part = b" " * 65536
    chunk = b"10000\r\n" + part + b"\r\n"
    return {
        "until it closes": [OK + b"\r\n", *itertools.repeat(part, 4000)],
        "promised": [OK + b"Content-Length: 99999999999\r\n\r\n", *itertools.repeat(part, 4000)],
        "chunked": [OK + b"Transfer-Encoding: chunked\r\n\r\n", *itertools.repeat(chunk, 4000)],
        "small chunks": [OK + b"Transfer-Encoding: chunked\r\n\r\n", *itertools.repeat(b"1\r\nx\r\n" * 9999, 4000)],
        "negative chunk": [OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", *itertools.repeat(part, 4000)],
        "trailers": [OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", *itertools.repeat(b"X: y\r\n" * 9999, 4000)],
        "refusal": [b"HTTP/1.1 400 Bad\r\n\r\n", *itertools.repeat(part, 4000)],
        "interim answers": itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 3000, 4000),
        "redirect": [b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", *itertools.repeat(part, 4000)],
    }


@pytest.mark.parametrize("kind", bodies_that_do_not_end())
def test_of_an_answer_that_does_not_end_a_bounded_part_is_taken(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(_http, "LARGEST_BODY", 1 << 20)
    sent = 0

    def counted() -> Iterator[bytes]:
        nonlocal sent
        for part in bodies_that_do_not_end()[kind]:
            sent += len(part)
            yield part

    sender.parts = counted
    failure = failure_of(client_of(sender.url, timeout=60, retries=0), BUY)
    assert sender.hung_up.wait(30)
    # What is on its way when the client hangs up was sent as well.
    assert sent < 2 * _http.LARGEST_BODY + (16 << 20)
    assert failure.outcome_unknown
    assert failure.aftermath == "It is not known whether Cloudflare carried it out."


def test_the_largest_body_is_read_and_a_larger_one_is_not(raw_server: Any) -> None:
    head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n"
    largest = ENVELOPE + b" " * (_http.LARGEST_BODY - len(ENVELOPE))
    raw_server.answer = head.format(len(largest)).encode() + largest
    client = client_of(raw_server.url, retries=0)
    assert client.send(READ) == WANTED
    raw_server.answer = head.format(len(largest) + 1).encode() + largest + b" "
    failure = failure_of(client, READ, _api.UnexpectedAnswer)
    assert (
        "Cloudflare responded with HTTP 200 with a body of more than 8 MiB, which is not a response of its API."
        in str(failure)
    )


def test_nothing_is_decoded_that_was_not_asked_for(raw_server: Any, pauses: list[float]) -> None:
    packed = gzip.compress(ENVELOPE)
    head = f"HTTP/1.1 {{}} x\r\nContent-Encoding: {{}}\r\nContent-Length: {len(packed)}\r\nConnection: close\r\n\r\n"
    client = client_of(raw_server.url, retries=1)
    for encoding in ("gzip", "GZIP", "deflate", "br", "identity, gzip"):
        raw_server.answer = head.format(200, encoding).encode() + packed
        failure = failure_of(client, READ, _api.UnexpectedAnswer)
        assert "HTTP 200 with a body that is encoded although no encoding was requested" in str(failure)
    # The status still says what it says.
    raw_server.answer = head.format(503, "gzip").encode() + packed
    assert "HTTP 503 with a body that is encoded" in str(failure_of(client, READ, _api.ServiceFailed))
    raw_server.answer = head.format(451, "gzip").encode() + packed
    assert failure_of(client, BUY).outcome_unknown


def test_an_encoding_that_is_none_is_none(raw_server: Any) -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"
    raw_server.answer = head.format(len(ENVELOPE)).encode() + ENVELOPE
    assert client_of(raw_server.url).send(READ) == WANTED


@pytest.mark.parametrize("fault", ["endless", "gzip_bomb"])
def test_a_purchase_whose_answer_has_no_bounds_may_have_been_made(simulator: Simulator, fault: str) -> None:
    before = len(simulator.account(ACCOUNT_ID)["invoices"])
    simulator.add_fault(fault=fault, acts=True)
    failure = failure_of(client_of(simulator.api_url), BUY)
    assert failure.outcome_unknown
    assert len(simulator.account(ACCOUNT_ID)["invoices"]) == before + 1
    assert methods(simulator) == ["POST"]


@pytest.mark.parametrize("fault", ["endless", "gzip_bomb"])
def test_a_write_whose_answer_has_no_bounds_is_looked_up(simulator: Simulator, fault: str) -> None:
    simulator.add_fault(fault=fault, acts=True)
    assert client_of(simulator.api_url).send(WRITE) == WANTED
    assert methods(simulator) == ["POST", "GET"]


def drips() -> dict[str, Iterable[bytes]]:
    def bytes_of(text: bytes) -> Iterator[bytes]:
        return (bytes([byte]) for byte in text)

    return {
        "body": itertools.chain([OK + b"Content-Length: 100000\r\n\r\n"], itertools.repeat(b" ")),
        "chunks": itertools.chain([OK + b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"1\r\nx\r\n")),
        "chunk size": itertools.chain([OK + b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"0")),
        "headers": itertools.chain([OK + b"X: "], itertools.repeat(b"x")),
        "status line": itertools.chain(bytes_of(b"HTTP/1.1 200 "), itertools.repeat(b"O")),
        "interim answers": itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    }


@pytest.mark.parametrize("kind", drips())
def test_an_answer_that_drips_comes_to_an_end(sender: Sender, kind: str) -> None:
    sender.parts = lambda: sender.drip(drips()[kind])
    client = client_of(sender.url, timeout=0.5, retries=0)
    failure = failure_of(client, BUY, _api.TimedOut)
    assert f"no complete response from {sender.url} within 1.5 seconds. It is not known whether" in str(failure)
    assert failure.outcome_unknown
    assert sender.hung_up.wait(30)


def test_a_dripping_purchase_may_have_been_made(simulator: Simulator) -> None:
    simulator.add_fault(fault="drip", seconds=0.2)
    failure = failure_of(client_of(simulator.api_url, timeout=0.4), BUY, _api.TimedOut)
    assert failure.outcome_unknown
    assert simulator.account(ACCOUNT_ID)["unsettled"] or simulator.account(ACCOUNT_ID)["balance"] > 2500
    assert methods(simulator) == ["POST"]


def test_a_slow_answer_within_the_deadline_is_read(simulator: Simulator) -> None:
    simulator.add_fault(fault="drip", seconds=0.001)
    assert client_of(simulator.api_url, timeout=20, retries=0).send(READ) == NO_TOPUP


def test_the_deadline_of_one_answer_is_none_of_the_next(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "DEADLINE", 1)
    client = client_of(simulator.api_url, timeout=2, retries=0)
    simulator.add_fault(fault="slow", seconds=0.5, times=5)
    for _time in range(5):
        assert client.send(READ) == NO_TOPUP


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: %d\r\n\r\n%s" % (len(ENVELOPE), ENVELOPE),
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(ENVELOPE), ENVELOPE),
        b"Content-Length: 0\r\n\r\n",
        b"Content-Length: 3\r\n\r\n{}x",
    ],
    ids=["length", "chunked", "empty", "no JSON"],
)
def test_a_connection_whose_answer_was_read_is_used_again(body: bytes) -> None:
    accepted = 0

    def serve() -> None:
        nonlocal accepted
        with suppress(OSError):
            while True:
                connection, _peer = listener.accept()
                accepted += 1
                with connection:
                    while connection.recv(65536):
                        connection.sendall(OK + body)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        client = client_of(f"http://127.0.0.1:{listener.getsockname()[1]}", retries=0)
        for _time in range(3):
            if ENVELOPE in body:
                assert client.send(READ) == WANTED
            else:
                failure_of(client, READ, _api.UnexpectedAnswer)
        client._session.close()
    assert accepted == 1


@pytest.mark.parametrize(
    "location", ["http://[::1", "https://a..b/", "http://\udcff", "x" * 60000, "//", "http://x:99999999/"]
)
def test_nobody_looks_where_a_redirect_leads(raw_server: Any, location: str) -> None:
    header = b"Location: " + location.encode("utf-8", "surrogateescape")
    raw_server.answer = b"HTTP/1.1 302 Found\r\n" + header + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    failure_of(client_of(raw_server.url, retries=0), READ, _api.Redirected)


def answered(raw_server: Any, document: bytes, status: int = 200, headers: str = "", call: Call = READ) -> Any:
    head = f"HTTP/1.1 {status} x\r\n{headers}Connection: close\r\nContent-Length: {len(document)}\r\n\r\n"
    raw_server.answer = head.encode() + document
    return failure_of(client_of(raw_server.url, retries=0), call)


@pytest.mark.parametrize(
    "errors",
    [
        b"[" * 40000 + b"]" * 40000,
        b'[{"message": ' + b"[" * 900 + b"]" * 900 + b"}]",
        b'[{"error_chain": ' * 300 + b"[]" + b"}]" * 300,
        b'[{"code": ' + b"9" * 5000 + b"}]",
        b'[{"code": ' + b"9" * 400 + b', "message": ' + b"9" * 5000 + b"}]",
        b'[{"code": -' + b"9" * 400 + b"}]",
    ],
    ids=["lists", "message", "chain", "5000 digits", "message of digits", "negative"],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_errors_of_any_shape_make_a_sentence(raw_server: Any, errors: bytes, status: int) -> None:
    failure = answered(raw_server, b'{"success": false, "errors": ' + errors + b"}", status)
    assert str(failure).startswith("Could not read the auto top-up configuration of account")
    assert len(str(failure)) < 1000
    json.dumps(failure.facts())


@pytest.mark.parametrize("value", [b"9" * 400, b"9" * 5000, b"-" + b"9" * 5000, b"1e400", b"[" * 900 + b"]" * 900])
def test_values_of_any_shape_make_a_sentence(raw_server: Any, value: bytes) -> None:
    failure = answered(raw_server, b'{"success": true, "result": {"amount": ' + value + b', "threshold": 500}}')
    assert isinstance(failure, _api.UnexpectedAnswer)
    assert len(str(failure)) < 1000


def test_of_many_errors_a_few_are_shown(raw_server: Any) -> None:
    errors = [{"code": 1000 + index, "message": "x" * 99} for index in range(50000)]
    failure = answered(raw_server, json.dumps({"success": False, "errors": errors}).encode(), 400)
    assert isinstance(failure, _api.Refused)
    assert "; and 49995 more." in str(failure)
    assert "code 1004 (xxx" in str(failure)
    assert "1005" not in str(failure)
    assert len(str(failure)) < 3000
    assert failure.facts()["code"] == 1000
    assert len(failure.facts()["messages"]) == 6


def test_of_a_long_chain_of_errors_a_part_is_shown(raw_server: Any) -> None:
    chain = [{"code": index, "message": "x" * 900} for index in range(5000)]
    errors = [{"code": 1, "message": "first", "error_chain": chain}]
    failure = answered(raw_server, json.dumps({"success": False, "errors": errors}).encode(), 400)
    assert "code 1 (first: code 0 (xxx" in str(failure)
    assert len(str(failure)) < 1000


@pytest.mark.parametrize("digits", [10, 400, 5000])
def test_a_wait_that_nobody_can_mean_is_no_wait(raw_server: Any, digits: int) -> None:
    failure = answered(raw_server, b"", 429, f"Retry-After: {'9' * digits}\r\n")
    assert failure.retry_after is None
    assert "Run again in 5 minutes" in str(failure)


SECRET = "cfut_" + "S3cr3tS3cr3tS3cr3t" * 3


@pytest.mark.parametrize("cut", range(3, 60, 8))
def test_what_is_cut_was_censored_before(raw_server: Any, cut: int) -> None:
    text = "x" * (300 - cut) + SECRET
    head = f"HTTP/1.1 500 x\r\ncf-ray: {'r' * (60 - cut)}{SECRET}\r\nContent-Type: {'t' * (60 - cut)}{SECRET}\r\n"
    client = client_of(raw_server.url, SECRET, retries=0)
    for body in (
        b"no JSON",
        json.dumps({"success": False, "errors": [{"message": text}]}).encode(),
        json.dumps({"success": False, "errors": [text]}).encode(),
        json.dumps({"success": False, "errors": [{"error_chain": [{"message": text}]}]}).encode(),
    ):
        raw_server.answer = f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        failure = failure_of(client, READ)
        shown = f"{failure} {failure.facts()}"
        assert "cfu" not in shown
        assert "**" in shown


def test_a_secret_in_disguise_is_still_one(raw_server: Any) -> None:
    escaped = "".join(f"\\u{ord(character):04x}" for character in SECRET)
    result = f'{{"disabledReason": "{escaped}", "lastFailedAt": "{SECRET}"}}'
    body = f'{{"success": true, "result": {result}}}'
    client = client_of(raw_server.url, SECRET, retries=0)
    for encoding in ("utf-8", "utf-16", "utf-32"):
        raw = body.encode(encoding)
        raw_server.answer = OK + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(raw) + raw
        topup = client.send(READ)
        assert (topup["disabled_reason"], topup["last_failed_at"]) == ("********", "********")


def test_a_status_line_that_repeats_the_secret_is_censored(raw_server: Any) -> None:
    raw_server.answer = b"HTTP/1.1 " + b"x" * 250 + SECRET.encode() + b"\r\n\r\n"
    failure = failure_of(client_of(raw_server.url, SECRET, retries=0), READ, _api.NetworkFailed)
    assert "cfut" not in str(failure)
    assert "********" in str(failure)


def test_a_key_is_censored_and_its_address_is_not(simulator: Simulator) -> None:
    headers = {"X-Auth-Email": EMAIL, "X-Auth-Key": GLOBAL_KEY}
    client = Client(headers, simulator.api_url, timeout=5, retries=0, verify=True)
    simulator.add_fault(fault="echo_secret")
    assert f"X-Auth-Email: {EMAIL}, X-Auth-Key: ********" in str(failure_of(client, READ))
