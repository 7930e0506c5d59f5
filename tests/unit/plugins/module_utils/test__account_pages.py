# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import re
from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _account_pages
from ansible_collections.finops.cloudflare.plugins.module_utils._api import (
    Call,
    NotFound,
    PermissionDenied,
    UnexpectedAnswer,
    WrongToken,
)
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, OTHER_ACCOUNT_ID, Simulator
from ansible_collections.finops.cloudflare.tests.unit.plugins.clients import client_of, failure_of
from hypothesis import given
from hypothesis import strategies as st

LIST = _account_pages._read_page(1)


def ids(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


def item(account_id: str, **more: Any) -> dict[str, Any]:
    return {"id": account_id, "name": f"Account {account_id[-4:]}", "type": "standard", **more}


class Pages:
    """An API that lists these accounts; how it may be wrong about them stands in its arguments."""

    def __init__(
        self,
        account_ids: list[str],
        largest: int = 50,
        info: Callable[[int, int, int], dict[str, Any] | None] = lambda total, size, shown: {"total_count": total},
        shown: Callable[[int, int], int] = lambda page, last: page,
    ) -> None:
        """
        info: the result_info, from how many there are, how many a page holds, and how many are on this one.
        shown: the page that is given, from the page that is asked for and the last that there is.
        """
        self.account_ids, self.largest, self.info, self.shown = account_ids, largest, info, shown
        self.asked: list[int] = []

    def send(self, call: Call) -> Any:
        asked = re.fullmatch(r"accounts\?page=([0-9]+)&per_page=([0-9]+)", call.path)
        assert asked
        page, per_page = int(asked[1]), min(int(asked[2]), self.largest)
        self.asked.append(page)
        last = max(1, -(-len(self.account_ids) // per_page))
        start = (self.shown(page, last) - 1) * per_page
        items = [item(each) for each in self.account_ids[start : start + per_page]]
        info = self.info(len(self.account_ids), per_page, len(items))
        return call.parse({"result": items, **({} if info is None else {"result_info": info})})


def listed(pages: Pages) -> list[str]:
    return [account["id"] for account in _account_pages.all_accounts(pages.send)]


def full(total: Any, size: int, shown: int) -> dict[str, Any]:
    return {"total_count": total, "per_page": size, "count": shown}


TOTALS = {
    "one page": lambda total, size, shown: full(min(total, 50), size, shown),
    "zero": lambda total, size, shown: full(0, size, shown),
    "negative": lambda total, size, shown: full(-1, size, shown),
    "of the page": lambda total, size, shown: full(shown, size, shown),
    "half": lambda total, size, shown: full(total // 2, size, shown),
    "null": lambda total, size, shown: full(None, size, shown),
    "without a size": lambda total, size, shown: {"total_count": 0},
    "with an impossible size": lambda total, size, shown: full(0, 0, shown),
    "none at all": lambda total, size, shown: None,
}


@given(st.integers(0, 260), st.booleans())
def test_every_account_is_found_once_and_no_page_is_asked_for_twice(count: int, info: bool) -> None:
    pages = Pages(ids(count), info=full if info else TOTALS["none at all"])
    assert listed(pages) == ids(count)
    # A last page that is full leaves it open whether there is another one, whatever it says.
    assert pages.asked == list(range(1, count // 50 + 2))


@given(st.integers(0, 260), st.sampled_from(list(TOTALS)))
def test_a_wrong_total_loses_no_account(count: int, wrong: str) -> None:
    pages = Pages(ids(count), info=TOTALS[wrong])
    assert listed(pages) == ids(count)
    # One more, where the page that should be the last does not add up.
    assert len(pages.asked) <= count // 50 + 2


@given(
    st.integers(0, 130),
    st.integers(1, 50),
    st.sampled_from([full, *(TOTALS[name] for name in ("zero", "null", "half"))]),
)
def test_pages_may_be_smaller_than_asked_if_they_say_so(count: int, largest: int, info: Any) -> None:
    pages = Pages(ids(count), largest, info)
    assert listed(pages) == ids(count)
    assert len(pages.asked) <= count // largest + 2


@given(st.integers(0, 130), st.integers(1, 50))
def test_pages_that_are_smaller_in_silence_go_on_to_the_total(count: int, largest: int) -> None:
    assert listed(Pages(ids(count), largest)) == ids(count)


@given(st.integers(1, 130), st.sampled_from([20, 50]))
def test_the_last_page_may_be_given_for_ever(count: int, largest: int) -> None:
    assert listed(Pages(ids(count), largest, full, shown=min)) == ids(count)


@given(st.integers(0, 130), st.integers(1, 10**18))
def test_fewer_than_announced_are_an_error(count: int, more: int) -> None:
    pages = Pages(ids(count), info=lambda total, size, shown: full(total + more, size, shown))
    with pytest.raises(
        UnexpectedAnswer, match=f"Cloudflare reports [0-9]+\u2026? accounts but lists {count}"
    ) as failed:
        listed(pages)
    assert "set the option accounts to the account IDs" in str(failed.value)
    # Up to a page that holds nothing, twice, as the list could have changed in between.
    assert pages.asked == [*range(1, -(-count // 50) + 2)] * 2


def test_the_largest_total_fits_into_a_sentence() -> None:
    pages = Pages([], info=lambda total, size, shown: full(2**63 - 1, size, shown))
    with pytest.raises(UnexpectedAnswer) as failed:
        listed(pages)
    assert len(str(failed.value)) < 300


@pytest.mark.parametrize("info", ["zero", "none at all", "null", "negative"])
def test_pages_that_are_always_the_first_are_an_error(info: str) -> None:
    pages = Pages(ids(120), info=TOTALS[info], shown=lambda page, last: 1)
    with pytest.raises(UnexpectedAnswer, match="its pages repeat accounts, so others may be missing after 50"):
        listed(pages)
    assert pages.asked == [1, 2, 1, 2]


def test_pages_without_end_are_an_error_at_a_bound() -> None:
    made = itertools.count()
    asked = []

    def send(call: Call) -> Any:
        asked.append(call.path)
        return call.parse({"result": [item(f"{next(made):032x}") for _each in range(50)]})

    with pytest.raises(UnexpectedAnswer, match="the list does not end within 1000 pages"):
        _account_pages.all_accounts(send)
    assert len(asked) == 1000


def test_one_new_account_on_each_page_does_not_go_on_for_ever() -> None:
    asked = []

    def send(call: Call) -> Any:
        asked.append(call.path)
        return call.parse({"result": [item(f"{len(asked):032x}"), *(item(each) for each in ids(1) * 49)]})

    with pytest.raises(UnexpectedAnswer, match="does not end"):
        _account_pages.all_accounts(send)
    assert len(asked) == 1000


class Changing(Pages):
    """A list that changes once, after its first page."""

    def __init__(self, change: Callable[[list[str]], None], info: Any = full) -> None:
        super().__init__(ids(120), info=info)
        self.change = change

    def send(self, call: Call) -> Any:
        page = super().send(call)
        if len(self.asked) == 1:
            self.change(self.account_ids)
        return page


@given(st.integers(0, 120), st.booleans())
def test_an_account_that_is_made_while_the_list_is_read(place: int, info: bool) -> None:
    pages = Changing(lambda account_ids: account_ids.insert(place, "f" * 32), full if info else TOTALS["none at all"])
    assert sorted(listed(pages)) == sorted(pages.account_ids)


@given(st.integers(0, 119))
def test_an_account_that_is_deleted_while_the_list_is_read_hides_no_other(place: int) -> None:
    pages = Changing(lambda account_ids: account_ids.remove(f"{place:032x}"))
    assert listed(pages) == pages.account_ids


@pytest.mark.parametrize(
    ("envelope", "wrong"),
    [
        ({}, "is not a list of objects"),
        ({"result": {}}, "is not a list of objects"),
        ({"result": ["id"]}, "is not a list of objects"),
        ({"result": [{"name": "x"}]}, "has no ID of 32"),
        ({"result": [{"id": "../user"}]}, "has no ID of 32"),
        ({"result": [], "result_info": {"total_count": "many"}}, "total_count is not a number"),
        ({"result": [], "result_info": {"per_page": [50]}}, "per_page is not a number"),
    ],
)
def test_pages_of_another_shape(envelope: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        _account_pages.page_from_api(envelope)


def test_a_page() -> None:
    odd = {"id": "AB" * 16, "name": ["no text"], "settings": {}}
    page = _account_pages.page_from_api(
        {"result": [item(ACCOUNT_ID, name=" \u2122 {{ x }}"), odd], "result_info": None}
    )
    assert (page.total, page.size) == (None, 50)
    assert page.accounts == [
        {"id": ACCOUNT_ID, "name": " \u2122 {{ x }}", "type": "standard"},
        {"id": "ab" * 16, "name": None, "type": None},
    ]


def test_the_simulator_is_listed_over_http(simulator: Simulator) -> None:
    for account_id in ids(99):
        simulator.set_account(account_id)
    found = [account["id"] for account in _account_pages.all_accounts(client_of(simulator.api_url).send)]
    assert found == [ACCOUNT_ID, OTHER_ACCOUNT_ID, *ids(99)]
    assert [request["query"] for request in simulator.requests] == [f"page={page}&per_page=50" for page in (1, 2, 3)]


HOSTILE: dict[str, dict[str, list[int] | None]] = {
    "total_count": {
        "of_the_page": [1, 2, 3, 4, 5],
        "zero": [1, 2, 3, 4, 5],
        "too_many": None,
    },
    "result_info": {"missing": [1, 2, 3, 4]},
    "pages": {"capped": list(range(1, 10)), "clamped": [1, 2, 3, 4], "repeated": None, "endless": None},
}


@pytest.mark.parametrize(
    ("setting", "value"), [(setting, value) for setting, values in HOSTILE.items() for value in values]
)
def test_a_list_that_is_wrong_loses_nothing_in_silence(simulator: Simulator, setting: str, value: str) -> None:
    for account_id in ids(168):
        simulator.set_account(account_id)
    simulator.settings[setting] = value
    client = client_of(simulator.api_url)
    pages = HOSTILE[setting][value]
    if pages:
        found = [account["id"] for account in _account_pages.all_accounts(client.send)]
        assert found == [ACCOUNT_ID, OTHER_ACCOUNT_ID, *ids(168)]
        assert [request["query"] for request in simulator.requests] == [f"page={page}&per_page=50" for page in pages]
    else:
        with pytest.raises(UnexpectedAnswer, match="Could not list the accounts: "):
            _account_pages.all_accounts(client.send)
        assert len(simulator.requests) <= 1000


def test_failures_of_the_list_do_not_blame_an_account(simulator: Simulator) -> None:
    simulator.add_faults({"fault": "status", "status": 403}, {"fault": "status", "status": 404})
    client = client_of(simulator.api_url)
    assert str(failure_of(client, LIST, PermissionDenied)).endswith(
        "lacks the permission Account Settings Read. Add it."
    )
    assert "Check the base URL" in str(failure_of(client, LIST, NotFound))
    assert "account_id" not in str(failure_of(client_of(simulator.api_url, "wrong"), LIST, WrongToken))
