# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.finops.cloudflare.plugins.module_utils import _topup
from ansible_collections.finops.cloudflare.plugins.module_utils._api import UserError
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = "0123456789abcdef0123456789abcdef"
AMOUNTS = st.integers(_topup.MINIMUM_AMOUNT, 10**12)
THRESHOLDS = st.integers(_topup.MINIMUM_THRESHOLD, 10**12)
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(-1e15, 1e15)
UNSET = st.sampled_from([None, 0, 0.0])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["amount", "threshold", "disabledReason", "error", "lastFailedAt", "min_cents", "max_cents"]
            ),
            inner,
        )
    ),
    max_leaves=10,
)


def topup(**values: Any) -> dict[str, Any]:
    return {**_topup.NO_TOPUP, **values}


@given(AMOUNTS, THRESHOLDS)
def test_legal_amounts_are_wanted_as_they_are(amount: int, threshold: int) -> None:
    assert _topup.wanted_topup(amount, threshold) == topup(amount=amount, threshold=threshold)


@pytest.mark.parametrize(
    ("amount", "threshold", "sentence"),
    [
        (50, 500, "amount is in cents: 50 is $0.50. The minimum is 1000 ($10.00). For $50.00, write 5000."),
        (999, 500, "amount is in cents: 999 is $9.99. The minimum is 1000 ($10.00). For $999.00, write 99900."),
        (10, 500, "amount is in cents: 10 is $0.10. The minimum is 1000 ($10.00). For $10.00, write 1000."),
        (9, 500, "amount is in cents: 9 is $0.09. The minimum is 1000 ($10.00)."),
        (0, 500, "amount is in cents: 0 is $0.00. The minimum is 1000 ($10.00)."),
        (-5000, 500, "amount is in cents: -5000 is -$50.00. The minimum is 1000 ($10.00)."),
        (1000, 499, "threshold is in cents: 499 is $4.99. The minimum is 500 ($5.00). For $499.00, write 49900."),
        (True, 500, "amount is True, a boolean. Set it to a whole number of cents, for example 5000 for $50.00."),
        (1000, False, "threshold is False, a boolean. Set it to a whole number of cents, for example 5000 for $50.00."),
    ],
)
def test_amounts_that_cannot_be(amount: int, threshold: int, sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        _topup.wanted_topup(amount, threshold)
    assert str(refused.value) == sentence


@given(st.integers(max_value=_topup.MINIMUM_AMOUNT - 1), THRESHOLDS)
def test_every_amount_under_the_minimum_is_refused(amount: int, threshold: int) -> None:
    with pytest.raises(UserError, match="amount is in cents"):
        _topup.wanted_topup(amount, threshold)


@pytest.mark.parametrize(
    "result",
    [{}, {"amount": None, "threshold": None}, {"amount": 0, "threshold": 0}, {"amount": 0.0}, {"threshold": None}],
)
def test_unset_has_several_faces(result: dict[str, Any]) -> None:
    read = _topup.topup_from_api(result)
    assert read == _topup.NO_TOPUP
    assert not _topup.is_set(read)


@given(AMOUNTS, THRESHOLDS)
def test_whole_amounts_are_integers_however_they_are_written(amount: int, threshold: int) -> None:
    whole = _topup.topup_from_api({"amount": amount, "threshold": threshold})
    fractional = _topup.topup_from_api({"amount": float(amount), "threshold": float(threshold)})
    assert whole == fractional == topup(amount=amount, threshold=threshold)
    assert isinstance(fractional["amount"], int) and isinstance(fractional["threshold"], int)


def test_a_fraction_is_kept_and_never_equal_to_a_whole() -> None:
    read = _topup.topup_from_api({"amount": 5000.5, "threshold": 500})
    assert read["amount"] == 5000.5
    assert not _topup.same(read, topup(amount=5000, threshold=500))


def test_notes_of_cloudflare() -> None:
    result = {"amount": 1000, "threshold": 500, "disabledReason": "a\nb", "error": "", "lastFailedAt": 1760000000000}
    assert _topup.topup_from_api(result) == topup(
        amount=1000,
        threshold=500,
        disabled_reason="a b",
        last_failed="2025-10-09T08:53:20Z",
        last_failed_at=1760000000000,
    )


@pytest.mark.parametrize("raw", [None, 0, "yesterday", 1e18, True])
def test_what_is_no_time_of_a_failure_is_none(raw: object) -> None:
    found = _topup.topup_from_api({"lastFailedAt": raw})
    assert (found["last_failed"], found["last_failed_at"]) == (None, raw)


@pytest.mark.parametrize("raw", [1e300, float("inf"), 10**400, {"secret": 1}, ["secret"], {}, ""])
def test_what_is_no_scalar_is_no_time_of_a_failure_at_all(raw: object) -> None:
    found = _topup.topup_from_api({"lastFailedAt": raw})
    assert (found["last_failed"], found["last_failed_at"]) == (None, None)


@pytest.mark.parametrize("key", ["disabledReason", "error"])
@pytest.mark.parametrize(
    "raw", [{"secret": 1}, ["secret"], [[["secret"]]], 10**5000], ids=lambda raw: type(raw).__name__
)
def test_what_is_no_text_is_no_note(key: str, raw: object) -> None:
    assert _topup.topup_from_api({key: raw}) == topup()


@pytest.mark.parametrize("amount", [True, "5000", [], {}, float("inf"), float("-inf")])
def test_an_amount_that_is_no_number_is_an_unknown_shape(amount: object) -> None:
    with pytest.raises(ValueError, match="amount is not a number"):
        _topup.topup_from_api({"amount": amount, "threshold": 500})


@given(JSON)
def test_anything_else_is_read_or_refused(result: object) -> None:
    try:
        _topup.topup_from_api(result)
    except ValueError as unknown:
        assert " is not " in str(unknown)
    else:
        assert isinstance(result, dict)


@given(NUMBERS | UNSET, NUMBERS | UNSET, NUMBERS | UNSET, NUMBERS | UNSET)
def test_same_is_about_the_amounts_alone(a: float, b: float, c: float, d: float) -> None:
    one = _topup.topup_from_api({"amount": a, "threshold": b, "disabledReason": "x"})
    other = _topup.topup_from_api({"amount": c, "threshold": d})
    assert _topup.same(one, other) == ((a or 0) == (c or 0) and (b or 0) == (d or 0))


def test_half_a_configuration_is_set() -> None:
    assert _topup.is_set(topup(amount=1000))
    assert _topup.is_set(topup(threshold=500))


def test_after_write_keeps_what_cloudflare_noted() -> None:
    before = topup(amount=1000, threshold=500, disabled_reason="declined", error="e", last_failed_at=1)
    after = _topup.after_write(before, _topup.wanted_topup(2000, 600))
    assert after == topup(amount=2000, threshold=600, disabled_reason="declined", error="e", last_failed_at=1)


def test_after_a_removal_nothing_is_left() -> None:
    before = topup(amount=1000, threshold=500, disabled_reason="declined")
    assert _topup.after_write(before, _topup.NO_TOPUP) == _topup.NO_TOPUP


def test_diff_shows_dollars_beside_cents() -> None:
    diff = _topup.topup_diff(ACCOUNT, _topup.NO_TOPUP, topup(amount=5000, threshold=500, disabled_reason="x"))
    assert diff == {
        "before_header": f"auto top-up of account {ACCOUNT}",
        "after_header": f"auto top-up of account {ACCOUNT}",
        "before": "auto top-up: not set\n",
        "after": "auto top-up: set\namount: 5000 ($50.00)\nthreshold: 500 ($5.00)\n",
    }


def test_diff_of_half_a_configuration() -> None:
    diff = _topup.topup_diff(ACCOUNT, topup(amount=5000), _topup.NO_TOPUP)
    assert diff["before"] == "auto top-up: set\namount: 5000 ($50.00)\nthreshold: none\n"


@pytest.mark.parametrize(
    ("values", "changed", "parts"),
    [
        (
            {
                "disabled_reason": "declined",
                "error": "no funds",
                "last_failed": "2025-10-09T08:53:20Z",
                "last_failed_at": 1760000000000,
            },
            False,
            [
                "has stopped",
                "reason: declined, error: no funds, last failed: 2025-10-09T08:53:20Z",
                "nothing is bought",
            ],
        ),
        (
            {"disabled_reason": "declined"},
            True,
            ["has stopped", "reason: declined", "whether the new values restart it"],
        ),
        ({"error": "no funds"}, False, ["The last automatic purchase", "error: no funds"]),
        (
            {"threshold": 5001},
            False,
            ["amount 5000 ($50.00) is below threshold 5001 ($50.01)", "charges follow each other"],
        ),
    ],
)
def test_warnings(values: dict[str, Any], changed: bool, parts: list[str]) -> None:
    (warning,) = _topup.topup_warnings(ACCOUNT, topup(**{"amount": 5000, "threshold": 5000, **values}), changed)
    for part in parts:
        assert part in warning


@pytest.mark.parametrize("values", [{}, {"amount": 5000, "threshold": 5000}, {"last_failed_at": 5}])
def test_nothing_to_warn_about(values: dict[str, Any]) -> None:
    assert _topup.topup_warnings(ACCOUNT, topup(**values), False) == []


@pytest.mark.parametrize("amount", [10**400, -(10**400), 10**5000, 2**63, 1e300], ids=lambda raw: type(raw).__name__)
def test_an_amount_that_nobody_can_mean_is_none(amount: float) -> None:
    with pytest.raises(ValueError, match="amount is not a number"):
        _topup.topup_from_api({"amount": amount, "threshold": 500})


@pytest.mark.parametrize(
    ("limits", "part"),
    [
        (
            {"min_cents": 1000, "max_cents": 4999},
            "One purchase may buy at most 4999 ($49.99) of credit. Lower the amount, or ask Cloudflare to raise the limit.",
        ),
        (
            {"min_cents": 5001, "max_cents": 9999},
            "5000 ($50.00) is below this account's limit. One purchase must buy at least 5001 ($50.01) of credit. Raise the amount.",
        ),
        ({"min_cents": 1000, "max_cents": 5000}, "within this account's limit of 5000 ($50.00)"),
        ({"min_cents": None, "max_cents": None}, "did not report this account's limits"),
        (None, "did not report this account's limits"),
    ],
)
def test_refusal(limits: dict[str, Any] | None, part: str) -> None:
    assert part in _topup.refusal(5000, limits)


def test_a_write_is_settled_once_the_amounts_are_read() -> None:
    wanted = _topup.wanted_topup(5000, 500)
    call = _topup.write_topup(ACCOUNT, _topup.NO_TOPUP, wanted)
    assert call.settled is not None
    assert call.settled.read.method == "GET"
    assert call.settled.done(topup(amount=5000, threshold=500, error="x"))
    assert not call.settled.done(_topup.NO_TOPUP)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (
            topup(amount=7000, threshold=700, error="x"),
            "Reading again does not show the change, at least not yet. Running the same task again is safe.",
        ),
        (
            topup(amount=9000, threshold=500),
            (
                "Reading again shows neither the old nor the new values (auto top-up: set, amount: 9000 ($90.00), "
                "threshold: 500 ($5.00)). Check the account in the dashboard."
            ),
        ),
        (
            _topup.NO_TOPUP,
            (
                "Reading again shows neither the old nor the new values (auto top-up: not set). Check the account in the "
                "dashboard."
            ),
        ),
    ],
)
def test_after_a_lost_write_it_is_told_what_is_in_place(state: dict[str, Any], sentence: str) -> None:
    before = topup(amount=7000, threshold=700)
    settled = _topup.write_topup(ACCOUNT, before, _topup.wanted_topup(5000, 500)).settled
    assert settled is not None
    assert settled.found(state) == sentence


def test_a_write_sends_the_two_amounts_and_nothing_else() -> None:
    call = _topup.write_topup(ACCOUNT, _topup.NO_TOPUP, topup(amount=5000, threshold=500, error="x"))
    assert (call.method, call.body) == ("POST", {"amount": 5000, "threshold": 500})
    assert call.path == f"accounts/{ACCOUNT}/ai-gateway/billing/topup/config"


@pytest.mark.parametrize("result", [None, {}, {"amount": 5000}, {"amount": 4000, "threshold": 500}, []])
def test_another_echo_than_what_was_sent_is_no_success(result: object) -> None:
    call = _topup.write_topup(ACCOUNT, _topup.NO_TOPUP, _topup.wanted_topup(5000, 500))
    with pytest.raises(ValueError):
        call.parse(result)


@given(JSON)
def test_whatever_a_removal_answers_is_fine(result: object) -> None:
    call = _topup.write_topup(ACCOUNT, _topup.wanted_topup(5000, 500), _topup.NO_TOPUP)
    assert (call.method, call.body) == ("DELETE", None)
    assert call.parse(result) == _topup.NO_TOPUP
