# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A place to run the collection as a user does, with the simulator instead of Cloudflare."""

from __future__ import annotations

from pathlib import Path

from simulator.simulator import ACCOUNT_ID, WRITE_TOKEN, Simulator
from tools.processes import environment, run

ROOT = Path(__file__).resolve().parents[2]


def new_user(directory: Path, **variables: str) -> dict[str, str]:
    """The environment of somebody who has just begun with Ansible. What Ansible and the collection keep is in `directory`."""
    (directory / "ansible.cfg").touch()
    return {
        **environment(),
        "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
        "ANSIBLE_HOME": str(directory / "home"),
        "ANSIBLE_REMOTE_TEMP": str(directory / "remote"),
        "XDG_STATE_HOME": str(directory / "state"),
        "ANSIBLE_COLLECTIONS_PATH": str(directory / "collections"),
        "ANSIBLE_NOCOWS": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        **variables,
    }


def customer(simulator: Simulator, account_id: str = ACCOUNT_ID, token: str = WRITE_TOKEN) -> dict[str, str]:
    """What somebody with an account sets."""
    return {
        "CLOUDFLARE_ACCOUNT_ID": account_id,
        "CLOUDFLARE_API_TOKEN": token,
        "CLOUDFLARE_BASE_URL": simulator.api_url,
    }


def link(env: dict[str, str]) -> None:
    """Let Ansible find the collection as it is in this repository."""
    namespace = Path(env["ANSIBLE_COLLECTIONS_PATH"], "ansible_collections", "finops")
    namespace.mkdir(parents=True)
    (namespace / "cloudflare").symlink_to(ROOT)


def install(env: dict[str, str], source: str | Path = ROOT) -> Path:
    """Install the collection from this source, and return where the collections are."""
    path = env["ANSIBLE_COLLECTIONS_PATH"]
    run("ansible-galaxy", "collection", "install", source, "--offline", "--collections-path", path, env=env)
    return Path(path)
