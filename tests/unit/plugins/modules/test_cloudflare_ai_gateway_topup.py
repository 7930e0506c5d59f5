# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import NO_TOPUP
from ansible_collections.finops.cloudflare.plugins.modules import cloudflare_ai_gateway_topup
from ansible_collections.finops.cloudflare.tests.simulator.simulator import (
    ACCOUNT_ID,
    READ_TOKEN,
    WRITE_TOKEN,
    Simulator,
)

STOPPED: dict[str, Any] = {
    "amount": 5000,
    "threshold": 500,
    "disabledReason": "payment_failed",
    "error": "Your card was declined.",
    "lastFailedAt": 1760000000000,
}
PRESENT: dict[str, Any] = {"amount": 5000, "threshold": 500}
ABSENT: dict[str, Any] = {"state": "absent"}


class Runner:
    """Runs the module against the simulator and remembers nothing but the simulator."""

    def __init__(self, run_module: Callable[..., dict[str, Any]], simulator: Simulator) -> None:
        self._run_module = run_module
        self.simulator = simulator

    def __call__(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        self.simulator.forget_requests()
        fine = {"account_id": ACCOUNT_ID, "api_token": WRITE_TOKEN, "api_url": self.simulator.api_url}
        return self._run_module(cloudflare_ai_gateway_topup.main, {**fine, **options}, check_mode)

    @property
    def methods(self) -> list[str]:
        return [request["method"] for request in self.simulator.requests]

    @property
    def stored(self) -> dict[str, Any]:
        return self.simulator.account(ACCOUNT_ID)["topup"]

    def store(self, **topup: Any) -> None:
        self.simulator.set_account(ACCOUNT_ID, topup=topup)

    def stores(self, amount: int | None, threshold: int | None) -> bool:
        return (self.stored.get("amount"), self.stored.get("threshold")) == (amount, threshold)


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]], simulator: Simulator) -> Runner:
    return Runner(run_module, simulator)


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """A result without what only a check-mode run or only a real run can differ in."""
    return {key: value for key, value in result.items() if key != "invocation"}


@pytest.mark.parametrize(
    ("start", "wanted", "method"),
    [
        ({}, PRESENT, "POST"),
        ({"amount": 7000, "threshold": 700}, PRESENT, "POST"),
        ({"amount": 5000, "threshold": 700}, PRESENT, "POST"),
        ({"amount": 7000, "threshold": 500}, PRESENT, "POST"),
        (STOPPED, {"amount": 6000, "threshold": 500}, "POST"),
        ({"amount": 7000, "threshold": 700}, ABSENT, "DELETE"),
        (STOPPED, ABSENT, "DELETE"),
    ],
)
def test_ladder(run: Runner, start: dict[str, Any], wanted: dict[str, Any], method: str) -> None:
    run.store(**start)

    predicted = run(check_mode=True, **wanted)
    assert predicted["changed"]
    # Of a configuration to be set, it reads the limits as well.
    assert run.methods == ["GET"] * (2 if method == "POST" else 1)
    assert run.stores(start.get("amount"), start.get("threshold"))

    done = run(**wanted)
    assert shown(done) == shown(predicted)
    assert run.methods == ["GET", method]
    assert run.stores(wanted.get("amount"), wanted.get("threshold"))

    again = run(**wanted)
    assert not again["changed"]
    assert run.methods == ["GET"]
    assert again["diff"]["before"] == again["diff"]["after"] == done["diff"]["after"]


def test_result_of_present(run: Runner) -> None:
    result = run(**PRESENT)
    assert result["account_id"] == ACCOUNT_ID
    assert result["topup"] == {**NO_TOPUP, **PRESENT}
    assert result["diff"]["before"] == "auto top-up: not set\n"
    assert result["diff"]["after"] == "auto top-up: set\namount: 5000 ($50.00)\nthreshold: 500 ($5.00)\n"
    assert result["warnings"] == []


def test_result_of_absent(run: Runner) -> None:
    run.store(**STOPPED)
    result = run(**ABSENT)
    assert result["topup"] == NO_TOPUP
    assert result["warnings"] == []


def test_the_post_carries_the_two_amounts_and_nothing_else(run: Runner) -> None:
    run(**PRESENT)
    assert run.simulator.requests[-1]["body"] == PRESENT


@pytest.mark.parametrize("account_id", [ACCOUNT_ID.upper(), ACCOUNT_ID])
def test_the_account_id_may_be_in_upper_case(run: Runner, account_id: str) -> None:
    assert run(account_id=account_id, **PRESENT)["account_id"] == ACCOUNT_ID


def test_numbers_as_text_as_extra_variables_bring_them(run: Runner) -> None:
    assert run(amount="5000", threshold="500")["changed"]
    assert not run(**PRESENT)["changed"]


@pytest.mark.parametrize(
    ("unset", "numbers", "optional_keys"),
    list(itertools.product(["null", "zero", "missing"], ["integer", "float"], ["null", "missing"])),
)
def test_whatever_the_api_looks_like_the_results_are_the_same(
    run: Runner, unset: str, numbers: str, optional_keys: str
) -> None:
    run.simulator.settings.update(unset=unset, numbers=numbers, optional_keys=optional_keys)
    assert not run(**ABSENT)["changed"]
    assert run(**PRESENT)["changed"]
    again = run(**PRESENT)
    assert not again["changed"]
    assert again["topup"] == {**NO_TOPUP, **PRESENT}
    assert all(isinstance(again["topup"][key], int) for key in PRESENT)
    assert run(**ABSENT)["changed"]
    assert not run(**ABSENT)["changed"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_stopped_configuration_is_never_silent(run: Runner, check_mode: bool) -> None:
    run.store(**STOPPED)
    result = run(check_mode, **PRESENT)
    assert not result["changed"]
    assert result["topup"]["disabled_reason"] == "payment_failed"
    assert result["topup"]["last_failed"] == "2025-10-09T08:53:20Z"
    assert result["topup"]["last_failed_at"] == 1760000000000
    (warning,) = result["warnings"]
    assert f"Cloudflare has stopped the auto top-up of account {ACCOUNT_ID}" in warning


def test_an_amount_below_the_threshold_is_a_warning(run: Runner) -> None:
    (warning,) = run(amount=1000, threshold=1001)["warnings"]
    assert "charges follow each other" in warning


def test_a_read_token_is_enough_where_nothing_is_written(run: Runner) -> None:
    assert run(check_mode=True, api_token=READ_TOKEN, **PRESENT)["changed"]
    run.store(**PRESENT)
    assert not run(api_token=READ_TOKEN, **PRESENT)["changed"]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({}, "state is present but all of the following are missing: amount, threshold"),
        ({"amount": 5000}, "state is present but all of the following are missing: threshold"),
        ({"threshold": 500}, "state is present but all of the following are missing: amount"),
        ({"amount": 50, "threshold": 500}, "amount is in cents: 50 is $0.50"),
        ({"amount": 5000, "threshold": 5}, "threshold is in cents: 5 is $0.05"),
        ({"amount": 5000.5, "threshold": 500}, "'amount' is of type"),
        ({"amount": "fifty", "threshold": 500}, "'amount' is of type"),
        ({"amount": True, "threshold": 500}, "amount is True, a boolean"),
        ({"state": "gone"}, "value of state must be one of: present, absent"),
        ({"amount": 5000, "threshold": 500, "account_id": "../../user"}, "account_id must be the 32 hexadecimal"),
        ({"amount": 5000, "threshold": 500, "api_token": "t\n"}, "api_token contains a line break"),
    ],
)
def test_bad_input_is_refused_before_any_request(run: Runner, options: dict[str, Any], part: str) -> None:
    result = run(**options)
    assert result["failed"]
    assert part in result["msg"]
    assert run.methods == []


def test_a_page_is_not_taken_for_a_missing_permission(run: Runner) -> None:
    run.simulator.add_fault(fault="foreign", status=403, method="POST")
    result = run(**PRESENT)
    assert "the response was HTTP 403 with a body that is not JSON" in result["msg"]
    assert "A proxy, a firewall, or a login page may have responded instead" in result["msg"]
    assert "permission" not in result["msg"]
    assert "cloudflare_ai_gateway_credit" not in result["msg"]


def test_an_amount_over_the_limit_of_the_account(run: Runner) -> None:
    run.simulator.set_account(ACCOUNT_ID, limits={"max_cents": 4000})
    result = run(**PRESENT)
    assert "One purchase may buy at most 4000 ($40.00)" in result["msg"]
    assert result["error"]["method"] == "POST"
    assert run.methods == ["GET", "POST", "GET"]


@pytest.mark.parametrize(
    ("limits", "said"),
    [({"max_cents": 4999}, "at most 4999 ($49.99)"), ({"min_cents": 5001}, "at least 5001 ($50.01)")],
)
def test_check_mode_sees_the_limits_of_the_account(run: Runner, limits: dict[str, int], said: str) -> None:
    run.simulator.set_account(ACCOUNT_ID, limits=limits)
    result = run(check_mode=True, api_token=READ_TOKEN, **PRESENT)
    assert result["failed"]
    assert said in result["msg"]
    run.simulator.settings["limits"] = "unknown"
    assert run(check_mode=True, **PRESENT)["changed"]
    run.store(**PRESENT)
    assert not run(check_mode=True, **PRESENT)["changed"]
    assert run.methods == ["GET"]


def test_a_refusal_where_the_limits_are_unknown(run: Runner) -> None:
    run.simulator.settings["limits"] = "unknown"
    run.simulator.set_account(ACCOUNT_ID, limits={"max_cents": 4000})
    result = run(**PRESENT)
    assert "Cloudflare did not report this account's limits" in result["msg"]
    assert result["error"]["status"] == 400


@pytest.mark.parametrize("wanted", [PRESENT, ABSENT])
def test_writes_refused_to_tokens(run: Runner, wanted: dict[str, Any]) -> None:
    run.store(amount=7000, threshold=700)
    run.simulator.settings["token_writes"] = "refused"
    message = run(**wanted)["msg"]
    assert "AI Gateway Write" in message
    assert "dashboard sessions only" in message
    # There is no way out but the dashboard to remove it.
    buying = (
        "buy it with the module finops.cloudflare.cloudflare_ai_gateway_credit or the playbook finops.cloudflare.credit"
    )
    assert (buying in message) == (wanted == PRESENT)
    assert run(check_mode=True, **wanted)["changed"]


def test_a_refused_removal_does_not_talk_about_limits(run: Runner) -> None:
    run.store(**PRESENT)
    run.simulator.add_fault(fault="status", method="DELETE", status=400, code=1, message="no")
    message = run(**ABSENT)["msg"]
    assert "code 1 (no)" in message
    assert "limit" not in message
    assert run.methods == ["GET", "DELETE"]


def test_a_declined_payment_does_not_talk_about_limits(run: Runner) -> None:
    run.simulator.add_fault(fault="status", method="POST", status=402, code=1, message="declined")
    assert "HTTP 402, code 1 (declined)" in run(**PRESENT)["msg"]
    assert run.methods == ["GET", "POST"]


def test_a_warning_shows_no_secret(run: Runner) -> None:
    run.store(**PRESENT, disabledReason=f"not with {WRITE_TOKEN}")
    (warning,) = run(**PRESENT)["warnings"]
    assert "(reason: not with ********)" in warning
