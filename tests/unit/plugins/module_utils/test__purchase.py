# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.finops.cloudflare.plugins.module_utils import _purchase
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
