# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of the purchases for one account on this host: one file that is both lock and journal.

Cloudflare's API has no lock and no idempotency key. So a purchase is recorded here before its request is sent, and only
one run at a time decides about an account. This file is private to the collection and can change in any
release.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import stat
import tempfile
from contextlib import contextmanager
from typing import Any, Collection, Iterator, Mapping, NamedTuple, Sequence
from urllib.parse import unquote, urlsplit

from ._api import UserError
from ._deadline import Deadline
from ._invoices import PAID, PENDING, VOID, Invoice, created_seconds
from ._values import is_number, utc

DIRECTORY = "finops.cloudflare"

_MOST_BYTES = 1_000_000
_CLOCK_SKEW = 120
"""Seconds by which an invoice may seem older than the request that created it."""


class Entry(NamedTuple):
    """A purchase whose request was sent or was about to be sent."""

    at: float
    """Unix seconds by the earlier of two clocks: this host's or Cloudflare's."""
    latest: float
    """The same by the later clock."""
    amount: int
    """Cents of credit."""
    total: int
    """Cents that it charges, including the fee."""
    known: tuple[str, ...]
    """The ids of the invoices that existed before and whose date would also fit this purchase."""
    invoice_id: str | None = None
    """None until it is known that Cloudflare accepted it."""

    def precedes(self, invoice: Invoice) -> bool:
        """Whether an invoice was created with this purchase or later, as far as clocks can be compared."""
        made = created_seconds(invoice)
        return made is not None and made >= self.at - _CLOCK_SKEW

    def matches(self, invoice: Invoice) -> bool:
        """Whether an invoice can only belong to this purchase: created since then, and for the same sum.

        A void invoice can belong to anybody. It does not prove that this purchase was not made.
        """
        if self.invoice_id is not None or invoice["id"] is None:
            return self.invoice_id is not None and self.invoice_id == invoice["id"]
        # How Cloudflare rounds its fee is not documented.
        amounts = [invoice[key] for key in ("amount_due", "amount_paid") if invoice[key] is not None]
        return (
            invoice["id"] not in self.known
            and invoice["status"] != VOID
            and self.precedes(invoice)
            and any(abs(amount - self.total) <= 1 for amount in amounts)
        )


def intent(clocks: tuple[float, float], amount: int, total: int, invoices: Sequence[Invoice]) -> Entry:
    """A purchase that is about to be sent. `invoices` are the present ones."""
    entry = Entry(min(clocks), max(clocks), amount, total, ())
    return entry._replace(known=tuple(each["id"] for each in invoices if each["id"] and entry.precedes(each)))


def identified(entry: Entry, invoices: Sequence[Invoice]) -> Entry:
    """The purchase, with the id of its invoice if there is one."""
    return entry._replace(invoice_id=next((each["id"] for each in invoices if entry.matches(each)), entry.invoice_id))


def with_own(invoices: Sequence[Invoice], entries: Sequence[Entry], completed: Collection[str | None]) -> list[Invoice]:
    """The invoices, corrected by what this host knows of its own purchases: their age, and those that the list lacks.

    `completed` holds the ids of the purchases that Cloudflare reports as completed.
    """
    own = {entry.invoice_id: entry for entry in entries}
    listed = [_not_older(each, own[each["id"]]) if each["id"] in own else each for each in invoices]
    ids = {each["id"] for each in invoices}
    return [
        _as_invoice(entry, entry.invoice_id in completed) for entry in entries if entry.invoice_id not in ids
    ] + listed


def _not_older(invoice: Invoice, entry: Entry) -> Invoice:
    made = created_seconds(invoice)
    if made is None or made >= entry.latest:
        return invoice
    return {**invoice, "created": entry.latest, "created_at": utc(entry.latest)}


def _as_invoice(entry: Entry, paid: bool) -> Invoice:
    return {
        "id": entry.invoice_id,
        "status": PAID if paid else PENDING,
        "created": entry.latest,
        "created_at": utc(entry.latest),
        "amount_due": entry.total,
        "amount_paid": 0,
        "currency": "usd",
    }


def journal_path(environ: Mapping[str, str], api_url: str, account_id: str) -> str:
    """The path of an account's journal. Each API has its own, so that a trial against another API blocks no real purchase."""
    state = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        state = os.path.join(os.path.expanduser("~"), ".local", "state")
    parts = urlsplit(api_url)
    host, port = (parts.hostname or "").rstrip("."), parts.port or {"https": 443}.get(parts.scheme, 80)
    path_of_api = re.sub("/+", "/", unquote(parts.path)).rstrip("/")
    # All spellings of a URL are the same API.
    api = hashlib.sha256(f"{parts.scheme}://{host}:{port}{path_of_api}".encode()).hexdigest()[:12]
    return os.path.join(state, DIRECTORY, f"purchases-{account_id}-{api}.json")


class Journal:
    """The journal while it is locked; in check mode, its content."""

    def __init__(self, path: str, entries: Sequence[Entry], descriptor: int | None, problem: str | None = None) -> None:
        self.path = path
        self.entries = list(entries)
        self.problem = problem
        """Why purchases are not recorded, as the end of a sentence; None if they are."""
        self._descriptor = descriptor

    def begin(self, entries: Sequence[Entry]) -> None:
        """Record a purchase that is about to be sent. Raises `UserError` if somebody has removed the file meanwhile."""
        if self._descriptor is not None and not _is_at(self.path, self._descriptor):
            raise UserError(f"Nothing was bought: the file {self.path} was removed during this run. Run again.")
        self.write(entries)

    def write(self, entries: Sequence[Entry]) -> None:
        """Replace the content so that it survives a crash. If that fails, `problem` says so."""
        self.entries = list(entries)
        if self._descriptor is None:
            return
        line = _line(entries)
        try:
            # In place, because the lock belongs to this file and not to its name. A reader stops at the end of the line,
            # so the rest of an earlier, longer text does not count.
            if os.pwrite(self._descriptor, line, 0) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.ftruncate(self._descriptor, len(line))
            os.fsync(self._descriptor)
            _sync_directory(self.path)
        except OSError as error:
            self.problem = f"{self.path} cannot be written ({error.strerror})"


@contextmanager
def locked_journal(path: str, account_id: str, deadline: Deadline) -> Iterator[Journal]:
    """The journal, locked until this run is done with it.

    If it cannot be kept at all, it records nothing and says why. Raises `UserError` if another run holds it until the
    deadline, or if its content cannot be read.
    """
    try:
        descriptor, problem = _locked(path, account_id, deadline)
    except OSError as error:
        if os.path.lexists(path):
            raise _unreadable(path, error.strerror) from error
        yield Journal(path, [], None, f"{path} cannot be kept ({error.strerror})")
        return
    try:
        yield Journal(path, _entries(path, descriptor), descriptor, problem)
    finally:
        # This also releases the lock.
        os.close(descriptor)


def journal_as_it_is(path: str, account_id: str) -> Journal:
    """The journal for reading only. Creates nothing.

    Raises `UserError` if another run holds it, or if its content cannot be read.
    """
    if not os.path.lexists(path):
        return Journal(path, [], None)
    try:
        _check_directory(os.path.dirname(path))
        descriptor = _open(path)
    except OSError as error:
        raise _unreadable(path, error.strerror) from error
    try:
        if not _lock(descriptor, fcntl.LOCK_SH).free:
            # What that run has written so far does not tell how it will end.
            raise _busy(path, account_id)
        return Journal(path, _entries(path, descriptor), None)
    finally:
        os.close(descriptor)


def _locked(path: str, account_id: str, deadline: Deadline) -> tuple[int, str | None]:
    """The open file, and why it is not locked, as the end of a sentence; None if it is locked."""
    _make_directory(os.path.dirname(path))
    while True:
        if not os.path.lexists(path):
            _create(path)
        try:
            descriptor = _open(path)
        except FileNotFoundError:
            # Removed again at this moment
            continue
        try:
            while not (lock := _lock(descriptor, fcntl.LOCK_EX)).free:
                if not deadline.wait():
                    raise _busy(path, account_id)
            # If somebody removes the file while a run waits for it, two runs must not get in.
            if _is_at(path, descriptor):
                return descriptor, lock.problem and f"{path} cannot be locked ({lock.problem})"
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: str) -> int:
    """Follows no link that somebody may have put there, and does not wait for something other than a file."""
    return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)


def _create(path: str) -> None:
    """Create a journal without purchases. It is complete before it gets its name: only an accident leaves an empty file."""
    descriptor, draft = tempfile.mkstemp(prefix="new-", dir=os.path.dirname(path))
    try:
        os.write(descriptor, _line([]))
        os.fsync(descriptor)
        os.link(draft, path)
    except FileExistsError:
        # Another run was first, which is fine.
        return
    finally:
        os.close(descriptor)
        os.unlink(draft)


def _busy(path: str, account_id: str) -> UserError:
    return UserError(
        f"Nothing was bought: another run on this machine is checking or buying credit for account {account_id} and has not "
        f"finished (it holds the lock of {path}). Run again later. If this message comes back, make sure that only one job at a "
        "time works for an account, or raise wait_timeout."
    )


class _Lock(NamedTuple):
    free: bool
    """Whether no other run holds it."""
    problem: str | None = None
    """Why locking does not work, so that no run can hold the lock."""


def _lock(descriptor: int, kind: int) -> _Lock:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return _Lock(False)
    except OSError as error:
        # For example a network file system without locks. The content of the file still counts.
        return _Lock(True, error.strerror)
    return _Lock(True)


def _make_directory(directory: str) -> None:
    """Raises OSError if there is no directory that belongs to this user alone."""
    if not os.path.isabs(directory):
        raise OSError(errno.ENOENT, "this user has no home directory", directory)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    if stat.S_IMODE(_check_directory(directory).st_mode) != 0o700:
        os.chmod(directory, 0o700)


def _check_directory(directory: str) -> os.stat_result:
    """Raises OSError if it does not belong to this user."""
    found = os.lstat(directory)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "its directory does not belong to this user alone", directory)
    return found


def _is_at(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sync_directory(path: str) -> None:
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _line(entries: Sequence[Entry]) -> bytes:
    return json.dumps({"purchases": [entry._asdict() for entry in entries]}).encode() + b"\n"


def _entries(path: str, descriptor: int) -> list[Entry]:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise _unreadable(path, "it is not a regular file")
    try:
        line, end, _rest = os.pread(descriptor, _MOST_BYTES, 0).partition(b"\n")
        if not end:
            raise ValueError("it ends in the middle of a line")
        document = json.loads(line)
        return [_entry(purchase) for purchase in document["purchases"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unreadable(path, "this collection did not write it") from error


def _entry(purchase: Any) -> Entry:
    """Raises ValueError, TypeError or KeyError if it is not an entry."""
    entry = Entry(**{**purchase, "known": tuple(purchase["known"])})
    numbers = (entry.at, entry.latest, entry.amount, entry.total)
    texts = [*entry.known, *([] if entry.invoice_id is None else [entry.invoice_id])]
    if not all(map(is_number, numbers)) or not all(isinstance(value, str) for value in texts):
        raise ValueError("an entry of an unknown shape")
    return entry


def _unreadable(path: str, reason: str | None) -> UserError:
    return UserError(
        f"Nothing was bought: this machine's record of earlier purchases cannot be read from {path} ({reason}). A purchase may be "
        "in progress without being seen. Look at the billing of the account in the Cloudflare dashboard. Once you know that no "
        "purchase is in progress, remove the file and run again."
    )
