# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.finops.cloudflare.plugins.plugin_utils._in_process import InProcessAction, preload


class ActionModule(InProcessAction):
    ACTION = preload(__name__)
