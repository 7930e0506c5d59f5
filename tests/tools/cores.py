# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ansible-core is tested, and on which Python."""

from __future__ import annotations

import sys
from collections.abc import Collection
from enum import Enum, auto
from typing import NamedTuple

from .interpreters import Version


class Core(NamedTuple):
    """One series of ansible-core."""

    requirement: str
    controllers: tuple[Version, Version]
    """The oldest and the newest Python that run it."""
    oldest_target: Version
    """The oldest Python that it runs modules on."""
    candidate: bool = False
    """Only a part is tested beside the others: users who try a release candidate are to lose no secret."""
    unavailable: tuple[str, ...] = ()
    """The sanity tests that need more than a package index has."""


# The newest release of each series, so that nobody has to follow them here.
CORES = {
    "2.18": Core("ansible-core~=2.18.0", controllers=((3, 11), (3, 13)), oldest_target=(3, 8)),
    "2.19": Core("ansible-core~=2.19.0", controllers=((3, 11), (3, 13)), oldest_target=(3, 8)),
    "2.20": Core("ansible-core~=2.20.0", controllers=((3, 12), (3, 14)), oldest_target=(3, 9)),
    "2.21": Core("ansible-core~=2.21.0", controllers=((3, 12), (3, 14)), oldest_target=(3, 9)),
    "2.22": Core(
        "ansible-core~=2.22.0rc1",
        controllers=((3, 13), (3, 14)),
        oldest_target=(3, 9),
        candidate=True,
        # One of its packages is on GitHub alone. The other series run this test, and the session codeqa runs pylint.
        unavailable=("pylint",),
    ),
    # In no package index, so it is tested only if it is asked for.
    "devel": Core(
        "ansible-core @ https://github.com/ansible/ansible/archive/devel.tar.gz",
        controllers=((3, 13), (3, 14)),
        oldest_target=(3, 9),
        candidate=True,
        unavailable=("pylint",),
    ),
}
ON_REQUEST = {"devel"}


class Part(Enum):
    """How much of a series is tested, depending on what is tested beside it."""

    WHOLE = auto()
    """All, with modules on each Python: the series that was asked for."""
    FLOOR = auto()
    """The oldest series. What does not differ between series is left to the newest one."""
    NEWEST = auto()
    """The newest release."""
    SAMPLE = auto()
    """What a release candidate is most likely to break."""


class Run(NamedTuple):
    """A series to test, on one Python, with modules on these, the oldest first."""

    series: str
    controller: Version
    targets: tuple[Version, ...]
    part: Part

    @property
    def core(self) -> Core:
        return CORES[self.series]


def controllers(core: Core, pythons: Collection[Version]) -> list[Version]:
    """The Pythons that can run this ansible-core, oldest first."""
    oldest, newest = core.controllers
    return sorted(version for version in pythons if oldest <= version <= newest)


def targets(core: Core, controller: Version, pythons: Collection[Version]) -> tuple[Version, ...]:
    """The Pythons to run modules on: the oldest that is there, and the controller's."""
    oldest = min(version for version in pythons if version >= core.oldest_target)
    return tuple(sorted({oldest, controller}))


def runs(chosen: str | None, pythons: Collection[Version]) -> list[Run]:
    """What to test with these Pythons, the floor first and release candidates last.

    The floor runs on the oldest Python and the newest release on the newest Python, so that two runs see as much as they
    can. A chosen series runs on the Python that runs this, and is tested as a whole; "none" is no series at all.
    """
    if chosen == "none":
        return []
    if chosen:
        running = sys.version_info[:2]
        if chosen not in CORES or running not in controllers(CORES[chosen], pythons):
            raise SystemExit(f"ANSIBLE_CORE={chosen} cannot be tested on Python {dotted(running)}, see {__file__}")
        return [Run(chosen, running, targets(CORES[chosen], running, pythons), Part.WHOLE)]
    available = [name for name, core in CORES.items() if name not in ON_REQUEST and controllers(core, pythons)]
    floor, *_between, newest = [series for series in available if not CORES[series].candidate]
    candidates = [series for series in available if CORES[series].candidate]
    found = []
    for series, part in [(floor, Part.FLOOR), (newest, Part.NEWEST), *((each, Part.SAMPLE) for each in candidates)]:
        controller = controllers(CORES[series], pythons)[0 if part is Part.FLOOR else -1]
        found.append(Run(series, controller, targets(CORES[series], controller, pythons), part))
    return found


def untested(pythons: Collection[Version]) -> list[str]:
    """The series that no Python here can run."""
    return [series for series, core in CORES.items() if not controllers(core, pythons)]


def dotted(version: Version) -> str:
    """Write a version the way people do."""
    return ".".join(map(str, version))
