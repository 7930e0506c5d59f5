# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A place to run the collection as a user does, with the simulator instead of Cloudflare."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

# pylint: disable-next=wrong-import-position
from simulator.simulator import (  # noqa: E402
    ACCOUNT_ID,
    EMAIL,
    GLOBAL_KEY,
    OTHER_ACCOUNT_ID,
    READ_TOKEN,
    WRITE_TOKEN,
    Simulator,
)

__all__ = [
    "ACCOUNT_ID",
    "EMAIL",
    "GLOBAL_KEY",
    "OTHER_ACCOUNT_ID",
    "READ_TOKEN",
    "ROOT",
    "WRITE_TOKEN",
    "SandboxError",
    "Simulator",
    "environment",
    "install",
]


class SandboxError(Exception):
    """Says what could not be prepared."""


def environment(directory: Path, simulator: Simulator, account_id: str) -> dict[str, str]:
    """The caller's environment with the simulator for Cloudflare, and without what could reach a real account.

    What Ansible and the collection keep is kept below `directory`.
    """
    # Shells read the files that the last three name.
    dropped = ("CLOUDFLARE_", "ANSIBLE_", "BASH_ENV", "ENV", "ZDOTDIR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    (directory / "ansible.cfg").touch()
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
        "ANSIBLE_HOME": str(directory / "home"),
        "ANSIBLE_REMOTE_TEMP": str(directory / "remote"),
        "XDG_STATE_HOME": str(directory / "state"),
        "ANSIBLE_COLLECTIONS_PATH": str(directory / "collections"),
        "ANSIBLE_NOCOWS": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "CLOUDFLARE_ACCOUNT_ID": account_id,
        "CLOUDFLARE_API_TOKEN": WRITE_TOKEN,
        "CLOUDFLARE_BASE_URL": simulator.api_url,
        "SIMULATOR_URL": simulator.control_url,
    }


def install(env: dict[str, str]) -> None:
    """Install the collection for a sandbox's environment. Raises `SandboxError`."""
    command = ["ansible-galaxy", "collection", "install", str(ROOT), "--offline", "-p", env["ANSIBLE_COLLECTIONS_PATH"]]
    installed = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    if installed.returncode:
        raise SandboxError(f"The collection could not be installed:\n{installed.stdout}{installed.stderr}")
