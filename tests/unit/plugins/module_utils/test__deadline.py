# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _deadline


@pytest.mark.parametrize("seconds", [0, 1, 7, 120, 86400])
def test_waiting_ends_when_the_seconds_are_over(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    clock = SimpleNamespace(now=5.0, pauses=[])

    def sleep(pause: float) -> None:
        clock.pauses.append(pause)
        clock.now += pause

    monkeypatch.setattr(_deadline, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock.now))
    deadline = _deadline.Deadline(seconds)
    while deadline.wait():
        assert clock.now <= 5 + seconds + 1e-6
    assert sum(clock.pauses) == pytest.approx(seconds)
    assert all(0 < pause <= 5 for pause in clock.pauses)
