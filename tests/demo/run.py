# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show the collection at work, against the simulator. Run by ``make demo``, with a Python that has ansible-core and requests.

Every command is one that a user would type. Each must end as its step announces, or the demo fails.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from simulator.simulator import ACCOUNT_ID, OTHER_ACCOUNT_ID, Simulator
from tools import sandbox
from tools.processes import CommandFailed, run

PLAYBOOK = "ansible-playbook finops.cloudflare.topup"
CREDIT = "ansible-playbook finops.cloudflare.credit"
REPORT = sandbox.ROOT / "tests" / "output" / "demo" / "credit.html"
AD_HOC = "ansible localhost -m finops.cloudflare.cloudflare_ai_gateway_topup"
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


class Step(NamedTuple):
    """A command, and what has to come of it."""

    title: str
    command: str
    requests: list[str]
    stored: tuple[int | None, int | None]
    """Amount and threshold, in cents, that the API holds afterwards."""
    shows: str
    """A regular expression that the output matches."""
    fails: bool = False


def recap(changed: int, failed: int = 0) -> str:
    return rf"changed={changed} .*failed={failed} "


OVERDRAWN_ID = "a" * 32
ACCOUNTS = [
    {"id": ACCOUNT_ID, "name": "Chat"},
    {"id": OTHER_ACCOUNT_ID, "name": "Search"},
    {"id": OVERDRAWN_ID, "name": "Research"},
]
STATES: dict[str, dict[str, Any]] = {
    ACCOUNT_ID: {"balance": 123450},
    OTHER_ACCOUNT_ID: {
        "balance": 420,
        "topup": {"amount": 5000, "threshold": 1000, "disabledReason": "payment_failed", "error": "card declined"},
    },
    OVERDRAWN_ID: {"balance": -310.25},
}

OFF = (None, None)
STEPS = [
    Step(
        "Look before money moves: check mode shows the change and makes none",
        f"{PLAYBOOK} -e amount=5000 -e threshold=1000 --check --diff",
        ["GET", "GET"],
        OFF,
        recap(changed=1),
    ),
    Step(
        "Buy $50.00 of credit whenever the balance falls below $10.00",
        f"{PLAYBOOK} -e amount=5000 -e threshold=1000",
        ["GET", "POST"],
        (5000, 1000),
        recap(changed=1),
    ),
    Step(
        "The second time there is nothing to change",
        f"{PLAYBOOK} -e amount=5000 -e threshold=1000",
        ["GET"],
        (5000, 1000),
        recap(changed=0),
    ),
    Step(
        "Check what twice the amount would change",
        f"{PLAYBOOK} -e amount=10000 -e threshold=1000 --check --diff",
        ["GET", "GET"],
        (5000, 1000),
        recap(changed=1),
    ),
    Step(
        "Change it, with an ad-hoc command, and see the result",
        f"{AD_HOC} -a 'amount=10000 threshold=1000'",
        ["GET", "POST"],
        (10000, 1000),
        r'"changed": true',
    ),
    Step(
        "A common mistake, dollars for cents, is refused before any request",
        f"{PLAYBOOK} -e amount=50 -e threshold=1000",
        [],
        (10000, 1000),
        recap(changed=0, failed=1),
        fails=True,
    ),
    Step(
        "Buy nothing automatically any more",
        f"{PLAYBOOK} -e state=absent --diff",
        ["GET", "DELETE"],
        OFF,
        recap(changed=1),
    ),
    Step(
        "Removed is removed",
        f"{PLAYBOOK} -e state=absent",
        ["GET"],
        OFF,
        recap(changed=0),
    ),
    Step(
        "Without auto top-up: see what it would charge to have at least $1,500.00",
        f"{CREDIT} -e minimum_balance=150000 -e amount=50000 -e maximum_charge=52500 --check --diff",
        ["GET"] * 4,
        OFF,
        r"Would buy \$500\.00 of credit for \$525\.00, including a fee of \$25\.00",
    ),
    Step(
        "Buy it, once: the balance and the invoices are read before and after",
        f"{CREDIT} -e minimum_balance=150000 -e amount=50000 -e maximum_charge=52500",
        ["GET", "GET", "GET", "POST", "POST", "GET", "GET"],
        OFF,
        r"Bought \$500\.00 of credit",
    ),
    Step(
        "See the money: report on several accounts, as a page, as CSV and as JSON",
        "ansible-playbook finops.cloudflare.report"
        f" -e {shlex.quote(json.dumps({'accounts': ACCOUNTS}))} -e {shlex.quote(f'report={REPORT}')}",
        ["GET"] * 3 * len(ACCOUNTS),
        OFF,
        re.escape(f"The report is in {REPORT} (accounts: {len(ACCOUNTS)})."),
    ),
]

GOODBYE = f"""\
{BOLD}The report of the simulated accounts{PLAIN} lies in {REPORT}: open it in a browser.

{BOLD}The same for a real account{PLAIN}, once this collection is installed (leave out --check to make the change):

  export CLOUDFLARE_API_TOKEN=… CLOUDFLARE_ACCOUNT_ID=…
  {PLAYBOOK} -e amount=5000 -e threshold=1000 --check --diff
"""


class DemoFailed(Exception):
    """A step has ended in another way than it announced."""


class Outcome(NamedTuple):
    """What came of a step."""

    status: int
    shown: str
    requests: list[str]
    stored: tuple[int | None, int | None]


def show(number: int, step: Step, simulator: Simulator, directory: Path, env: dict[str, str]) -> Outcome:
    print(f"{BOLD}{number}. {step.title}{PLAIN}\n\n$ {step.command}\n", flush=True)
    simulator.forget_requests()
    finished = run(*shlex.split(step.command), env=env, cwd=directory, check=False, merged=True)
    print(finished.stdout.strip())
    requests = [request["method"] for request in simulator.requests]
    topup = simulator.account(ACCOUNT_ID)["topup"]
    stored = (topup["amount"], topup["threshold"])
    print(f"\nRequests: {', '.join(requests) or 'none'}. The API now holds: {described(stored)}.\n", flush=True)
    plain = re.sub(r"\033\[[0-9;]*m", "", finished.stdout)
    return Outcome(finished.returncode, plain, requests, stored)


def check(number: int, step: Step, outcome: Outcome) -> None:
    """Raises DemoFailed unless the step ended as it announces."""
    if (outcome.status != 0) != step.fails or not re.search(step.shows, outcome.shown):
        raise DemoFailed(f"Step {number} ended with exit code {outcome.status}, and not as it should.")
    if (outcome.requests, outcome.stored) != (step.requests, step.stored):
        raise DemoFailed(f"Step {number} should have made the requests {step.requests} and left {step.stored}.")


def described(stored: tuple[int | None, int | None]) -> str:
    amount, threshold = stored
    return "no auto top-up" if amount is None else f"buy {amount} cents below {threshold} cents"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="finops-cloudflare-demo-") as name, Simulator() as simulator:
        directory = Path(name)
        # Output is as wide and as colourful as this program's.
        shown = {"COLUMNS": "80", "ANSIBLE_FORCE_COLOR": str(sys.stdout.isatty())}
        env = sandbox.new_user(directory, **sandbox.customer(simulator), **shown)
        sandbox.link(env)
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        for account_id, state in STATES.items():
            simulator.set_account(account_id, **state)
        print(f"A stand-in for Cloudflare's API answers at {simulator.api_url}: nothing here can spend money.\n")
        for number, step in enumerate(STEPS, 1):
            check(number, step, show(number, step, simulator, directory, env))
    print(GOODBYE)


if __name__ == "__main__":
    try:
        main()
    except (DemoFailed, CommandFailed) as failed:
        sys.exit(f"{failed}\nThe demo has failed.")
    except KeyboardInterrupt:
        sys.exit("\nThe demo was interrupted. The stand-in has stopped, and its files are gone.")
