# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: an inventory that talks to the simulator, and a cache for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.plugins.doc_fragments import constructed, inventory_cache
from ansible_collections.finops.cloudflare.plugins.doc_fragments import _connection
from ansible_collections.finops.cloudflare.plugins.inventory import accounts
from ansible_collections.finops.cloudflare.tests.simulator.simulator import READ_TOKEN, Simulator
from ansible_collections.finops.cloudflare.tests.unit.plugins.inventories import NAME, Inventory


@pytest.fixture
def inventory(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    """An inventory whose options are those that the documentation tells, as Ansible's plugin loader makes them."""
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", simulator.api_url)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", READ_TOKEN)
    options: dict[str, Any] = {}
    for fragment in (constructed.ModuleDocFragment, inventory_cache.ModuleDocFragment, _connection.ModuleDocFragment):
        options.update(yaml.safe_load(fragment.DOCUMENTATION)["options"])
    options.update(yaml.safe_load(accounts.DOCUMENTATION)["options"])
    constants.config.initialize_plugin_configuration_definitions("inventory", NAME, options)
    return Inventory(tmp_path)


@pytest.fixture
def cache(tmp_path: Path) -> dict[str, Any]:
    return {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
