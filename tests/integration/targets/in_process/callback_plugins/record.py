# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes down what it is told of tasks, whole: others take out what they have shown."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: stdout
short_description: Write down the results of tasks
description:
  - Writes each result as a line of JSON to the file that E(RECORD_FILE) names.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "record"

    def _record(self, result: Any, **_more: Any) -> None:
        with open(os.environ["RECORD_FILE"], "a", encoding="utf-8") as file:
            file.write(json.dumps(result._result) + "\n")

    v2_runner_item_on_ok = v2_runner_item_on_failed = _record
    v2_runner_on_ok = v2_runner_on_failed = _record
