# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sockets: one thread a connection, on a loopback address, with or without TLS. Knows nothing of Cloudflare."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable

from ._messages import Answer, Request

HOST = "127.0.0.1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "cloudflare"
    sys_version = ""
    # Without this, an answer in two packets waits 40 ms for the acknowledgement of the first one.
    disable_nagle_algorithm = True
    server: Server

    def reply(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch(r"[0-9]{1,6}", length):
            self.send_error(411, explain="A body needs a Content-Length, of at most six digits")
            return
        path, query = self.path.partition("?")[::2]
        request = Request(self.command, path, query, self.headers, self.rfile.read(int(length)))
        answer = self.server.answer(request)
        if answer is None:
            self.close_connection = True
        else:
            self._send(answer)

    def __getattr__(self, name: str) -> Any:
        # http.server looks for do_GET and the like, and answers by itself to a method that has none.
        if name.startswith("do_"):
            return self.reply
        raise AttributeError(name)

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in {"Server": self.server_version, "Date": self.date_time_string(), **answer.headers}.items():
            self.send_header(name, value)
        if answer.parts is not None:
            self.send_header("Connection", "close")
            self.end_headers()
            for part in answer.parts:
                self.wfile.write(part)
            return
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.cut_short:
            self.close_connection = True
            self.wfile.write(answer.body[: len(answer.body) // 2])
        elif self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # pylint: disable=redefined-builtin
        """Prints nothing: the control API tells what was requested."""


class Server(ThreadingHTTPServer):
    request_queue_size = 64

    def __init__(
        self, port: int, ssl_context: ssl.SSLContext | None, answer: Callable[[Request], Answer | None]
    ) -> None:
        self.answer = answer
        self.url = ""
        self._ssl_context = ssl_context
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own asks the resolver for the name of the address, which takes seconds on a machine without one.
        socketserver.TCPServer.server_bind(self)
        self.url = f"{'https' if self._ssl_context else 'http'}://{HOST}:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._ssl_context is not None:
            # The handshake is left to the connection's own thread: a client that never shakes hands blocks only itself.
            connection = self._ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up, or distrusts the certificate, is what some tests are about; all else is a defect here.
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Ends the kept-alive connections too, so that a stopped simulator answers nobody any more."""
        self.shutdown()
        self.server_close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            # The peer may have hung up first, which is just as good.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
