# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that every module shares: their spec, their environment variables, and the end of a module's run.

This is the only place where an error becomes `fail_json`. This file is private to the collection and can change in any
release.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import re
import ssl
import sys
from typing import Any, Callable, Mapping
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from ansible.module_utils.basic import AnsibleFallbackNotFound, AnsibleModule, missing_required_lib

from ._api import CloudflareError, UserError
from ._client import Client
from ._http import HAS_REQUESTS
from ._text import censored
from ._values import is_account_id

try:
    # Since ansible-core 2.22, instead of AnsibleModule.no_log_values
    from ansible.module_utils.secrets import register_secret
except ImportError:
    register_secret = None

_TOKEN_VARIABLES = ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_TOKEN")
_SECRET_OPTIONS = ("api_token", "api_key")
_KEY_VARIABLE = "CLOUDFLARE_API_KEY"
_EMAIL_VARIABLE = "CLOUDFLARE_EMAIL"
_MOST_RETRIES = 10
_LONGEST_TIMEOUT = 3600


def _first_set(*names: str) -> str:
    """A fallback for `argument_spec`: the value of the first of these variables that is not empty."""
    value = _first_set_or_empty(*names)
    if not value:
        raise AnsibleFallbackNotFound
    return value


def _first_set_or_empty(*names: str) -> str:
    """A fallback for a required option, which then always counts as given: the check of its value words the error."""
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def connection_spec() -> dict[str, Any]:
    """The connection options. Credentials have no fallback, because a pair comes from one place, see `credentials`."""
    return {
        "api_token": {"type": "str", "no_log": True},
        "api_key": {"type": "str", "no_log": True, "aliases": ["account_api_key"]},
        "api_email": {"type": "str", "aliases": ["account_email"]},
        "api_url": {
            "type": "str",
            "default": "https://api.cloudflare.com/client/v4",
            "fallback": (_first_set, ["CLOUDFLARE_BASE_URL", "CLOUDFLARE_API_BASE_URL"]),
        },
        "timeout": {"type": "int", "default": 30},
        "retries": {"type": "int", "default": 3},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
    }


def account_spec() -> dict[str, Any]:
    """The option that names the account."""
    fallback = (_first_set_or_empty, ["CLOUDFLARE_ACCOUNT_ID"])
    return {"account_id": {"type": "str", "required": True, "fallback": fallback}}


def account_id_of(params: Mapping[str, Any]) -> str:
    """The account ID as Cloudflare writes it.

    Raises `UserError`, which does not repeat the value: it may be a secret in the wrong option.
    """
    account_id = params["account_id"]
    if is_account_id(account_id):
        return account_id.lower()
    where = "Copy the ID from the account's overview in the Cloudflare dashboard."
    if not account_id:
        raise UserError(
            "account_id is missing or empty. Set it to the account ID, or set CLOUDFLARE_ACCOUNT_ID and leave account_id out. "
            f"{where} A module reads the variable on the host where it runs."
        )
    found = "it contains other characters" if len(account_id) == 32 else f"it has {len(account_id)} characters"
    raise UserError(
        f"account_id must be the 32 hexadecimal characters (0-9, a-f) of a Cloudflare account ID, but {found}. {where} In YAML, "
        "put it in quotes."
    )


def run(module: AnsibleModule, work: Callable[[AnsibleModule, Client], dict[str, Any]]) -> None:
    """Do a module's work with a client made from its options, then exit with the result or the error."""
    # A process that ends would look for garbage in everything imported, which takes a tenth of its life.
    gc.freeze()
    end: Callable[..., None] = module.fail_json
    secrets = _secrets[module] = {module.params[name] for name in _SECRET_OPTIONS if module.params[name]}
    try:
        client, secret = client_of(module.params)
        # One set for both, so that both know what is added later.
        client.secrets.update(secrets)
        secrets = _secrets[module] = client.secrets
        keep_secret(module, secret)
        result = work(module, client)
        end = module.exit_json
    except UserError as error:
        result = {"msg": str(error), **error.result}
    except CloudflareError as error:
        result = {"msg": str(error), "error": error.facts(), **error.result}
    # Ansible can add the options to a result. Since ansible-core 2.22, it does not censor them there.
    module.params = censored(module.params, secrets)
    # Outside the except blocks: inside, ansible-core would show the exception uncensored, with its traceback.
    end(**censored(result, secrets))


def warn(module: AnsibleModule, warning: str) -> None:
    """Give a warning."""
    module.warn(censored(warning, _secrets[module]))


def keep_secret(module: AnsibleModule, secret: str) -> None:
    """Censor the secret in everything that the module prints or reads from now on."""
    _secrets[module].add(secret)
    # Ansible then also censors output that does not come from this collection. On its own, it knows only secrets in options.
    if register_secret is None:
        module.no_log_values.add(secret)
    else:
        register_secret(secret)


_secrets: WeakKeyDictionary[AnsibleModule, set[str]] = WeakKeyDictionary()
"""The secrets of each module run in this process."""


def client_of(params: Mapping[str, Any]) -> tuple[Client, str]:
    """A client with these connection options, and the secret that it sends. Raises `UserError`."""
    if not HAS_REQUESTS:
        raise UserError(
            f"{missing_required_lib('requests')}. Install it with: {sys.executable} -m pip install requests. Or, for a module, "
            "set ansible_python_interpreter to a Python that has it."
        )
    headers, secret = credentials(params, os.environ)
    # A boolean is an integer for Python.
    if params["timeout"] is True or not 1 <= params["timeout"] <= _LONGEST_TIMEOUT:
        raise UserError(f"timeout is {params['timeout']}. Set it to a number of seconds from 1 to {_LONGEST_TIMEOUT}.")
    if isinstance(params["retries"], bool) or not 0 <= params["retries"] <= _MOST_RETRIES:
        raise UserError(f"retries is {params['retries']}. Set it to a number from 0 (send once) to {_MOST_RETRIES}.")
    client = Client(
        headers=headers,
        base_url=_base_url(params["api_url"]),
        timeout=params["timeout"],
        retries=params["retries"],
        verify=_verify(params),
    )
    return client, secret


def credentials(params: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The headers that carry the credentials, and the secret in them.

    Options come before the environment, and each place counts as a whole: the environment neither completes nor replaces
    the options. In each place, a token comes before a key. Raises `UserError`.
    """
    token_variable = next((name for name in _TOKEN_VARIABLES if environ.get(name)), _TOKEN_VARIABLES[0])
    for values, names in (
        (params, ("api_token", "api_key", "api_email")),
        (environ, (token_variable, _KEY_VARIABLE, _EMAIL_VARIABLE)),
    ):
        token, key, email = (values.get(name) for name in names)
        if token:
            return {"Authorization": f"Bearer {_header_value(names[0], token)}"}, token
        if key and email:
            return {"X-Auth-Email": _header_value(names[2], email), "X-Auth-Key": _header_value(names[1], key)}, key
        if key or email:
            given, missing = (names[1], names[2]) if key else (names[2], names[1])
            raise UserError(
                f"{given} is set without {missing}. A Global API Key needs both. Set {missing} as well, or use an API token in "
                f"{names[0]}."
            )
    raise UserError(
        "No Cloudflare credentials. Set the option api_token or the environment variable CLOUDFLARE_API_TOKEN (or "
        "CLOUDFLARE_TOKEN) to an API token. Or use a Global API Key: set the options api_email and api_key, or the environment "
        "variables CLOUDFLARE_EMAIL and CLOUDFLARE_API_KEY. A module reads the variables on the host where it runs, the inventory "
        "plugin on the controller."
    )


def _header_value(name: str, value: str) -> str:
    if "\n" in value or "\r" in value:
        raise UserError(
            f"{name} contains a line break, which an HTTP header cannot carry. Remove it. In a template, use the filter trim."
        )
    if not re.fullmatch(r"[!-~]+", value):
        raise UserError(
            f"{name} contains a space, a control character, or a non-ASCII character. No Cloudflare credential has one. Give only "
            "the value, without the word Bearer."
        )
    return value


def _base_url(url: str) -> str:
    """The base URL without a trailing slash. Raises `UserError` if credentials could be read on the network."""
    example = "Use a base URL like https://api.cloudflare.com/client/v4"
    try:
        parts = urlsplit(url)
        # Reading the port is what checks it.
        well_formed = bool(re.fullmatch(r"[!-~]+", url) and (parts.port is None or parts.port > 0))
    except ValueError:
        well_formed = False
    if not well_formed or not _is_host(parts.hostname or "") or "\\" in url or parts.scheme not in ("http", "https"):
        raise UserError(f"api_url is not an http or https URL. {example}.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UserError(
            f"api_url contains credentials, a query or a fragment. {example}, and put credentials in their own options."
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise UserError(
            "api_url is plain http to another host, so others on the network could read the credentials. Use https. http is "
            "only for loopback addresses like 127.0.0.1."
        )
    return url.rstrip("/")


def _is_host(name: str) -> bool:
    """Whether it can be a host name or address. Anything else would raise an error deep inside Python's libraries."""
    labels = name[:-1].split(".") if name.endswith(".") else name.split(".")
    return len(name) <= 254 and all(0 < len(label) <= 63 for label in labels)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _verify(params: Mapping[str, Any]) -> bool | str:
    ca_path = params["ca_path"]
    if not params["validate_certs"]:
        return False
    if not ca_path:
        return _default_ca_path(os.environ, ssl.get_default_verify_paths())
    if not os.path.exists(ca_path):
        raise UserError(f"ca_path {ca_path} does not exist on the host where this runs. Correct the path.")
    return ca_path


def _default_ca_path(environ: Mapping[str, str], system: ssl.DefaultVerifyPaths) -> bool | str:
    """Where the system keeps its CA certificates; True to leave it to requests, if a variable is set or nothing is found.

    In a directory, each certificate is named after its hash, so only the needed one is read. Each process has to parse a
    file as a whole, including the one of requests.
    """
    if environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE"):
        return True
    directory, file = system.openssl_capath, system.openssl_cafile
    if os.path.isdir(directory) and any(name.endswith(".0") for name in os.listdir(directory)):
        return directory
    return file if os.path.isfile(file) else True
