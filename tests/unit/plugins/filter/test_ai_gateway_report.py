# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import csv
import io
import unicodedata
from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.filter.ai_gateway_report import FilterModule
from hypothesis import given
from hypothesis import strategies as st

MADE = "2026-11-23T12:00:00Z"
DAY = 86_400_000
START = 1795219200000  # 2026-11-21T00:00:00Z
ID = "0123456789abcdef0123456789abcdef"
NO_TOPUP = {"amount": None, "threshold": None, "disabled_reason": None, "error": None, "last_failed": None}
ON = {**NO_TOPUP, "amount": 5000, "threshold": 1000}
FORECAST = {"daily_spend": 100.0, "days_until_empty": 50.0, "days_until_topup": 40.0}

ai_gateway_report = FilterModule().filters()["ai_gateway_report"]


def usage(*amounts: float | None) -> dict[str, Any]:
    """Usage from 21 November on, a day for each amount; None is a day that the API says nothing about."""
    return {
        "start": "2026-11-21T00:00:00Z",
        "start_time": START,
        "end": "2026-11-24T00:00:00Z",
        "end_time": START + len(amounts) * DAY,
        "total": sum(amount or 0 for amount in amounts),
        "history": [
            {"start": f"2026-11-{21 + day}T00:00:00Z", "amount": amount}
            for day, amount in enumerate(amounts)
            if amount is not None
        ],
    }


def invoice(**changes: Any) -> dict[str, Any]:
    return {
        "id": "in_1",
        "description": "Credits",
        "status": "paid",
        "currency": "usd",
        "created_at": "2026-11-22T00:00:00Z",
        "invoice_pdf": "https://example.com/1.pdf",
        "amount_due": 5250,
        "amount_paid": 5250,
        "amount_remaining": 0,
        **changes,
    }


def read(item: Any = ID, **changes: Any) -> dict[str, Any]:
    """What the loop registers for an account that was read."""
    billing = {
        "balance": 5000,
        "has_default_payment_method": True,
        "topup": ON,
        "usage": usage(100, None, 0),
        "invoices": [],
        "forecast": FORECAST,
    }
    return {"item": item, "billing": {**billing, **changes}}


def texts(value: Any) -> list[str]:
    """All texts in a structure, but not the keys."""
    if isinstance(value, (dict, list)):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in texts(item)]
    return [value] if isinstance(value, str) else []


def page(*results: dict[str, Any]) -> Any:
    return ai_gateway_report(results, MADE)["page"]


def table(*results: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(ai_gateway_report(results, MADE)["table"])))


def test_accounts_with_problems_come_first_and_the_worst_of_them_before_the_others() -> None:
    soon = {**FORECAST, "days_until_empty": 3.0}
    results = [
        read({"id": ID, "name": "b fine"}),
        read({"id": ID, "name": "A fine"}),
        read({"id": ID, "name": "fine, but shorter"}, forecast={**FORECAST, "days_until_empty": 9.0}),
        read({"id": ID, "name": "unknown"}, topup=NO_TOPUP, forecast={"daily_spend": None, "days_until_empty": None}),
        read({"id": ID, "name": "open"}, invoices=[invoice(status="open", amount_remaining=9900)]),
        read({"id": ID, "name": "declined"}, topup={**ON, "error": "declined"}),
        read({"id": ID, "name": "cardless"}, has_default_payment_method=False),
        read({"id": ID, "name": "ending"}, topup=NO_TOPUP, forecast=soon),
        read({"id": ID, "name": "stopped"}, topup={**ON, "disabled_reason": "payment_failed"}),
        read({"id": ID, "name": "negative"}, balance=0.4, forecast={**FORECAST, "days_until_empty": 0}),
        {"item": {"id": ID, "name": "unread"}, "failed": True, "msg": "No permission."},
    ]
    problems = {account["name"]: account["problems"] for account in page(*results)["accounts"]}
    assert list(problems.items()) == [
        ("unread", ["No permission."]),
        ("negative", ["The credit is used up: the balance is $0.00."]),
        ("cardless", ["The auto top-up cannot buy anything: there is no payment method."]),
        ("stopped", ["Cloudflare has stopped the auto top-up: payment_failed"]),
        ("ending", ["Less than 7 days of credit are left, and nothing adds credit."]),
        ("declined", ["The last automatic purchase failed: declined"]),
        ("open", ["An invoice of 2026-11-22 is not paid: $99.00."]),
        ("unknown", ["Nothing adds credit, and there is too little usage to tell how long the credit lasts."]),
        ("fine, but shorter", []),
        ("A fine", []),
        ("b fine", []),
    ]


@pytest.mark.parametrize("days", [None, 7.0])
def test_credit_that_lasts_is_no_problem_without_a_top_up(days: float | None) -> None:
    (account,) = page(read(topup=NO_TOPUP, forecast={**FORECAST, "days_until_empty": days}))["accounts"]
    assert account["problems"] == []


def test_a_top_up_makes_a_short_forecast_no_problem() -> None:
    (account,) = page(read(forecast={**FORECAST, "days_until_empty": 1.0}))["accounts"]
    assert account["problems"] == []


@pytest.mark.parametrize(
    ("balance", "invoices", "problems"),
    [
        (1000, [], []),
        (
            999,
            [invoice(created=1795400000)],
            [
                (
                    "The balance is below the minimum balance, $10.00, and no purchase is in progress. Check that the job "
                    "that buys credit runs."
                )
            ],
        ),
        (
            999,
            [invoice(created=1795434900)],
            [
                (
                    "The balance is below the minimum balance, $10.00. Nothing is bought while an earlier purchase may be "
                    "in progress: invoice in_1 for $52.50 (created 2026-11-22T00:00:00Z)."
                )
            ],
        ),
    ],
)
def test_a_floor_that_purchases_keep(balance: int, invoices: list[dict[str, Any]], problems: list[str]) -> None:
    """An account without auto top-up is no problem then, unless it is below its floor."""
    soon = {**FORECAST, "days_until_empty": 3.0}
    result = read(
        {"id": ID, "name": "x", "minimum_balance": 1000},
        balance=balance,
        topup=NO_TOPUP,
        invoices=invoices,
        forecast=soon,
    )
    assert page(result)["accounts"][0]["problems"] == problems
    assert table(result)[0]["minimum_balance_cents"] == "1000"
    assert table(read())[0]["minimum_balance_cents"] == ""


def test_an_account_can_have_two_problems() -> None:
    (account,) = page(read(balance=0, topup={**ON, "disabled_reason": "no", "error": "declined"}))["accounts"]
    assert [problem.split(":")[0] for problem in account["problems"]] == [
        "The credit is used up",
        "Cloudflare has stopped the auto top-up",
        "The last automatic purchase failed",
    ]


@pytest.mark.parametrize(
    ("topup", "state"),
    [
        (NO_TOPUP, "off"),
        (ON, "on"),
        ({**NO_TOPUP, "threshold": 500}, "on"),
        ({**ON, "disabled_reason": "payment_failed"}, "stopped"),
    ],
)
def test_the_state_of_the_auto_top_up(topup: dict[str, Any], state: str) -> None:
    assert page(read(topup=topup))["accounts"][0]["auto_topup"] == state


@pytest.mark.parametrize(
    ("topup", "forecast", "why_no_end", "why_no_topup"),
    [
        (ON, FORECAST, None, None),
        (ON, {"daily_spend": None, "days_until_empty": None}, "too little usage to tell", "too little usage to tell"),
        (ON, {"daily_spend": 0, "days_until_empty": None}, "nothing is spent", "nothing is spent"),
        ({**ON, "threshold": None}, FORECAST, None, "no threshold"),
        (NO_TOPUP, FORECAST, None, "no auto top-up"),
        ({**ON, "disabled_reason": "no"}, FORECAST, None, "auto top-up is stopped"),
    ],
)
def test_a_missing_forecast_has_a_reason(topup: Any, forecast: Any, why_no_end: str, why_no_topup: str) -> None:
    (account,) = page(read(topup=topup, forecast=forecast))["accounts"]
    assert (account["why_no_end"], account["why_no_topup"]) == (why_no_end, why_no_topup)


def test_totals_leave_out_what_was_not_read() -> None:
    other = {"balance": -100.5, "usage": usage(7.5), "forecast": {"daily_spend": None, "days_until_empty": 0}}
    whole = page(read(invoices=[invoice()]), read(**other), {"item": ID, "msg": "No permission."})
    assert whole["totals"] == {
        "accounts": 3,
        "failed": 1,
        "problems": 2,
        "balance": 5000,
        "overdrawn": 100.5,
        "usage": 107.5,
        "daily_spend": 100.0,
        "charged": 5250,
    }
    assert (whole["start"], whole["end"]) == ("2026-11-21T00:00:00Z", "2026-11-24T00:00:00Z")


def test_a_report_on_nothing_that_could_be_read() -> None:
    whole = page({"item": ID}, {"item": {"id": ID.upper(), "name": "other"}, "msg": "No permission."})
    assert (whole["start"], whole["end"], whole["totals"]["balance"]) == (None, None, 0)
    assert [account["error"] for account in whole["accounts"]] == [
        "The account could not be read.",
        "No permission.",
    ]
    assert [account["id"] for account in whole["accounts"]] == [ID, ID]


def test_the_chart_of_the_spend_has_a_bar_for_each_day_with_data() -> None:
    spend = page(read(usage=usage(50, None, 0, 200)))["accounts"][0]["spend"]
    assert [(each["position"], each["when"], each["amount"], each["height"]) for each in spend["bars"]] == [
        (0, "2026-11-21", 50, 25.0),
        (2, "2026-11-23", 0, 1.5),
        (3, "2026-11-24", 200, 100.0),
    ]
    assert (spend["count"], spend["highest"], spend["sum"]) == (4, 200, 250)
    assert (spend["first"], spend["last"]) == ("2026-11-21", "2026-11-24")


def test_the_chart_of_the_charges_has_twelve_months() -> None:
    invoices = [
        invoice(),
        invoice(amount_paid=100),
        invoice(created_at="2025-12-01T00:00:00Z", amount_paid=1000, currency=None),
        invoice(created_at="2025-11-30T23:59:59Z"),
        invoice(created_at=None),
        invoice(amount_paid=0),
        invoice(amount_paid=None),
        invoice(currency="eur"),
    ]
    charges = page(read(invoices=invoices))["accounts"][0]["charges"]
    assert [(each["position"], each["when"], each["amount"]) for each in charges["bars"]] == [
        (0, "2025-12", 1000),
        (11, "2026-11", 5350),
    ]
    assert (charges["sum"], charges["left_out"]) == (6350, ["charges in EUR", "charges without a date"])


def test_the_last_five_invoices_are_shown() -> None:
    shown = page(read(invoices=[invoice(id=f"in_{n}", description=None) for n in range(6)]))["accounts"][0]["invoices"]
    assert [each["title"] for each in shown] == ["in_0", "in_1", "in_2", "in_3", "in_4"]
    assert shown[0] == {
        "date": "2026-11-22",
        "title": "in_0",
        "link": "https://example.com/1.pdf",
        "status": "paid",
        "due": "$52.50",
        "paid": "$52.50",
    }


def test_an_invoice_without_what_is_optional() -> None:
    bare = dict.fromkeys(invoice())
    (shown,) = page(read(invoices=[{**bare, "amount_due": -125.0, "currency": "eur"}]))["accounts"][0]["invoices"]
    assert shown == {"date": "", "title": "Invoice", "link": None, "status": None, "due": "-1.25 EUR", "paid": None}


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("http://example.com/a?b=1&c=2", "http://example.com/a?b=1&amp;c=2"),
        ("HTTPS://example.com/", "HTTPS://example.com/"),
        ("javascript:alert(1)", None),
        (" javascript:alert(1)", None),
        ("data:text/html,<b>", None),
        ("//example.com/", None),
        ("http://[broken", "http://[broken"),
        (None, None),
    ],
)
def test_only_web_addresses_become_links(address: str | None, link: str | None) -> None:
    (shown,) = page(read(invoices=[invoice(invoice_pdf=address)]))["accounts"][0]["invoices"]
    assert shown["link"] == link


def test_the_table_has_a_line_for_each_account() -> None:
    fine, failed = sorted(table({"item": "x", "msg": "No, and no."}, read()), key=lambda row: row["problems"])
    assert fine == {
        "account_id": ID,
        "name": ID,
        "read": "yes",
        "problems": "",
        "minimum_balance_cents": "",
        "balance_cents": "5000",
        "auto_topup": "on",
        "topup_amount_cents": "5000",
        "topup_threshold_cents": "1000",
        "topup_disabled_reason": "",
        "topup_error": "",
        "usage_cents": "100",
        "usage_start": "2026-11-21T00:00:00Z",
        "usage_end": "2026-11-24T00:00:00Z",
        "daily_spend_cents": "100.0",
        "days_until_empty": "50.0",
        "days_until_topup": "40.0",
        "charged_12_months_cents": "0",
        "made": MADE,
    }
    filled = {
        "account_id": "x",
        "name": "x",
        "read": "no",
        "problems": "No, and no.",
        "minimum_balance_cents": "",
        "auto_topup": "unknown",
        "made": MADE,
    }
    assert failed == {**dict.fromkeys(fine, ""), **filled}


HOSTILE = st.text() | st.sampled_from(["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", '"', "a\nb", "<script>", "'&'"])

# What a spreadsheet may show nothing of, split at, or take for the start of a formula, in forms that few think of.
UNSEEN = " \t\n\r\x00\x0b\x1f\x7f\x85\xa0\xad\u034f\u115f\u2003\u200b\u2028\u202e\u2060\u2800\u3000\u3164\ufe0f\ufeff\U000e0001"
FORMULA = st.text(
    st.sampled_from(
        [*UNSEEN, *",;\"'=+-@", *"\uff1d\uff0b\uff0d\uff20\ufe66\u207a\ufb29\u2212\uff1b\uff02", *"x1|\u0301\u0338"]
    )
)


def first_seen(cell: str) -> str:
    """The first character that a reader of the cell sees, in its usual form."""
    invisible = ("C", "M", "Z")
    seen = (char for char in unicodedata.normalize("NFKC", cell) if unicodedata.category(char)[0] not in invisible)
    return next((char for char in seen if char not in "\u1160\u115f\u2800"), "")


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|'/c calc'!A1",
        "x;=cmd|'/c calc'!A1",
        'x;"=cmd"',
        "x,\t@SUM(1)",
        "x\n-1+1",
        "  +1",
        "\xa0=1",
        "\u200b=1",
        "\ufeff\u2060\x00=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        "\u3000;\uff1d1",
    ],
)
def test_a_formula_becomes_text(text: str) -> None:
    assert_no_formula(
        read({"id": ID, "name": text}, balance=-80.5, topup={**ON, "disabled_reason": text, "error": text})
    )
    assert_no_formula({"item": {"id": text, "name": text}, "failed": True, "msg": text}, read())


@given(FORMULA | HOSTILE, FORMULA | HOSTILE)
def test_no_text_is_a_formula_for_a_spreadsheet(name: str, reason: str) -> None:
    assert_no_formula(
        read({"id": ID, "name": name}, balance=-80.5, topup={**ON, "disabled_reason": reason or None, "error": name}),
        {"item": {"id": reason, "name": name}, "failed": True, "msg": reason},
    )


def assert_no_formula(*results: dict[str, Any]) -> None:
    """However the file is split, no cell is a formula, and a negative number stays one."""
    written = ai_gateway_report(results, MADE)["table"]
    # The lines of a reader that knows three kinds of line breaks, and of one that knows all.
    for lines in (list(io.StringIO(written, newline="")), written.splitlines()):
        for delimiter in ",;\t":
            for row in csv.reader(lines, delimiter=delimiter):
                bad = [cell for cell in row if first_seen(cell) in tuple("=+-@\u2212") or cell[:1] in tuple("=+-@")]
                assert [cell for cell in bad if delimiter != "," or cell != "-80.5"] == [], (written, delimiter)
    balances = [row["balance_cents"] for row in csv.DictReader(io.StringIO(written, newline=""))]
    assert set(balances) <= {"-80.5", "5000", ""}


def test_a_harmless_text_is_written_as_it_is() -> None:
    name = 'Team A-B, a+b; 5 < 6 = no, me@example.com; "quoted"; \u00e9\u4e2d'
    (row,) = table(read({"id": ID, "name": name}, balance=-80))
    assert row["name"] == name
    assert row["balance_cents"] == "-80"


@given(HOSTILE, HOSTILE)
def test_no_text_is_markup_for_a_browser(name: str, reason: str) -> None:
    results = [
        read({"id": ID, "name": name}, topup={**ON, "disabled_reason": reason}, invoices=[invoice(description=reason)]),
        {"item": {"id": reason, "name": name}, "msg": reason},
    ]
    shown = texts(page(*results))
    assert len(shown) > 20
    assert not [text for text in shown if set(text) & set("<>\"'")]


def test_the_data_holds_what_was_read() -> None:
    result = read({"id": ID, "name": "<Team>"})
    data = ai_gateway_report([result], MADE)["data"]
    assert data["made"] == MADE
    assert data["accounts"] == [
        {
            "id": ID,
            "name": "<Team>",
            "minimum_balance": None,
            "problems": [],
            "error": None,
            "auto_topup": "on",
            "charged": 0,
            "billing": result["billing"],
        }
    ]
