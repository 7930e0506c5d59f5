# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that every module shares: their spec, their environment variables, and the end of a module's run.

This is the one place where an error becomes C(fail_json). This file is private to the collection and can change in any
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
    # Since ansible-core 2.22, in place of AnsibleModule.no_log_values
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
    """A fallback for C(argument_spec): the first of these variables that is set and not empty."""
    for name in names:
        if os.environ.get(name):
            return os.environ[name]
    raise AnsibleFallbackNotFound


def connection_spec() -> dict[str, Any]:
    """The connection options. Credentials have no fallback: they are taken from one place as a pair, see L(credentials)."""
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
    return {"account_id": {"type": "str", "required": True, "fallback": (_first_set, ["CLOUDFLARE_ACCOUNT_ID"])}}


def account_id_of(params: Mapping[str, Any]) -> str:
    """The account's id as Cloudflare writes it.

    Raises L(UserError), which does not repeat the value: it may be a secret that landed in the wrong option.
    """
    account_id = params["account_id"]
    if is_account_id(account_id):
        return account_id.lower()
    if not account_id:
        found = "it is empty"
    elif len(account_id) != 32:
        found = f"it has {len(account_id)} characters"
    else:
        found = "it holds other characters"
    raise UserError(
        f"account_id must be the 32 hexadecimal characters (0-9, a-f) of a Cloudflare account id, but {found}: copy the id "
        "from the account's overview in the Cloudflare dashboard; in YAML, put it in quotes."
    )


def run(module: AnsibleModule, work: Callable[[AnsibleModule, Client], dict[str, Any]]) -> None:
    """Do a module's work with a client made from its options, and end it: with the result, or with what went wrong."""
    # A process that ends looks for garbage in all that was imported, which would be a tenth of its life.
    gc.freeze()
    end: Callable[..., None] = module.fail_json
    secrets = _secrets[module] = {module.params[name] for name in _SECRET_OPTIONS if module.params[name]}
    try:
        client, secret = client_of(module.params)
        # One set for both, so that what is added to it later is known to both.
        client.secrets.update(secrets)
        secrets = _secrets[module] = client.secrets
        keep_secret(module, secret)
        result = work(module, client)
        end = module.exit_json
    except UserError as error:
        result = {"msg": str(error), **error.result}
    except CloudflareError as error:
        result = {"msg": str(error), "error": error.facts(), **error.result}
    # Ansible can add the options to a result, and since ansible-core 2.22 it does not censor them there.
    module.params = censored(module.params, secrets)
    # Not where the exception is handled: ansible-core would show it, uncensored, with its traceback.
    end(**censored(result, secrets))


def warn(module: AnsibleModule, warning: str) -> None:
    """Give a warning."""
    module.warn(censored(warning, _secrets[module]))


def keep_secret(module: AnsibleModule, secret: str) -> None:
    """Have the secret censored in all that the module says from now on, and in all that is read for it."""
    _secrets[module].add(secret)
    # In addition: Ansible then also looks at what does not come from this collection. It knows of secrets in options alone.
    if register_secret is None:
        module.no_log_values.add(secret)
    else:
        register_secret(secret)


_secrets: WeakKeyDictionary[AnsibleModule, set[str]] = WeakKeyDictionary()
"""The secrets of each module that runs in this process."""


def client_of(params: Mapping[str, Any]) -> tuple[Client, str]:
    """A client with these connection options, and the secret that it sends. Raises L(UserError)."""
    if not HAS_REQUESTS:
        raise UserError(
            f"{missing_required_lib('requests')}. Install it with: {sys.executable} -m pip install requests; or, for a "
            "module, set ansible_python_interpreter to a Python that has it."
        )
    headers, secret = credentials(params, os.environ)
    # A boolean is an integer for Python.
    if params["timeout"] is True or not 1 <= params["timeout"] <= _LONGEST_TIMEOUT:
        raise UserError(
            f"timeout is {params['timeout']}: give the seconds to wait for an answer, from 1 to {_LONGEST_TIMEOUT}."
        )
    if isinstance(params["retries"], bool) or not 0 <= params["retries"] <= _MOST_RETRIES:
        raise UserError(f"retries is {params['retries']}: give a number from 0 (send once) to {_MOST_RETRIES}.")
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

    Options come before the environment, and each place is looked at as a whole: nothing from the environment completes
    or replaces what the options hold. In each place a token comes before a key. Raises L(UserError).
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
                f"{given} is set without {missing}: a Global API Key needs both. Set {missing} as well, or use an API token "
                f"in {names[0]}."
            )
    raise UserError(
        "No Cloudflare credentials: set the option api_token or the environment variable CLOUDFLARE_API_TOKEN (or "
        "CLOUDFLARE_TOKEN) to an API token; or set the options api_email and api_key, or the environment variables "
        "CLOUDFLARE_EMAIL and CLOUDFLARE_API_KEY, to an e-mail address and its Global API Key. A module reads the variables "
        "on the host where it runs."
    )


def _header_value(name: str, value: str) -> str:
    if "\n" in value or "\r" in value:
        raise UserError(
            f"{name} contains a line break, which no HTTP header can carry: remove it; in a template, the filter trim does."
        )
    if not re.fullmatch(r"[!-~]+", value):
        raise UserError(
            f"{name} contains a space, a control character or a non-ASCII character, which no Cloudflare credential has: give "
            "the value alone, without quotes around it and without the word Bearer."
        )
    return value


def _base_url(url: str) -> str:
    """The base URL without a trailing slash. Raises L(UserError) where credentials would be readable on the way."""
    example = "give a base URL such as https://api.cloudflare.com/client/v4"
    try:
        parts = urlsplit(url)
        # Reading the port is what checks it.
        well_formed = bool(re.fullmatch(r"[!-~]+", url) and (parts.port is None or parts.port > 0))
    except ValueError:
        well_formed = False
    if not well_formed or not _is_host(parts.hostname or "") or "\\" in url or parts.scheme not in ("http", "https"):
        raise UserError(f"api_url is not an http or https URL: {example}.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UserError(
            f"api_url holds credentials, a query or a fragment: {example}, and credentials in their own options."
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise UserError(
            "api_url is plain http to another host, where the credentials would be readable on the way: use https; http is "
            "for loopback addresses such as 127.0.0.1 only."
        )
    return url.rstrip("/")


def _is_host(name: str) -> bool:
    """Whether it can be the name or the address of a host: others end in errors of Python's own, deep in its libraries."""
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
        raise UserError(f"ca_path {ca_path} does not exist on the host where this runs: correct the path.")
    return ca_path


def _default_ca_path(environ: Mapping[str, str], system: ssl.DefaultVerifyPaths) -> bool | str:
    """Where the system keeps its CA certificates; True for what requests does, where the environment or nobody else knows.

    In a directory, each certificate has its hash as its name, and only the one that is asked for is read. A file has to be
    parsed as a whole by each process, as has that of requests.
    """
    if environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE"):
        return True
    directory, file = system.openssl_capath, system.openssl_cafile
    if os.path.isdir(directory) and any(name.endswith(".0") for name in os.listdir(directory)):
        return directory
    return file if os.path.isfile(file) else True
