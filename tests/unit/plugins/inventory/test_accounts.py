# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin in this process, over real HTTP; the integration target inventory_accounts runs Ansible's programs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.finops.cloudflare.plugins.inventory import accounts
from ansible_collections.finops.cloudflare.tests.simulator.simulator import (
    ACCOUNT_ID,
    EMAIL,
    FOREIGN_ACCOUNT_ID,
    GLOBAL_KEY,
    OTHER_ACCOUNT_ID,
    POWERLESS_TOKEN,
    READ_TOKEN,
    Simulator,
)
from ansible_collections.finops.cloudflare.tests.unit.plugins.inventories import EVIL, PREFIX, Inventory


def paths(simulator: Simulator) -> list[str]:
    return [request["path"].rpartition("/")[2] for request in simulator.requests]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("cloudflare_accounts.yml", True),
        ("prod.cloudflare_accounts.yaml", True),
        ("cloudflare_accounts.json", False),
        ("cloudflare.yml", False),
    ],
)
def test_the_name_of_the_file(tmp_path: Path, name: str, wanted: bool) -> None:
    path = tmp_path / name
    assert not accounts.InventoryModule().verify_file(str(path))
    path.touch()
    assert accounts.InventoryModule().verify_file(str(path)) == wanted


def test_every_account_within_reach_is_a_host(inventory: Inventory, simulator: Simulator) -> None:
    hosts = inventory.parse().hosts
    assert list(hosts) == [ACCOUNT_ID, OTHER_ACCOUNT_ID]
    assert {name: value for name, value in hosts[ACCOUNT_ID].items() if not name.startswith("inventory_")} == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "cloudflare_account_id": ACCOUNT_ID,
        "cloudflare_account_name": "Account 012345",
        "cloudflare_account_type": "standard",
    }
    assert [host.name for host in inventory.data.groups["cloudflare_accounts"].hosts] == list(hosts)
    assert [(request["path"], request["query"]) for request in simulator.requests] == [
        ("/client/v4/accounts", "page=1&per_page=50")
    ]
    assert inventory.warnings == []


def test_the_interpreter_is_a_template_and_what_cloudflare_says_is_none(
    inventory: Inventory, simulator: Simulator
) -> None:
    simulator.set_account(ACCOUNT_ID, name=EVIL, topup={"amount": 5000, "threshold": 500, "error": EVIL})
    simulator.add_fault(
        fault="status", path=f"{OTHER_ACCOUNT_ID}/ai-gateway/billing/topup/config", status=400, message=EVIL
    )
    hosts = inventory.parse(
        fetch=["topup"],
        compose={"composed": "cloudflare_account_name"},
        groups={"evil": "cloudflare_account_name is search('lookup')"},
        keyed_groups=[{"key": "cloudflare_account_name", "prefix": "name"}],
    ).hosts

    def templated(host: str, name: str) -> Any:
        variables = {**hosts[host], "ansible_playbook_python": "/the/python"}
        return Templar(loader=DataLoader(), variables=variables).template(variables[name])

    assert templated(ACCOUNT_ID, "ansible_python_interpreter") == "/the/python"
    assert templated(ACCOUNT_ID, "cloudflare_account_id") == ACCOUNT_ID
    assert templated(ACCOUNT_ID, "cloudflare_account_name") == EVIL
    assert templated(ACCOUNT_ID, "composed") == EVIL
    assert templated(ACCOUNT_ID, f"{PREFIX}topup")["error"] == EVIL
    assert EVIL in templated(OTHER_ACCOUNT_ID, f"{PREFIX}error")
    assert [host.name for host in inventory.data.groups["evil"].hosts] == [ACCOUNT_ID]
    assert "name_" + re.sub(r"\W", "_", EVIL) in inventory.data.groups


def test_names_of_hosts(inventory: Inventory, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, name="Acme, Inc.")
    simulator.set_account(OTHER_ACCOUNT_ID, name="localhost")
    simulator.set_account("f" * 32, name="***")
    hosts = inventory.parse(hostname="name").hosts
    assert list(hosts) == ["cloudflare_Acme_Inc", "cloudflare_localhost", "f" * 32]
    assert list(inventory.parse(hostname="name", hostname_prefix="cf-").hosts) == [
        "cf-Acme_Inc",
        "cf-localhost",
        "f" * 32,
    ]


def test_given_accounts_are_not_listed(inventory: Inventory, simulator: Simulator) -> None:
    hosts = inventory.parse(accounts=[OTHER_ACCOUNT_ID.upper()], hostname="name").hosts
    assert list(hosts) == [OTHER_ACCOUNT_ID]
    assert hosts[OTHER_ACCOUNT_ID]["cloudflare_account_name"] is None
    assert simulator.requests == []


def test_accounts_by_name(inventory: Inventory, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, name="Acme [EU]")
    assert list(inventory.parse(names=["Acme [EU]"]).hosts) == [ACCOUNT_ID]
    assert list(inventory.parse(names=["A*"]).hosts) == [ACCOUNT_ID, OTHER_ACCOUNT_ID]
    assert list(inventory.parse(names=["acme*", "Account *"]).hosts) == [OTHER_ACCOUNT_ID]
    assert inventory.warnings == ["These credentials see no account named acme*. Correct names."]
    assert "no account named acme*" in inventory.failure(names=["acme*", "Account *"], strict=True)


def test_an_empty_list_is_no_silence(inventory: Inventory, simulator: Simulator) -> None:
    simulator.settings["accounts"] = "hidden"
    assert inventory.parse().hosts == {}
    (warning,) = inventory.warnings
    assert "A token without the permission Account Settings Read gets an empty list" in warning
    assert inventory.failure(strict=True) == warning


FETCHED = {
    "topup": (["topup"], "config", {f"{PREFIX}topup", f"{PREFIX}error"}),
    "balance": (["balance"], "credit-balance", {f"{PREFIX}balance", f"{PREFIX}error"}),
    "both": (["topup", "balance"], "credit-balance", {f"{PREFIX}topup", f"{PREFIX}balance", f"{PREFIX}error"}),
}


@pytest.mark.parametrize("fetch", FETCHED)
def test_what_is_fetched(inventory: Inventory, simulator: Simulator, fetch: str) -> None:
    parts, path, names = FETCHED[fetch]
    for account_id, amount in ((ACCOUNT_ID, 5000), (OTHER_ACCOUNT_ID, 6000)):
        simulator.set_account(account_id, topup={"amount": amount, "threshold": 500}, balance=amount / 8)
    hosts = inventory.parse(
        fetch=parts, groups={"rich": f"({PREFIX}balance | default(0)) > 700 or {PREFIX}topup.amount > 5000"}
    ).hosts
    for host, amount in ((ACCOUNT_ID, 5000), (OTHER_ACCOUNT_ID, 6000)):
        assert {name for name in hosts[host] if name.startswith(PREFIX)} == names
        assert hosts[host][f"{PREFIX}error"] is None
        assert hosts[host].get(f"{PREFIX}balance", amount / 8) == amount / 8
        assert hosts[host].get(f"{PREFIX}topup", {"amount": amount})["amount"] == amount
    assert [host.name for host in inventory.data.groups["rich"].hosts] == [OTHER_ACCOUNT_ID]
    assert paths(simulator) == ["accounts", path, path]


def test_an_account_that_cannot_be_read_stays_and_is_named(inventory: Inventory) -> None:
    options: dict[str, Any] = {"accounts": [ACCOUNT_ID, FOREIGN_ACCOUNT_ID], "fetch": ["topup", "balance"]}
    hosts = inventory.parse(**options, groups={"unread": f"{PREFIX}error is not none"}).hosts
    assert (hosts[ACCOUNT_ID][f"{PREFIX}balance"], hosts[ACCOUNT_ID][f"{PREFIX}error"]) == (2500, None)
    unread = hosts[FOREIGN_ACCOUNT_ID]
    assert (unread[f"{PREFIX}balance"], unread[f"{PREFIX}topup"]) == (None, None)
    assert "lacks the permission AI Gateway Read for this account" in unread[f"{PREFIX}error"]
    assert [host.name for host in inventory.data.groups["unread"].hosts] == [FOREIGN_ACCOUNT_ID]
    (warning,) = inventory.warnings
    assert warning == (
        f"1 of 2 accounts could not be read, so their variables are null: {FOREIGN_ACCOUNT_ID}. The first error is: "
        f"{unread[f'{PREFIX}error']}"
    )
    assert inventory.failure(**options, strict=True) == warning.replace("their variables are null", "no host was added")


def test_a_warning_names_no_more_than_ten(inventory: Inventory) -> None:
    inventory.parse(accounts=[ACCOUNT_ID, *(f"{number:032x}" for number in range(12))], fetch=["topup"])
    (warning,) = inventory.warnings
    assert warning.startswith("12 of 13 accounts could not be read")
    assert f", {9:032x} and 2 more. The first error is: Could not read" in warning
    assert f"{10:032x}" not in warning


def test_where_no_account_can_be_read_the_inventory_fails(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", POWERLESS_TOKEN)
    assert "lacks the permission AI Gateway Read" in inventory.failure(fetch=["balance"])


def test_a_secret_that_is_repeated_is_censored(inventory: Inventory, simulator: Simulator) -> None:
    simulator.add_fault(fault="echo_secret", path="/accounts")
    assert "********" in inventory.failure()
    simulator.add_fault(fault="echo_secret", path="topup/config")
    hosts = inventory.parse(fetch=["topup"], workers=1).hosts
    assert "********" in hosts[ACCOUNT_ID][f"{PREFIX}error"]
    assert READ_TOKEN not in json.dumps(list(hosts.values()), default=str) + str(inventory.warnings)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"acounts": [ACCOUNT_ID]}, "Unknown options: acounts. The options are account_api_key, "),
        ({"accounts": [ACCOUNT_ID], "names": ["Acme"]}, "accounts and names are both set"),
        ({"accounts": []}, "accounts is empty"),
        ({"accounts": None}, "accounts is empty"),
        ({"names": []}, "names is empty"),
        ({"names": None}, "names is empty"),
        ({"accounts": [ACCOUNT_ID, 1234]}, "Entry 2 of accounts is not a Cloudflare account ID"),
        ({"workers": 0}, "workers is 0. Set it to a number from 1 to 32"),
        ({"workers": 33}, "workers is 33. Set it to a number from 1 to 32"),
        ({"validate_certs": "maybe"}, "maybe"),
        ({"timeout": 0}, "timeout is 0. Set it to a number of seconds"),
        ({"api_url": ""}, "api_url is not an http or https URL"),
        ({"api_url": "http://api.cloudflare.com"}, "api_url is plain http to another host"),
        ({"api_key": "k"}, "api_key is set without api_email"),
        ({"api_token": "{{ 'a' }} b"}, "api_token contains a space"),
    ],
)
def test_options_that_are_refused(
    inventory: Inventory, simulator: Simulator, options: dict[str, Any], sentence: str
) -> None:
    assert sentence in inventory.failure(**options)
    assert simulator.requests == []


@pytest.mark.parametrize(
    "options",
    [{"fetch": ["everything"]}, {"hostname": "ip"}, {"timeout": "soon"}, {"api_token": "{{ undefined_token }}"}],
)
def test_values_that_ansible_refuses(inventory: Inventory, simulator: Simulator, options: dict[str, Any]) -> None:
    with pytest.raises(AnsibleError):
        inventory.parse(**options)
    assert simulator.requests == []


def test_without_credentials_the_ways_to_give_them_are_named(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    assert inventory.failure().startswith("No Cloudflare credentials. Set the option api_token")


def test_a_wrong_token(inventory: Inventory) -> None:
    assert "The API token is wrong, expired, or revoked" in inventory.failure(api_token="cfut_unknown")


def test_a_template_gives_the_token(
    inventory: Inventory, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    (tmp_path / "token").write_text(f"{READ_TOKEN}\n")
    template = f"{{{{ lookup('file', '{tmp_path}/token') | trim }}}}"
    assert len(inventory.parse(api_token=template).hosts) == 2
    assert [request["credentials"] for request in simulator.requests] == ["token"]


def test_the_examples_work(inventory: Inventory, simulator: Simulator) -> None:
    simulator.set_account(ACCOUNT_ID, name="Acme EU", topup={"disabledReason": "declined"}, balance=5000)
    simulator.set_account(OTHER_ACCOUNT_ID, name="Acme US")
    simulator.add_fault(fault="status", path=f"{OTHER_ACCOUNT_ID}/ai-gateway/billing/credit-balance", status=403)
    examples: list[dict[str, Any]] = list(yaml.safe_load_all(accounts.EXAMPLES))
    assert len(inventory.parse(**examples[0]).hosts) == 2
    hosts = inventory.parse(**examples[1]).hosts
    assert hosts["cloudflare_Acme_EU"]["account_id"] == ACCOUNT_ID
    groups = {name: [host.name for host in group.hosts] for name, group in inventory.data.groups.items()}
    assert (groups["low"], groups["stopped"], groups["unread"]) == (
        ["cloudflare_Acme_US"],
        ["cloudflare_Acme_EU"],
        ["cloudflare_Acme_US"],
    )
    assert sorted(groups["type_standard"]) == ["cloudflare_Acme_EU", "cloudflare_Acme_US"]


@pytest.mark.parametrize("names", [("api_key", "api_email"), ("account_api_key", "account_email")])
def test_a_key_beats_the_environment(inventory: Inventory, simulator: Simulator, names: tuple[str, str]) -> None:
    options: dict[str, Any] = dict(zip(names, (GLOBAL_KEY, EMAIL)))
    assert len(inventory.parse(**options).hosts) == 2
    assert [request["credentials"] for request in simulator.requests] == ["key"]


def test_strict_is_for_constructed_values_too(inventory: Inventory) -> None:
    options: dict[str, Any] = {"compose": {"broken": "no_such_variable"}, "accounts": [ACCOUNT_ID]}
    assert "broken" not in inventory.parse(**options).hosts[ACCOUNT_ID]
    with pytest.raises(AnsibleError, match="Could not set broken"):
        inventory.parse(**options, strict=True)
