# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole answers about billing, each value of its own, and all that is made of them."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _billing, _invoices
from ansible_collections.finops.cloudflare.plugins.module_utils._api import Call

ACCOUNT = "0123456789abcdef0123456789abcdef"


def test_an_invoice_preview() -> None:
    line = {"description": "AI Gateway", "amount": 500, "currency": "usd", "quantity": 2, "more": 1}
    answer = {
        "id": "upcoming_1",
        "status": "draft",
        "currency": "usd",
        "amount_due": 500,
        "amount_paid": 100.0,
        "amount_remaining": 400,
        "period_start": 1_795_435_200,
        "period_end": 1_795_521_600,
        "invoice_lines": [line],
    }
    assert _billing.invoice_preview_from_api(answer) == {
        "id": "upcoming_1",
        "status": "draft",
        "currency": "usd",
        "amount_due": 500,
        "amount_paid": 100,
        "amount_remaining": 400,
        "period_start": 1_795_435_200,
        "start": "2026-11-23T12:00:00Z",
        "period_end": 1_795_521_600,
        "end": "2026-11-24T12:00:00Z",
        "lines": [{"description": "AI Gateway", "amount": 500, "currency": "usd", "quantity": 2}],
    }


def test_a_spending_limit() -> None:
    config = {"amount": 10000, "duration": "month", "strategy": "block"}
    assert _billing.spending_limit_from_api({"enabled": True, "config": config}) == {"enabled": True, **config}
    nothing = {"amount": None, "duration": None, "strategy": None}
    assert _billing.spending_limit_from_api({"enabled": False, "config": None}) == {"enabled": False, **nothing}


def test_the_usage() -> None:
    bucket = {"id": "1", "aggregated_value": 2.5, "start_time": 1_795_435_200_000, "end_time": 1_795_438_800_000}
    assert _billing.usage_from_api({"history": [bucket]}, "hour", 1_795_435_200_000, 1_795_442_400_000) == {
        "window": "hour",
        "start": "2026-11-23T12:00:00Z",
        "start_time": 1_795_435_200_000,
        "end": "2026-11-23T14:00:00Z",
        "end_time": 1_795_442_400_000,
        "total": 2.5,
        "history": [
            {
                "id": "1",
                "amount": 2.5,
                "start": "2026-11-23T12:00:00Z",
                "start_time": 1_795_435_200_000,
                "end": "2026-11-23T13:00:00Z",
                "end_time": 1_795_438_800_000,
            }
        ],
    }


def test_an_invoice() -> None:
    invoice = {
        "id": "in_1",
        "status": "paid",
        "currency": "usd",
        "description": "credit",
        "created_by": "somebody",
        "invoice_origin": "manual",
        "invoice_pdf": "https://pay.invalid/in_1",
        "amount_due": 5250,
        "amount_paid": 5249,
        "amount_remaining": 1,
        "attempt_count": 2,
        "attempted": True,
        "auto_advance": False,
        "created": 1_795_435_200,
    }
    page = _invoices.page_from_api(
        {"invoices": [{**invoice, "more": 1}], "pagination": {"has_more": False, "total_count": 7, "page": 3}}
    )
    assert page == ([{**invoice, "created_at": "2026-11-23T12:00:00Z"}], True, 7, 3)


@pytest.mark.parametrize(
    ("call", "purpose"),
    [
        (_billing.read_balance(ACCOUNT), "credit balance"),
        (_billing.read_usage(ACCOUNT, "day", 1, 2), "usage"),
        (_billing.read_invoice_preview(ACCOUNT), "invoice preview"),
        (_billing.read_spending_limit(ACCOUNT), "spending limit"),
        (_invoices.invoices_request(ACCOUNT, "all"), "invoices"),
    ],
)
def test_a_failure_says_what_could_not_be_read(call: Call, purpose: str) -> None:
    assert call.purpose == f"read the {purpose} of account {ACCOUNT}"


@pytest.mark.parametrize(
    ("parse", "name"),
    [
        (_billing.balance_from_api, "the credit balance"),
        (lambda result: _billing.usage_from_api(result, "day", 0, 1), "the usage"),
        (_billing.invoice_preview_from_api, "the invoice preview"),
        (_billing.spending_limit_from_api, "the spending limit"),
        (_invoices.page_from_api, "the invoices"),
    ],
)
def test_an_answer_that_is_no_object_is_named(parse: Callable[[object], Any], name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} is not an object$"):
        parse([])
