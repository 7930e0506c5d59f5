# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The call that lists accounts."""

from __future__ import annotations

import math
import re
from typing import Any, Iterator

from ._routes import Call, Page, invalid, parameter, route, with_optional

SMALLEST_PAGE, USUAL_PAGE, LARGEST_PAGE = 5, 20, 50
CAPPED_PAGE = 20
FURTHEST_PAGE = 1_000_000


@route("GET", "/accounts", None)
def list_accounts(call: Call) -> Page:
    page = _whole(call, "page", 1, 1, FURTHEST_PAGE)
    per_page = _whole(call, "per_page", USUAL_PAGE, SMALLEST_PAGE, LARGEST_PAGE)
    listed = [] if call.settings["accounts"] == "hidden" else list(_reachable(call))
    mode = call.settings["pages"]
    if mode == "capped":
        per_page = min(per_page, CAPPED_PAGE)
    last = max(1, math.ceil(len(listed) / per_page))
    numbers = {"clamped": min(page, last), "repeated": 1}
    start = (numbers.get(mode, page) - 1) * per_page
    shown = list(_made_up(page, per_page)) if mode == "endless" else listed[start : start + per_page]
    totals = {"of_the_page": len(shown), "zero": 0, "too_many": len(listed) + 1}
    info = {
        "page": page,
        "per_page": per_page,
        "count": len(shown),
        "total_count": totals.get(call.settings["total_count"], len(listed)),
        "total_pages": math.ceil(len(listed) / per_page),
    }
    return Page(shown, None if call.settings["result_info"] == "missing" else info)


def _made_up(page: int, per_page: int) -> Iterator[dict[str, Any]]:
    for number in range((page - 1) * per_page, page * per_page):
        yield {"id": f"{number:032x}", "name": f"Account {number}", "type": "standard", "created_on": None}


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
