# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""2,000 accounts against Cloudflare's rate limit of 1,200 requests, which here blocks for seconds in place of minutes.

Nothing tells the forks of Ansible, or the threads of the inventory, of each other: each is refused once, waits for as long as
Cloudflare says, and goes on. So the refusals are few, and there is no wait but the one that Cloudflare imposes.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from simulator.simulator import WRITE_TOKEN, Simulator

ACCOUNTS = [f"{number:032x}" for number in range(2000)]
# Half of them need a change.
RIGHT, NOT_SET = set(ACCOUNTS[::2]), set(ACCOUNTS[1::2])
TOPUP = {"amount": 5000, "threshold": 1000}
# In Cloudflare's window, any machine uses up the requests.
LIMIT = {"requests": 1200, "window_seconds": 300, "block_seconds": 5}
FORKS = 10
THREADS = 4


def run(simulator: Simulator, work: Path, *command: str) -> str:
    """What a command that succeeds prints."""
    environment = {
        "CLOUDFLARE_API_TOKEN": WRITE_TOKEN,
        "CLOUDFLARE_BASE_URL": simulator.api_url,
        "ANSIBLE_FORKS": str(FORKS),
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    }
    print("$", *command, flush=True)
    finished = subprocess.run(
        command, cwd=work, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def answers(simulator: Simulator, status: int) -> list[tuple[str, str]]:
    """The method and the path of each request that was answered like that."""
    return [(each["method"], each["path"]) for each in simulator.requests if each["status"] == status]


def check_waits(simulator: Simulator, callers: int) -> None:
    """The limit was met no more often than it had to be, and nobody waited for longer, or asked more often, than need be."""
    times = [each["time"] for each in simulator.requests if each["status"] == 200]
    refused = len(answers(simulator, 429))
    assert len(times) + refused == len(simulator.requests)
    blocks = (len(times) - 1) // LIMIT["requests"]
    waits = [later - earlier for earlier, later in pairwise(times) if later - earlier > LIMIT["block_seconds"] / 2]
    print(
        f"{len(times)} requests answered, {refused} refused, by {callers} callers, who met the limit {blocks} times and waited "
        f"{[round(wait, 1) for wait in waits]} seconds, where each block has {LIMIT['block_seconds']}"
    )
    assert 0 < refused <= blocks * callers
    # A busy machine is late, but not by a whole block.
    assert sum(waits) < (blocks + 1) * LIMIT["block_seconds"]


def set_topups(simulator: Simulator, work: Path) -> None:
    """A host for each fork, with a loop over its share of the accounts."""
    hosts = {f"slice_{number}": {"ids": ACCOUNTS[number::FORKS]} for number in range(FORKS)}
    python = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    task = {
        "finops.cloudflare.cloudflare_ai_gateway_topup": {"account_id": "{{ item }}", **TOPUP},
        "loop": "{{ ids }}",
    }
    (work / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": python}}), encoding="utf-8")
    play = {"hosts": "all", "gather_facts": False, "tasks": [task]}
    (work / "play.json").write_text(json.dumps([play]), encoding="utf-8")
    shown = run(simulator, work, "ansible-playbook", "-i", "hosts.json", "play.json")
    assert (shown.count("\nok: "), shown.count("\nchanged: ")) == (len(RIGHT), len(NOT_SET))
    for account_id in ACCOUNTS:
        stored = simulator.account(account_id)["topup"]
        assert {key: stored[key] for key in TOPUP} == TOPUP, account_id
    wanted = Counter({(method, path_of(account_id)): 1 for account_id in NOT_SET for method in ("GET", "POST")})
    wanted.update(("GET", path_of(account_id)) for account_id in RIGHT)
    assert Counter(answers(simulator, 200)) == wanted
    check_waits(simulator, FORKS)


def path_of(account_id: str) -> str:
    return f"/client/v4/accounts/{account_id}/ai-gateway/billing/topup/config"


def read_inventory(simulator: Simulator, work: Path) -> None:
    config = {"plugin": "finops.cloudflare.accounts", "fetch": ["topup", "balance"], "workers": THREADS}
    (work / "all.cloudflare_accounts.yml").write_text(json.dumps(config), encoding="utf-8")
    shown = run(simulator, work, "ansible-inventory", "-i", "all.cloudflare_accounts.yml", "--list")
    variables: dict[str, Any] = json.loads(shown)["_meta"]["hostvars"]
    read = {
        each["cloudflare_account_id"]: (
            each["cloudflare_ai_gateway_topup"]["amount"],
            each["cloudflare_ai_gateway_balance"],
        )
        for each in variables.values()
    }
    wanted = {account_id: (TOPUP["amount"], balance) for balance, account_id in enumerate(ACCOUNTS)}
    assert {account_id: read[account_id] for account_id in ACCOUNTS} == wanted
    # One answer carries both, and two more accounts are there from the start.
    asked = Counter(path for _method, path in answers(simulator, 200) if path.endswith("/credit-balance"))
    assert (len(asked), max(asked.values())) == (len(ACCOUNTS) + 2, 1)
    check_waits(simulator, THREADS)


for step in (set_topups, read_inventory):
    with Simulator() as cloudflare, tempfile.TemporaryDirectory() as directory:
        for index, an_id in enumerate(ACCOUNTS):
            topup = TOPUP if an_id in RIGHT or step == read_inventory else {}
            cloudflare.set_account(an_id, topup=topup, balance=index)
        cloudflare.settings["rate_limit"] = LIMIT
        step(cloudflare, Path(directory))
