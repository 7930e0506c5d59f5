# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Callable, Sequence

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _invoices
from ansible_collections.finops.cloudflare.plugins.module_utils._api import Call, NotFound, Refused
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = "0123456789abcdef0123456789abcdef"
NOW = 1_795_435_200
IDENTIFIED = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["in_1", "in_2", "in_3", None]),
            "status": st.sampled_from(["paid", "open", None]),
            "created": st.none() | st.integers(NOW - 2000, NOW + 10),
            "amount_due": st.sampled_from([1050, 5250, None]),
        }
    ),
    max_size=5,
)


def answer(dates: Sequence[float | None], more: object = False, first: int = 0, **claims: Any) -> dict[str, Any]:
    """What the API says of invoices made at these times."""
    invoices = [{"id": f"in_{first + number}", "created": date} for number, date in enumerate(dates)]
    return {"invoices": invoices, "pagination": {"has_more": more, **claims}}


def history(*answers: Any) -> tuple[_invoices.History, int]:
    """The history that is read from these answers, the last of which is repeated, and how many were asked for."""
    calls: list[Call] = []

    def send(call: Call) -> Any:
        calls.append(call)
        given_answer = answers[min(len(calls), len(answers)) - 1]
        if isinstance(given_answer, type):
            raise given_answer(call, "It failed")
        return call.parse(given_answer)

    read = _invoices.read_history(send, ACCOUNT, "all")
    assert all("invoice-history?type=all" in call.path for call in calls)
    asked = [call.path.partition("invoice-history?type=all")[2] for call in calls]
    assert asked[0] == ""
    assert all(page in ("", f"&page={number + 1}", f"&page={number - 1}") for number, page in enumerate(asked))
    return read, len(calls)


def test_one_page_is_one_call() -> None:
    read, calls = history(answer([5e9, 4e9]))
    assert [invoice["id"] for invoice in read.invoices] == ["in_0", "in_1"]
    assert (read.known_since, calls) == (-math.inf, 1)


def test_pages_are_followed_where_there_are_others() -> None:
    read, calls = history(answer([5e9, 4e9], True), answer([4e9, 3e9], True, 1), answer([2e9], False, 3))
    assert [invoice["id"] for invoice in read.invoices] == ["in_0", "in_1", "in_2", "in_3"]
    assert (read.known_since, calls) == (-math.inf, 3)


@pytest.mark.parametrize("more", [True, 1, "yes", {}, None, 0])
@pytest.mark.parametrize("second", [Refused, NotFound, answer([5e9, 4e9], True), answer([], True)])
def test_a_list_without_other_pages_is_known_down_to_its_oldest_invoice(more: object, second: Any) -> None:
    read, calls = history(answer([5e9, 4e9], more), second)
    assert (read.known_since, calls) == (4e9, 2)


@pytest.mark.parametrize(
    "dates", [[4e9, 5e9], [5e9, 3e9, 4e9], [5e9, None], [5e9, 0], [5e9, 5e9], [5e9], [], [None], [5e9, 4e9, 1]]
)
def test_nothing_is_known_of_a_cut_list_that_may_not_be_newest_first(dates: list[float | None]) -> None:
    assert history(answer(dates, True), Refused)[0].known_since == math.inf


@pytest.mark.parametrize("claims", [{"total_count": 3}, {"total_count": 2.5}])
def test_a_list_that_is_shorter_than_it_claims_is_cut(claims: dict[str, Any]) -> None:
    assert history(answer([5e9, 4e9], **claims))[0].known_since == 4e9


def test_a_list_that_changes_while_it_is_read_is_read_again() -> None:
    first, second = answer([5e9, 4e9], True, total_count=4), answer([2e9], False, 3, total_count=3)
    whole = answer([4e9, 2e9], False, 2, total_count=4)
    read, calls = history(first, second, first, whole)
    assert (read.known_since, calls, len(read.invoices)) == (-math.inf, 4, 4)
    read, calls = history(first, second, first, second)
    assert (read.known_since, calls) == (math.inf, 4)


@pytest.mark.parametrize("pagination", [None, {}, [], {"has_more": None}, {"total_count": 2}])
def test_a_list_that_does_not_say_that_it_is_whole_is_cut(pagination: object) -> None:
    assert history({**answer([5e9, 4e9]), "pagination": pagination}, Refused)[0].known_since == 4e9


def test_pages_can_be_counted_from_zero() -> None:
    pages = [answer([5e9], True, page=0), answer([4e9], False, 1, page=1)]
    asked = []

    def send(call: Call) -> Any:
        asked.append(call.path.partition("type=all")[2])
        return call.parse(pages[len(asked) - 1])

    read = _invoices.read_history(send, ACCOUNT, "all")
    assert asked == ["", "&page=1"]
    assert (len(read.invoices), read.known_since) == (2, -math.inf)


def test_too_many_invoices_are_no_answer() -> None:
    with pytest.raises(ValueError, match="more than 5000 invoices"):
        _invoices.page_from_api({"invoices": [{}] * 5001, "pagination": None})


def test_endless_pages_end() -> None:
    numbers = iter(range(10**6))

    def send(call: Call) -> Any:
        number = next(numbers)
        return call.parse(answer([5e9 - number], True, number))

    read = _invoices.read_history(send, ACCOUNT, "all")
    assert len(read.invoices) == _invoices.MOST_PAGES == next(numbers)
    assert read.known_since == 5e9 - _invoices.MOST_PAGES + 1


@given(IDENTIFIED, IDENTIFIED)
def test_new_invoices_are_found_whatever_is_missing_in_them(
    before: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    def keys(invoices: Sequence[_invoices.Invoice]) -> Counter[tuple[Any, ...]]:
        return Counter((each["id"], each["created"], each["amount_due"]) for each in invoices)

    found = _invoices.made_since(before, new + before)
    assert keys(found) == keys(new)
    # A status that changes makes no new invoice.
    assert _invoices.made_since(before, [{**invoice, "status": "paid"} for invoice in before]) == []


@pytest.mark.parametrize(
    ("created", "seconds"),
    [
        (NOW, NOW),
        (NOW * 1000, NOW),
        (NOW + 0.5, NOW + 0.5),
        (None, None),
        (0, None),
        (1, None),
        (-1, None),
        (-1e15, None),
    ],
)
def test_a_date_that_cannot_be_right_is_none(created: float | None, seconds: float | None) -> None:
    assert _invoices.created_seconds({"created": created}) == seconds


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
HOSTILE = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(), SCALARS, max_size=2)


@given(st.dictionaries(st.sampled_from(["id", "status", "created", "amount_due", "attempted", "currency"]), HOSTILE))
def test_what_no_invoice_is_made_of_is_refused_or_made_fit(invoice: dict[str, Any]) -> None:
    parse: Callable[[object], _invoices.Page] = _invoices.page_from_api
    try:
        (read,) = parse({"invoices": [invoice], "pagination": None}).invoices
    except ValueError:
        return
    assert all(isinstance(read[key], (str, type(None))) for key in ("id", "status", "currency", "created_at"))
    assert read["attempted"] in (True, False, None)
    assert isinstance(_invoices.named(read), str)


def test_new_invoices_keep_their_order() -> None:
    invoices = [{"id": f"in_{number}", "created": NOW, "amount_due": 5250} for number in range(4)]
    assert _invoices.made_since([invoices[1]], invoices) == [invoices[0], *invoices[2:]]


@pytest.mark.parametrize(
    ("created", "seconds"), [(1e11, None), (1e11 - 1, 1e11 - 1), (_invoices.EARLIEST, 1_577_836_800)]
)
def test_from_1e11_on_a_date_is_in_milliseconds(created: float, seconds: float | None) -> None:
    assert _invoices.created_seconds({"created": created}) == seconds
