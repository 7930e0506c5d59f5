# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a browser shows it: its numbers are the simulator's, and it asks the network for nothing."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import socketserver
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from simulator.simulator import ACCOUNT_ID, FOREIGN_ACCOUNT_ID, OTHER_ACCOUNT_ID, READ_TOKEN, Simulator  # noqa: E402

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
    """The report on these accounts, made by the installed collection."""
    directory = tmp_path_factory.mktemp("report")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "CLOUDFLARE_"))}
    with Simulator() as simulator:
        for account_id, state in STATES.items():
            simulator.set_account(account_id, **state)
        env = {
            **kept,
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(directory / "collections"),
            "CLOUDFLARE_API_TOKEN": READ_TOKEN,
            "CLOUDFLARE_BASE_URL": simulator.api_url,
        }
        variables = json.dumps({"accounts": ACCOUNTS, "report": "credit.html"})
        for command in (
            ["ansible-galaxy", "collection", "install", str(ROOT), "--offline", "-p", env["ANSIBLE_COLLECTIONS_PATH"]],
            ["ansible-playbook", "finops.cloudflare.report", "-e", variables],
        ):
            program = str(Path(sys.executable).parent / command[0])
            run = subprocess.run(
                [program, *command[1:]], env=env, cwd=directory, capture_output=True, text=True, check=False
            )
            # The account that cannot be read fails the playbook, once the report is written.
            assert run.returncode == (2 if command[0] == "ansible-playbook" else 0), run.stdout + run.stderr
    return directory / "credit.html"


@pytest.fixture
def network() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy for the browser that answers nothing, and the first line of each request that reached it."""
    asked: list[bytes] = []

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@pytest.fixture
def browse(network: tuple[str, list[bytes]], tmp_path: Path) -> Callable[..., str]:
    """Opens a file in headless Chromium."""
    assert CHROMIUM, "install Chromium, for example with apt-get install chromium"
    proxy, _asked = network

    def run(page: Path, *options: str) -> str:
        finished = subprocess.run(
            [
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
                f"--user-data-dir={tmp_path / 'profile'}",
                f"--proxy-server={proxy}",
                "--proxy-bypass-list=<-loopback>",
                *options,
                page.as_uri(),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return finished.stdout

    return run


def fetched(asked: list[bytes], host: bytes) -> list[bytes]:
    return [line for line in asked if host in line]


def test_the_browser_shows_the_numbers_of_the_simulator(page: Path, browse: Callable[..., str]) -> None:
    shown = browse(page, "--dump-dom")
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


def test_the_page_asks_the_network_for_nothing(
    page: Path, browse: Callable[..., str], network: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    _proxy, asked = network
    source = page.read_text(encoding="utf-8")
    image = '<img src="http://elsewhere.invalid/image.png" alt="">'
    greedy = tmp_path / "greedy.html"
    greedy.write_text(source.replace("</main>", f"{image}</main>"), encoding="utf-8")
    browse(page, "--dump-dom")
    browse(greedy, "--dump-dom")
    assert fetched(asked, b".invalid") == fetched(asked, b".example") == []
    # The same without the policy shows that a request would have been seen.
    greedy.write_text(re.sub(r"<meta http-equiv[^>]*>", "", greedy.read_text(encoding="utf-8")), encoding="utf-8")
    browse(greedy, "--dump-dom")
    assert fetched(asked, b"elsewhere.invalid")


def test_a_picture_of_it_is_kept(page: Path, browse: Callable[..., str]) -> None:
    SCREENSHOT.parent.mkdir(parents=True, exist_ok=True)
    SCREENSHOT.unlink(missing_ok=True)
    browse(page, f"--screenshot={SCREENSHOT}", "--window-size=1000,1250", "--hide-scrollbars")
    picture = SCREENSHOT.read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert (int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")) == (1000, 1250)
