# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _purchase
from ansible_collections.finops.cloudflare.plugins.module_utils._api import CloudflareError
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import MINIMUM_AMOUNT
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = "0123456789abcdef0123456789abcdef"
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.sampled_from(["completed"])
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["payment_intent_id", "client_secret", "status", "eligible", "reason"]), inner
        )
    ),
    max_leaves=10,
)


@given(st.integers(MINIMUM_AMOUNT, 10**12))
def test_the_fee_is_the_least_whole_cents_that_are_5_percent(amount: int) -> None:
    charge = _purchase.charge_for(amount)
    assert 100 * (charge.fee - 1) < 5 * amount <= 100 * charge.fee
    assert charge == (amount, charge.fee, amount + charge.fee)


def test_a_purchase_can_be_sent_only_once() -> None:
    call = _purchase.purchase_request(ACCOUNT, 5000, "pm_1")
    assert call.writes
    assert call.settled is None
    assert call.body == {"amount": 5000, "payment_method_id": "pm_1"}
    assert "payment_method_id" not in (_purchase.purchase_request(ACCOUNT, 5000, None).body or {})
    assert not _purchase.status_request(ACCOUNT, "in_1").writes
    assert not _purchase.eligibility_request(ACCOUNT).writes


@given(JSON)
def test_whatever_is_answered_is_understood_or_refused(answer: Any) -> None:
    parsers: list[Callable[[object], Any]] = [
        _purchase.purchase_from_api,
        _purchase.status_from_api,
        _purchase.eligibility_from_api,
    ]
    for parse in parsers:
        try:
            found = parse(answer)
        except ValueError:
            assert not isinstance(answer, dict) or parse is _purchase.purchase_from_api
            continue
        if parse is _purchase.purchase_from_api:
            assert found.invoice_id
            assert found.asks_cardholder == bool(answer.get("client_secret"))
        elif parse is _purchase.status_from_api:
            assert found is (answer.get("status") == "completed")
        else:
            assert (found is None) is (answer.get("eligible") is not False)


@pytest.mark.parametrize(
    ("count", "found"),
    [
        (0, "There is no new invoice yet."),
        (1, "New invoices: invoice in_0, status open."),
        (5, "invoice in_4, status open."),
        (6, "invoice in_4, status open and 1 more."),
        (8, "invoice in_4, status open and 3 more."),
    ],
)
def test_of_many_new_invoices_the_rest_is_counted(count: int, found: str) -> None:
    nothing = {"created_at": None, "amount_due": None, "currency": None}
    since = [{"id": f"in_{number}", "status": "open", **nothing} for number in range(count)]
    error = CloudflareError(_purchase.purchase_request(ACCOUNT, 5000, None), "it broke off")
    _purchase.lost(error, ACCOUNT, since)
    assert error.aftermath.startswith("The card may have been charged. ")
    assert error.aftermath.endswith(found)
    assert f"Look at the invoices of account {ACCOUNT} in" in error.next_step


def test_a_failure_says_what_was_to_be_done() -> None:
    assert _purchase.purchase_request(ACCOUNT, 5000, None).purpose == f"buy $50.00 of credit for account {ACCOUNT}"
    asked = _purchase.status_request(ACCOUNT, "in_1").purpose
    assert asked == f"ask whether purchase in_1 of account {ACCOUNT} is paid"
    assert _purchase.eligibility_request(ACCOUNT).purpose == f"ask why account {ACCOUNT} cannot buy credit"


@pytest.mark.parametrize(
    ("answer", "why"), [([], "the purchase is not an object"), ({"status": "paid"}, "payment_intent_id is missing")]
)
def test_a_purchase_without_an_id_is_refused(answer: object, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}$"):
        _purchase.purchase_from_api(answer)
