# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences of the credit module name the account, which a job of many accounts needs, and say what was not done."""

from __future__ import annotations

import time

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils._deadline import Deadline
from ansible_collections.finops.cloudflare.plugins.module_utils._journal import locked_journal
from ansible_collections.finops.cloudflare.tests.simulator.simulator import ACCOUNT_ID
from ansible_collections.finops.cloudflare.tests.unit.plugins.credit import Runner, facts


def ago(days: float) -> int:
    return int(time.time() - days * 86400)


def keep_invoices(run: Runner, *kinds_and_days: tuple[str, float]) -> None:
    """Invoices of these kinds and ages, newest first, of which the API lists two."""
    run.simulator.settings.change({"invoices_per_page": 2})
    first = run.account["invoices"][0]
    invoices = [{**first, "id": f"in_{age}", "type": kind, "created": ago(age)} for kind, age in kinds_and_days]
    run.set(invoices=invoices)


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_diff(run: Runner, check_mode: bool) -> None:
    run.set(balance=400.25)
    header = f"AI Gateway credit of account {ACCOUNT_ID}"
    assert run(check_mode)["diff"] == {
        "before_header": header,
        "after_header": header,
        "before": "balance: 400.25 ($4.00)\n",
        "after": "balance: 5400.25 ($54.00)\ncharge: 5250 ($52.50), fee 250 ($2.50) included\n",
    }


def test_an_auto_topup(run: Runner) -> None:
    run.set(topup={"amount": 5000, "threshold": 500})
    assert run()["msg"].startswith(f"Nothing was bought: account {ACCOUNT_ID} has an auto top-up.")


def test_the_limits_of_the_account(run: Runner) -> None:
    run.set(limits={"max_cents": 4999})
    assert run(check_mode=True)["msg"].startswith(
        "Nothing was bought: amount 5000 ($50.00) is above this account's limit."
    )


def test_a_purchase_of_unknown_outcome(run: Runner) -> None:
    run.simulator.add_fault(fault="drop_before", path="/topup")
    lost = run(wait=False)
    assert f"Look at the invoices of account {ACCOUNT_ID} in the Cloudflare dashboard" in lost["msg"]
    assert lost["invoices_since"] == []
    for check_mode in (True, False):
        later = run(check_mode, wait=False)
        assert later["msg"].startswith(
            f"The balance of account {ACCOUNT_ID}, $4.00, is below minimum_balance, $10.00, but"
        )
        assert facts(later) == (False, 400, 400, None, None)


@pytest.mark.parametrize(("lag", "what"), [("list_reads", "invoices"), ("balance_reads", "balance")])
def test_a_purchase_that_is_shown_in_one_place(run: Runner, lag: str, what: str) -> None:
    run.set(purchases={lag: 1000})
    (warning,) = run(wait_timeout=30)["warnings"]
    assert warning.startswith(f"The {what} of account {ACCOUNT_ID} ")


def test_a_list_of_invoices_that_is_cut(run: Runner) -> None:
    keep_invoices(run, ("auto", 5), ("auto", 6), ("auto", 40))
    said = f"Nothing was bought: Cloudflare lists only 2 invoices of account {ACCOUNT_ID}, and some of the last 30 days"
    assert run()["msg"].startswith(said)


def test_lists_of_purchases_that_are_cut_earlier_than_a_limit_reaches(run: Runner) -> None:
    keep_invoices(run, ("usage", 1), ("manual", 40), ("auto", 50), ("auto", 60), ("auto", 70))
    result = run(maximum_charge_per_month=5250)
    assert result["changed"]
    cut = f"Cloudflare lists only the 2 newest invoices of account {ACCOUNT_ID}, created since "
    assert [warning.startswith(cut) for warning in result["warnings"]] == [True, True]


def test_another_run_that_holds_the_lock(run: Runner) -> None:
    run()
    (journal,) = run.journals
    run.start_anew()
    with locked_journal(str(journal), ACCOUNT_ID, Deadline(0)):
        said = f"another run on this machine is checking or buying credit for account {ACCOUNT_ID} and has not finished"
        for check_mode in (True, False):
            assert said in run(check_mode, wait=False)["msg"]
