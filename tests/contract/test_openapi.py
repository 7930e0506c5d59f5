# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator and its OpenAPI document say the same: schemathesis asks one what the other promises."""

from __future__ import annotations

import copy
from collections import UserDict, defaultdict
from typing import Any, NamedTuple

import openapi
import pytest
import schemathesis
from openapi import (
    ACCOUNTS,
    BILLING,
    CONFIG,
    ELIGIBILITY,
    INVOICES,
    KEY,
    LIMITS,
    PATHS,
    PURCHASE,
    SALES,
    STATUS,
    TOKEN,
    USAGE,
    called,
    documented_moment,
    drift,
    outcomes,
    path_values,
)
from schemathesis.specs.openapi.checks import ignored_auth
from simulator import _billing, _routes
from simulator._messages import ApiError
from simulator._settings import SWITCHES, Settings
from simulator.simulator import ACCOUNT_ID, Simulator

READS = {("GET", path, 200) for path in (*BILLING, ACCOUNTS)} | {
    ("GET", path, 400) for path in (USAGE, INVOICES, ACCOUNTS)
}
BUYS = {("POST", path, status) for path in (PURCHASE, STATUS) for status in (200, 400)} | {("POST", ELIGIBILITY, 200)}
WRITES = {("POST", CONFIG, 200), ("POST", CONFIG, 400), ("DELETE", CONFIG, 200)}
ALL = READS | WRITES | BUYS

EXPECTED: dict[tuple[str, str], set[tuple[str, str, int]]] = {
    ("token_writes", "refused"): READS | BUYS | {("POST", CONFIG, 403), ("DELETE", CONFIG, 403)},
    ("token_writes", "refused_to_all"): READS | BUYS | {("POST", CONFIG, 403), ("DELETE", CONFIG, 403)},
    ("limits", "unknown"): ALL - {("GET", LIMITS, 200)} | {("GET", LIMITS, 404)},
    ("delete_unset", "not_found"): ALL | {("DELETE", CONFIG, 404)},
    ("eligibility", "unknown"): ALL - {("POST", ELIGIBILITY, 200)} | {("POST", ELIGIBILITY, 404)},
}


@pytest.fixture(autouse=True)
def _documented_moment(simulator: Simulator) -> None:
    simulator.reset(documented_moment())


def test_each_route_is_documented_and_each_documented_call_is_served() -> None:
    documented = {
        (method.upper(), path)
        for path, item in openapi.DOCUMENT["paths"].items()
        for method in item
        if method != "parameters"
    }
    values = path_values(openapi.DOCUMENT)
    sample = {(method, _routes.API_PREFIX + path.format(**values)) for method, path in documented}
    served = {
        (route.method, path) for route in _routes.ROUTES for method, path in sample if route.pattern.fullmatch(path)
    }
    assert served == sample
    assert len(_routes.ROUTES) == len(documented)


@pytest.mark.parametrize("place", ["path", "operation", "reference"])
def test_a_documented_object_in_an_account_is_read(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    document = copy.deepcopy(openapi.DOCUMENT)
    path = "/accounts/{account_id}/things/{thing_id}"
    item = copy.deepcopy(document["paths"]["/accounts/{account_id}/ai-gateway/billing/spending-limit"])
    item["get"].update({"operationId": "getThing"})
    schema = {"type": "string", "pattern": "^[a-z]+$"}
    parameter = {"name": "thing_id", "in": "path", "required": True, "schema": schema, "example": "default"}
    if place == "reference":
        document["components"]["parameters"]["thing"] = parameter
        parameter = {"$ref": "#/components/parameters/thing"}
    (item["get"] if place == "operation" else item).setdefault("parameters", []).append(parameter)
    document["paths"] = {path: item}
    monkeypatch.setattr("openapi.DOCUMENT", document)
    monkeypatch.setitem(_routes.PLACEHOLDERS, "thing_id", "[a-z]+")
    monkeypatch.setattr(_routes, "ROUTES", [])

    @_routes.route("GET", path, "read")
    def get_thing(call: _routes.Call) -> Any:
        if call.parameters != {"account_id": ACCOUNT_ID, "thing_id": "default"}:
            raise ApiError(404, 7002, "No such thing")
        return _billing.get_spending_limit(call)

    monkeypatch.setattr("simulator._api.ROUTES", _routes.ROUTES)
    test_each_route_is_documented_and_each_documented_call_is_served()
    assert drift(simulator) == []
    assert {entry["status"] for entry in simulator.requests if entry["path"].endswith("/things/default")} >= {200}


class AsItIs(NamedTuple):
    """What schemathesis finds when nothing is set."""

    drift: list[str]
    outcomes: set[tuple[str, str, int]]
    looked_at: dict[str, set[str]]
    """The paths that look at a setting before they answer."""


@pytest.fixture(scope="module")
def as_it_is() -> AsItIs:
    looked_at: dict[str, set[str]] = defaultdict(set)
    with Simulator() as simulator, pytest.MonkeyPatch.context() as patch:

        def look(settings: Settings, name: str) -> Any:
            looked_at[name].update({called(simulator._log[-1]["path"])} & PATHS)
            return UserDict.__getitem__(settings, name)

        patch.setattr(Settings, "__getitem__", look)
        simulator.reset(documented_moment())
        return AsItIs(drift(simulator), outcomes(simulator), looked_at)


def test_valid_requests_are_accepted_and_others_refused(as_it_is: AsItIs) -> None:
    assert as_it_is.drift == []
    assert as_it_is.outcomes == ALL


def test_a_key_is_as_good_as_a_token(simulator: Simulator) -> None:
    assert drift(simulator, KEY) == []
    assert outcomes(simulator) == ALL


# What schemathesis never asks for: a page of invoices, a card that is declined, a configuration before it has set one.
ELSEWHERE = {"invoice_pages", "declined_invoice", "unset"}


def test_the_paths_that_look_at_a_setting_are_known(as_it_is: AsItIs) -> None:
    assert {name for name in SWITCHES if not as_it_is.looked_at[name]} == ELSEWHERE
    assert as_it_is.looked_at["pages"] == {ACCOUNTS}
    assert as_it_is.looked_at["delete_unset"] == {CONFIG}
    assert as_it_is.looked_at["success_messages"] == PATHS


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in SWITCHES.items() if name not in ELSEWHERE for value in values[1:]],
)
def test_every_setting_keeps_to_the_document(simulator: Simulator, as_it_is: AsItIs, name: str, value: str) -> None:
    simulator.settings[name] = value
    # Paths that do not look at it answer as they do without it.
    paths = as_it_is.looked_at[name]
    expected = {each for each in EXPECTED.get((name, value), ALL) if each[1] in paths}
    accepted = {200} | {status for _method, _path, status in expected} - {400}
    assert drift(simulator, accepted=accepted, paths=paths) == []
    assert outcomes(simulator) == expected


@pytest.mark.parametrize("value", SWITCHES["unset"])
def test_a_top_up_that_is_not_set_keeps_to_the_document(simulator: Simulator, value: str) -> None:
    simulator.settings["unset"] = value
    (path,) = [path for path in openapi.DOCUMENT["paths"] if called(path) == CONFIG]
    read = schemathesis.openapi.from_dict(copy.deepcopy(openapi.DOCUMENT))[path]["GET"]
    case = read.Case(path_parameters={"account_id": ACCOUNT_ID}, headers=TOKEN)
    response = case.call(base_url=simulator.api_url)
    case.validate_response(response, excluded_checks=[ignored_auth])
    shown = {"null": None, "zero": 0, "missing": "missing"}[value]
    assert response.json()["result"].get("amount", "missing") == shown


def test_a_stopped_top_up_keeps_to_the_document(simulator: Simulator) -> None:
    simulator.settings["write_to_stopped"] = "stays_stopped"
    simulator.set_account(
        ACCOUNT_ID,
        topup={"amount": 5000, "threshold": 500.5, "disabledReason": "", "error": "declined", "lastFailedAt": 1},
    )
    assert drift(simulator, paths={CONFIG, "credit-balance"}) == []


@pytest.mark.parametrize("optional_keys", SWITCHES["optional_keys"])
def test_an_account_with_little_to_tell_keeps_to_the_document(
    simulator: Simulator, as_it_is: AsItIs, optional_keys: str
) -> None:
    simulator.settings["optional_keys"] = optional_keys
    invoice = {"type": "auto", "amount_paid": 0, "amount_due": 0, "amount_remaining": 0, "currency": "usd"}
    line = {"amount": 0, "currency": "usd", "quantity": 0, "period": {"start": 0, "end": 0}, "pricing": {}}
    simulator.set_account(
        ACCOUNT_ID,
        balance=-0.25,
        payment_method={},
        first_topup_success=None,
        created_on=None,
        # The second is the one whose state the document asks for in its example.
        invoices=[invoice, {**invoice, "id": "in_1Simulator0075"}],
        invoice_preview={
            "invoice_lines": [line, {**line, "pretax_credit_amounts": [{"amount": 0, "type": "discount"}]}]
        },
    )
    paths = PATHS if optional_keys == "null" else as_it_is.looked_at["optional_keys"]
    assert drift(simulator, paths=paths) == []


def test_an_unknown_account_keeps_to_the_document(simulator: Simulator) -> None:
    # An id that is listed would be tried.
    simulator.settings["accounts"] = "hidden"
    assert drift(simulator, account_id=None, accepted={200, 404}) == []
    assert {status for _method, path, status in outcomes(simulator) if path in BILLING | SALES} == {404}


def test_an_enforced_rate_limit_keeps_to_the_document(simulator: Simulator) -> None:
    simulator.settings["rate_limit"] = {"requests": 20, "window_seconds": 600}
    assert drift(simulator, accepted={200, 429}) == []
    assert [entry["status"] for entry in simulator.requests].index(429) == 20


def _no_headers(_self: Any) -> dict[str, str]:
    return {}


BREAKAGES = {
    "accepts less than the minimum": (
        ("_topup.MINIMUM_CENTS", {"amount": 1, "threshold": 1}),
        (CONFIG, "negative_data_rejection"),
    ),
    "refuses the minimum": (
        ("_topup.MINIMUM_CENTS", {"amount": 1001, "threshold": 500}),
        (CONFIG, "positive_data_acceptance"),
    ),
    "answers text for an object": (
        ("_topup.with_numbers", lambda value, settings: str(value)),
        (CONFIG, "response_schema_conformance"),
    ),
    "leaves required keys out": (
        ("_billing.with_optional", lambda values, optional, settings: {}),
        (INVOICES, "response_schema_conformance"),
    ),
    "shows pages of any size": (("_accounts.SMALLEST_PAGE", -1), (ACCOUNTS, "negative_data_rejection")),
    "accepts any type of invoice": (
        ("_billing.parameter", lambda request, name: "auto"),
        (INVOICES, "negative_data_rejection"),
    ),
    "refuses with an undocumented status": (
        ("_topup.invalid", lambda where, key, message: ApiError(422, 7001, message)),
        (CONFIG, "status_code_conformance"),
    ),
    "leaves headers out": (
        ("_api.RateLimit.count_request", _no_headers),
        (LIMITS, "response_headers_conformance"),
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_drift_is_noticed(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, breakage: str) -> None:
    (name, replacement), (path, check) = BREAKAGES[breakage]
    monkeypatch.setattr(f"simulator.{name}", replacement)
    assert check in {failure.split(": ")[1] for failure in drift(simulator, paths=[path])}
