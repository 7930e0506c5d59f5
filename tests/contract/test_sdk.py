# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloudflare's own Python SDK takes the simulator for Cloudflare."""

from __future__ import annotations

import cloudflare
import pytest
from cloudflare import Cloudflare
from simulator.simulator import (
    ACCOUNT_ID,
    EMAIL,
    GLOBAL_KEY,
    OTHER_ACCOUNT_ID,
    POWERLESS_TOKEN,
    READ_TOKEN,
    WRITE_TOKEN,
    Simulator,
)

ENVIRONMENT = ("API_TOKEN", "API_KEY", "EMAIL", "API_USER_SERVICE_KEY", "BASE_URL")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has set must not decide a test."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(f"CLOUDFLARE_{name}", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def billing(simulator: Simulator, token: str = READ_TOKEN) -> cloudflare.resources.ai_gateway.BillingResource:
    return Cloudflare(api_token=token, base_url=simulator.api_url, max_retries=0).ai_gateway.billing


def config(
    simulator: Simulator, token: str = WRITE_TOKEN, retries: int = 0
) -> cloudflare.resources.ai_gateway.billing.topup.ConfigResource:
    client = Cloudflare(api_token=token, base_url=simulator.api_url, max_retries=retries)
    return client.ai_gateway.billing.topup.config


def test_read_set_read_delete(simulator: Simulator) -> None:
    topup = config(simulator)
    unset = topup.get(account_id=ACCOUNT_ID)
    assert (unset.amount, unset.threshold, unset.disabled_reason, unset.error, unset.last_failed_at) == (None,) * 5
    echo = topup.create(account_id=ACCOUNT_ID, amount=5000, threshold=500)
    assert (echo.amount, echo.threshold) == (5000, 500)
    read = topup.get(account_id=ACCOUNT_ID)
    assert (read.amount, read.threshold) == (5000, 500)
    assert topup.get(account_id=OTHER_ACCOUNT_ID).amount is None
    assert topup.delete(account_id=ACCOUNT_ID) == {}
    assert topup.get(account_id=ACCOUNT_ID).amount is None
    assert [entry["method"] for entry in simulator.requests] == ["GET", "POST", "GET", "GET", "DELETE", "GET"]


def test_a_stopped_configuration(simulator: Simulator) -> None:
    stopped = {"disabledReason": "payment_failed", "error": "card declined", "lastFailedAt": 1760000000000}
    simulator.set_account(ACCOUNT_ID, topup={"amount": 5000, "threshold": 500, **stopped})
    read = config(simulator).get(account_id=ACCOUNT_ID)
    assert (read.disabled_reason, read.error) == ("payment_failed", "card declined")
    assert read.last_failed_at == 1760000000000


def test_a_key_with_its_email(simulator: Simulator) -> None:
    client = Cloudflare(api_email=EMAIL, api_key=GLOBAL_KEY, base_url=simulator.api_url, max_retries=0)
    assert client.ai_gateway.billing.topup.config.get(account_id=ACCOUNT_ID).amount is None
    assert simulator.requests[0]["credentials"] == "key"


@pytest.mark.parametrize(
    ("token", "error"),
    [("unknown", cloudflare.AuthenticationError), (POWERLESS_TOKEN, cloudflare.PermissionDeniedError)],
)
def test_a_bad_token(simulator: Simulator, token: str, error: type[cloudflare.APIStatusError]) -> None:
    with pytest.raises(error) as refused:
        config(simulator, token).get(account_id=ACCOUNT_ID)
    assert [each.code for each in refused.value.errors] == [10000]


def test_a_token_that_can_only_read(simulator: Simulator) -> None:
    topup = config(simulator, READ_TOKEN)
    assert topup.get(account_id=ACCOUNT_ID).amount is None
    with pytest.raises(cloudflare.PermissionDeniedError):
        topup.delete(account_id=ACCOUNT_ID)


def test_writes_that_are_left_to_the_dashboard(simulator: Simulator) -> None:
    simulator.settings["token_writes"] = "refused"
    topup = config(simulator)
    with pytest.raises(cloudflare.PermissionDeniedError):
        topup.create(account_id=ACCOUNT_ID, amount=5000, threshold=500)
    with pytest.raises(cloudflare.PermissionDeniedError):
        topup.delete(account_id=ACCOUNT_ID)
    assert topup.get(account_id=ACCOUNT_ID).amount is None


def test_an_amount_under_the_minimum_and_an_unknown_account(simulator: Simulator) -> None:
    topup = config(simulator)
    with pytest.raises(cloudflare.BadRequestError):
        topup.create(account_id=ACCOUNT_ID, amount=50, threshold=500)
    with pytest.raises(cloudflare.NotFoundError):
        topup.get(account_id="0" * 32)


def test_the_sdk_tries_again_after_a_rate_limit_and_a_lost_answer(simulator: Simulator) -> None:
    simulator.add_faults({"fault": "rate_limited", "retry_after": "0"}, {"fault": "drop_after"})
    assert config(simulator, retries=2).create(account_id=ACCOUNT_ID, amount=5000, threshold=500).amount == 5000
    assert [entry["status"] for entry in simulator.requests] == [429, None, 200]


def test_the_credit_balance(simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, balance=-12.5, topup={"amount": 5000, "threshold": 500})
    credit = billing(simulator).credit_balance(account_id=ACCOUNT_ID)
    assert (credit.balance, credit.has_default_payment_method, credit.first_topup_success) == (-12.5, True, True)
    assert (credit.topup_config.amount, credit.topup_config.disabled_reason) == (5000, None)
    assert credit.payment_method is not None
    assert (credit.payment_method.brand, credit.payment_method.last4) == ("visa", "4242")


def test_usage_and_its_bounds(simulator: Simulator) -> None:
    usage = [{"start_time": each, "aggregated_value": 1.5} for each in (0, 3_600_000, 86_400_000)]
    simulator.set_account(ACCOUNT_ID, usage=usage)
    read = billing(simulator)
    days = read.usage_history(
        account_id=ACCOUNT_ID, value_grouping_window="day", start_time=0, end_time=172_800_000
    ).history
    assert [(day.start_time, day.end_time, day.aggregated_value) for day in days] == [
        (0, 86_400_000, 3),
        (86_400_000, 172_800_000, 1.5),
    ]
    with pytest.raises(cloudflare.BadRequestError):
        read.usage_history(account_id=ACCOUNT_ID, value_grouping_window="day")


def test_invoices(simulator: Simulator) -> None:
    read = billing(simulator)
    assert [each.amount_paid for each in read.invoice_history(account_id=ACCOUNT_ID).invoices] == [5250, 5250, 2100]
    manual = read.invoice_history(account_id=ACCOUNT_ID, type="manual")
    assert [(each.invoice_origin, each.description) for each in manual.invoices] == [("manual_topup", None)]
    assert (manual.pagination.total_count, manual.pagination.has_more) == (1, False)
    preview = read.invoice_preview(account_id=ACCOUNT_ID)
    assert (preview.status, preview.period_end - preview.period_start) == ("draft", 30 * 86400)
    (line,) = preview.invoice_lines
    assert line.pretax_credit_amounts is not None
    assert line.amount == line.pretax_credit_amounts[0].amount == 1600.75


def test_the_spending_limit(simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, spending_limit={"enabled": True, "amount": 10000, "duration": "monthly"})
    limit = billing(simulator).spending_limit.get(account_id=ACCOUNT_ID)
    assert (limit.enabled, limit.config.amount) == (True, 10000)
    assert (limit.config.duration, limit.config.strategy) == ("monthly", None)


def test_accounts_page_by_page(simulator: Simulator) -> None:
    for number in range(9):
        simulator.set_account(f"{number:032x}", name=f"Tenant {number}")
    client = Cloudflare(api_token=READ_TOKEN, base_url=simulator.api_url, max_retries=0)
    names = [account.name for account in client.accounts.list(per_page=5)]
    assert names == ["Account 012345", "Account fedcba", *(f"Tenant {number}" for number in range(9))]
    with pytest.raises(cloudflare.PermissionDeniedError):
        Cloudflare(api_token="unknown", base_url=simulator.api_url, max_retries=0).accounts.list()
