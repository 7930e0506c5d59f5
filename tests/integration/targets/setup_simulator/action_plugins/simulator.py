# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action ``simulator``: prepares the simulator of ``python -m simulator run``, and tells what it stores and was asked.

It talks to the control API in Ansible's worker, since a process for each look would cost more than what is tested.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

# In the order in which they are done.
OPTIONS = {
    # The simulator starts over, and this machine has bought nothing.
    "reset": {"type": "bool", "default": False},
    # This machine forgets what it bought, as if a quarter of an hour had passed.
    "forget_purchases": {"type": "bool", "default": False},
    "settings": {"type": "dict", "default": {}},
    # What changes, each with the account_id of its account, or for the default account.
    "accounts": {"type": "list", "elements": "dict", "default": []},
    # The IDs of accounts whose purchases are paid.
    "settle": {"type": "list", "elements": "str", "default": []},
    "faults": {"type": "list", "elements": "dict", "default": []},
}


class Control:
    """The control API of the simulator."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._path = address.path
        self._connection = http.client.HTTPConnection(address.netloc, timeout=60)

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        self._connection.request(method, self._path + path, None if body is None else json.dumps(body))
        response = self._connection.getresponse()
        answer = json.load(response)
        if response.status != 200:
            raise AnsibleActionFail(f"The simulator refused {method} {path}: {answer['error']}")
        return answer


class ActionModule(ActionBase):  # type: ignore[misc]
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(argument_spec=OPTIONS)
        simulator = json.loads(os.environ["SIMULATOR"])
        with Control(simulator["control_url"]) as control:
            prepare(control, simulator["account_id"], options)
            return {"changed": False, **look(control, simulator["account_id"])}


def prepare(control: Control, default_account: str, options: dict[str, Any]) -> None:
    if options["reset"]:
        control.ask("POST", "/reset")
    if options["reset"] or options["forget_purchases"]:
        journals = Path(os.environ["XDG_STATE_HOME"], "finops.cloudflare")
        if journals.exists():
            shutil.rmtree(journals)
    if options["settings"]:
        control.ask("PATCH", "/settings", options["settings"])
    for account in options["accounts"]:
        changes = dict(account)
        control.ask("PATCH", f"/accounts/{changes.pop('account_id', default_account)}", changes)
    for account_id in options["settle"]:
        control.ask("POST", f"/accounts/{account_id}")
    if options["faults"]:
        control.ask("POST", "/faults", options["faults"])


def look(control: Control, default_account: str) -> dict[str, Any]:
    """What is stored now, and what was asked since the last look."""
    accounts = control.ask("GET", "/accounts")
    requests = control.ask("DELETE", "/requests")
    return {
        "accounts": accounts,
        "stored": accounts[default_account]["topup"],
        "requests": requests,
        "calls": [f"{request['method']} {request['status']}" for request in requests],
        "credentials_sent": [request["credentials"] for request in requests],
        "faults_left": control.ask("GET", "/faults"),
    }
