# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long to wait for something. This file is private to the collection and can change in any release."""

from __future__ import annotations

import time


class Deadline:
    """Waits between two checks, longer each time, and not longer than the given seconds in all."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._pause = 1.0

    def wait(self) -> bool:
        """Wait a while and return True, so that checking again may help. Return False once the time is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(self._pause, left))
        self._pause = min(self._pause * 1.5, 5.0)
        return True
