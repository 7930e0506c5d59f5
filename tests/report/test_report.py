# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a browser shows it: its numbers are the simulator's, and it asks the network for nothing."""

from __future__ import annotations

import html
import json
import re
import shutil
import socketserver
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from simulator.simulator import ACCOUNT_ID, FOREIGN_ACCOUNT_ID, OTHER_ACCOUNT_ID, READ_TOKEN, Simulator
from tools.processes import run
from tools.sandbox import ROOT, customer, link, new_user

SCREENSHOT = ROOT / "tests" / "output" / "report" / "credit-report.png"
NEGATIVE_ID = "a" * 32
ACCOUNTS = [
    {"id": ACCOUNT_ID, "name": "Chat assistants"},
    {"id": OTHER_ACCOUNT_ID, "name": "Search"},
    {"id": NEGATIVE_ID, "name": "Research & experiments"},
    {"id": FOREIGN_ACCOUNT_ID, "name": "Former subsidiary"},
]
STATES: dict[str, dict[str, Any]] = {
    ACCOUNT_ID: {
        "balance": 123456.25,
        "topup": {"amount": 5000, "threshold": 1000},
        "invoices": [
            {
                "type": "auto",
                "description": "<b>Credit</b>",
                "currency": "usd",
                "amount_due": 5250,
                "amount_paid": 5250,
                "amount_remaining": 0,
            }
        ],
    },
    OTHER_ACCOUNT_ID: {
        "balance": 420,
        "topup": {
            "amount": 5000,
            "threshold": 1000,
            "disabledReason": "payment_failed",
            "error": "Your card was declined.",
        },
    },
    NEGATIVE_ID: {"balance": -310.25},
}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on these accounts, made as a user makes it."""
    directory = tmp_path_factory.mktemp("report")
    with Simulator() as simulator:
        for account_id, state in STATES.items():
            simulator.set_account(account_id, **state)
        env = new_user(directory, **customer(simulator, token=READ_TOKEN))
        link(env)
        variables = json.dumps({"accounts": ACCOUNTS, "report": "credit.html"})
        command = ("ansible-playbook", "finops.cloudflare.report", "-e", variables)
        finished = run(*command, env=env, cwd=directory, check=False, merged=True)
        # The account that cannot be read fails the playbook, once the report is written.
        assert finished.returncode == 2, finished.stdout
    return directory / "credit.html"


class Look(NamedTuple):
    """What came of opening a page in a browser."""

    content: str
    asked: list[bytes]
    """The first line of each request to the network."""


def look(page: Path, profile: Path, *options: str) -> Look:
    """Open a page in headless Chromium, behind a proxy that answers nothing."""
    assert CHROMIUM, "install Chromium, for example with apt-get install chromium"
    asked: list[bytes] = []

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        finished = run(
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={profile}",
            f"--proxy-server=127.0.0.1:{server.server_address[1]}",
            "--proxy-bypass-list=<-loopback>",
            "--dump-dom",
            *options,
            page.as_uri(),
        )
        server.shutdown()
    return Look(finished.stdout, asked)


@pytest.fixture(scope="module")
def seen(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Look:
    """The report in a browser, which also takes a picture of it."""
    SCREENSHOT.parent.mkdir(parents=True, exist_ok=True)
    SCREENSHOT.unlink(missing_ok=True)
    picture = (f"--screenshot={SCREENSHOT}", "--window-size=1000,1250", "--hide-scrollbars")
    return look(page, tmp_path_factory.mktemp("profile"), *picture)


def test_the_browser_shows_the_numbers_of_the_simulator(page: Path, seen: Look) -> None:
    shown = seen.content
    assert re.findall(r'class="balance">([^<]*)<', shown) == ["-$3.10", "$4.20", "$1,234.56"]
    assert re.findall(r"<h3>(.*?)</h3>", shown) == [
        "Former subsidiary",
        "Research &amp; experiments",
        "Search",
        "Chat assistants",
    ]
    (total,) = re.findall(r'id="total-balance">([^<]*)<', shown)
    assert total == "$1,238.76"
    data = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    for account in data["accounts"][1:]:
        usage = account["billing"]["usage"]["history"]
        titles = [f"{bucket['start'][:10]}: ${Decimal(str(bucket['amount'])) / 100:,.2f}" for bucket in usage]
        assert len(titles) > 20
        assert not [title for title in titles if f"<title>{title}</title>" not in shown]
    assert "<b>Credit" not in shown
    assert html.escape("<b>Credit</b>", quote=False) in shown


def fetched(asked: list[bytes], host: bytes) -> list[bytes]:
    return [line for line in asked if host in line]


def test_the_page_asks_the_network_for_nothing(page: Path, seen: Look, tmp_path: Path) -> None:
    assert fetched(seen.asked, b".invalid") == fetched(seen.asked, b".example") == []
    # The page refuses what somebody may get into it. Without its policy, the request would have been seen.
    source = page.read_text(encoding="utf-8")
    open_to_all = re.sub(r"<meta http-equiv[^>]*>", "", source)
    assert open_to_all != source
    for name, text in (("refused", source), ("allowed", open_to_all)):
        image = f'<img src="http://{name}.invalid/image.png" alt="">'
        (tmp_path / f"{name}.html").write_text(text.replace("</main>", f"{image}</main>"), encoding="utf-8")
    frames = tmp_path / "frames.html"
    frames.write_text('<iframe src="refused.html"></iframe><iframe src="allowed.html"></iframe>', encoding="utf-8")
    asked = look(frames, tmp_path / "profile").asked
    assert fetched(asked, b"allowed.invalid")
    assert fetched(asked, b"refused.invalid") == []


def test_a_picture_of_it_is_kept(seen: Look) -> None:
    assert seen.content
    picture = SCREENSHOT.read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert (int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")) == (1000, 1250)
