# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An inventory of this collection, parsed in the process of a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible_collections.finops.cloudflare.plugins.inventory import accounts
from ansible_collections.finops.cloudflare.tests.simulator.simulator import SECRETS

NAME = accounts.InventoryModule.NAME
EVIL = "{{ lookup('ansible.builtin.pipe', 'id') }}"
PREFIX = "cloudflare_ai_gateway_"


class Inventory:
    """Parses what it is given, as Ansible would, and keeps what came of it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "test.cloudflare_accounts.yml"
        self.data = InventoryData()
        self.warnings: list[str] = []

    def parse(self, fresh: bool = False, **options: Any) -> Inventory:
        """Fresh is what --flush-cache makes of it."""
        self.data = InventoryData()
        return self.parse_more(fresh, **options)

    def parse_more(self, fresh: bool = False, **options: Any) -> Inventory:
        """As parse, after what the inventory holds already."""
        self.path.write_text(yaml.safe_dump({"plugin": NAME, **options}))
        self.warnings.clear()
        plugin = accounts.InventoryModule()
        plugin._load_name, plugin._redirected_names = NAME, [NAME]
        plugin.display = self
        assert plugin.verify_file(str(self.path))
        plugin.parse(self.data, DataLoader(), str(self.path), cache=not fresh)
        if plugin.get_option("cache"):
            plugin.update_cache_if_changed()
        return self

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        return {name: host.vars for name, host in self.data.hosts.items()}

    def failure(self, **options: Any) -> str:
        """The sentence that the inventory fails with; it holds no secret, and no host is made."""
        with pytest.raises(AnsibleParserError) as failed:
            self.parse(**options)
        assert self.hosts == {}
        return self.told(failed)

    def failure_after(self, **options: Any) -> str:
        """As failure, after what the inventory holds already, which stays."""
        before = {name: dict(host.vars) for name, host in self.data.hosts.items()}
        with pytest.raises(AnsibleParserError) as failed:
            self.parse_more(**options)
        assert self.hosts == before
        return self.told(failed)

    @staticmethod
    def told(failed: pytest.ExceptionInfo[AnsibleParserError]) -> str:
        assert failed.value.__cause__ is None and failed.value.__suppress_context__
        assert [secret for secret in SECRETS if secret in str(failed.value)] == []
        return str(failed.value)

    @property
    def groups(self) -> dict[str, list[str]]:
        """The hosts of each group that has any."""
        return {name: [host.name for host in group.hosts] for name, group in self.data.groups.items() if group.hosts}
