# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils._api import UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._deadline import Deadline
from ansible_collections.finops.cloudflare.plugins.module_utils._journal import (
    Entry,
    identified,
    intent,
    journal_as_it_is,
    journal_path,
    locked_journal,
    with_own,
)

ACCOUNT = "0123456789abcdef0123456789abcdef"
API = "https://api.cloudflare.com/client/v4"
AT = 1_795_435_200.5
INTENT = Entry(AT, AT + 60, 5000, 5250, ("in_0",))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return journal_path({"XDG_STATE_HOME": str(tmp_path / "state")}, API, ACCOUNT)


def lock(path: str) -> Any:
    return locked_journal(path, ACCOUNT, Deadline(0))


def invoice(**changes: Any) -> dict[str, Any]:
    return {"id": "in_1", "status": "open", "created": AT, "amount_due": 5250, "amount_paid": 0, **changes}


def test_each_account_of_each_api_has_a_file_of_its_own_below_the_state_of_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    paths = {
        journal_path({"XDG_STATE_HOME": "/state"}, url, account)
        for url in (API, "http://127.0.0.1:1/client/v4")
        for account in (ACCOUNT, "f" * 32)
    }
    assert len(paths) == 4
    assert {os.path.dirname(path) for path in paths} == {"/state/finops.cloudflare"}
    assert journal_path({}, API, ACCOUNT) == journal_path({}, API.replace("api", "API", 1), ACCOUNT)
    for relative in ({}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "state"}):
        assert journal_path(relative, API, ACCOUNT).startswith("/home/somebody/.local/state/finops.cloudflare/")


def test_what_is_written_is_there_for_the_next_run_and_for_its_user_alone(path: str) -> None:
    old_umask = os.umask(0)
    try:
        with lock(path) as journal:
            assert journal.entries == []
            journal.begin([INTENT, INTENT._replace(invoice_id="in_7", known=("x" * 9000,))])
            # A shorter text after a longer one
            journal.write([INTENT])
            assert journal.problem is None
    finally:
        os.umask(old_umask)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    assert journal_as_it_is(path, ACCOUNT).entries == [INTENT]
    with lock(path) as journal:
        assert journal.entries == [INTENT]


def test_a_directory_that_others_can_read_is_closed(path: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755)
    with lock(path) as journal:
        assert journal.problem is None
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


def test_a_write_that_ends_halfway_leaves_what_was_meant(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock(path) as journal:
        journal.write([INTENT, INTENT])

        def interrupt(*_unused: int) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "ftruncate", interrupt)
        with pytest.raises(KeyboardInterrupt):
            journal.write([INTENT])
    assert journal_as_it_is(path, ACCOUNT).entries == [INTENT]


def test_the_lock_is_for_one_run(path: str) -> None:
    with lock(path), pytest.raises(UserError, match="another run on this machine"), lock(path):
        raise AssertionError("two runs have the lock")
    with lock(path), pytest.raises(UserError, match="another run on this machine"):
        journal_as_it_is(path, ACCOUNT)
    with lock(path) as journal:
        assert journal.problem is None


def test_no_other_file_is_left(path: str) -> None:
    with lock(path):
        assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
    assert journal_as_it_is(path, ACCOUNT).entries == []


def test_a_run_that_fails_leaves_the_lock(path: str) -> None:
    def fail() -> None:
        with lock(path) as journal:
            journal.begin([INTENT])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with lock(path) as journal:
        assert journal.entries == [INTENT]


def test_a_file_that_is_removed_meanwhile_stops_the_run(path: str) -> None:
    with lock(path) as journal:
        os.remove(path)
        with lock(path) as other:
            other.begin([INTENT])
        with pytest.raises(UserError, match="was removed during this run"):
            journal.begin([])
    assert journal_as_it_is(path, ACCOUNT).entries == [INTENT]


def test_looking_creates_nothing(path: str) -> None:
    assert journal_as_it_is(path, ACCOUNT).entries == []
    assert not os.path.exists(os.path.dirname(os.path.dirname(path)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b'{"purchases": 5}\n',
        b'{"purchases": [5]}\n',
        b'{"purchases": [{}]}\n',
        b'{"purchases": [',
        b"\n",
        b"\xff\n",
        b"[" * 100000 + b"\n",
        b" " * 2_000_000 + b"\n",
        *(
            json.dumps({"purchases": [{**INTENT._asdict(), **wrong}]}).encode() + b"\n"
            for wrong in (
                {"at": None},
                {"at": "now"},
                {"at": True},
                {"latest": None},
                {"amount": "5000"},
                {"total": None},
                {"known": None},
                {"known": [5]},
                {"invoice_id": 5},
                {"more": 1},
            )
        ),
    ],
    ids=lambda content: repr(content[:40]),
)
def test_what_cannot_be_read_stops_everything(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path))
    Path(path).write_bytes(content)
    with pytest.raises(UserError, match="remove the file and run again"), lock(path):
        raise AssertionError("it was read")
    with pytest.raises(UserError, match="remove the file and run again"):
        journal_as_it_is(path, ACCOUNT)
    assert Path(path).read_bytes() == content


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/etc/passwd", path)])
def test_what_is_no_file_stops_everything(path: str, make: Any) -> None:
    os.makedirs(os.path.dirname(path))
    make(path)
    with pytest.raises(UserError, match="remove the file"), lock(path):
        raise AssertionError("it was read")
    with pytest.raises(UserError, match="remove the file"):
        journal_as_it_is(path, ACCOUNT)


def test_a_place_where_nothing_can_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no directory")
    path = journal_path({"XDG_STATE_HOME": str(tmp_path / "state")}, API, ACCOUNT)
    with lock(path) as journal:
        assert "cannot be kept" in str(journal.problem)
        journal.begin([INTENT])
        assert journal.entries == [INTENT]
    assert journal_as_it_is(path, ACCOUNT).entries == []


def test_a_directory_of_somebody_else_is_not_trusted(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    os.makedirs(os.path.dirname(path))
    another_user = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: another_user)
    with lock(path) as journal:
        assert "does not belong to this user alone" in str(journal.problem)
    Path(path).write_bytes(b'{"purchases": []}\n')
    with pytest.raises(UserError, match="does not belong to this user alone"), lock(path):
        raise AssertionError("it was read")
    with pytest.raises(UserError, match="does not belong to this user alone"):
        journal_as_it_is(path, ACCOUNT)


def test_a_disk_that_is_full_is_told(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock(path) as journal:
        monkeypatch.setattr(os, "pwrite", lambda *_unused: 3)
        journal.begin([INTENT])
        assert "cannot be written (No space left on device)" in str(journal.problem)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"amount_due": 5249}, True),
        ({"amount_due": 0, "amount_paid": 5251}, True),
        ({"created": (AT + 3600) * 1000}, True),
        ({"created": AT - 119}, True),
        ({"created": AT - 121}, False),
        ({"created": None}, False),
        ({"created": 1}, False),
        ({"id": "in_0"}, False),
        ({"id": None}, False),
        ({"amount_due": 5252}, False),
        ({"status": "void"}, False),
        ({"status": "paid"}, True),
        ({"amount_due": None, "amount_paid": None}, False),
    ],
)
def test_an_invoice_is_that_of_a_purchase_by_its_sum_and_time(changes: dict[str, Any], same: bool) -> None:
    assert INTENT.matches(invoice(**changes)) is same


def test_invoices_that_were_there_before_are_not_those_of_the_purchase() -> None:
    before = [
        invoice(id="in_void"),
        invoice(id="in_old", created=AT - 999),
        invoice(id=None),
        invoice(id="in_x", created=None),
    ]
    entry = intent((AT + 9, AT), 5000, 5250, before)
    assert (entry.at, entry.latest) == (AT, AT + 9)
    assert entry.known == ("in_void",)
    assert not any(entry.matches(each) for each in before)
    assert entry.matches(invoice())


def test_a_purchase_that_was_accepted_is_found_by_its_id_alone() -> None:
    accepted = INTENT._replace(invoice_id="in_9")
    assert not accepted.matches(invoice())
    assert not accepted.matches(invoice(id=None))
    assert accepted.matches(invoice(id="in_9", created=None, amount_due=1))
    assert identified(accepted, [invoice()]) == accepted
    assert identified(INTENT, [invoice(id="in_0"), invoice(id="in_2")]) == INTENT._replace(invoice_id="in_2")
    assert identified(INTENT, [invoice(status="void")]) == INTENT


def test_what_is_remembered_makes_an_invoice_younger_and_never_older() -> None:
    own = INTENT._replace(invoice_id="in_1")
    others = [invoice(id="in_2", created=1), invoice(id=None, created=AT), invoice(id="in_3", created=None)]
    early, late, undated = invoice(created=AT - 1200), invoice(created=AT + 99), invoice(created=None)
    assert with_own([*others, early], [own], ())[-1]["created"] == AT + 60
    assert with_own([*others, late], [own], ())[-1] == late
    assert with_own([*others, undated], [own], ())[-1] == undated
    assert with_own([*others, early], [own], ())[:-1] == others


@pytest.mark.parametrize(("completed", "status"), [((), "pending"), (("in_1",), "paid"), (("in_2",), "pending")])
def test_what_only_this_host_knows_is_an_invoice_as_well(completed: tuple[str, ...], status: str) -> None:
    own = INTENT._replace(invoice_id="in_1")
    (unlisted, listed) = with_own([invoice(id="in_2")], [own], completed)
    assert listed == invoice(id="in_2")
    assert (unlisted["id"], unlisted["status"], unlisted["created"]) == ("in_1", status, AT + 60)
    assert (unlisted["amount_due"], unlisted["currency"]) == (5250, "usd")


@pytest.mark.parametrize(
    "url",
    [
        "https://API.cloudflare.com/client/v4",
        "https://api.cloudflare.com:443/client/v4",
        "https://api.cloudflare.com:0443/client/v4",
        "https://api.cloudflare.com:/client/v4/",
        "https://api.cloudflare.com./client//v4",
        "https://api.cloudflare.com/client/%764",
    ],
)
def test_one_api_has_one_journal_however_it_is_written(url: str) -> None:
    assert journal_path({}, url, ACCOUNT) == journal_path({}, API, ACCOUNT)
    assert journal_path({}, url.replace("https", "http"), ACCOUNT) != journal_path({}, API, ACCOUNT)


def test_without_locks_what_is_remembered_counts_all_the_same(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock(path) as journal:
        journal.write([INTENT])

    def no_locks(*_unused: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert journal_as_it_is(path, ACCOUNT).entries == [INTENT]
    with lock(path) as journal:
        assert journal.entries == [INTENT]
        assert "cannot be locked (No locks available)" in str(journal.problem)


def test_the_first_moment_that_counts_is_two_minutes_before_the_purchase() -> None:
    assert INTENT.matches(invoice(created=AT - 120))


def test_the_date_of_an_own_invoice_is_that_of_the_purchase_in_both_forms() -> None:
    own = INTENT._replace(invoice_id="in_1")
    dates = {"created": AT + 60, "created_at": "2026-11-23T12:01:00Z"}
    assert with_own([invoice(created=AT - 1200)], [own], ()) == [invoice(**dates)]
    (unlisted,) = with_own([], [own], ())
    assert unlisted == {
        **dates,
        "id": "in_1",
        "status": "pending",
        "amount_due": 5250,
        "amount_paid": 0,
        "currency": "usd",
    }


def test_http_has_a_port_of_its_own() -> None:
    plain = "http://127.0.0.1/client/v4"
    assert journal_path({}, plain, ACCOUNT) == journal_path({}, plain.replace(".1/", ".1:80/"), ACCOUNT)


def test_a_user_without_a_home_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with lock("state/journal.json") as journal:
        assert journal.problem == "state/journal.json cannot be kept (this user has no home directory)"
    assert os.listdir(tmp_path) == []


def test_what_is_no_regular_file_is_called_so(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    os.mkfifo(path)
    with pytest.raises(UserError, match=r"cannot be read from .* \(it is not a regular file\)"), lock(path):
        raise AssertionError("it was read")
