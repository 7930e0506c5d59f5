# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a template without a value makes of an option: null. It is as if it were left out, or an error that names the option."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Callable, Iterator

import pytest
import yaml
from ansible_collections.finops.cloudflare.plugins.doc_fragments import _account, _connection
from ansible_collections.finops.cloudflare.plugins.modules import (
    cloudflare_ai_gateway_billing_info,
    cloudflare_ai_gateway_topup,
    cloudflare_ai_gateway_topup_info,
)
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID, WRITE_TOKEN, Simulator

RunModule = Callable[..., "dict[str, Any]"]

NEEDED: dict[ModuleType, dict[str, Any]] = {
    cloudflare_ai_gateway_topup: {"amount": 5000, "threshold": 500},
    cloudflare_ai_gateway_topup_info: {},
    cloudflare_ai_gateway_billing_info: {"gather": ["all"]},
}
"""What each module needs beside the account and the credentials."""

LEFT_OUT = ("api_key", "api_email", "ca_path", "usage_end")
"""The options that have no default, and that nothing needs here."""


def options() -> Iterator[tuple[ModuleType, str]]:
    shared = (_account.ModuleDocFragment.DOCUMENTATION, _connection.ModuleDocFragment.DOCUMENTATION)
    for module in NEEDED:
        for documentation in (module.DOCUMENTATION, *shared):
            for name in yaml.safe_load(documentation).get("options", {}):
                yield module, name


def name_of(value: object) -> str | None:
    return value.__name__.rpartition(".")[2] if isinstance(value, ModuleType) else None


@pytest.mark.parametrize(("module", "option"), list(options()), ids=name_of)
def test_null_is_nothing_or_refused_in_a_sentence(
    run_module: RunModule, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, module: ModuleType, option: str
) -> None:
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", simulator.api_url)
    given = {"account_id": ACCOUNT_ID, "api_token": WRITE_TOKEN, **NEEDED[module]}
    result = run_module(module.main, {**given, option: None})
    if option in LEFT_OUT:
        assert not result.get("failed")
    else:
        assert result["failed"]
        assert option in result["msg"]
        assert simulator.requests == []


@pytest.mark.parametrize(("module", "option"), list(options()), ids=name_of)
@pytest.mark.parametrize(
    "value",
    [1e300, 10**400, [], {}],
    ids=["1e300", "400 digits", "list", "dict"],
)
def test_what_cannot_be_meant_ends_in_no_traceback(
    run_module: RunModule,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    option: str,
    value: object,
) -> None:
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", simulator.api_url)
    given = {"account_id": ACCOUNT_ID, "api_token": WRITE_TOKEN, **NEEDED[module]}
    before = simulator.account(ACCOUNT_ID)["topup"]
    result = run_module(module.main, {**given, option: value})
    if result.get("failed"):
        assert result["msg"]
        assert "Traceback" not in result["msg"]
        assert simulator.account(ACCOUNT_ID)["topup"] == before


@pytest.mark.parametrize("option", ["amount", "threshold"])
def test_a_top_up_without_a_value_is_not_set(run_module: RunModule, simulator: Simulator, option: str) -> None:
    given = {"account_id": ACCOUNT_ID, "api_token": WRITE_TOKEN, "api_url": simulator.api_url}
    result = run_module(cloudflare_ai_gateway_topup.main, {**given, "amount": 5000, "threshold": 500, option: None})
    assert result["msg"].startswith(f"{option} is null. Set it to a whole number of cents")
    result = run_module(cloudflare_ai_gateway_topup.main, {**given, "state": "absent", option: None})
    assert not result.get("failed")
