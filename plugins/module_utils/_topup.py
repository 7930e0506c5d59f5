# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The auto top-up configuration: calls, and pure functions that convert the API's object. No HTTP and no Ansible in here.

All money is in cents. This file is private to the collection and can change in any release.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ._api import Call, Settled, UserError
from ._values import dollars, money, number, scalar, text, utc

MINIMUM_AMOUNT = 1000
"""Cents: the smallest `amount` that the API's schema accepts."""
MINIMUM_THRESHOLD = 500
"""Cents: the smallest `threshold` that the API's schema accepts."""

_READ = "AI Gateway Read"
_WRITE = "AI Gateway Write"

Topup = Mapping[str, Any]
"""An auto top-up configuration as results show it: amount, threshold, disabled_reason, error, last_failed, last_failed_at."""

NO_TOPUP: Topup = {
    "amount": None,
    "threshold": None,
    "disabled_reason": None,
    "error": None,
    "last_failed": None,
    "last_failed_at": None,
}


def wanted_topup(amount: int | None, threshold: int | None) -> Topup:
    """The configuration that the user wants. Raises `UserError` for amounts that the API cannot accept."""
    check_cents("amount", amount, MINIMUM_AMOUNT)
    check_cents("threshold", threshold, MINIMUM_THRESHOLD)
    return {**NO_TOPUP, "amount": amount, "threshold": threshold}


def check_cents(name: str, value: int | None, minimum: int, otherwise: str = "") -> None:
    """Raises `UserError` if an amount is smaller than the API accepts, usually because dollars were meant.

    `otherwise` is a sentence about a value that the user may have meant instead.
    """
    end = f" {otherwise}" if otherwise else ""
    if value is None:
        raise UserError(
            f"{name} is null. Set it to a whole number of cents, for example 5000 for $50.00. If the value comes from a template, "
            f"check the template.{end}"
        )
    if isinstance(value, bool):
        raise UserError(
            f"{name} is {value}, a boolean. Set it to a whole number of cents, for example 5000 for $50.00.{end}"
        )
    if value < minimum:
        meant = f" For {dollars(value * 100)}, write {value * 100}." if value * 100 >= minimum else ""
        raise UserError(
            f"{name} is in cents: {value} is {dollars(value)}. The minimum is {money(minimum)}.{meant}{end}"
        )


def topup_from_api(result: object) -> Topup:
    """The configuration in a response. Unset has three forms (null, 0, missing), an amount two (5000, 5000.0).

    Raises ValueError for an unknown shape.
    """
    result = object_in(result, "the auto top-up configuration")
    return {
        "amount": _cents(result, "amount"),
        "threshold": _cents(result, "threshold"),
        # False or 0 is not a reason.
        "disabled_reason": text(result.get("disabledReason") or None),
        "error": text(result.get("error") or None),
        "last_failed": utc(result.get("lastFailedAt") or None),
        "last_failed_at": scalar(result.get("lastFailedAt")),
    }


def _cents(result: Mapping[str, Any], key: str) -> int | float | None:
    return number(result, key) or None


def is_set(topup: Topup) -> bool:
    """Whether there is a configuration at all."""
    return topup["amount"] is not None or topup["threshold"] is not None


def same(one: Topup, other: Topup) -> bool:
    """Whether two configurations have the same amounts. What Cloudflare adds to them does not count."""
    return one["amount"] == other["amount"] and one["threshold"] == other["threshold"]


def after_write(before: Topup, wanted: Topup) -> Topup:
    """The configuration once `wanted` is in place.

    It is not documented whether a write restarts a configuration that Cloudflare has stopped, so its notes are kept.
    """
    if not is_set(wanted):
        return NO_TOPUP
    return {**before, "amount": wanted["amount"], "threshold": wanted["threshold"]}


def topup_diff(account_id: str, before: Topup, after: Topup) -> dict[str, str]:
    """The change for a person to review, in the form that `--diff` prints."""
    header = f"auto top-up of account {account_id}"
    return {
        "before_header": header,
        "after_header": header,
        "before": _lines(before),
        "after": _lines(after),
    }


def _lines(topup: Topup) -> str:
    if not is_set(topup):
        return "auto top-up: not set\n"
    shown = ((key, topup[key]) for key in ("amount", "threshold"))
    return "auto top-up: set\n" + "".join(
        f"{key}: {'none' if cents is None else money(cents)}\n" for key, cents in shown
    )


def topup_warnings(account_id: str, topup: Topup, changed: bool) -> list[str]:
    """Warnings about a configuration that is in place."""
    warnings = []
    if topup["disabled_reason"]:
        outcome = (
            "It is not documented whether the new values restart it."
            if changed
            else "The values match, but nothing is bought."
        )
        warnings.append(
            f"Cloudflare has stopped the auto top-up of account {account_id} ({_failure(topup)}). {outcome} Before the credit "
            "runs out, fix the payment method and turn auto top-up on again in the Cloudflare dashboard."
        )
    elif topup["error"]:
        warnings.append(
            f"The last automatic purchase of account {account_id} failed ({_failure(topup)}). Check the payment method in the "
            "Cloudflare dashboard before Cloudflare stops the auto top-up."
        )
    if topup["amount"] is not None and topup["threshold"] is not None and topup["amount"] < topup["threshold"]:
        warnings.append(
            f"In account {account_id}, amount {money(topup['amount'])} is below threshold {money(topup['threshold'])}. One top-up "
            "can leave the balance below the threshold, so that several charges follow each other. Raise amount or lower "
            "threshold."
        )
    return warnings


def _failure(topup: Topup) -> str:
    parts = []
    if topup["disabled_reason"]:
        parts.append(f"reason: {topup['disabled_reason']}")
    if topup["error"]:
        parts.append(f"error: {topup['error']}")
    if topup["last_failed_at"]:
        parts.append(f"last failed: {topup['last_failed'] or text(topup['last_failed_at'])}")
    return ", ".join(parts)


def beyond_limits(amount: int, limits: Mapping[str, Any]) -> str:
    """Why an account's own limits forbid an amount, as sentences. Empty if they allow it."""
    minimum, maximum = limits["min_cents"], limits["max_cents"]
    if maximum is not None and amount > maximum:
        return (
            f"amount {money(amount)} is above this account's limit. One purchase may buy at most {money(maximum)} of credit. "
            "Lower the amount, or ask Cloudflare to raise the limit."
        )
    if minimum is not None and amount < minimum:
        return (
            f"amount {money(amount)} is below this account's limit. One purchase must buy at least {money(minimum)} of credit. "
            "Raise the amount."
        )
    return ""


def check_limits(amount: int, limits: Mapping[str, Any] | None, outcome: str) -> None:
    """Raises `UserError`, which begins with `outcome`, if an account's own limits forbid an amount.

    `limits` is None if they are not known.
    """
    beyond = beyond_limits(amount, limits) if limits else ""
    if beyond:
        raise UserError(f"{outcome}: {beyond}")


def refusal(amount: int, limits: Mapping[str, Any] | None) -> str:
    """The next step after the API has refused an amount that its schema allows."""
    if limits and (beyond := beyond_limits(amount, limits)):
        return beyond
    if limits and limits["max_cents"] is not None:
        return (
            f"amount {money(amount)} is within this account's limit of {money(limits['max_cents'])}, so the cause is what Cloudflare "
            "says above. Cloudflare also refuses an account without a payment method: look at its billing in the dashboard."
        )
    return (
        f"Cloudflare did not report this account's limits. Perhaps amount {money(amount)} is more than one purchase may buy, or "
        "the account has no payment method. Look at its billing in the dashboard."
    )


def read_topup(account_id: str) -> Call:
    """Read the auto top-up configuration. The result is a `Topup`."""
    return read(account_id, "topup/config", "auto top-up configuration", topup_from_api)


def read_limits(account_id: str) -> Call:
    """Read how much credit one purchase may buy."""
    return read(account_id, "topup/limits", "top-up limits", limits_from_api)


def limits_from_api(result: object) -> Mapping[str, Any]:
    """The limits in a response, in cents; None for a missing one. Raises ValueError for an unknown shape."""
    result = object_in(result, "the top-up limits")
    return {
        "min_cents": number(result, "min_cents"),
        "max_cents": number(result, "max_cents"),
        "currency": text(result.get("currency")),
    }


BUY_INSTEAD = (
    "To add credit without an auto top-up, buy it with the module finops.cloudflare.cloudflare_ai_gateway_credit or the "
    f"playbook finops.cloudflare.credit. Purchases need the permission {_WRITE} as well, but Cloudflare documents no limit to "
    "dashboard sessions for them."
)
"""The way out if credentials may not set the auto top-up."""


def write_topup(account_id: str, before: Topup, wanted: Topup) -> Call:
    """Set the auto top-up configuration, or remove it if `wanted` is unset. A second request changes nothing more."""
    settled = Settled(
        read_topup(account_id),
        done=lambda topup: same(topup, wanted),
        found=lambda topup: _found(topup, before),
    )
    path = billing_path(account_id, "topup/config")
    if not is_set(wanted):
        purpose = f"remove the auto top-up configuration of account {account_id}"
        # The response is not documented, so nothing is read from it.
        return Call("DELETE", path, purpose, _WRITE, lambda result: NO_TOPUP, None, settled, dashboard_only=True)

    def echoed(result: object) -> Topup:
        stored = topup_from_api(result)
        if not same(stored, wanted):
            raise ValueError("its amounts are not the ones that were sent")
        return stored

    return Call(
        "POST",
        path,
        f"set the auto top-up configuration of account {account_id}",
        _WRITE,
        echoed,
        {"amount": wanted["amount"], "threshold": wanted["threshold"]},
        settled,
        dashboard_only=True,
    )


def _found(topup: Topup, before: Topup) -> str:
    if same(topup, before):
        return "Reading again does not show the change, at least not yet. Running the same task again is safe."
    held = " ".join(_lines(topup).replace("\n", ", ").rstrip(", ").split())
    return f"Reading again shows neither the old nor the new values ({held}). Check the account in the dashboard."


def read(account_id: str, thing: str, name: str, parse: Callable[[Any], Any]) -> Call:
    """A call that reads a part of the account's billing. `name` is for its error messages."""
    path = billing_path(account_id, thing)
    return Call("GET", path, f"read the {name} of account {account_id}", _READ, parse)


def billing_path(account_id: str, thing: str) -> str:
    return f"accounts/{account_id}/ai-gateway/billing/{thing}"


def object_in(result: object, name: str) -> Mapping[str, Any]:
    """The result, if it is an object. Otherwise raises ValueError with this name."""
    if not isinstance(result, dict):
        raise ValueError(f"{name} is not an object")
    return result


def objects_in(result: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The list of objects under a key. Raises ValueError for anything else."""
    items = result.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f"{key} is not a list of objects")
    return items
