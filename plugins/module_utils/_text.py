# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from elsewhere, made safe to show: parsed within bounds, without secrets, on one line. No HTTP and no Ansible in here.

This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import json
import re
from typing import Any, Collection, Iterable, NamedTuple

CENSORED = "********"

_DEEPEST = 50
"""Nested levels of lists and objects. A response of Cloudflare has half a dozen."""

_LONGEST_INTEGER = 20
"""Digits. No amount and no time has more. Converting thousands of digits is refused or takes too long."""

_SHORTEST = 8
"""Characters. A shorter text is not a credential, and censoring it would damage the names in results."""

_MOST_MESSAGES = 5


def censored(value: Any, secrets: Collection[str]) -> Any:
    """A copy of a JSON-like value without the secrets in its texts and keys.

    Raises ValueError if it is nested too deeply to be a response.
    """
    # If a secret is part of another one, the longer one goes first, so that no rest of it stays.
    needles = sorted(filter(None, secrets), key=len, reverse=True)
    return _censored(value, needles, [needle for needle in needles if len(needle) >= _SHORTEST], _DEEPEST)


def _censored(value: Any, needles: list[str], in_keys: list[str], depth: int) -> Any:
    if isinstance(value, str):
        return _without(value, needles)
    if isinstance(value, (dict, list, tuple)) and not depth:
        raise ValueError("it is nested too deeply")
    if isinstance(value, dict):
        return {
            _without(key, in_keys) if isinstance(key, str) else key: _censored(item, needles, in_keys, depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_censored(item, needles, in_keys, depth - 1) for item in value]
    return value


def _without(text: str, needles: list[str]) -> str:
    for needle in needles:
        text = text.replace(needle, CENSORED)
    return text


def secrets_in(value: Any, key: str) -> set[str]:
    """The texts under a key anywhere in a JSON-like value, except those too short to be a secret."""
    if isinstance(value, dict):
        found = {item for name, item in value.items() if name == key and isinstance(item, str)}
        inner: Iterable[Any] = value.values()
    else:
        found, inner = set(), value if isinstance(value, list) else ()
    return {text for text in found if len(text) >= _SHORTEST}.union(*(secrets_in(item, key) for item in inner))


def from_json(content: bytes, secrets: Collection[str]) -> Any:
    """The JSON document without these secrets. None if it is not JSON, which includes NaN and Infinity."""
    try:
        return censored(json.loads(content, parse_constant=_no_number, parse_int=_integer), secrets)
    except (ValueError, RecursionError):
        return None


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def clean(text: object, length: int = 300) -> str:
    """Text from elsewhere for one line of a message: no control characters, white space folded, not too long.

    Cutting can leave a part of a secret, so censor secrets first.
    """
    folded = " ".join(re.sub(r"[^\w\s!-~]", " ", str(text)).split())
    return folded if len(folded) <= length else folded[: length - 1] + "…"


class Message(NamedTuple):
    """One entry of an envelope's `errors`, with its `error_chain` flattened into the text."""

    code: int | None
    text: str


def messages_of(errors: object, depth: int = _DEEPEST) -> list[Message]:
    """The first few `errors` of an envelope as messages, whatever shape a proxy or a newer API gives them."""
    if not isinstance(errors, list) or not depth:
        return []
    messages = [_message(error, depth) for error in errors[:_MOST_MESSAGES]]
    if len(errors) > _MOST_MESSAGES:
        messages.append(Message(None, f"and {len(errors) - _MOST_MESSAGES} more"))
    return messages


def _message(error: object, depth: int) -> Message:
    if not isinstance(error, dict):
        return Message(None, clean(error) if isinstance(error, str) else "")
    text = error.get("message")
    texts = [clean(text) if isinstance(text, str) else ""]
    texts.extend(described(message) for message in messages_of(error.get("error_chain"), depth - 1))
    return Message(_code(error.get("code")), clean(": ".join(filter(None, texts))))


def _code(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def described(message: Message) -> str:
    """One message for a sentence: `code 10000 (Authentication error)`."""
    if message.code is None:
        return message.text
    return f"code {message.code} ({message.text})" if message.text else f"code {message.code}"
