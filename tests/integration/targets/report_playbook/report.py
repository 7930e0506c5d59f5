# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook ``report``, run by its name as a user runs it, against the simulator."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from simulator.simulator import ACCOUNT_ID, FOREIGN_ACCOUNT_ID, OTHER_ACCOUNT_ID, READ_TOKEN, Simulator

NEGATIVE_ID, HOSTILE_ID, UNUSED_ID = "a" * 32, "b" * 32, "c" * 32
HOSTILE_REASON = "<script>alert(1)</script>{{ lookup('ansible.builtin.pipe', 'touch pwned') }}"
INVOICE = {"type": "auto", "amount_paid": 5250, "amount_due": 5250, "amount_remaining": 0, "currency": "usd"}
STATES: dict[str, dict[str, Any]] = {
    ACCOUNT_ID: {"balance": 123456.25, "topup": {"amount": 5000, "threshold": 1000}},
    OTHER_ACCOUNT_ID: {
        "balance": 420,
        "topup": {"amount": 5000, "threshold": 1000, "disabledReason": "payment_failed"},
    },
    NEGATIVE_ID: {"balance": -310.25},
    HOSTILE_ID: {
        "topup": {"amount": 5000, "threshold": 1000, "disabledReason": HOSTILE_REASON, "error": "=1+1"},
        "invoices": [{**INVOICE, "invoice_pdf": "javascript:alert(1)", "description": "<img src=x onerror=alert(1)>"}],
    },
    UNUSED_ID: {"balance": 5000, "usage": [], "invoices": []},
}
ACCOUNTS = [
    {"id": ACCOUNT_ID, "name": "Chat"},
    {"id": OTHER_ACCOUNT_ID, "name": "Search & more"},
    {"id": NEGATIVE_ID, "name": "Research", "minimum_balance": 1000},
    {"id": HOSTILE_ID, "name": "=cmd|'x'"},
    {"id": UNUSED_ID, "minimum_balance": None},
    {"id": FOREIGN_ACCOUNT_ID, "name": "Sold"},
]
FLOORS = [
    (10, "in cents: 10 is $0.10. The minimum is 500 ($5.00). For $10.00, write 1000."),
    (True, "True. Set it to a whole number of cents, for example 1000 for $10.00."),
    ("1000", '"1000". Set it to a whole number of cents'),
    (1000.5, "1000.5. Set it to a whole number of cents"),
]
ORDER = ["Sold", "Research", "Search & more", "=cmd|'x'", UNUSED_ID, "Chat"]


class Page(HTMLParser):
    """The elements of a page, and the text below each heading."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.sections: dict[str, str] = {"": ""}
        self._heading: str | None = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "h3":
            self._heading = ""

    def handle_data(self, data: str) -> None:
        if self._heading is None:
            self.sections[list(self.sections)[-1]] += data
        else:
            self._heading += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "h3" and self._heading is not None:
            self.sections[self._heading] = ""
            self._heading = None


def run(simulator: Simulator, work: Path, *options: str, code: int = 0, **variables: Any) -> str:
    """Run the playbook in an empty directory and return what it prints, on one line."""
    simulator.forget_requests()
    command = ["ansible-playbook", "finops.cloudflare.report", "-e", json.dumps(variables), *options]
    print("$", *command, flush=True)
    env = {**os.environ, "CLOUDFLARE_API_TOKEN": READ_TOKEN, "CLOUDFLARE_BASE_URL": simulator.api_url}
    finished = subprocess.run(
        command, cwd=work, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    print(finished.stdout)
    assert finished.returncode == code, finished.returncode
    assert READ_TOKEN not in finished.stdout
    return " ".join(finished.stdout.split())


def report_on_all(simulator: Simulator, work: Path) -> None:
    shown = run(simulator, work, accounts=ACCOUNTS, report="team.html", code=2)
    assert "1 of 6 accounts could not be read: Sold. The report is in " in shown
    assert "The first error is: Could not read the credit balance of account" in shown
    parts = ["credit-balance", "invoice-history", "usage-history"]
    asked = sorted(
        (request["path"].split("accounts/")[1][:32], request["path"].split("/")[-1]) for request in simulator.requests
    )
    read = [(account_id, part) for account_id in STATES for part in parts]
    assert asked == sorted([*read, (FOREIGN_ACCOUNT_ID, "credit-balance")]), asked
    assert sorted(path.name for path in work.iterdir()) == ["team.csv", "team.html", "team.json"]
    assert (work / "team.html").stat().st_mode & 0o777 == 0o640
    look_at_data(json.loads((work / "team.json").read_text(encoding="utf-8")), simulator)
    look_at_table(work / "team.csv")
    look_at_page(Page(work / "team.html"))


def look_at_data(data: dict[str, Any], simulator: Simulator) -> None:
    assert [account["name"] for account in data["accounts"]] == ORDER
    assert data["totals"]["failed"] == 1
    balances = [simulator.account(account_id)["balance"] for account_id in STATES]
    assert data["totals"]["balance"] == sum(max(balance, 0) for balance in balances)
    assert data["totals"]["overdrawn"] == 310.25
    for account in data["accounts"]:
        if account["id"] in STATES:
            stored, read = simulator.account(account["id"]), account["billing"]
            assert read["balance"] == stored["balance"]
            assert read["topup"]["disabled_reason"] == stored["topup"]["disabledReason"]
            assert len(read["invoices"]) == len(stored["invoices"])
            used = [usage["aggregated_value"] for usage in stored["usage"]]
            assert 0 <= read["usage"]["total"] <= sum(used)
            assert bool(read["usage"]["total"]) == bool(used)
        else:
            assert account["error"] and account["billing"] is None


def look_at_table(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.endswith('"\n') and not text.endswith("\n\n")
    rows = {row["account_id"]: row for row in csv.DictReader(text.splitlines())}
    assert list(rows) == [FOREIGN_ACCOUNT_ID, NEGATIVE_ID, OTHER_ACCOUNT_ID, HOSTILE_ID, UNUSED_ID, ACCOUNT_ID]
    assert rows[ACCOUNT_ID]["balance_cents"] == "123456.25"
    assert rows[NEGATIVE_ID]["balance_cents"] == "-310.25"
    assert rows[FOREIGN_ACCOUNT_ID]["balance_cents"] == ""
    assert rows[HOSTILE_ID]["name"] == "'=cmd|'x'"
    assert rows[HOSTILE_ID]["topup_error"] == "'=1+1"
    assert rows[UNUSED_ID]["days_until_empty"] == ""


def look_at_page(page: Page) -> None:
    assert list(page.sections)[1:] == ORDER
    assert "$123,456" not in "".join(page.sections.values())
    assert "$1,234.56" in page.sections["Chat"]
    assert "On: buys $50.00 below $10.00" in page.sections["Chat"]
    assert "-$3.10" in page.sections["Research"]
    assert "Kept at $10.00 or more by purchases" in page.sections["Research"]
    assert "below the minimum balance, $10.00, and no purchase is in progress" in page.sections["Research"]
    assert "by purchases" not in page.sections["Chat"]
    assert "nothing is spent" in page.sections[UNUSED_ID] or "too little usage" in page.sections[UNUSED_ID]
    assert HOSTILE_REASON in page.sections["=cmd|'x'"]
    assert "<img src=x onerror=alert(1)>" in page.sections["=cmd|'x'"]
    assert "Could not read the credit balance" in page.sections["Sold"]
    names = {name for name, _attributes in page.elements}
    assert {"table", "svg", "rect", "h1"} <= names
    assert not names & {"script", "img", "link", "iframe", "object", "form", "base"}
    attributes = [(name, value or "") for _element, each in page.elements for name, value in each.items()]
    assert not [name for name, _value in attributes if name.startswith("on") or name in ("src", "style")]
    links = [value for name, value in attributes if name == "href"]
    assert len([link for link in links if link.startswith("#account-")]) == len(ORDER)
    assert len([link for link in links if re.match(r"https://pay\.simulator\.example/", link)]) >= 9
    assert not [link for link in links if not link.startswith(("#account-", "https://pay.simulator.example/"))]


def report_as_a_survey_asks(simulator: Simulator, work: Path) -> None:
    """Accounts as text, and what was not answered as an empty one."""
    accounts = f"{ACCOUNT_ID},\n {NEGATIVE_ID}"
    shown = run(simulator, work, "--check", accounts=accounts, report="", usage_start="")
    assert f"The report would be written to {work.resolve()}/credit.html (accounts: 2)." in shown
    assert list(work.iterdir()) == []
    shown = run(simulator, work, accounts=accounts, report="", usage_start="7d")
    assert f"The report is in {work.resolve()}/credit.html (accounts: 2)." in shown
    data = json.loads((work / "credit.json").read_text(encoding="utf-8"))
    for account in data["accounts"]:
        usage = account["billing"]["usage"]
        assert 7 <= (usage["end_time"] - usage["start_time"]) / 86_400_000 <= 8


def refuse(simulator: Simulator, work: Path) -> None:
    wrong: list[Any] = [
        None,
        "",
        [],
        {"id": ACCOUNT_ID},
        5,
        f"{ACCOUNT_ID},",
    ]
    for accounts in wrong:
        assert "Set accounts to the account IDs to report on" in run(simulator, work, code=2, accounts=accounts)
        assert simulator.requests == []
    entries: list[tuple[Any, str]] = [
        ("typo", "Entry 1 of accounts is not a Cloudflare account ID"),
        ([ACCOUNT_ID, None], "Entry 2 of accounts is not a Cloudflare account ID"),
        ([ACCOUNT_ID, {"account_id": NEGATIVE_ID}], "Entry 2 of accounts has no id."),
        ([ACCOUNT_ID, NEGATIVE_ID, {"id": ACCOUNT_ID.upper()}], "Entries 1 and 3 of accounts have the same ID."),
    ]
    for accounts, said in entries:
        assert said in run(simulator, work, code=2, accounts=accounts)
        assert simulator.requests == []
    for floor, said in FLOORS:
        shown = run(simulator, work, code=2, accounts=[NEGATIVE_ID, {"id": ACCOUNT_ID, "minimum_balance": floor}])
        assert f"Account {ACCOUNT_ID}: minimum_balance is {said}" in shown.replace('\\"', '"')
        assert simulator.requests == []
    # This is how a space after a comma arrives.
    run(simulator, work, "-e", f"accounts={ACCOUNT_ID}, {NEGATIVE_ID}", code=2)
    assert simulator.requests == []
    (work / "directory.html").mkdir()
    for name in ("credit.pdf", "credit", ".", "missing/credit.html", "directory.html"):
        shown = run(simulator, work, code=2, accounts=[ACCOUNT_ID], report=name)
        assert "Set report to a file name that ends in .html" in shown
        assert simulator.requests == []
    # What is of no use does not replace a report that is.
    shown = run(simulator, work, code=2, accounts=[ACCOUNT_ID, NEGATIVE_ID], usage_start="yesterday")
    assert "None of the accounts could be read, so no report was written." in shown
    assert "usage_start is 'yesterday'. Set it to a time" in shown.partition("None of the accounts")[0]
    assert [path.name for path in work.iterdir()] == ["directory.html"]


def main() -> None:
    # What the playbook refuses, it refuses before it runs a module.
    alone = os.environ["FINOPS_CLOUDFLARE_IN_PROCESS"] == "false"
    for test in (report_on_all,) if alone else (report_on_all, report_as_a_survey_asks, refuse):
        with tempfile.TemporaryDirectory() as work, Simulator() as simulator:
            for account_id, state in STATES.items():
                simulator.set_account(account_id, **state)
            test(simulator, Path(work))


if __name__ == "__main__":
    main()
