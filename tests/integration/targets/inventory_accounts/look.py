# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of runme.sh: what Ansible printed, and what was requested, after each of its steps."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

from simulator.simulator import SECRETS

WORK = Path(sys.argv[1])
EVIL = "{{ lookup('pipe', 'id') }}"
CONTROL_URL = json.loads(os.environ["SIMULATOR"])["control_url"]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def control(method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with OPENER.open(urllib.request.Request(f"{CONTROL_URL}{path}", data, method=method)) as answer:
        return json.load(answer)


def plain(value: Any) -> Any:
    """What Ansible prints as a value that is no template is that value."""
    if isinstance(value, dict):
        return value.get("__ansible_unsafe", {key: plain(inner) for key, inner in value.items()})
    return value


def inventory() -> Any:
    return json.loads((WORK / "stdout").read_text())


def hostvars() -> dict[str, dict[str, Any]]:
    return plain(inventory()["_meta"]["hostvars"])


def printed() -> str:
    """All of it on one line, as Ansible wraps warnings."""
    text = " ".join(((WORK / "stdout").read_text() + (WORK / "stderr").read_text()).split())
    assert not [secret for secret in SECRETS if secret in text]
    return text


def warnings() -> list[str]:
    """Those of a run, without the one that ansible-test is the cause of."""
    lines = (WORK / "stderr").read_text().splitlines()
    return [line for line in lines if "WARNING" in line and "running with default collection" not in line]


def requested() -> list[str]:
    """The last part of each path, and the status, since the last look."""
    requests = control("GET", "/requests")
    control("DELETE", "/requests")
    return [f"{request['path'].rpartition('/')[2]} {request['status']}" for request in requests]


def prepare() -> None:
    control("PATCH", f"/accounts/{'e' * 32}", {"name": EVIL, "type": "enterprise", "topup": {"error": EVIL}})
    for number in range(60):
        control("PATCH", f"/accounts/{number:032x}", {"name": f"Tenant {number:02}", "balance": 100 * number + 500})


def every_account_on_two_pages() -> None:
    hosts = hostvars()
    # The two that the simulator knows from the start, and those that were made.
    assert len(hosts) == 2 + 61
    # Whoever reads the JSON gets the ids as plain texts.
    assert all(
        variables["cloudflare_account_id"] == host for host, variables in inventory()["_meta"]["hostvars"].items()
    )
    assert sorted(inventory()["cloudflare_accounts"]["hosts"]) == sorted(hosts)
    assert requested() == ["accounts 200"] * 2
    assert warnings() == []


def groups_and_names_that_are_no_templates() -> None:
    hosts = hostvars()
    assert sorted(hosts) == [*(f"cloudflare_Tenant_0{number}" for number in range(10)), "cloudflare_lookup_pipe_id"]
    evil = hosts["cloudflare_lookup_pipe_id"]
    assert evil["cloudflare_account_name"] == evil["composed"] == evil["cloudflare_ai_gateway_topup"]["error"] == EVIL
    assert evil["cloudflare_ai_gateway_error"] is None
    assert hosts["cloudflare_Tenant_04"]["cloudflare_ai_gateway_balance"] == 900
    assert inventory()["low"]["hosts"] == [f"cloudflare_Tenant_0{number}" for number in range(5)]
    assert inventory()["evil"]["hosts"] == inventory()["type_enterprise"]["hosts"] == ["cloudflare_lookup_pipe_id"]
    assert requested() == ["accounts 200"] * 2 + ["credit-balance 200"] * 11
    assert warnings() == []


def _cached(balance: int, requests: list[str]) -> None:
    (variables,) = hostvars().values()
    assert variables["cloudflare_ai_gateway_balance"] == balance
    assert requested() == requests
    kept = "".join(path.name + path.read_text() for path in (WORK / "cache").iterdir())
    assert "Tenant 00" in kept
    assert not [secret for secret in SECRETS if secret in kept]
    # What the cache does not know of.
    control("PATCH", f"/accounts/{0:032x}", {"balance": 700})


def forge_cache() -> None:
    """Put a template in the place of an id, as somebody who may write to the cache could."""
    (path,) = (WORK / "cache").iterdir()
    forged = path.read_text().replace(f"{0:032x}", EVIL)
    assert EVIL in forged
    path.write_text(forged)


def forged_cache_is_read_anew() -> None:
    assert list(hostvars()) == [f"{0:032x}"]
    assert "The cache holds data that this plugin did not write" in (WORK / "stderr").read_text()
    assert requested() == READ


READ = ["accounts 200", "accounts 200", "credit-balance 200"]


def first_time_with_cache() -> None:
    _cached(500, READ)


def second_time_with_cache() -> None:
    _cached(500, [])


def flushed_cache() -> None:
    _cached(700, READ)


def a_play_for_every_host() -> None:
    assert printed().count("ok=2 changed=1 unreachable=0 failed=0") == 11
    stored = [control("GET", f"/accounts/{account_id}")["topup"]["amount"] for account_id in (f"{9:032x}", "e" * 32)]
    assert stored == [5000, 5000]
    assert control("GET", f"/accounts/{10:032x}")["topup"]["amount"] is None
    requested()


def exported() -> None:
    script = WORK / "exported.py"
    script.write_text(f"#!{sys.executable}\nprint({(WORK / 'stdout').read_text()!r})\n")
    script.chmod(0o755)
    requested()


def the_same_play_from_the_export() -> None:
    assert printed().count("ok=2 changed=0 unreachable=0 failed=0") == 11
    assert requested() == ["config 200"] * 11


def call_accounts_like_others() -> None:
    control("PATCH", f"/accounts/{0:032x}", {"name": "web01"})
    control("PATCH", f"/accounts/{1:032x}", {"name": "prod"})
    requested()


def hosts_and_groups_of_others_stay_as_they_are() -> None:
    hosts, groups = hostvars(), inventory()
    assert hosts["web01"] == {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_user": "deploy"}
    assert groups["prod"]["hosts"] == ["web01"]
    assert {"cloudflare_web01", "cloudflare_prod", "web01"} == {
        name for name in hosts if not name.startswith("cloudflare_T")
    }
    assert hosts["cloudflare_prod"]["cloudflare_account_name"] == "prod"
    assert "web01" not in groups["cloudflare_accounts"]["hosts"]
    assert groups["name_prod"]["hosts"] == ["cloudflare_prod"]
    assert warnings() == []


def names_that_others_have_give_way_to_ids() -> None:
    hosts = hostvars()
    assert hosts["cloudflare_web01"] == {"ansible_host": "192.0.2.2"}
    assert hosts[f"{0:032x}"]["cloudflare_account_name"] == "web01"
    assert hosts["cloudflare_prod"]["cloudflare_account_name"] == "prod"
    assert "so the accounts are named by their IDs: cloudflare_web01." in printed()


def lose_no_account_to_a_wrong_total() -> None:
    control("PATCH", "/settings", {"total_count": "zero"})
    requested()


def every_account_in_spite_of_the_total() -> None:
    assert len(hostvars()) == 2 + 61
    # The page that should be the last does not add up.
    assert requested() == ["accounts 200"] * 3
    control("PATCH", "/settings", {"total_count": "right"})


def repeat_pages() -> None:
    control("PATCH", "/settings", {"pages": "repeated"})


def a_failure_for_repeated_pages() -> None:
    assert "Cloudflare reports 63 accounts but lists 50" in printed()
    assert requested() == ["accounts 200"] * 4
    control("PATCH", "/settings", {"pages": "numbered"})


def hide_accounts() -> None:
    control("PATCH", "/settings", {"accounts": "hidden"})


def a_warning_for_the_empty_list() -> None:
    assert "token without the permission Account Settings Read gets an empty list" in printed()
    assert requested() == ["accounts 200"]


def repeat_the_secret() -> None:
    control("POST", "/faults", {"fault": "echo_secret"})


def a_failure_that_shows_no_secret() -> None:
    text = printed()
    assert "Could not list the accounts: Cloudflare responded with HTTP 400" in text
    assert "********" in text
    assert requested() == ["accounts 400"]


if __name__ == "__main__":
    globals()[sys.argv[2]]()
