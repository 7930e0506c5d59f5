# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shell of ``make try`` is to its user, with a directory for the files that the examples name."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, NamedTuple

from demo import shell
from simulator.simulator import READ_TOKEN, Simulator
from tools import processes
from tools.sandbox import ROOT, customer, link, new_user

ACTIONS = ROOT / "tests" / "integration" / "targets" / "setup_simulator" / "action_plugins"
INVENTORY = "prod.cloudflare_accounts.yml"


class RememberingSimulator(Simulator):  # type: ignore[misc]
    """Keeps what was asked before each reset."""

    def __init__(self) -> None:
        super().__init__()
        self.before_resets: list[list[dict[str, Any]]] = []

    def reset(self, now: int | None = None) -> None:
        self.before_resets.append(self.requests)
        super().reset(now)


class Box(NamedTuple):
    """A directory, an environment, and the simulator to which it leads."""

    directory: Path
    env: dict[str, str]
    simulator: RememberingSimulator

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run what a user types; the output holds the errors too."""
        return processes.run("sh", "-c", command, cwd=self.directory, env=self.env, check=False, merged=True)

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path


@contextmanager
def opened(directory: Path) -> Iterator[Box]:
    """A box in this directory."""
    with RememberingSimulator() as simulator:
        shell.add_accounts(simulator)
        env = new_user(directory, **customer(simulator, shell.FIRST_ACCOUNT))
        link(env)
        # For the action that prepares the simulator
        env["SIMULATOR"] = json.dumps({**simulator.info(), "account_id": shell.FIRST_ACCOUNT})
        env.update(HOME=str(directory), ANSIBLE_ACTION_PLUGINS=str(ACTIONS))
        box = Box(directory, env, simulator)
        box.write(".cloudflare-token", f"{READ_TOKEN}\n")
        box.write(INVENTORY, "plugin: finops.cloudflare.accounts\n")
        yield box
