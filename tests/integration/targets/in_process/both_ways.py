# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run each module with generated inputs, in Ansible's worker and in processes of their own, and compare every key."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from inputs import generated
from simulator.simulator import SECRETS, Simulator

NUMBERS = {
    "cloudflare_ai_gateway_topup": 40,
    "cloudflare_ai_gateway_topup_info": 8,
    "cloudflare_ai_gateway_billing_info": 12,
    "cloudflare_ai_gateway_credit": 30,
}
# Of another value in each run, and part of it censored where a generated secret is as short as "0"
RAY_ID = re.compile(r"[0-9a-f*]+-SIM")
BOUGHT_AT = re.compile(r"(\(created |\$[0-9.]+ at |Run again after )[0-9TZ:-]+")
FRAME = re.compile(r'File "[^"]*(/ansible_collections/.*)')
WARNING = re.compile("Cloudflare has stopped|is not paid after|not show purchase|leaves account")
# Where faults strike: the end of the path, after the account
CONFIG = "ai-gateway/billing/topup/config"
FAULTY = {"cloudflare_ai_gateway_credit": "ai-gateway/billing/topup"}
# A process of its own could not keep its files there.
NO_PROCESS = {"ansible_remote_tmp": "/dev/null/nothing"}


def account_id(number: int) -> str:
    return f"{number:032x}"


def prepare(simulator: Simulator, module: str, examples: list[dict[str, Any]]) -> None:
    """Each example has an account, and faults, of its own."""
    simulator.reset(now=1_764_000_000_000)
    for number, example in enumerate(examples):
        simulator.set_account(
            account_id(number), topup=example["topup"], purchases=example["purchases"], balance=400, invoices=[]
        )
        for fault in example["faults"]:
            simulator.add_fault(**fault, path=f"{account_id(number)}/{FAULTY.get(module, CONFIG)}")


def play(module: str, api_url: str, in_process: bool, no_log: bool) -> list[dict[str, Any]]:
    return [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/finops.cloudflare.cloudflare": {"api_url": api_url, "retries": 1}},
            "vars": {
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "finops_cloudflare_in_process": in_process,
                **(NO_PROCESS if in_process else {}),
            },
            "tasks": [
                {
                    f"finops.cloudflare.{module}": "{{ item.options }}",
                    "check_mode": "{{ item.check_mode }}",
                    "diff": "{{ item.diff }}",
                    "no_log": no_log,
                    "loop": "{{ examples }}",
                    "ignore_errors": True,
                }
            ],
        }
    ]


def results(work: Path, content: list[dict[str, Any]], examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What callbacks are told of each item, and of the task as a whole."""
    (work / "play.json").write_text(json.dumps(content), encoding="utf-8")
    (work / "examples.json").write_text(json.dumps({"examples": examples}), encoding="utf-8")
    environment = {
        "ANSIBLE_STDOUT_CALLBACK": "record",
        "ANSIBLE_CALLBACK_PLUGINS": str(Path("callback_plugins").resolve()),
        "RECORD_FILE": str(work / "results"),
        "XDG_STATE_HOME": str(work / "state"),
        # Since ansible-core 2.21 the arguments are not in results by themselves.
        "ANSIBLE_INJECT_INVOCATION": "true",
        # Some messages list what is in a set.
        "PYTHONHASHSEED": "0",
    }
    # With -vvv, modules that fail tell where.
    command = ["ansible-playbook", "-vvv", "-e", "@examples.json", "play.json"]
    finished = subprocess.run(
        command,
        cwd=work,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    written = (work / "results").read_text(encoding="utf-8").replace(str(work), "WORK")
    *items, whole = [json.loads(line) for line in BOUGHT_AT.sub(r"\1NOW", RAY_ID.sub("RAY", written)).splitlines()]
    for item in (*items, *whole.get("results", [])):
        if "exception" in item:
            # Where the code was, and which of its lines a traceback can show, differs from process to process.
            item["exception"] = FRAME.findall(item["exception"])
    return [*items, whole]


def run(simulator: Simulator, module: str, examples: list[dict[str, Any]], in_process: bool, no_log: bool) -> Any:
    """The result of the task, the requests that it made, and what is stored in the end."""
    prepare(simulator, module, examples)
    with tempfile.TemporaryDirectory() as directory:
        result = results(Path(directory), play(module, simulator.api_url, in_process, no_log), examples)
    accounts = [simulator.account(account_id(number)) for number in range(len(examples))]
    stored = [(account["topup"], account["balance"], len(account["invoices"])) for account in accounts]
    requests = [{key: value for key, value in each.items() if key != "time"} for each in simulator.requests]
    return result, requests, stored


def compare(
    simulator: Simulator, module: str, examples: list[dict[str, Any]], no_log: bool = False
) -> list[dict[str, Any]]:
    inside, inside_requests, inside_stored = run(simulator, module, examples, True, no_log)
    outside, outside_requests, outside_stored = run(simulator, module, examples, False, no_log)
    assert len(inside) == len(outside) == len(examples) + 1
    for one, other in zip(inside, outside):
        for key in sorted({*one, *other}):
            assert one.get(key, "missing") == other.get(key, "missing"), json.dumps([key, one, other], indent=1)
    assert inside_requests == outside_requests
    assert inside_stored == outside_stored
    return inside[:-1]


with Simulator() as cloudflare:
    for name, wanted in NUMBERS.items():
        inputs = generated(name, wanted)
        for index, each in enumerate(inputs):
            each["options"]["account_id"] = account_id(index)
        items = compare(cloudflare, name, inputs)
        left = len(cloudflare.faults)
        failed = sum("account_id" not in item for item in items)
        changed = sum(item["changed"] for item in items)
        warned = sum(bool(WARNING.search(str(item.get("warnings")))) for item in items)
        print(f"{name}: {wanted} results are the same, {failed} failures, {changed} changes, {warned} with warnings")
        # If it were not so, little would have been compared.
        assert failed < wanted - 3, f"{name}: too few succeed. Add the options that it needs to USUAL in inputs.py"
        assert failed > 0, f"{name}: none fails. Raise its number"
        assert (changed > 5 and warned > 0) or name.endswith("_info"), f"{name}: too few changes or warnings"
        added = sum(len(each["faults"]) for each in inputs)
        assert left < added, f"{name}: none of {added} faults struck. Add the end of its path to FAULTY"
        assert all("invocation" in item for item in items)
        for item in items:
            given = item["item"]["options"].values()
            shown = json.dumps({key: value for key, value in item.items() if "item" not in key})
            assert not [secret for secret in SECRETS if secret in given and secret in shown], shown
        compare(cloudflare, name, inputs[:2], no_log=True)
