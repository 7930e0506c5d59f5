# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulator's OpenAPI document promises, and how schemathesis asks for it."""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import Any, Iterable

import schemathesis
import yaml
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from simulator import _routes
from simulator.simulator import ACCOUNT_ID, EMAIL, GLOBAL_KEY, WRITE_TOKEN, Simulator

DOCUMENT = yaml.safe_load((Path(_routes.__file__).parent / "openapi.yaml").read_text(encoding="utf-8"))
TOKEN = {"Authorization": f"Bearer {WRITE_TOKEN}"}
KEY = {"X-Auth-Email": EMAIL, "X-Auth-Key": GLOBAL_KEY}
# Larger than any amount that is generated: the document cannot know what an account may buy at most.
NO_MAXIMUM = 10**100
# Beside what schemathesis derives from the document
EXAMPLES = {"shallow": 8, "deep": 200}[os.environ.get("HYPOTHESIS_PROFILE", "shallow")]

CONFIG = "topup/config"
LIMITS = "topup/limits"
PURCHASE = "topup"
STATUS = "topup/status"
ELIGIBILITY = "topup/eligibility"
USAGE = "usage-history"
INVOICES = "invoice-history"
ACCOUNTS = "accounts"
BILLING = {CONFIG, LIMITS, USAGE, INVOICES, "credit-balance", "invoice-preview", "spending-limit"}
SALES = {PURCHASE, STATUS, ELIGIBILITY}
PATHS = {*BILLING, *SALES, ACCOUNTS}


def path_values(document: dict[str, Any]) -> dict[str, str]:
    """What to put into the paths: for an account the one with data, for anything else in it the document's example."""
    values = {"account_id": ACCOUNT_ID}
    for item in document["paths"].values():
        for holder in (item, *(item[method] for method in item if method != "parameters")):
            for each in holder.get("parameters", []):
                name = each.get("$ref", "").rpartition("/")[2]
                parameter = document["components"]["parameters"][name] if name else each
                if parameter["in"] == "path" and parameter["name"] != "account_id":
                    values[parameter["name"]] = parameter["example"]
    return values


def called(path: str) -> str:
    """A path of the document, or of a request, as it is called here."""
    return re.sub(r".*/(ai-gateway/billing/|ai-gateway/|v4/)|^/", "", path)


def documented_moment() -> int:
    """The examples of the document ask for the time before it."""
    parameters = DOCUMENT["paths"]["/accounts/{account_id}/ai-gateway/billing/usage-history"]["get"]["parameters"]
    moment: int = next(each["example"] for each in parameters if each["name"] == "end_time")
    return moment


def drift(
    simulator: Simulator,
    headers: dict[str, str] | None = None,
    accepted: set[int] | None = None,
    account_id: str | None = ACCOUNT_ID,
    paths: Iterable[str] = (),
) -> list[str]:
    """What schemathesis finds wrong; ``accepted`` are the statuses that a valid request may get.

    It asks for these paths, or for all.
    """
    if account_id is not None:
        simulator.set_account(account_id, limits={"max_cents": NO_MAXIMUM})
    values = {**path_values(DOCUMENT), "account_id": account_id}
    config = SchemathesisConfig.from_dict(
        {
            "base-url": simulator.api_url,
            "headers": headers or TOKEN,
            "parameters": {f"path.{name}": value for name, value in values.items() if value is not None},
            "continue-on-failure": True,
            "generation": {
                "deterministic": True,
                "max-examples": EXAMPLES,
                "no-shrink": True,
                "database": "none",
                "with-security-parameters": False,
            },
            "cache": {"enabled": False},
            "phases": {"stateful": {"enabled": False}},
            "checks": {
                # Cloudflare answers 400 to a request without credentials; test_api.py has the credentials.
                "ignored_auth": {"enabled": False},
                "positive_data_acceptance": {"expected-statuses": sorted(accepted or {200})},
                "negative_data_rejection": {"expected-statuses": [400, 403, 404, 405, 429]},
            },
            # The document cannot say that the end comes after the start, nor that one bound needs the other.
            "operations": [
                {
                    "include-operation-id": "getUsageHistory",
                    "checks": {
                        "positive_data_acceptance": {"expected-statuses": sorted((accepted or {200}) | {400})},
                    },
                },
            ],
        }
    )
    asked = {path: item for path, item in DOCUMENT["paths"].items() if not paths or called(path) in paths}
    schema = schemathesis.openapi.from_dict(copy.deepcopy({**DOCUMENT, "paths": asked}), config=config)
    found = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            checks = [check for each in event.recorder.checks.values() for check in each]
            found += [
                f"{event.label}: {check.name}: {check.failure_info.failure}" for check in checks if check.failure_info
            ]
        elif isinstance(event, (events.NonFatalError, events.FatalError)):
            found.append(repr(event))
    return found


def outcomes(simulator: Simulator) -> set[tuple[str, str, int]]:
    """Which statuses each call of the document got; probes of other addresses and of other methods are left out."""
    seen = {(entry["method"], called(entry["path"]), entry["status"]) for entry in simulator.requests}
    return {each for each in seen if each[1] in PATHS and each[2] != 405}
