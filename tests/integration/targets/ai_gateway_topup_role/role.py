# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role ``ai_gateway_topup``, run from plays as users write them, against the simulator."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from simulator.simulator import (
    ACCOUNT_ID,
    EMAIL,
    FOREIGN_ACCOUNT_ID,
    GLOBAL_KEY,
    OTHER_ACCOUNT_ID,
    READ_TOKEN,
    WRITE_TOKEN,
    Simulator,
)

ROLE = "finops.cloudflare.ai_gateway_topup"
GROUP = "group/finops.cloudflare.cloudflare"
SAME_ID, OLD_ID, KEY_ID, TOKEN_ID = "a" * 32, "b" * 32, "c" * 32, "d" * 32
CAPPED_ID, NULL_ID, AUTOMATIC_ID = "1" * 32, "2" * 32, "3" * 32
LIST: dict[str, Any] = {
    "ai_gateway_topup_amount": 5000,
    "ai_gateway_topup_threshold": 1000,
    "ai_gateway_topup_accounts": [
        {"account_id": FOREIGN_ACCOUNT_ID, "name": "Sold"},
        {"account_id": ACCOUNT_ID, "name": "Chat", "amount": 7000, "threshold": 2000},
        {"account_id": TOKEN_ID, "name": "Team T", "api_token": "{{ token_of_t }}"},
        {"account_id": SAME_ID},
        {"account_id": KEY_ID.upper(), "api_key": GLOBAL_KEY, "api_email": EMAIL},
        {"account_id": OTHER_ACCOUNT_ID, "name": "In dollars", "amount": 50},
        {"account_id": OLD_ID, "name": "Old", "state": "absent"},
    ],
    "token_of_t": WRITE_TOKEN,
}
CHANGED = f"4 of 7 accounts needed a change: Chat, Old, Team T, {KEY_ID.upper()}."
FAILED = "2 of 7 accounts failed: Sold, In dollars. The first error is: Could not read the auto top-up"
CHECKED = "Nothing was written, because this is check mode."


class Runner:
    """Runs plays in an empty directory, with what a user's shell has set."""

    def __init__(self, simulator: Simulator, work: Path) -> None:
        self.simulator = simulator
        self.work = work
        self.variables = {"CLOUDFLARE_API_TOKEN": WRITE_TOKEN, "CLOUDFLARE_BASE_URL": simulator.api_url}
        for account_id, amount, threshold in (
            (SAME_ID, 5000, 1000),
            (OLD_ID, 2500, 500),
            (KEY_ID, None, None),
            (TOKEN_ID, None, None),
        ):
            simulator.set_account(account_id, topup={"amount": amount, "threshold": threshold})

    def stored(self, *account_ids: str) -> list[tuple[int | None, int | None]]:
        topups = [self.simulator.account(account_id)["topup"] for account_id in account_ids]
        return [(topup["amount"], topup["threshold"]) for topup in topups]

    def calls(self) -> list[str]:
        """What was asked about accounts since the last run: the method, and the first character of the account."""
        asked = [(request["method"], request["path"].partition("/accounts/")[2]) for request in self.simulator.requests]
        return [f"{method} {path[0]}" for method, path in asked if path]

    def run(self, play: dict[str, Any], *options: str, code: int = 0) -> str:
        """Run a play and return what it prints, on one line."""
        self.simulator.forget_requests()
        (self.work / "play.yml").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, **play}]))
        command = [
            "ansible-playbook",
            "play.yml",
            "-e",
            "ansible_python_interpreter={{ansible_playbook_python}}",
            *options,
        ]
        print("$", *command, flush=True)
        finished = subprocess.run(
            command,
            cwd=self.work,
            env={**os.environ, "XDG_STATE_HOME": str(self.work / "state"), **self.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(finished.stdout)
        assert finished.returncode == code, finished.returncode
        return " ".join(finished.stdout.split())


def manage_a_list(runner: Runner) -> None:
    """Every account gets what was asked for, also those after one that fails, and a second run changes nothing."""
    play = {"roles": [ROLE], "vars": LIST}
    checked = runner.run(play, "--check", "--diff", code=2)
    assert f"{CHANGED} {CHECKED} {FAILED}" in checked
    assert "-auto top-up: not set +auto top-up: set +amount: 7000 ($70.00) +threshold: 2000 ($20.00)" in checked
    assert f"--- before: auto top-up of account {OLD_ID}" in checked
    assert runner.calls() == ["GET f", "GET 0", "GET 0", "GET a", "GET b", "GET d", "GET d", "GET c", "GET c"]
    assert runner.stored(ACCOUNT_ID, TOKEN_ID, OLD_ID) == [(None, None), (None, None), (2500, 500)]

    shown = runner.run(play, code=2)
    assert f"{CHANGED} {FAILED}" in shown
    assert "changed: [localhost] => (item=Chat)" in shown
    assert f"ok: [localhost] => (item={SAME_ID})" in shown
    assert "changed: [localhost] => (item=Team T)" in shown
    assert "amount is in cents: 50 is $0.50" in shown
    assert runner.calls() == [
        *("GET f", "GET 0", "POST 0", "GET a", "GET b", "DELETE b"),
        *("GET d", "POST d", "GET c", "POST c"),
    ]
    assert [request["credentials"] for request in runner.simulator.requests] == ["token"] * 8 + ["key"] * 2
    wanted = [(7000, 2000), (5000, 1000), (5000, 1000), (5000, 1000), (None, None), (None, None)]
    assert runner.stored(ACCOUNT_ID, TOKEN_ID, SAME_ID, KEY_ID, OTHER_ACCOUNT_ID, OLD_ID) == wanted

    good = [
        account for account in LIST["ai_gateway_topup_accounts"] if account.get("name") not in ("Sold", "In dollars")
    ]
    shown = runner.run({**play, "vars": {**LIST, "ai_gateway_topup_accounts": good}})
    assert "0 of 5 accounts needed a change." in shown and "changed=0" in shown and "ignored=0" in shown
    assert runner.calls() == ["GET 0", "GET a", "GET b", "GET d", "GET c"]


def use_it_in_other_ways(runner: Runner) -> None:
    """Included and imported, with check mode as a keyword, with module_defaults, and with a rescue that reports."""
    del runner.variables["CLOUDFLARE_API_TOKEN"]
    defaults = {"module_defaults": {GROUP: {"api_token": WRITE_TOKEN}}}
    wanted = {"ai_gateway_topup_amount": 5000, "ai_gateway_topup_threshold": 1000}
    one = [{"account_id": ACCOUNT_ID, "name": "Chat", "api_token": "{{ no_token_of_its_own | default(omit) }}"}]
    own = [
        {"account_id": KEY_ID, "name": "Team K", "api_key": GLOBAL_KEY, "api_email": EMAIL},
        {"account_id": TOKEN_ID, "name": "Team R", "api_token": READ_TOKEN},
    ]
    old = [{"account_id": OLD_ID, "state": "absent"}, {"account_id": SAME_ID}]
    unset = {"include_role": {"name": ROLE}, "vars": {"ai_gateway_topup_accounts": old}}
    imported = {"import_role": {"name": ROLE}, "vars": {**wanted, "ai_gateway_topup_accounts": one}, "check_mode": True}
    included = {"include_role": {"name": ROLE}, "vars": {**wanted, "ai_gateway_topup_accounts": own + one}}
    said = {"debug": {"msg": "To the team: {{ ai_gateway_topup_summary.msg }}"}}
    reported = [{"block": [role], "rescue": [said]} for role in (included, unset)]
    shown = runner.run({"tasks": [imported, said, *reported], **defaults})
    assert "To the team: 1 of 1 accounts needed a change: Chat." in shown
    assert (
        "To the team: 2 of 3 accounts needed a change: Chat, Team K. 1 of 3 accounts failed: Team R. The first" in shown
    )
    assert "These credentials may read but not make this change." in shown
    assert f"To the team: 1 of 2 accounts needed a change: {OLD_ID}. 1 of 2 accounts failed: {SAME_ID}." in shown
    assert (
        "state is present but all of the following are missing: amount, threshold. Set what is missing for the account, or as "
        "a variable for all accounts, for example ai_gateway_topup_amount."
    ) in shown
    assert runner.calls() == [
        *("GET 0", "GET 0", "GET 0", "POST 0", "GET c", "POST c", "GET d", "POST d"),
        *("GET b", "DELETE b"),
    ]
    credentials = [request["credentials"] for request in runner.simulator.requests]
    assert credentials == [*["token"] * 4, *["key"] * 2, *["token"] * 4]


def manage_one_account_per_host(runner: Runner) -> None:
    """The hosts are those of the inventory plugin, one that it cannot see, and one that is no account."""
    absent = f"'absent' if cloudflare_account_id == '{OLD_ID}' else 'present'"
    accounts = {"plugin": "finops.cloudflare.accounts", "compose": {"ai_gateway_topup_state": absent}}
    (runner.work / "prod.cloudflare_accounts.yml").write_text(json.dumps(accounts))
    others = {"sold": {"cloudflare_account_id": FOREIGN_ACCOUNT_ID}, "unknown": {}}
    inventory = {"others": {"hosts": others, "vars": {"ansible_connection": "local"}}}
    (runner.work / "others.yml").write_text(json.dumps(inventory))
    # It must not take the place of an account that is not given.
    runner.variables["CLOUDFLARE_ACCOUNT_ID"] = "e" * 32
    wanted = {"ai_gateway_topup_amount": 5000, "ai_gateway_topup_threshold": 1000}
    play = {"hosts": "all", "roles": [ROLE], "vars": wanted}
    inventories = ("-i", "prod.cloudflare_accounts.yml", "-i", "others.yml")
    changing = [ACCOUNT_ID, OTHER_ACCOUNT_ID, OLD_ID, KEY_ID, TOKEN_ID]
    reads = ["GET 0", "GET a", "GET b", "GET c", "GET d", "GET f"]

    checked = runner.run(play, *inventories, "--check", code=2)
    for account_id in changing:
        assert f"1 of 1 accounts needed a change: {account_id}. {CHECKED}" in checked
    # The limits of those that are to be set are read as well.
    assert sorted(runner.calls()) == sorted([*reads, "GET f", "GET 0", "GET c", "GET d", "GET f"])

    shown = runner.run(play, *inventories, code=2)
    for account_id in changing:
        assert f"1 of 1 accounts needed a change: {account_id}." in shown
    assert f"1 of 1 accounts failed: {FOREIGN_ACCOUNT_ID}. The first error is: Could not read" in shown
    assert "There is no account to manage, or one without an ID. Set ai_gateway_topup_accounts" in shown
    writes = ["POST 0", "DELETE b", "POST c", "POST d", "POST f"]
    assert sorted(runner.calls()) == sorted([*reads, "GET f", *writes])
    assert runner.stored(*changing) == [(5000, 1000), (5000, 1000), (None, None), (5000, 1000), (5000, 1000)]
    recap = shown.partition("PLAY RECAP")[2]
    for host in [*changing, SAME_ID, *others]:
        counted = recap.partition(f"{host} : ")[2].partition("rescued=")[0]
        assert f"changed={int(host in changing)} " in counted, recap
        assert f"failed={int(host in others)} " in counted, recap

    shown = runner.run(play, *inventories, "--limit", "cloudflare_accounts")
    assert shown.count("0 of 1 accounts needed a change.") == shown.count("changed=0") == len(changing) + 1
    assert sorted(runner.calls()) == reads


def refuse(runner: Runner) -> None:
    """What cannot be meant is refused before any request, for all accounts."""
    good = {"account_id": ACCOUNT_ID, "amount": 5000, "threshold": 1000}
    same = {**good, "account_id": KEY_ID}
    cases: list[tuple[list[dict[str, Any]] | None, str]] = [
        ([], "There is no account to manage, or one without an ID."),
        (None, "There is no account to manage, or one without an ID."),
        ([good, {**good, "account_id": ""}], "There is no account to manage, or one without an ID."),
        ([{**good, "account_id": ""}] * 2, "There is no account to manage, or one without an ID."),
        (
            [good, {**same, "account_id": KEY_ID.upper()}, same],
            f"contains an account twice: {KEY_ID}. Keep only one entry",
        ),
        ([good, {"amount": 5000, "threshold": 1000}], "missing required arguments: account_id"),
        ([good, {**same, "state": "gone"}], "value of state must be one of: present, absent, funded"),
        ([good, {**same, "api_email": EMAIL}], "parameters are required together: api_key, api_email"),
        ([good, {**same, "api_token": "{{ lost }}"}], "'lost' is undefined"),
    ]
    tasks = [
        {
            "block": [{"include_role": {"name": ROLE}, "vars": {"ai_gateway_topup_accounts": accounts}}],
            "rescue": [{"debug": {"msg": f"Case {number}: {{{{ ansible_failed_result.msg }}}}"}}],
        }
        for number, (accounts, _sentence) in enumerate(cases)
    ]
    shown = runner.run({"tasks": tasks})
    assert runner.simulator.requests == []
    for number, (_accounts, sentence) in enumerate(cases):
        assert sentence in shown.partition(f'"msg": "Case {number}: ')[2].partition("TASK [")[0], sentence


def keep_credit(runner: Runner) -> None:
    """Accounts above a floor, among others with an auto top-up: what one says takes the place of what is said for all."""
    wanted = {
        "ai_gateway_topup_state": "funded",
        "ai_gateway_topup_minimum_balance": 1000,
        "ai_gateway_topup_target_balance": 6000,
        "ai_gateway_topup_maximum_charge": 7000,
        "ai_gateway_topup_accounts": [
            {"account_id": ACCOUNT_ID, "name": "Rich"},
            {"account_id": OTHER_ACCOUNT_ID, "name": "Poor"},
            {"account_id": OLD_ID, "name": "Fixed", "amount": 2000, "maximum_charge": 2100, "allow_auto_topup": True},
            {"account_id": KEY_ID, "name": "Of a key", "api_key": GLOBAL_KEY, "api_email": EMAIL, "amount": 1500},
            {"account_id": SAME_ID, "name": "Automatic", "state": "present", "amount": 5000, "threshold": 1000},
            {"account_id": TOKEN_ID, "name": "Dear", "maximum_charge": 1050, "payment_method_id": "pm_1"},
            {"account_id": CAPPED_ID, "name": "Capped", "maximum_charge_per_day": 5879},
            {"account_id": NULL_ID, "name": "Null", "amount": None},
            {"account_id": AUTOMATIC_ID, "name": "Twice"},
        ],
    }
    for account_id, balance in ((OTHER_ACCOUNT_ID, 400), (OLD_ID, -100.5), (KEY_ID, 0), (TOKEN_ID, 999)):
        runner.simulator.set_account(account_id, balance=balance)
    runner.simulator.set_account(CAPPED_ID, balance=400)
    runner.simulator.set_account(NULL_ID, balance=400)
    runner.simulator.set_account(AUTOMATIC_ID, balance=400, topup={"amount": 5000, "threshold": 1000})
    ids = (ACCOUNT_ID, OTHER_ACCOUNT_ID, OLD_ID, KEY_ID, SAME_ID, TOKEN_ID)

    def balances() -> list[float]:
        return [runner.simulator.account(account_id)["balance"] for account_id in ids]

    play = {"roles": [ROLE], "vars": wanted}
    before = balances()
    needed = "3 of 9 accounts needed a change: Poor, Fixed, Of a key."
    failed = (
        "4 of 9 accounts failed: Dear, Capped, Null, Twice. "
        "The first error is: Nothing was bought: a purchase of at least $50.00 of credit for at least $52.50"
    )
    shown = runner.run(play, "--check", "--diff", code=2)
    assert f"{needed} {CHECKED} {failed}" in shown
    for sentence in (
        "exceeds maximum_charge_per_day, 5879",
        "set allow_auto_topup: true",
    ):
        assert sentence in shown, sentence
    # ansible-core 2.18 makes an empty text of null.
    assert "amount and target_balance are both null" in shown or "argument 'amount' is of type" in shown
    assert "+charge: 5880 ($58.80), fee 280 ($2.80) included" in shown
    assert balances() == before
    assert not [call for call in runner.calls() if call.startswith("POST")]

    assert f"{needed} {failed}" in runner.run(play, code=2)
    assert balances() == [before[0], 6000, 1899.5, 1500, before[4], 999]
    assert runner.stored(SAME_ID) == [(5000, 1000)]

    assert "0 of 9 accounts needed a change. 4 of 9 accounts failed: Dear, Capped, Null, Twice." in runner.run(
        play, code=2
    )


def keep_secrets(runner: Runner) -> None:
    """No token and no key is printed, logged or handed to a callback, however a run ends."""

    def given(*accounts: dict[str, Any]) -> dict[str, Any]:
        return {"roles": [{"role": ROLE, "ai_gateway_topup_accounts": accounts}], "vars": LIST}

    as_parameter = given(*LIST["ai_gateway_topup_accounts"])
    half = given({"account_id": KEY_ID, "api_key": GLOBAL_KEY})
    misspelt = given({"account_id": KEY_ID, "token": WRITE_TOKEN, "key": GLOBAL_KEY})
    runner.variables.update(
        ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.tree",
        ANSIBLE_CALLBACK_TREE_DIR=str(runner.work / "results"),
        ANSIBLE_LOAD_CALLBACK_PLUGINS="1",
        ANSIBLE_LOG_PATH=str(runner.work / "log"),
    )
    echo = {"fault": "echo_secret", "path": f"{TOKEN_ID}/ai-gateway/billing/topup/config"}
    for name, play, faults, code, text in (
        # If a secret is shown, this test sees it: this is what one looks like.
        ("control", {"tasks": [{"debug": {"msg": WRITE_TOKEN}}]}, [], 0, WRITE_TOKEN),
        ("variables", {"roles": [ROLE], "vars": LIST}, [], 2, "4 of 7 accounts needed a change"),
        ("parameter", as_parameter, [], 2, "0 of 7 accounts needed a change"),
        ("echoed", as_parameter, [echo], 2, "3 of 7 accounts failed"),
        ("half", half, [], 2, "parameters are required together: api_key, api_email"),
        ("misspelt", misspelt, [], 2, "accounts.token. Supported parameters include"),
    ):
        runner.simulator.add_faults(*faults)
        shown = runner.run(play, "-vvvv", "--diff", code=code)
        assert runner.simulator.faults == []
        for place in (shown, (runner.work / "log").read_text(), (runner.work / "results" / "localhost").read_text()):
            assert text in place
            assert (WRITE_TOKEN in place) is (name == "control")
            assert GLOBAL_KEY not in place
        (runner.work / "log").unlink()


def main() -> None:
    for test in (manage_a_list, use_it_in_other_ways, manage_one_account_per_host, keep_credit, refuse, keep_secrets):
        print(f"*** {test.__name__}", flush=True)
        with tempfile.TemporaryDirectory() as work, Simulator() as simulator:
            test(Runner(simulator, Path(work)))


if __name__ == "__main__":
    main()
