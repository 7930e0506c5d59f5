# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import NO_TOPUP
from ansible_collections.finops.cloudflare.plugins.modules import cloudflare_ai_gateway_topup_info
from ansible_collections.finops.cloudflare.tests.simulator.simulator import (
    ACCOUNT_ID,
    POWERLESS_TOKEN,
    READ_TOKEN,
    Simulator,
)

TOPUP = {"amount": 5000, "threshold": 500}


@pytest.fixture
def read(run_module: Callable[..., dict[str, Any]], simulator: Simulator) -> Callable[..., dict[str, Any]]:
    def run(check_mode: bool = False, **options: Any) -> dict[str, Any]:
        fine = {"account_id": ACCOUNT_ID, "api_token": READ_TOKEN, "api_url": simulator.api_url}
        return run_module(cloudflare_ai_gateway_topup_info.main, {**fine, **options}, check_mode)

    return run


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("stored", "configured", "healthy"),
    [
        ({}, False, False),
        (TOPUP, True, True),
        ({**TOPUP, "error": "declined"}, True, True),
        ({**TOPUP, "disabledReason": "payment_failed"}, True, False),
    ],
)
def test_health(
    read: Callable[..., dict[str, Any]],
    simulator: Simulator,
    check_mode: bool,
    stored: dict[str, Any],
    configured: bool,
    healthy: bool,
) -> None:
    simulator.set_account(ACCOUNT_ID, topup=stored)
    result = read(check_mode)
    assert (result["configured"], result["healthy"]) == (configured, healthy)
    assert not result.get("changed")
    assert result["account_id"] == ACCOUNT_ID
    assert result["limits"] == {"min_cents": 1000, "max_cents": 500000, "currency": "USD"}
    assert [request["method"] for request in simulator.requests] == ["GET", "GET"]


def test_the_configuration_is_that_of_the_main_module(
    read: Callable[..., dict[str, Any]], simulator: Simulator
) -> None:
    simulator.set_account(ACCOUNT_ID, topup=TOPUP)
    assert read()["topup"] == {**NO_TOPUP, **TOPUP}


def test_an_api_that_does_not_know_the_limits(read: Callable[..., dict[str, Any]], simulator: Simulator) -> None:
    simulator.settings["limits"] = "unknown"
    result = read()
    assert result["limits"] is None
    assert not result["configured"]


def test_an_unknown_account_is_not_one_without_limits(read: Callable[..., dict[str, Any]]) -> None:
    result = read(account_id="f" * 32)
    assert result["failed"]
    assert "Cloudflare does not know this account" in result["msg"]


@pytest.mark.parametrize(
    ("path", "name"), [("topup/config", "auto top-up configuration"), ("topup/limits", "top-up limits")]
)
def test_a_part_that_may_not_be_read_is_named(
    read: Callable[..., dict[str, Any]], simulator: Simulator, path: str, name: str
) -> None:
    simulator.add_fault(fault="status", path=path, status=403)
    assert f"Could not read the {name} of account {ACCOUNT_ID}" in read()["msg"]


def test_a_token_without_the_permission(read: Callable[..., dict[str, Any]]) -> None:
    assert "lacks the permission AI Gateway Read" in read(api_token=POWERLESS_TOKEN)["msg"]
