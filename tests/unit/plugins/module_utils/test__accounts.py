# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import threading
import time
from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _accounts
from ansible_collections.finops.cloudflare.plugins.module_utils._api import (
    Call,
    NotFound,
    PermissionDenied,
    RateLimited,
    UnexpectedAnswer,
    UserError,
    WrongToken,
)
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, OTHER_ACCOUNT_ID, Simulator
from ansible_collections.finops.cloudflare.tests.unit.plugins.clients import client_of, failure_of
from hypothesis import given
from hypothesis import strategies as st

LIST = _accounts._read_page(1)


def ids(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


def item(account_id: str, **more: Any) -> dict[str, Any]:
    return {"id": account_id, "name": f"Account {account_id[-4:]}", "type": "standard", **more}


class Pages:
    """An API that lists these accounts; it may cut its pages smaller than asked, and leave result_info out."""

    def __init__(self, account_ids: list[str], largest: int = 50, info: bool = True) -> None:
        self.account_ids, self.largest, self.info = account_ids, largest, info
        self.asked: list[int] = []

    def send(self, call: Call) -> Any:
        asked = re.fullmatch(r"accounts\?page=([0-9]+)&per_page=([0-9]+)", call.path)
        assert asked
        page, per_page = int(asked[1]), min(int(asked[2]), self.largest)
        self.asked.append(page)
        shown = self.account_ids[(page - 1) * per_page : page * per_page]
        info = {"result_info": {"total_count": len(self.account_ids)}} if self.info else {}
        return call.parse({"result": [item(each) for each in shown], **info})


@given(st.integers(0, 260), st.booleans())
def test_every_account_is_found_once_with_no_more_pages_than_there_are(count: int, info: bool) -> None:
    pages = Pages(ids(count), info=info)
    assert [account["id"] for account in _accounts.all_accounts(pages.send)] == ids(count)
    # Without a total, a last page that is full leaves it open whether there is another one.
    needed = max(1, -(-count // 50)) if info else count // 50 + 1
    assert pages.asked == list(range(1, needed + 1))


@given(st.integers(0, 130), st.integers(1, 50))
def test_pages_may_be_smaller_than_asked(count: int, largest: int) -> None:
    found = _accounts.all_accounts(Pages(ids(count), largest).send)
    assert [account["id"] for account in found] == ids(count)


class Stuck(Pages):
    """It gives the first page, whichever is asked for."""

    def send(self, call: Call) -> Any:
        return super().send(LIST)


@pytest.mark.parametrize(("info", "known"), [(True, "120"), (False, "more")])
def test_pages_that_do_not_go_on_are_an_error(info: bool, known: str) -> None:
    pages = Stuck(ids(120), info=info)
    with pytest.raises(UnexpectedAnswer, match=f"page 2 holds no new account, after 50 of {known}"):
        _accounts.all_accounts(pages.send)
    # Two pages, twice, as the list could have changed in between.
    assert len(pages.asked) == 4


@pytest.mark.parametrize("place", [0, 55, 60])
def test_an_account_that_is_made_while_the_list_is_read(place: int) -> None:
    pages = Pages(ids(60))

    def send(call: Call) -> Any:
        page = pages.send(call)
        if len(pages.account_ids) == 60:
            pages.account_ids.insert(place, "f" * 32)
        return page

    found = [account["id"] for account in _accounts.all_accounts(send)]
    assert sorted(found) == sorted(pages.account_ids)


@pytest.mark.parametrize(
    ("envelope", "wrong"),
    [
        ({}, "is not a list of objects"),
        ({"result": {}}, "is not a list of objects"),
        ({"result": ["id"]}, "is not a list of objects"),
        ({"result": [{"name": "x"}]}, "has no id of 32"),
        ({"result": [{"id": "../user"}]}, "has no id of 32"),
        ({"result": [], "result_info": {"total_count": "many"}}, "total_count in it is not a number"),
    ],
)
def test_pages_of_another_shape(envelope: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        _accounts.page_from_api(envelope)


def test_a_page() -> None:
    odd = {"id": "AB" * 16, "name": ["no text"], "settings": {}}
    page = _accounts.page_from_api({"result": [item(ACCOUNT_ID, name=" \u2122 {{ x }}"), odd], "result_info": None})
    assert page.total is None
    assert page.accounts == [
        {"id": ACCOUNT_ID, "name": " \u2122 {{ x }}", "type": "standard"},
        {"id": "ab" * 16, "name": None, "type": None},
    ]


def test_the_simulator_is_listed_over_http(simulator: Simulator) -> None:
    for account_id in ids(99):
        simulator.set_account(account_id)
    found = [account["id"] for account in _accounts.all_accounts(client_of(simulator.api_url).send)]
    assert found == [ACCOUNT_ID, OTHER_ACCOUNT_ID, *ids(99)]
    assert [request["query"] for request in simulator.requests] == [f"page={page}&per_page=50" for page in (1, 2, 3)]


def test_failures_of_the_list_do_not_blame_an_account(simulator: Simulator) -> None:
    simulator.add_faults({"fault": "status", "status": 403}, {"fault": "status", "status": 404})
    client = client_of(simulator.api_url)
    assert str(failure_of(client, LIST, PermissionDenied)).endswith(
        "lacks the permission Account Settings Read. Add it."
    )
    assert "Check the base URL" in str(failure_of(client, LIST, NotFound))
    assert "account_id" not in str(failure_of(client_of(simulator.api_url, "wrong"), LIST, WrongToken))


def test_listed_accounts() -> None:
    accounts = _accounts.listed_accounts([ACCOUNT_ID.upper(), OTHER_ACCOUNT_ID, ACCOUNT_ID])
    assert [account["id"] for account in accounts] == [ACCOUNT_ID, OTHER_ACCOUNT_ID]


@pytest.mark.parametrize("account_id", ["", "x" * 32, "secret-token", 10**31, None, f"{ACCOUNT_ID}\n"])
def test_what_is_no_account_id_is_not_repeated(account_id: object) -> None:
    with pytest.raises(UserError) as refused:
        _accounts.listed_accounts([ACCOUNT_ID, account_id])
    assert "Entry 2 of accounts is no Cloudflare account id" in str(refused.value)
    assert not account_id or str(account_id) not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("Acme", "Acme", True),
        ("Acme", "acme", False),
        ("Acme EU", "Acme *", True),
        ("Acme", "Acme ?", False),
        ("Acme [EU]", "Acme [EU]", True),
        ("Acme E", "Acme [EU]", True),
        ("Acme", "*cm*", True),
        (None, "*", False),
        ("", "*", True),
    ],
)
def test_matches(name: str | None, pattern: str, expected: bool) -> None:
    assert _accounts.matches({"name": name}, pattern) == expected


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("Acme", "Acme"),
        ("Acme Corp's Account", "Acme_Corp_s_Account"),
        ("acme.example", "acme.example"),
        ("M\u00fcller & S\u00f6hne", "M\u00fcller_S\u00f6hne"),
        ("{{ lookup('pipe', 'id') }}", "lookup_pipe_id"),
        ("!all:&x,y[0]~", "all_x_y_0"),
        ("", ACCOUNT_ID),
        (None, ACCOUNT_ID),
        ("***", ACCOUNT_ID),
        ("localhost", ACCOUNT_ID),
        ("All", ACCOUNT_ID),
        ("cloudflare accounts", ACCOUNT_ID),
        ("127.0.0.1", ACCOUNT_ID),
        ("::1", ACCOUNT_ID),
        (OTHER_ACCOUNT_ID, ACCOUNT_ID),
    ],
)
def test_host_names(name: str | None, host: str) -> None:
    accounts: list[_accounts.Account] = [{"id": ACCOUNT_ID, "name": name}, {"id": OTHER_ACCOUNT_ID, "name": "Other"}]
    assert _accounts.host_names(accounts, use_names=True) == {ACCOUNT_ID: host, OTHER_ACCOUNT_ID: "Other"}
    assert _accounts.host_names(accounts, use_names=False) == {each["id"]: each["id"] for each in accounts}


NAMES = st.none() | st.text() | st.sampled_from(["Acme", "acme", "Acme!", "localhost", *ids(3)])


@given(st.lists(NAMES, max_size=8))
def test_host_names_are_unique_and_harmless(names: list[str | None]) -> None:
    accounts = [{"id": account_id, "name": name} for account_id, name in zip(ids(8), names)]
    hosts = _accounts.host_names(accounts, use_names=True)
    assert list(hosts) == [account["id"] for account in accounts]
    assert len({host.lower() for host in hosts.values()}) == len(accounts)
    for account_id, host in hosts.items():
        assert re.fullmatch(r"\w([\w.-]*\w)?", host)
        assert host == account_id or host not in [*ids(8), "localhost"]


def readings(simulator: Simulator, account_ids: list[str], workers: int, **options: Any) -> list[_accounts.Reading]:
    return _accounts.read_each(
        lambda: client_of(simulator.api_url, **options).send, account_ids, ["topup", "balance"], workers
    )


@pytest.mark.parametrize("workers", [1, 4])
def test_no_more_requests_at_once_than_workers(simulator: Simulator, workers: int) -> None:
    now, most, lock = 0, 0, threading.Lock()

    def send(_call: Call) -> Any:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return {"topup": None, "balance": 1}

    assert len(_accounts.read_each(lambda: send, ids(12), ["balance"], workers)) == 12
    assert most == workers


def test_readings_keep_the_order_of_the_accounts_and_failures_their_place(simulator: Simulator) -> None:
    for number, account_id in enumerate(ids(20)):
        simulator.set_account(account_id, balance=number, reachable=number != 7)
    found = readings(simulator, ids(20), 4)
    assert [reading.parts["balance"] for reading in found] == [None if each == 7 else each for each in range(20)]
    assert [type(reading.error) for reading in found if reading.error] == [PermissionDenied]
    assert found[7].parts == {"topup": None, "balance": None}


def test_a_rate_limit_is_waited_out_by_every_worker(simulator: Simulator) -> None:
    """Each window of the limit refuses a worker once: none hammers on while others wait, and no account is skipped."""
    for account_id in ids(25):
        simulator.set_account(account_id)
    simulator.settings["rate_limit"] = {"requests": 10, "window_seconds": 1}
    found = readings(simulator, ids(25), 3)
    assert [reading.error for reading in found] == [None] * 25
    refused = [request for request in simulator.requests if request["status"] == 429]
    assert 1 <= len(refused) <= 2 * 3
    assert len(simulator.requests) == 25 + len(refused)


def test_a_rate_limit_that_does_not_end_is_told_of_each_account(simulator: Simulator) -> None:
    simulator.settings["rate_limit"] = {"requests": 1, "window_seconds": 300}
    found = readings(simulator, [ACCOUNT_ID, OTHER_ACCOUNT_ID], 1, retries=0)
    assert [type(reading.error) for reading in found] == [type(None), RateLimited]
