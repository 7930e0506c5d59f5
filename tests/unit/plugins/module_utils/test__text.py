# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _text
from ansible_collections.finops.cloudflare.plugins.module_utils._text import Message
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from(["code", "message", "error_chain"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_error_chain_is_flattened() -> None:
    errors = [
        {
            "code": 6003,
            "message": "Invalid request headers",
            "error_chain": [{"code": 6111, "message": "Invalid format"}],
        }
    ]
    (message,) = _text.messages_of(errors)
    assert message == Message(6003, "Invalid request headers: code 6111 (Invalid format)")
    assert _text.described(message) == "code 6003 (Invalid request headers: code 6111 (Invalid format))"


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (None, []),
        ("text", []),
        (["text"], [Message(None, "text")]),
        ([{"code": 7003.0, "message": "m"}], [Message(7003, "m")]),
        ([{"code": True, "message": "m"}], [Message(None, "m")]),
        ([{"code": "7003", "message": "m"}], [Message(None, "m")]),
        ([{"code": float("inf")}], [Message(None, "")]),
        ([{"code": 1}], [Message(1, "")]),
    ],
)
def test_messages_of_odd_errors(errors: object, expected: list[Message]) -> None:
    assert _text.messages_of(errors) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [(Message(None, "text"), "text"), (Message(5, ""), "code 5"), (Message(5, "text"), "code 5 (text)")],
)
def test_described(message: Message, expected: str) -> None:
    assert _text.described(message) == expected


@given(JSON)
def test_messages_of_anything_are_single_clean_lines(errors: object) -> None:
    for message in _text.messages_of(errors):
        assert message.code is None or isinstance(message.code, int)
        assert "\n" not in message.text


@given(st.text(), st.integers(1, 400))
def test_clean_gives_one_short_printable_line(text: str, length: int) -> None:
    cleaned = _text.clean(text, length)
    assert len(cleaned) <= length
    assert cleaned.strip() == cleaned
    assert all(character == " " or character.isprintable() for character in cleaned)


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=300))
def test_clean_leaves_plain_text_alone(text: str) -> None:
    assert _text.clean(text) == text


def test_clean_says_that_it_has_cut() -> None:
    assert _text.clean("x" * 301) == "x" * 299 + "…"


def test_clean_removes_terminal_escapes() -> None:
    assert "\x1b" not in _text.clean("\x1b[31mred\x1b[0m\r\nnext\u202e")


def test_every_text_is_censored_and_nothing_else() -> None:
    value: dict[str, Any] = {"a": ["xs3cretx", ("s3cret", 5, None, True, 1.5)], "b": {"c": "none"}}
    assert _text.censored(value, {"s3cret"}) == {
        "a": ["x********x", ["********", 5, None, True, 1.5]],
        "b": {"c": "none"},
    }
    assert value["a"][0] == "xs3cretx"
    assert _text.censored(value, ()) == {"a": ["xs3cretx", ["s3cret", 5, None, True, 1.5]], "b": {"c": "none"}}
    assert _text.censored(value, {""}) == _text.censored(value, ())


def test_a_secret_within_another_leaves_nothing_of_that_behind() -> None:
    assert _text.censored("abc-secret-def", {"secret", "abc-secret-def"}) == "********"


def test_keys_are_censored_but_not_torn_apart() -> None:
    assert _text.censored({"long-secret": 1, 5: 2}, {"long-secret"}) == {"********": 1, 5: 2}
    assert _text.censored({"changed": "a"}, {"a"}) == {"changed": "********"}


@given(JSON, st.text(min_size=1, max_size=3))
def test_what_is_censored_shows_no_secret_in_its_texts(value: object, secret: str) -> None:
    def texts(item: object) -> list[str]:
        if isinstance(item, dict):
            item = list(item.values())
        if isinstance(item, list):
            return [text for inner in item for text in texts(inner)]
        return [item] if isinstance(item, str) else []

    for text in texts(_text.censored(value, {secret})):
        assert secret not in text.replace("********", "") or secret in "********"


def test_what_is_nested_too_deeply_is_no_document() -> None:
    assert _text.from_json(b"[" * 50 + b"]" * 50, ()) is not None
    assert _text.from_json(b"[" * 51 + b"]" * 51, ()) is None
    assert _text.from_json(b"[" * 200000 + b"]" * 200000, ()) is None


@pytest.mark.parametrize("digits", [400, 5000])
def test_an_integer_that_is_too_long_is_no_integer(digits: int) -> None:
    assert _text.from_json(b"9" * digits, ()) == float("inf")
    assert _text.from_json(b"-" + b"9" * digits, ()) == float("-inf")
    assert _text.from_json(b"1234567890123456789", ()) == 1234567890123456789


@pytest.mark.parametrize("content", [b"", b"NaN", b"[Infinity]", b"\xff", b'{"a": 1', b"<html>"])
def test_what_is_no_json(content: bytes) -> None:
    assert _text.from_json(content, ()) is None


def test_a_secret_is_found_however_it_is_escaped() -> None:
    assert _text.from_json(b'{"a": "x\\u0073\\u00333cret\\/y"}', {"s33cret/"}) == {"a": "x********y"}


def test_the_texts_under_a_key_are_found_wherever_it_is() -> None:
    value = {"a": [{"client_secret": "secret of one"}, {"b": {"client_secret": "secret of two"}}], "client_secret": 5}
    assert _text.secrets_in(value, "client_secret") == {"secret of one", "secret of two"}
    assert _text.secrets_in({"client_secret": "short"}, "client_secret") == set()
    assert _text.secrets_in(None, "client_secret") == set()
