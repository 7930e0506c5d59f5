# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _deadline
from ansible_collections.finops.cloudflare.tests.simulator.simulator import Simulator
from ansible_collections.finops.cloudflare.tests.unit.plugins.credit import Clock, Runner


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(_deadline, "time", made)
    return made


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]], simulator: Simulator, clock: Clock, tmp_path: Path) -> Runner:
    return Runner(run_module, simulator, tmp_path / "state")
