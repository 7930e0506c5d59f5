# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from decimal import Decimal

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _values
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "$0.00"),
        (1, "$0.01"),
        (50, "$0.50"),
        (5000, "$50.00"),
        (123456789, "$1,234,567.89"),
        (-250, "-$2.50"),
        (1234.5, "$12.34"),
    ],
)
def test_dollars(cents: float, text: str) -> None:
    assert _values.dollars(cents) == text


@given(st.integers(-(10**15), 10**15))
def test_dollars_keep_every_cent(cents: int) -> None:
    assert Decimal(_values.dollars(cents).replace("$", "").replace(",", "")) * 100 == cents


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1760000000, "2025-10-09T08:53:20Z"),
        (1760000000000, "2025-10-09T08:53:20Z"),
        (1e11, "1973-03-03T09:46:40Z"),
        (1e300, None),
        (10**320, None),
        ("2025-10-09", None),
        (True, None),
        (None, None),
    ],
)
def test_utc(timestamp: object, text: str | None) -> None:
    assert _values.utc(timestamp) == text


@pytest.mark.parametrize(
    ("count", "shown"), [(1, "1 second"), (0.2, "0.2 seconds"), (0, "0 seconds"), (120, "120 seconds")]
)
def test_seconds(count: float, shown: str) -> None:
    assert _values.in_seconds(count) == shown


@pytest.mark.parametrize(
    ("value", "read"), [(None, None), (5, 5), (5.0, 5), (-0.5, -0.5), (2**63 - 1, 2**63 - 1), (0, 0)]
)
def test_number(value: object, read: float | None) -> None:
    found = _values.number({"key": value}, "key")
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize("value", [True, "5", [], {}, float("inf"), float("-inf"), float("nan")])
def test_what_is_no_number(value: object) -> None:
    with pytest.raises(ValueError, match="key is not a number"):
        _values.number({"key": value}, "key")


@pytest.mark.parametrize(("value", "read"), [(None, None), ("", None), ("a\nb", "a b"), (5, "5")])
def test_text(value: object, read: str | None) -> None:
    assert _values.text(value) == read
