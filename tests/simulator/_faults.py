# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between a client and Cloudflare, on demand.

Each fault is one function. It takes the exchange and its own parameters, and returns the answer, or None to close the
connection without one. An answer that is made up here is given instead of acting; ``exchange.act()`` acts. With ``acts``,
it is given although what was asked for has been done.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import json
import re
import time
import zlib
from email.utils import formatdate
from typing import Any, Callable, Iterator, NamedTuple

from ._messages import Answer, ApiError, Request, json_answer
from ._shapes import is_a


class Exchange(NamedTuple):
    request: Request
    perform: Callable[[Request], Answer]

    def act(self, body: bytes | None = None) -> Answer:
        return self.perform(self.request if body is None else self.request._replace(body=body))


Fault = Callable[..., "Answer | None"]
FAULTS: dict[str, Fault] = {}


def fault(function: Fault) -> Fault:
    FAULTS[function.__name__.rstrip("_")] = function
    return function


def _page(status: int, content_type: str, text: str) -> Answer:
    return Answer(status, {"Content-Type": content_type}, text.encode())


@fault
def rate_limited(_exchange: Exchange, retry_after: str | int | None = None) -> Answer:
    raise ApiError(
        429, 10429, "Rate limited. Please wait and consider throttling your request speed", _wait(retry_after)
    )


@fault
def html_502(_exchange: Exchange) -> Answer:
    page = "<!DOCTYPE html><html><head><title>502: Bad gateway</title></head><body>Bad gateway</body></html>"
    return _page(502, "text/html; charset=UTF-8", page)


@fault
def text_503(_exchange: Exchange) -> Answer:
    text = "upstream connect error or disconnect/reset before headers. reset reason: overflow"
    return _page(503, "text/plain", text)


@fault
def empty_502(_exchange: Exchange) -> Answer:
    return Answer(502, {}, b"")


@fault
def empty_200(_exchange: Exchange) -> Answer:
    return Answer(200, {}, b"")


@fault
def html_200(_exchange: Exchange) -> Answer:
    return _page(200, "text/html; charset=UTF-8", "<!DOCTYPE html><html><body>Please log in</body></html>")


@fault
def json_not_envelope(_exchange: Exchange) -> Answer:
    return json_answer(200, ["a list", "and no envelope"])


@fault
def drop_before(_exchange: Exchange) -> None:
    return None


@fault
def drop_after(exchange: Exchange) -> None:
    exchange.act()


@fault
def cut_short(exchange: Exchange) -> Answer:
    """Acts, promises the whole answer, and closes the connection after half of it."""
    return exchange.act()._replace(cut_short=True)


@fault
def slow(exchange: Exchange, seconds: float) -> Answer:
    answer = exchange.act()
    time.sleep(seconds)
    return answer


@fault
def success_false(
    exchange: Exchange, code: int = 10000, message: str = "It did not work", acts: bool = False
) -> Answer:
    _act_if(acts, exchange)
    raise ApiError(200, code, message)


@fault
def redirect(_exchange: Exchange, location: str) -> Answer:
    return Answer(302, {"Location": location}, b"")


@fault
def status_(
    exchange: Exchange,
    status: int,
    code: int = 10000,
    message: str = "Refused by a fault",
    retry_after: str | int | None = None,
    acts: bool = False,
) -> Answer:
    _act_if(acts, exchange)
    raise ApiError(status, code, message, _wait(retry_after))


@fault
def foreign(exchange: Exchange, status: int, acts: bool = False) -> Answer:
    """What a proxy in between answers, which no envelope is in."""
    _act_if(acts, exchange)
    return _page(status, "text/html; charset=UTF-8", f"<!DOCTYPE html><html><body>Filtered, {status}</body></html>")


@fault
def endless(exchange: Exchange, acts: bool = False) -> Answer:
    """A body that does not end before the client hangs up, or has taken more than anybody should."""
    _act_if(acts, exchange)
    return Answer(
        200, {"Content-Type": "application/json"}, b"", parts=itertools.repeat(b" " * 65536, _ENDLESS // 65536)
    )


@fault
def gzip_bomb(exchange: Exchange, acts: bool = False) -> Answer:
    """A small body, compressed although nobody has asked for that, which becomes a large one."""
    _act_if(acts, exchange)
    return Answer(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, _bomb())


@fault
def drip(exchange: Exchange, seconds: float) -> Answer:
    """Acts; the body of the answer comes a byte at a time, with that many seconds before each."""
    answer = exchange.act()
    return answer._replace(parts=_slowly(answer.body, seconds))


@fault
def date(exchange: Exchange, offset: int) -> Answer:
    """Acts; the answer has the date of a clock that is ahead by so many seconds."""
    answer = exchange.act()
    return answer._replace(headers={**answer.headers, "Date": formatdate(time.time() + offset, usegmt=True)})


@fault
def echo_secret(exchange: Exchange) -> Answer:
    """Repeats what it should not, so that clients can prove that they censor it."""
    names = ("Authorization", "X-Auth-Email", "X-Auth-Key")
    sent = [f"{name}: {exchange.request.headers[name]}" for name in names if name in exchange.request.headers]
    raise ApiError(400, 6003, f"Invalid request headers: {', '.join(sent)}")


@fault
def wrong_echo(exchange: Exchange, amount: int = 1111, threshold: int = 555) -> Answer:
    """Stores, and answers with, other values than those that were sent."""
    return exchange.act(json.dumps({"amount": amount, "threshold": threshold}).encode())


@fault
def null_result(exchange: Exchange) -> Answer:
    answer = exchange.act()
    return json_answer(answer.status, {**json.loads(answer.body), "result": None}, answer.headers)


_ENDLESS = 256 << 20
_BOMB = 128 << 20
_LONGEST_DRIP = 600


def _act_if(acts: bool, exchange: Exchange) -> None:
    if acts:
        exchange.act()


@functools.lru_cache(maxsize=1)
def _bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(bytes(1 << 20)) for _part in range(_BOMB >> 20)] + [packer.flush()])


def _slowly(body: bytes, seconds: float) -> Iterator[bytes]:
    end = time.monotonic() + _LONGEST_DRIP
    for byte in body:
        time.sleep(seconds)
        if time.monotonic() > end:
            return
        yield bytes([byte])


def _wait(retry_after: str | int | None) -> dict[str, str]:
    return {} if retry_after is None else {"Retry-After": str(retry_after)}


def _is_header_value(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\x20-\x7e]*", value) is not None


BODILESS = (204, 304)
CHECKS: dict[str, Callable[[Any], bool]] = {
    "method": lambda value: value in ("GET", "POST", "PUT", "PATCH", "DELETE"),
    "path": lambda value: isinstance(value, str),
    "times": lambda value: is_a(value, int) and value > 0,
    "retry_after": lambda value: is_a(value, int) or _is_header_value(value),
    "seconds": lambda value: is_a(value, (int, float)) and 0 <= value <= 60,
    "status": lambda value: is_a(value, int) and 200 <= value <= 599 and value not in BODILESS,
    "code": lambda value: is_a(value, int),
    "message": lambda value: isinstance(value, str),
    "location": _is_header_value,
    "amount": lambda value: is_a(value, int),
    "threshold": lambda value: is_a(value, int),
    "acts": lambda value: isinstance(value, bool),
    "offset": lambda value: is_a(value, int) and abs(value) <= 10**9,
}
MATCHING = ("fault", "method", "path", "times")


def checked(scripted: dict[str, Any]) -> dict[str, Any]:
    """The fault with ``times`` filled in, or a ValueError that says what is wrong with it."""
    kind = scripted.get("fault")
    if not isinstance(kind, str) or kind not in FAULTS:
        raise ValueError(f"there is no fault {kind!r}; there are {', '.join(FAULTS)}")
    try:
        inspect.signature(FAULTS[kind]).bind(None, **_parameters(scripted))
    except TypeError as error:
        raise ValueError(f"{kind}: {error}") from error
    for name, value in scripted.items():
        if name != "fault" and not CHECKS[name](value):
            raise ValueError(f"{kind}: {name} cannot be {value!r}")
    return {"times": 1, **scripted}


def matches(scripted: dict[str, Any], request: Request) -> bool:
    return scripted.get("method", request.method) == request.method and request.path.endswith(scripted.get("path", ""))


def strike(scripted: dict[str, Any], exchange: Exchange) -> Answer | None:
    return FAULTS[scripted["fault"]](exchange, **_parameters(scripted))


def _parameters(scripted: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in scripted.items() if name not in MATCHING}
