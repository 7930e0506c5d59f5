# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what an account costs, against Ansible's own modules and Cloudflare's SDK. Run by ``nox -e bench``.

All that is compared is run turn by turn, so that what else the machine does meets all of it, and what counts is the median
of the ratios. The API is the simulator, on this machine: what is measured is the cost on the side of the caller.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple

from simulator.simulator import WRITE_TOKEN, Simulator
from tools.processes import environment
from tools.sandbox import ROOT

ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
FORKS = 10
MODULE = "finops.cloudflare.cloudflare_ai_gateway_topup"
TOPUP = {"amount": 5000, "threshold": 1000}
PATH = "ai-gateway/billing/topup/config"

IN_PROCESS = "this collection, in process"
PROCESS = "this collection, as a module process"
URI = "`ansible.builtin.uri`"
PING = "`ansible.builtin.ping`"
DEBUG = "`ansible.builtin.debug`"
SDK = "Cloudflare's SDK, in a script"

SCRIPT = """
import sys
from cloudflare import Cloudflare
url, token, path, *account_ids = sys.argv[1:]
client = Cloudflare(api_token=token, base_url=url)
for account_id in account_ids:
    client.get(f"/accounts/{account_id}/{path}", cast_to=object)
"""


class Cost(NamedTuple):
    """What a command took."""

    seconds: float
    peak: float
    """Of the largest of its processes, in MiB."""


Costs = Dict[str, List[Cost]]
"""Those of each thing, in each run."""


def cost(command: list[str], variables: dict[str, str]) -> Cost:
    """Run a command to its good end."""
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        with subprocess.Popen(
            command, env=environment(**variables), stdout=output, stderr=subprocess.STDOUT
        ) as process:
            _pid, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            raise SystemExit(f"{command} failed:\n{output.read()}")
    return Cost(seconds, used.ru_maxrss / 1024)


class Bench:
    """Playbooks that do one thing for each of many accounts, none of which needs a change."""

    def __init__(self, simulator: Simulator, work: Path, runs: int, most: int) -> None:
        self._url = simulator.api_url
        self._work = work
        self._runs = runs
        self._account_ids = [f"{number:032x}" for number in range(most)]
        for account_id in self._account_ids:
            simulator.set_account(account_id, topup=TOPUP)
        collections = work / "ansible_collections" / "finops"
        collections.mkdir(parents=True)
        (collections / "cloudflare").symlink_to(ROOT)

    def _task(self, thing: str, account_id: str) -> dict[str, Any]:
        if thing == URI:
            url = f"{self._url}/accounts/{account_id}/{PATH}"
            headers = {"Authorization": f"Bearer {WRITE_TOKEN}"}
            return {"ansible.builtin.uri": {"url": url, "headers": headers, "use_proxy": False}}
        if thing == PING:
            return {"ansible.builtin.ping": {}}
        if thing == DEBUG:
            return {"ansible.builtin.debug": {"msg": account_id}}
        return {MODULE: {"account_id": account_id, "api_token": WRITE_TOKEN, "api_url": self._url, **TOPUP}}

    def _playbook(self, thing: str, hosts: dict[str, Any], task: dict[str, Any]) -> Cost:
        python = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        inventory, playbook = self._work / "inventory.json", self._work / "playbook.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": python}}), encoding="utf-8")
        play = {"hosts": "all", "gather_facts": False, "tasks": [task]}
        playbook.write_text(json.dumps([play]), encoding="utf-8")
        variables = {
            "ANSIBLE_COLLECTIONS_PATH": str(self._work),
            "ANSIBLE_FORKS": str(FORKS),
            "FINOPS_CLOUDFLARE_IN_PROCESS": str(thing != PROCESS).lower(),
        }
        return cost([str(ANSIBLE_PLAYBOOK), "-i", str(inventory), str(playbook)], variables)

    def loop(self, thing: str, number: int) -> Cost:
        """One task with a loop over this number of accounts."""
        if thing == SDK:
            arguments = [self._url, WRITE_TOKEN, PATH, *self._account_ids[:number]]
            return cost([sys.executable, "-c", SCRIPT, *arguments], {})
        task = {**self._task(thing, "{{ item }}"), "loop": self._account_ids[:number]}
        return self._playbook(thing, {"localhost": {}}, task)

    def per_item(self, thing: str, number: int) -> Cost:
        """An item of a loop: without the start of Ansible, and the first item."""
        one, all_of_them = self.loop(thing, 1), self.loop(thing, number)
        return Cost((all_of_them.seconds - one.seconds) / (number - 1), all_of_them.peak)

    def hosts(self, thing: str, number: int) -> Cost:
        """One task for this number of hosts, each with an account."""
        hosts = {f"tenant_{id_[-6:]}": {"cloudflare_account_id": id_} for id_ in self._account_ids[:number]}
        return self._playbook(thing, hosts, self._task(thing, "{{ cloudflare_account_id }}"))

    def turn_by_turn(self, measure: Callable[[str, int], Cost], number: int, things: list[str]) -> Costs:
        costs: Costs = {thing: [] for thing in things}
        for run in range(self._runs):
            for thing in things:
                costs[thing].append(measure(thing, number))
                seconds = costs[thing][-1].seconds
                print(f"{measure.__name__} {number}, run {run + 1}: {thing}: {seconds:.4f} s", file=sys.stderr)
        return costs


def seconds_of(costs: list[Cost]) -> float:
    return statistics.median(each.seconds for each in costs)


def peak_of(costs: list[Cost]) -> float:
    return statistics.median(each.peak for each in costs)


def ratio(costs: list[Cost], others: list[Cost]) -> float:
    """How many times the others' time it took: the median over the runs."""
    return statistics.median(one.seconds / other.seconds for one, other in zip(costs, others))


def table(*rows: tuple[str, ...]) -> list[str]:
    """Rows in Markdown; the first column is text, and the others are numbers."""
    heading, *others = (f"| {' | '.join(row)} |" for row in rows)
    return [heading, f"| --- |{' ---: |' * (len(rows[0]) - 1)}", *others, ""]


def loop_tables(costs: Costs, number: int) -> list[str]:
    inside, outside, uri, ping = (costs[thing] for thing in (IN_PROCESS, PROCESS, URI, PING))
    return [
        f"## An unchanged account in a loop of {number}",
        "",
        "One item, without the start of Ansible. `uri` only sends the same GET. `ping` and `debug` send no request.",
        "",
        *table(
            ("", "ms an item", "times `uri`", "times `ping`"),
            *(
                (thing, f"{seconds_of(each) * 1000:.1f}", f"{ratio(each, uri):.3f}", f"{ratio(each, ping):.3f}")
                for thing, each in costs.items()
            ),
        ),
        *table(
            ("Goal", "Wanted", "Measured"),
            ("in process, cheaper than `uri`", "40 times or more", f"{ratio(uri, inside):.1f} times"),
            ("module process, against `uri`", "below 1", f"{ratio(outside, uri):.2f}"),
            ("module process, against `ping`", "1.35 or less", f"{ratio(outside, ping):.2f}"),
        ),
    ]


def hosts_table(costs: Costs, number: int) -> list[str]:
    return [
        f"## {number} accounts as hosts, with {FORKS} forks",
        "",
        "The whole run of `ansible-playbook`. Ansible forks a worker for each host, which is most of the cost of `debug`.",
        "",
        *table(
            ("", "seconds", "times `debug`"),
            *((thing, f"{seconds_of(each):.1f}", f"{ratio(each, costs[DEBUG]):.2f}") for thing, each in costs.items()),
        ),
    ]


def memory_table(rows: dict[str, Costs]) -> list[str]:
    return [
        "## Peak memory",
        "",
        "The memory of the largest process, in MiB. `debug` shows what Ansible itself needs, including hosts and results.",
        "",
        *table(
            ("", "in process", "`debug`"),
            *(
                (name, *(f"{peak_of(costs[thing]):.0f}" for thing in (IN_PROCESS, DEBUG)))
                for name, costs in rows.items()
            ),
        ),
    ]


def sdk_table(rows: dict[int, Costs]) -> list[str]:
    return [
        f"## Against Cloudflare's SDK {version('cloudflare')}",
        "",
        "The script reads the same configurations and reports nothing. A playbook's time includes the start of Ansible.",
        "",
        *table(
            ("", "accounts", "seconds", "MiB"),
            *(
                (thing, str(number), f"{seconds_of(each):.2f}", f"{peak_of(each):.0f}")
                for number, costs in rows.items()
                for thing, each in costs.items()
            ),
        ),
    ]


def tables(bench: Bench, items: int, hosts: int) -> list[str]:
    loop = bench.turn_by_turn(bench.per_item, items, [IN_PROCESS, PROCESS, URI, PING, DEBUG])
    long_loop = bench.turn_by_turn(bench.loop, 10 * items, [IN_PROCESS, DEBUG])
    script = {number: bench.turn_by_turn(bench.loop, number, [SDK, IN_PROCESS]) for number in (1, items)}
    few_hosts = bench.turn_by_turn(bench.hosts, hosts // 5, [IN_PROCESS, DEBUG])
    all_hosts = bench.turn_by_turn(bench.hosts, hosts, [IN_PROCESS, PROCESS, DEBUG])
    memory = {
        f"a loop of {items}": loop,
        f"a loop of {10 * items}": long_loop,
        f"{hosts // 5} hosts": few_hosts,
        f"{hosts} hosts": all_hosts,
    }
    return [*loop_tables(loop, items), *hosts_table(all_hosts, hosts), *memory_table(memory), *sdk_table(script)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what an account costs, and write tables about it.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--items", type=int, default=100, help="in a loop")
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    with Simulator() as simulator, tempfile.TemporaryDirectory() as directory:
        bench = Bench(simulator, Path(directory), options.runs, max(10 * options.items, options.hosts))
        parts = tables(bench, options.items, options.hosts)
        if written := [request for request in simulator.requests if request["method"] != "GET"]:
            raise SystemExit(f"Accounts that need no change were written: {written[0]}")
    header = "\n".join(line.lstrip("# ") for line in Path(__file__).read_text(encoding="utf-8").splitlines()[:3])
    heading = f"""<!--
{header}
Written by tests/bench/bench.py: run it again instead of editing this.
-->

# What an account costs

`nox -e bench` wrote this: medians of {options.runs} runs with ansible-core {version("ansible-core")} on Python {platform.python_version()},
{os.cpu_count()} cores, against the simulator on the same machine. Seconds differ between machines. Ratios say more:
both sides were measured in turns.
"""
    options.output.write_text("\n".join([heading, *parts]).rstrip() + "\n", encoding="utf-8")
    print(options.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
