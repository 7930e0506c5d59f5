# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The call that lists accounts."""

from __future__ import annotations

import math
import re
from typing import Any

from ._routes import Call, Page, invalid, parameter, route, with_optional

SMALLEST_PAGE, USUAL_PAGE, LARGEST_PAGE = 5, 20, 50
FURTHEST_PAGE = 1_000_000


@route("GET", "/accounts", None)
def list_accounts(call: Call) -> Page:
    page = _whole(call, "page", 1, 1, FURTHEST_PAGE)
    per_page = _whole(call, "per_page", USUAL_PAGE, SMALLEST_PAGE, LARGEST_PAGE)
    listed = [] if call.settings["accounts"] == "hidden" else list(_reachable(call))
    shown = listed[(page - 1) * per_page : page * per_page]
    info = {
        "page": page,
        "per_page": per_page,
        "count": len(shown),
        "total_count": len(listed),
        "total_pages": math.ceil(len(listed) / per_page),
    }
    return Page(shown, None if call.settings["result_info"] == "missing" else info)


def _reachable(call: Call) -> list[dict[str, Any]]:
    return [
        with_optional(
            {
                "id": account_id,
                "name": account["name"],
                "type": account["type"],
                "created_on": account["created_on"],
            },
            ("created_on",),
            call.settings,
        )
        for account_id, account in call.accounts.items()
        if account["reachable"]
    ]


def _whole(call: Call, name: str, otherwise: int, least: int, most: int) -> int:
    sent = parameter(call.request, name)
    if sent is None:
        return otherwise
    if not re.fullmatch(r"[0-9]{1,7}", sent) or not least <= int(sent) <= most:
        raise invalid("query", name, f"Expected a whole number from {least} to {most}")
    return int(sent)
