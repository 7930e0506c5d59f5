# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible.module_utils.ansible_release import __version__
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.finops.cloudflare.plugins.module_utils import _options
from ansible_collections.finops.cloudflare.plugins.module_utils._api import UserError
from ansible_collections.finops.cloudflare.plugins.module_utils._client import Client
from ansible_collections.finops.cloudflare.plugins.module_utils._topup import read_topup
from ansible_collections.finops.cloudflare.plugins.modules import (
    cloudflare_ai_gateway_billing_info,
    cloudflare_ai_gateway_credit,
    cloudflare_ai_gateway_topup_info,
)
from ansible_collections.finops.cloudflare.tests.simulator.simulator import (
    ACCOUNT_ID,
    EMAIL,
    GLOBAL_KEY,
    WRITE_TOKEN,
    Simulator,
)
from hypothesis import given
from hypothesis import strategies as st

NO_OPTIONS = {"api_token": None, "api_key": None, "api_email": None}
BEARER = {"Authorization": "Bearer t"}
KEY = {"X-Auth-Email": "e", "X-Auth-Key": "k"}
ORDER = {"minimum_balance": 1000, "amount": 5000, "maximum_charge": 5250}


@pytest.mark.parametrize(
    ("options", "environ", "headers", "secret"),
    [
        ({"api_token": "t"}, {}, BEARER, "t"),
        ({"api_token": "t", "api_key": "k", "api_email": "e"}, {}, BEARER, "t"),
        ({"api_key": "k", "api_email": "e"}, {}, KEY, "k"),
        ({"api_key": "k", "api_email": "e"}, {"CLOUDFLARE_API_TOKEN": "x"}, KEY, "k"),
        ({"api_token": "t"}, {"CLOUDFLARE_API_KEY": "x", "CLOUDFLARE_EMAIL": "x"}, BEARER, "t"),
        ({"api_token": "t"}, {"CLOUDFLARE_API_TOKEN": "x"}, BEARER, "t"),
        ({"api_token": "t"}, {"CLOUDFLARE_API_KEY": "half"}, BEARER, "t"),
        ({}, {"CLOUDFLARE_API_TOKEN": "t"}, BEARER, "t"),
        ({}, {"CLOUDFLARE_TOKEN": "t"}, BEARER, "t"),
        ({}, {"CLOUDFLARE_API_TOKEN": "t", "CLOUDFLARE_TOKEN": "x"}, BEARER, "t"),
        ({}, {"CLOUDFLARE_API_TOKEN": "", "CLOUDFLARE_TOKEN": "t"}, BEARER, "t"),
        ({}, {"CLOUDFLARE_API_TOKEN": "t", "CLOUDFLARE_API_KEY": "x", "CLOUDFLARE_EMAIL": "x"}, BEARER, "t"),
        ({}, {"CLOUDFLARE_API_KEY": "k", "CLOUDFLARE_EMAIL": "e"}, KEY, "k"),
        ({"api_token": ""}, {"CLOUDFLARE_API_TOKEN": "t"}, BEARER, "t"),
        ({"api_token": "", "api_key": "", "api_email": ""}, {"CLOUDFLARE_API_TOKEN": "t"}, BEARER, "t"),
    ],
)
def test_one_kind_of_credentials_from_one_place(
    options: dict[str, str], environ: dict[str, str], headers: dict[str, str], secret: str
) -> None:
    assert _options.credentials({**NO_OPTIONS, **options}, environ) == (headers, secret)


@pytest.mark.parametrize(
    ("options", "environ", "sentence"),
    [
        ({}, {}, "No Cloudflare credentials. Set the option api_token"),
        ({"api_key": "k"}, {}, "api_key is set without api_email"),
        ({"api_email": "e"}, {}, "api_email is set without api_key"),
        ({"api_key": "k"}, {"CLOUDFLARE_EMAIL": "e"}, "api_key is set without api_email"),
        ({"api_key": "k"}, {"CLOUDFLARE_API_TOKEN": "t"}, "api_key is set without api_email"),
        ({}, {"CLOUDFLARE_API_KEY": "k"}, "CLOUDFLARE_API_KEY is set without CLOUDFLARE_EMAIL"),
        ({}, {"CLOUDFLARE_EMAIL": "e"}, "CLOUDFLARE_EMAIL is set without CLOUDFLARE_API_KEY"),
        ({"api_token": "t\n"}, {}, "api_token contains a line break"),
        ({"api_token": "t\r\nX-Evil: 1"}, {}, "api_token contains a line break"),
        ({"api_token": "Bearer t"}, {}, "api_token contains a space"),
        ({"api_token": "t\x00"}, {}, "api_token contains a space, a control character"),
        (
            {"api_token": "\u201ct\u201d"},
            {},
            "api_token contains a space, a control character, or a non-ASCII character",
        ),
        ({"api_key": "k", "api_email": "ü@example.com"}, {}, "api_email contains a space"),
        ({"api_key": "k\n", "api_email": "e"}, {}, "api_key contains a line break"),
        ({}, {"CLOUDFLARE_API_TOKEN": "t t"}, "CLOUDFLARE_API_TOKEN contains a space"),
        ({}, {"CLOUDFLARE_TOKEN": "t t"}, "CLOUDFLARE_TOKEN contains a space"),
    ],
)
def test_credentials_that_cannot_be_used(options: dict[str, str], environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        _options.credentials({**NO_OPTIONS, **options}, environ)
    assert str(refused.value).startswith(sentence)


MAYBE = st.sampled_from(["", "value"]) | st.none()


@given(MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE)
def test_never_two_kinds_and_never_two_places(a: str, b: str, c: str, d: str, e: str, f: str) -> None:
    options = {"api_token": a and "option-token", "api_key": b and "option-key", "api_email": c and "option-mail"}
    environ = {
        "CLOUDFLARE_API_TOKEN": d and "env-token",
        "CLOUDFLARE_API_KEY": e and "env-key",
        "CLOUDFLARE_EMAIL": f and "env-mail",
    }
    try:
        headers, secret = _options.credentials(
            options, {name: value for name, value in environ.items() if value is not None}
        )
    except UserError:
        return
    text = "".join(headers.values())
    assert secret in text
    assert ("option" in text) != ("env" in text)
    assert ("token" in text) != ("key" in text)
    if any(options.values()):
        assert "option" in text


@given(st.text(min_size=1))
def test_no_header_carries_anything_but_printable_ascii(token: str) -> None:
    try:
        headers, _secret = _options.credentials({**NO_OPTIONS, "api_token": token}, {})
    except UserError as refused:
        assert "api_token contains" in str(refused)
        assert len(token) < 4 or token not in str(refused)
    else:
        assert all("!" <= character <= "~" for character in headers["Authorization"].split(" ")[1])


@pytest.mark.parametrize("account_id", ["0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF"])
def test_account_id(account_id: str) -> None:
    assert _options.account_id_of({"account_id": account_id}) == "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("account_id", "found"),
    [
        ("../../user", "it has 10 characters"),
        ("0" * 33, "it has 33 characters"),
        ("0" * 32 + "\n", "it has 33 characters"),
        ("g" * 32, "it contains other characters"),
        ("\u0660" * 32, "it contains other characters"),
    ],
)
def test_account_ids_that_cannot_be(account_id: str, found: str) -> None:
    with pytest.raises(UserError) as refused:
        _options.account_id_of({"account_id": account_id})
    assert f"but {found}. Copy the ID" in str(refused.value)


@given(st.text())
def test_only_32_hexadecimal_characters_become_part_of_a_path(account_id: str) -> None:
    try:
        accepted = _options.account_id_of({"account_id": account_id})
    except UserError as refused:
        with pytest.raises(UserError) as other:
            _options.account_id_of({"account_id": "!" * len(account_id)})
        # The sentence tells no more than the length, so that nothing of the value is in it.
        assert str(refused) == str(other.value)
    else:
        assert len(accepted) == 32 and set(accepted) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.cloudflare.com/client/v4", "https://api.cloudflare.com/client/v4"),
        ("https://api.cloudflare.com/client/v4/", "https://api.cloudflare.com/client/v4"),
        ("https://gateway.example:8443", "https://gateway.example:8443"),
        ("https://gateway.example.", "https://gateway.example."),
        (f"https://{'a' * 63}.example", f"https://{'a' * 63}.example"),
        ("http://127.0.0.1:8080/client/v4", "http://127.0.0.1:8080/client/v4"),
        ("http://127.1.2.3", "http://127.1.2.3"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost:1", "http://localhost:1"),
    ],
)
def test_api_url(url: str, base: str) -> None:
    assert _options._base_url(url) == base


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("", "not an http or https URL"),
        ("api.cloudflare.com", "not an http or https URL"),
        ("ftp://api.cloudflare.com", "not an http or https URL"),
        ("https://", "not an http or https URL"),
        ("https://a:b", "not an http or https URL"),
        ("https://a:99999", "not an http or https URL"),
        ("https://a:0", "not an http or https URL"),
        ("https://[::1", "not an http or https URL"),
        ("https://a b", "not an http or https URL"),
        ("https://a\n", "not an http or https URL"),
        ("http://127.0.0.1\\.evil.example", "not an http or https URL"),
        ("https://user:hunter2@a", "contains credentials"),
        ("https://a?token=hunter2", "contains credentials"),
        ("https://a#hunter2", "contains credentials"),
        ("https://a..b", "not an http or https URL"),
        ("https://.a", "not an http or https URL"),
        ("https://a.b..", "not an http or https URL"),
        (f"https://{'a' * 64}.example", "not an http or https URL"),
        (f"https://{'a.' * 128}example", "not an http or https URL"),
        ("http://api.cloudflare.com/client/v4", "plain http to another host"),
        ("http://10.0.0.1", "plain http to another host"),
        ("http://localhost.example", "plain http to another host"),
        ("http://127.0.0.1.example", "plain http to another host"),
        ("http://2130706433", "plain http to another host"),
    ],
)
def test_api_urls_that_are_refused(url: str, part: str) -> None:
    with pytest.raises(UserError) as refused:
        _options._base_url(url)
    assert part in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_verify(tmp_path: Path) -> None:
    path = str(tmp_path)
    assert _options._verify({"validate_certs": False, "ca_path": "/nonexistent"}) is False
    assert _options._verify({"validate_certs": True, "ca_path": path}) == path
    with pytest.raises(UserError, match="ca_path /nonexistent does not exist"):
        _options._verify({"validate_certs": True, "ca_path": "/nonexistent"})


def test_without_ca_path_the_system_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory, file = tmp_path / "certs", tmp_path / "cert.pem"
    system = ssl.DefaultVerifyPaths("", "", "SSL_CERT_FILE", str(file), "SSL_CERT_DIR", str(directory))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: system)
    options = {"validate_certs": True, "ca_path": None}
    assert _options._verify(options) is True
    directory.mkdir()
    (directory / "ca-bundle.crt").touch()
    assert _options._verify(options) is True
    file.touch()
    assert _options._verify(options) == str(file)
    (directory / "4042bcee.0").touch()
    assert _options._verify(options) == str(directory)
    monkeypatch.setenv("CURL_CA_BUNDLE", "/some/bundle.pem")
    assert _options._verify(options) is True
    monkeypatch.delenv("CURL_CA_BUNDLE")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/some/bundle.pem")
    assert _options._verify(options) is True


def main() -> None:
    """A module with nothing but the shared options; it returns what it reads."""

    def work(module: AnsibleModule, client: Client) -> dict[str, Any]:
        account_id = _options.account_id_of(module.params)
        return {"account_id": account_id, "topup": client.send(read_topup(account_id))}

    module = AnsibleModule({**_options.connection_spec(), **_options.account_spec()}, supports_check_mode=True)
    _options.run(module, work)


RunModule = Callable[..., "dict[str, Any]"]


def test_everything_from_the_environment(
    run_module: RunModule, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", WRITE_TOKEN)
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", ACCOUNT_ID)
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", simulator.api_url)
    assert run_module(main, {})["account_id"] == ACCOUNT_ID
    assert [request["credentials"] for request in simulator.requests] == ["token"]


@pytest.mark.parametrize("first", ["http://127.0.0.1:9", ""])
def test_the_second_name_of_the_base_url(
    run_module: RunModule, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", first)
    monkeypatch.setenv("CLOUDFLARE_API_BASE_URL", simulator.api_url)
    result = run_module(main, {"account_id": ACCOUNT_ID, "api_token": WRITE_TOKEN, "retries": 0})
    assert result.get("failed", False) == bool(first)


@pytest.mark.parametrize("variable", [None, ""])
@pytest.mark.parametrize("options", [{}, {"account_id": ""}])
def test_an_account_that_is_missing_everywhere(
    run_module: RunModule, monkeypatch: pytest.MonkeyPatch, variable: str | None, options: dict[str, str]
) -> None:
    if variable is None:
        monkeypatch.delenv("CLOUDFLARE_ACCOUNT_ID", raising=False)
    else:
        monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", variable)
    for module in (cloudflare_ai_gateway_billing_info, cloudflare_ai_gateway_credit, cloudflare_ai_gateway_topup_info):
        needed = ORDER if module is cloudflare_ai_gateway_credit else {}
        message = run_module(module.main, {"api_token": WRITE_TOKEN, **needed, **options})["msg"]
        assert message.startswith(
            "account_id is missing or empty. Set it to the account ID, or set CLOUDFLARE_ACCOUNT_ID"
        )


def test_an_empty_account_is_not_the_one_of_the_environment(
    run_module: RunModule, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", ACCOUNT_ID)
    options = {"api_token": WRITE_TOKEN, "api_url": simulator.api_url}
    assert "leave account_id out" in run_module(main, {**options, "account_id": ""})["msg"]
    assert "account_id" in run_module(main, {**options, "account_id": None})["msg"]
    assert simulator.requests == []
    assert not run_module(main, options).get("failed")


@pytest.mark.parametrize("names", [("api_key", "api_email"), ("account_api_key", "account_email")])
def test_a_key_with_its_email(run_module: RunModule, simulator: Simulator, names: tuple[str, str]) -> None:
    options = dict(zip(names, (GLOBAL_KEY, EMAIL)))
    run_module(main, {"account_id": ACCOUNT_ID, "api_url": simulator.api_url, **options})
    assert [(request["credentials"], request["status"]) for request in simulator.requests] == [("key", 200)]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"timeout": 0}, "timeout is 0. Set it to a number of seconds"),
        ({"timeout": 3601}, "timeout is 3601. Set it to a number of seconds from 1 to 3600"),
        ({"timeout": True}, "timeout is True. Set it to a number of seconds"),
        ({"retries": True}, "retries is True. Set it to a number from 0"),
        ({"retries": -1}, "retries is -1. Set it to a number from 0"),
        ({"retries": 11}, "retries is 11. Set it to a number from 0"),
        ({"api_url": ""}, "api_url is not an http or https URL"),
        ({"ca_path": "/nonexistent"}, "ca_path /nonexistent does not exist"),
        ({"account_id": "x"}, "account_id must be"),
    ],
)
def test_options_that_are_refused(
    run_module: RunModule, simulator: Simulator, options: dict[str, Any], part: str
) -> None:
    fine = {"account_id": ACCOUNT_ID, "api_token": WRITE_TOKEN, "api_url": simulator.api_url}
    result = run_module(main, {**fine, **options})
    assert result["failed"]
    assert part in result["msg"]
    assert simulator.requests == []


def test_a_failed_request_is_told_to_programs_as_well(run_module: RunModule, simulator: Simulator) -> None:
    result = run_module(main, {"account_id": "f" * 32, "api_token": WRITE_TOKEN, "api_url": simulator.api_url})
    assert result["failed"]
    assert (result["error"]["status"], result["error"]["code"]) == (404, 7003)
    assert result["error"]["ray_id"]


def test_without_requests_the_command_that_installs_it_is_named(
    run_module: RunModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_options, "HAS_REQUESTS", False)
    message = run_module(main, {"account_id": ACCOUNT_ID, "api_token": WRITE_TOKEN})["msg"]
    assert "Failed to import the required Python library (requests)" in message
    assert (
        f". Install it with: {sys.executable} -m pip install requests. Or, for a module, set ansible_python" in message
    )


# Before ansible-core 2.21, every result holds the options.
WITH_INVOCATION = {"_ansible_inject_invocation": True} if __version__ >= "2.21" else {}


def credentials_in(place: str, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, str], str]:
    """Options with a secret, or the environment with it; and the secret."""
    key = {"api_key": GLOBAL_KEY, "api_email": EMAIL}
    if place == "environment":
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", WRITE_TOKEN)
    elif place == "key in environment":
        monkeypatch.setenv("CLOUDFLARE_API_KEY", GLOBAL_KEY)
        monkeypatch.setenv("CLOUDFLARE_EMAIL", EMAIL)
    given = {"option": {"api_token": WRITE_TOKEN}, "key": key}
    return given.get(place, {}), GLOBAL_KEY if "key" in place else WRITE_TOKEN


PLACES = ["option", "environment", "key", "key in environment"]


@pytest.mark.parametrize("place", PLACES)
def test_an_answer_that_repeats_the_secret_is_censored(
    run_module: RunModule, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    simulator.add_fault(fault="echo_secret")
    given, secret = credentials_in(place, monkeypatch)
    options = {"account_id": ACCOUNT_ID, "api_url": simulator.api_url, **WITH_INVOCATION, **given}
    result = run_module(main, options)
    assert result["failed"]
    # How ansible-core tells the controller what it is to censor there
    result.pop("_ansible_new_secrets", None)
    assert secret not in str(result)
    assert "********" in result["msg"]
    assert "********" in str(result["error"])


@pytest.mark.parametrize("place", PLACES)
def test_whatever_a_module_says_is_censored(
    run_module: RunModule, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    given, secret = credentials_in(place, monkeypatch)
    late = "pi_1_secret_that_an_answer_brings"

    def say(fails: type[Exception] | None) -> Callable[[], None]:
        def work(module: AnsibleModule, client: Client) -> dict[str, Any]:
            _options.keep_secret(module, late)
            assert client.secrets >= {secret, late}
            _options.warn(module, f"a warning with {secret} and {late}")
            said = {"texts": [{"a": (secret, {late: f"x{secret}x"})}], "diff": {"before": late}, "number": 5}
            if fails:
                raise UserError(f"no {secret} and no {late}", said)
            return {"changed": True, **said}

        def main() -> None:
            _options.run(AnsibleModule({**_options.connection_spec(), **_options.account_spec()}), work)

        return main

    options = {"account_id": ACCOUNT_ID, "api_url": simulator.api_url, **WITH_INVOCATION, **given}
    for fails in (None, UserError):
        result = run_module(say(fails), options)
        assert bool(result.get("failed")) == (fails is UserError)
        result.pop("_ansible_new_secrets", None)
        assert secret not in str(result)
        assert late not in str(result)
        assert result["warnings"] == ["a warning with ******** and ********"]
        assert result["texts"] == [{"a": ["********", {"********": "x********x"}]}]
        assert (result["diff"], result["number"]) == ({"before": "********"}, 5)
        assert result["invocation"]["module_args"]["account_id"] == ACCOUNT_ID


def test_a_credential_that_is_not_sent_is_censored_as_well(run_module: RunModule, simulator: Simulator) -> None:
    options = {"account_id": ACCOUNT_ID, "api_url": simulator.api_url, **WITH_INVOCATION}
    result = run_module(main, {**options, "api_token": WRITE_TOKEN, "api_key": GLOBAL_KEY, "api_email": EMAIL})
    result.pop("_ansible_new_secrets", None)
    assert not {WRITE_TOKEN, GLOBAL_KEY}.intersection(str(result).split("'"))
    result = run_module(main, {**options, "api_key": GLOBAL_KEY})
    assert "api_key is set without api_email" in result["msg"]
    result.pop("_ansible_new_secrets", None)
    assert GLOBAL_KEY not in str(result)


@pytest.mark.parametrize("since_2_22", [False, True])
def test_ansible_itself_is_told_of_a_secret(monkeypatch: pytest.MonkeyPatch, since_2_22: bool) -> None:
    registered: list[str] = []
    monkeypatch.setattr(_options, "register_secret", registered.append if since_2_22 else None)
    module: Any = type("Module", (), {"no_log_values": set()})()
    monkeypatch.setitem(_options._secrets, module, set())
    _options.keep_secret(module, WRITE_TOKEN)
    assert _options._secrets[module] == {WRITE_TOKEN}
    assert (registered, module.no_log_values) == (([WRITE_TOKEN], set()) if since_2_22 else ([], {WRITE_TOKEN}))
