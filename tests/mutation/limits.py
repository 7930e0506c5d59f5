# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pytest plugin for the tests of a mutant.

It gives hypothesis few examples, finds the tests that mutmut asks for, and ends a test that would never end.
"""

from __future__ import annotations

import functools
import signal
from typing import Any, Iterator

import hypothesis
import pytest
from mutmut.state import state

EXAMPLES = 20
TIMED_OUT = 36
"""The exit status that mutmut takes for a timeout."""

ASKED_FOR = pytest.StashKey[list[str]]()


def _limit_examples() -> None:
    """Limit them whatever a profile or a test asks for, and let them be the same ones each time."""
    original = hypothesis.settings.__init__

    @functools.wraps(original)
    def limited(self: hypothesis.settings, parent: hypothesis.settings | None = None, **asked: Any) -> None:
        wanted = asked.get("max_examples", parent.max_examples if parent else EXAMPLES)
        fixed = {"max_examples": min(wanted, EXAMPLES), "derandomize": True, "database": None, "deadline": None}
        original(self, parent, **{**asked, **fixed})

    hypothesis.settings.__init__ = limited  # type: ignore[method-assign]


_limit_examples()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Collect whole files, since pytest does not find every test by its own name for it."""
    config.stash[ASKED_FOR] = [argument for argument in config.args if "::" in argument]
    config.args[:] = dict.fromkeys(argument.partition("::")[0] for argument in config.args)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that mutmut asks for, in its order: quick ones first."""
    asked_for = config.stash[ASKED_FOR]
    places = {_without_escapes(name): place for place, name in enumerate(asked_for)}
    if places:
        items[:] = [item for item in items if _without_escapes(item.nodeid) in places]
        items.sort(key=lambda item: places[_without_escapes(item.nodeid)])
        assert len(items) >= len(places)


def _without_escapes(name: str) -> str:
    """A name that stays: pytest adds backslashes when it collects a test for the second time in a process."""
    return name.replace("\\", "")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """End the run if a test takes far longer than it did without a mutation: in CPU time, or, if it only waits, at all."""
    usual = state().duration_by_test.get(item.nodeid)
    if not usual:
        # mutmut is about to measure it.
        return (yield)

    def give_up(*_: object) -> None:
        pytest.exit(f"{item.nodeid} takes too long", returncode=TIMED_OUT)

    limits = (
        (signal.ITIMER_PROF, signal.SIGPROF, 20 + 10 * usual),
        (signal.ITIMER_REAL, signal.SIGALRM, 120 + 10 * usual),
    )
    before = [signal.signal(number, give_up) for _timer, number, _seconds in limits]
    for timer, _number, seconds in limits:
        # Again and again, in case that the mutated code catches the first one.
        signal.setitimer(timer, seconds, 5)
    try:
        return (yield)
    finally:
        for (timer, number, _seconds), handler in zip(limits, before):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)
