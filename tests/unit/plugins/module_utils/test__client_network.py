# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client and the network: proxies, connections that break, and TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from ansible_collections.finops.cloudflare.plugins.module_utils import _api
from ansible_collections.finops.cloudflare.plugins.module_utils._api import Call
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import NO_TOPUP
from ansible_collections.finops.cloudflare.tests.simulator.simulator import Simulator
from ansible_collections.finops.cloudflare.tests.unit.plugins.clients import READ, WRITE, client_of, failure_of


def test_the_token_wins_over_netrc(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client = client_of(simulator.api_url)
    client._session.trust_env = True
    assert client.send(READ) == NO_TOPUP


def test_http_is_not_handed_to_a_proxy(simulator: Simulator, raw_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    raw_server.answer = b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"
    monkeypatch.setenv("http_proxy", raw_server.url)
    monkeypatch.setenv("no_proxy", "")
    assert client_of(simulator.api_url, retries=0).send(READ) == NO_TOPUP


@pytest.mark.parametrize("password", ["Pass@word1", "Pass%40word1"])
def test_the_password_of_a_proxy_is_shown_by_no_error(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("https_proxy", f"http://user:{password}@127.0.0.1:99999")
    failure = str(failure_of(client_of("https://api.cloudflare.invalid/client/v4", retries=0), READ))
    assert "Pass" not in failure
    assert "word1" not in failure


def test_https_goes_through_the_proxy_of_the_environment(raw_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    raw_server.answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    monkeypatch.setenv("https_proxy", raw_server.url)
    failure = failure_of(client_of("https://api.cloudflare.invalid/client/v4", retries=0), READ, _api.NetworkFailed)
    assert "no connection to https://api.cloudflare.invalid/client/v4 through the proxy (" in str(failure)
    assert "407" in str(failure)


def test_nobody_listens(pauses: list[float]) -> None:
    with Simulator() as gone:
        url = gone.api_url
    failure = failure_of(client_of(url), READ, _api.NetworkFailed)
    assert "(Connection refused) (4 attempts)" in str(failure)
    assert failure.facts()["status"] is None


def test_an_unknown_host() -> None:
    failure_of(client_of("https://api.cloudflare.invalid", retries=0), READ, _api.NetworkFailed)


@pytest.mark.parametrize("call", [WRITE, WRITE._replace(settled=None)], ids=["checked", "unchecked"])
def test_what_was_never_sent_changed_nothing(call: Call, tmp_path: Path) -> None:
    with Simulator() as gone:
        url = gone.api_url
    for client in (
        client_of(url, retries=0),
        client_of("https://api.cloudflare.invalid", retries=0),
        client_of("https://127.0.0.1", retries=0, verify=str(tmp_path / "missing.pem")),
    ):
        failure = failure_of(client, call)
        assert (failure.sent, failure.outcome_unknown, failure.aftermath) == (False, False, "Nothing was sent.")


def test_a_connection_that_is_never_made_has_sent_nothing() -> None:
    # The second of two that wait to be accepted is not even connected.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as waiting:
        waiting.connect(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        failure = failure_of(client_of(url, timeout=0.3, retries=0), WRITE, _api.TimedOut)
    assert failure.aftermath == "Nothing was sent."


def test_a_slow_answer_times_out(simulator: Simulator) -> None:
    simulator.add_fault(fault="slow", seconds=1)
    failure = failure_of(client_of(simulator.api_url, timeout=0.2, retries=0), READ, _api.TimedOut)
    assert "within 0.2 seconds." in str(failure)


def test_an_answer_that_stalls_in_its_body_times_out() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def stall() -> None:
        connection, _peer = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")
        # Held open until the client has given up and closed its end.
        connection.recv(1)
        connection.close()

    thread = threading.Thread(target=stall, daemon=True)
    thread.start()
    with listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        failure_of(client_of(url, timeout=0.2, retries=0), READ, _api.TimedOut)
        thread.join(5)
    assert not thread.is_alive()


def test_a_body_that_stops_halfway(raw_server: Any) -> None:
    raw_server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"
    failure_of(client_of(raw_server.url, retries=0), READ, _api.NetworkFailed)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def https_url(authority: trustme.CA) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Simulator(ssl_context=context) as simulator:
        yield simulator.api_url


def test_an_untrusted_certificate_is_refused_at_once(https_url: str, pauses: list[float]) -> None:
    failure = failure_of(client_of(https_url), WRITE, _api.CertificateNotTrusted)
    assert "certificate verify failed" in str(failure)
    assert "set ca_path to the proxy's CA certificate" in str(failure)
    assert failure.aftermath == "Nothing was sent."
    assert pauses == []


@pytest.mark.parametrize("bundle", [None, "/nonexistent/bundle.pem"])
def test_ca_path_is_trusted_whatever_the_environment_says(
    https_url: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: str | None
) -> None:
    if bundle:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    assert client_of(https_url, verify=str(path)).send(READ) == NO_TOPUP


@pytest.mark.filterwarnings("error")
def test_certificates_need_not_be_checked(https_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/bundle.pem")
    assert client_of(https_url, verify=False).send(READ) == NO_TOPUP


def test_a_missing_bundle_in_the_environment(https_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/bundle.pem")
    failure = failure_of(client_of(https_url), READ, _api.CaFileUnusable)
    assert "/nonexistent/bundle.pem" in str(failure)


@pytest.mark.parametrize("content", ["", "nothing", "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"])
def test_a_bundle_that_holds_no_certificate(https_url: str, tmp_path: Path, content: str) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(content)
    failure = failure_of(client_of(https_url, verify=str(path)), WRITE, _api.CaFileUnusable)
    assert f"the CA certificates in {path} cannot be used" in str(failure)
    assert failure.aftermath == "Nothing was sent."


def test_https_to_a_server_that_speaks_http(simulator: Simulator, pauses: list[float]) -> None:
    failure = failure_of(client_of(simulator.api_url.replace("http:", "https:")), READ, _api.NotTls)
    assert "The port does not speak https. It probably speaks plain http." in str(failure)
    assert "api_url or CLOUDFLARE_BASE_URL" in str(failure)
    assert "certificate" not in str(failure).lower()
    assert pauses == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ssl.SSLError("bad handshake: unexpected eof"), _api.TlsFailed),
        (ssl.SSLError("bad handshake: certificate verify failed"), _api.CertificateNotTrusted),
        (PermissionError(13, "Permission denied"), _api.CaFileUnusable),
    ],
    ids=["no details", "not trusted", "unreadable"],
)
def test_an_error_below_tls(
    error: OSError, kind: type[_api.CloudflareError], https_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handshake(*_args: Any, **_kwargs: Any) -> None:
        raise requests.exceptions.SSLError(error)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", handshake)
    failure = failure_of(client_of(https_url, retries=0), WRITE, kind)
    assert str(error.strerror or error) in str(failure)
    assert failure.sent == (kind is not _api.CaFileUnusable)


ALERT_HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", _api.NotTls),
        (b"220 mail.example ESMTP\r\n", _api.NotTls),
        (b"\0" * 50, _api.NotTls),
        (ALERT_HANDSHAKE_FAILURE, _api.TlsFailed),
        (b"", _api.NetworkFailed),
    ],
    ids=["ssh", "smtp", "zeros", "alert", "nothing"],
)
def test_a_port_that_makes_no_tls_connection(reply: bytes, kind: type[_api.CloudflareError]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _peer = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        failure = failure_of(client_of(url, retries=0), READ, kind)
        thread.join(5)
    assert not thread.is_alive()
    assert "certificate" not in str(failure).lower()
    assert "ca_path" not in str(failure)
