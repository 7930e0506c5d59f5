# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of JSON values: predicates for single values, dicts and one-item lists of them for what is composed."""

from __future__ import annotations

import math
from typing import Any, Callable, NamedTuple

Predicate = Callable[[Any], bool]


class Maybe(NamedTuple):
    """What may be null. In an object, such a key may be left out and becomes null."""

    shape: Any


def is_a(value: Any, kind: Any) -> bool:
    """isinstance, with JSON's idea of a number: neither a boolean nor what JSON cannot write."""
    return isinstance(value, kind) and not isinstance(value, bool) and -math.inf < value < math.inf


def text(value: Any) -> bool:
    return isinstance(value, str)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def integer(value: Any) -> bool:
    return is_a(value, int)


def number(value: Any) -> bool:
    return is_a(value, (int, float))


def one_of(*values: str) -> Predicate:
    return lambda value: value in values


def fitted(name: str, value: Any, shape: Any) -> Any:
    """A copy of the value with all keys of the shape, or a ValueError that says what does not fit."""
    if isinstance(shape, Maybe):
        return None if value is None else fitted(name, value, shape.shape)
    if isinstance(shape, dict):
        return _fitted_object(name, value, shape)
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise ValueError(f"{name} is a list, not {value!r}")
        return [fitted(f"{name}[{index}]", each, shape[0]) for index, each in enumerate(value)]
    if not shape(value):
        raise ValueError(f"{name} cannot be {value!r}")
    return value


def _fitted_object(name: str, value: Any, shape: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is an object with {', '.join(shape)}, not {value!r}")
    for key in value:
        if key not in shape:
            raise ValueError(f"{name} has no {key!r}; it has {', '.join(shape)}")
    for key, inner in shape.items():
        if key not in value and not isinstance(inner, Maybe):
            raise ValueError(f"{name} lacks {key}")
    return {key: fitted(f"{name}.{key}", value.get(key), inner) for key, inner in shape.items()}
