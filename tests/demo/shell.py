# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open a shell in which the examples of the documentation work, against the simulator. Run by ``make try``.

With arguments, run that command instead of a shell, and end with its exit code.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from simulator.simulator import Simulator
from tools.processes import attach
from tools.sandbox import ROOT, customer, link, new_user

FIRST_ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
ACCOUNTS: dict[str, dict[str, Any]] = {
    FIRST_ACCOUNT: {"name": "Acme EU", "balance": 400},
    "0123456789abcdef0123456789abcdef": {"name": "Acme US", "balance": 2350},
    "f174e90afafe4643bbbc4a0ed4fc8415": {"name": "Research", "balance": 123450},
}
"""Every account of the documentation's examples, as the simulator knows it. Money is in cents."""

WELCOME = """\
In this shell, Cloudflare is simulated. The variables CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_BASE_URL are set.
Do not change them: leave out lines that export them. Leave the shell with: exit
"""


def add_accounts(simulator: Simulator) -> None:
    for account_id, state in ACCOUNTS.items():
        simulator.set_account(account_id, **state)


def without_files(program: str) -> list[str]:
    """The command of this shell without start-up files, which could set the variables for a real account."""
    options = {"bash": ["--noprofile", "--norc"], "zsh": ["-f"], "fish": ["--no-config"]}
    name = Path(program).name
    return [program, *options[name]] if name in options else ["/bin/sh"]


def main(arguments: list[str]) -> int:
    kept = ROOT / "tests" / "output" / "try"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="finops-cloudflare-try-") as name, Simulator() as simulator:
        add_accounts(simulator)
        env = new_user(Path(name), **customer(simulator, FIRST_ACCOUNT))
        env.update(SIMULATOR_URL=simulator.control_url, PS1="(simulated) $ ")
        link(env)
        # A configuration here is used, and that of the user is not.
        (kept / "ansible.cfg").touch()
        del env["ANSIBLE_CONFIG"]
        if not arguments:
            print(WELCOME, flush=True)
        command = arguments or without_files(os.environ.get("SHELL", ""))
        return attach(*command, cwd=kept, env=env)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as failed:
        sys.exit(f"make try: {failed}")
