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
from ansible_collections.finops.cloudflare.plugins.module_utils._account_pages import Account
from ansible_collections.finops.cloudflare.plugins.module_utils._api import (
    Call,
    PermissionDenied,
    RateLimited,
    UserError,
)
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import NO_TOPUP
from ansible_collections.finops.cloudflare.plugins.module_utils._values import is_account_id
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, OTHER_ACCOUNT_ID, Simulator
from ansible_collections.finops.cloudflare.tests.unit.plugins.clients import client_of
from hypothesis import given
from hypothesis import strategies as st


def ids(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


def test_listed_accounts() -> None:
    accounts = _accounts.listed_accounts([ACCOUNT_ID.upper(), OTHER_ACCOUNT_ID, ACCOUNT_ID])
    assert [account["id"] for account in accounts] == [ACCOUNT_ID, OTHER_ACCOUNT_ID]


@pytest.mark.parametrize("account_id", ["", "x" * 32, "secret-token", 10**31, None, f"{ACCOUNT_ID}\n"])
def test_what_is_no_account_id_is_not_repeated(account_id: object) -> None:
    with pytest.raises(UserError) as refused:
        _accounts.listed_accounts([ACCOUNT_ID, account_id])
    assert "Entry 2 of accounts is not a Cloudflare account ID" in str(refused.value)
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
        ("Acme", "cloudflare_Acme"),
        ("Acme Corp's Account", "cloudflare_Acme_Corp_s_Account"),
        ("web-01.acme.example", "cloudflare_web-01_acme_example"),
        ("M\u00fcller & S\u00f6hne", "cloudflare_M\u00fcller_S\u00f6hne"),
        ("{{ lookup('pipe', 'id') }}", "cloudflare_lookup_pipe_id"),
        ("!all:&x,y[0]~", "cloudflare_all_x_y_0"),
        ("localhost", "cloudflare_localhost"),
        ("127.0.0.1", "cloudflare_127_0_0_1"),
        ("", None),
        (None, None),
        ("***", None),
    ],
)
def test_names_of_hosts(name: str | None, host: str | None) -> None:
    accounts: list[Account] = [{"id": ACCOUNT_ID, "name": name}, {"id": OTHER_ACCOUNT_ID, "name": "Other"}]
    wanted = {ACCOUNT_ID: host} if host else {}
    assert _accounts.own_names(accounts, "cloudflare_") == {**wanted, OTHER_ACCOUNT_ID: "cloudflare_Other"}


NAMES = st.none() | st.text() | st.sampled_from(["Acme", "acme", "Acme!", "localhost", "web01", "x.example", *ids(3)])
PREFIXES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,5}[_-]", fullmatch=True)


@given(st.lists(NAMES, max_size=8), PREFIXES)
def test_names_of_hosts_are_unique_and_of_the_realm_of_the_prefix(names: list[str | None], prefix: str) -> None:
    accounts = [{"id": account_id, "name": name} for account_id, name in zip(ids(8), names)]
    assert _accounts.is_prefix(prefix)
    hosts = _accounts.own_names(accounts, prefix)
    assert len({host.lower() for host in hosts.values()}) == len(hosts)
    for account_id, host in hosts.items():
        assert account_id in ids(8)
        assert host.startswith(prefix)
        assert re.fullmatch(r"\w([\w-]*\w)?", host[len(prefix) :])


@pytest.mark.parametrize(
    "prefix", ["", "_", "a", "cf", "1_", "_cf_", "cf.", "c f_", "c*_", "{{x}}_", "cf_\n", "\u00e4_", "!x_"]
)
def test_prefixes_that_are_no_realm_of_their_own(prefix: str) -> None:
    assert not _accounts.is_prefix(prefix)


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


def cached(**changes: Any) -> dict[str, Any]:
    """An account as a cache holds it."""
    account = {"id": ACCOUNT_ID, "name": "Acme", "type": None, "error": None}
    return {
        **account,
        "parts": {"topup": {**NO_TOPUP, "amount": 5000, "error": "declined"}, "balance": -0.5},
        **changes,
    }


def test_what_a_cache_holds() -> None:
    both = [cached(), cached(id=OTHER_ACCOUNT_ID, name=None)]
    assert _accounts.accounts_in_cache(both, ["balance", "topup"]) == both
    plain = [cached(parts={})]
    assert _accounts.accounts_in_cache(plain, []) == plain


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        {},
        "text",
        [None],
        [[]],
        [{}],
        [cached(), "text"],
        [cached(), cached()],
        [cached(id=None)],
        [cached(id="{{ lookup('pipe', 'id') }}")],
        [cached(id=f"{ACCOUNT_ID}\n")],
        [cached(id="A" * 32)],
        [cached(name=1)],
        [cached(name=["x"])],
        [cached(type={})],
        [cached(error="could not be read")],
        [cached(more=1)],
        [{key: value for key, value in cached().items() if key != "type"}],
        [cached(parts=None)],
        [cached(parts=[])],
        [cached(parts={})],
        [cached(parts={**cached()["parts"], "more": 1})],
        [cached(parts={**cached()["parts"], "balance": "{{ 1 }}"})],
        [cached(parts={**cached()["parts"], "balance": True})],
        [cached(parts={**cached()["parts"], "balance": None})],
        [cached(parts={**cached()["parts"], "topup": None})],
        [cached(parts={**cached()["parts"], "topup": {}})],
        [cached(parts={**cached()["parts"], "topup": {**NO_TOPUP, "amount": "{{ 1 }}"}})],
        [cached(parts={**cached()["parts"], "topup": {**NO_TOPUP, "error": {"{{ 1 }}": 1}}})],
        [cached(parts={**cached()["parts"], "topup": {**NO_TOPUP, "{{ 1 }}": 1}})],
    ],
)
def test_what_a_cache_cannot_hold(found: object) -> None:
    assert _accounts.accounts_in_cache(found, ["topup", "balance"]) is None


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just(ACCOUNT_ID)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["id", "name", "type", "parts", "error", "topup", "balance"]), inner, max_size=6
        ),
    ),
)


@given(JSON, st.sampled_from([[], ["balance"], ["topup", "balance"]]))
def test_whatever_a_cache_holds_is_no_traceback(found: object, parts: list[str]) -> None:
    for account in _accounts.accounts_in_cache(found, parts) or []:
        assert is_account_id(account["id"])
        assert list(account["parts"]) == parts
