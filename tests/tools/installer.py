# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make uv install what pip would install: uv is many times faster, but does not read pip's configuration."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.processes import run

# What pip calls it, and the environment variable that tells uv.
TRANSLATIONS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}
COMMA_SEPARATED = {"UV_FIND_LINKS"}
# These do not decide what is installed.
WITHOUT_EFFECT = {
    "break-system-packages",
    "cache-dir",
    "disable-pip-version-check",
    "no-color",
    "no-input",
    "no-warn-script-location",
    "progress-bar",
    "quiet",
    "require-virtualenv",
    "retries",
    "root-user-action",
    "user",
    "verbose",
}
# The installer, once it is prepared. To ask pip takes half a second, and each session of nox would.
PREPARED = "FINOPS_CLOUDFLARE_INSTALLER"


class NotTranslatable(Exception):
    """uv cannot be told what pip is configured for, and why."""


def prepare(constraints: Path) -> str:
    """Make installers respect these constraints, and name the one to use: uv if it can do what pip does, or virtualenv.

    The programs that are started from here get the same answer without another look at pip's configuration.
    """
    if PREPARED not in os.environ:
        try:
            variables = uv_variables(pip_configuration())
        except NotTranslatable as reason:
            print(f"pip installs what the tests need, because uv cannot follow its configuration: {reason}")
            os.environ[PREPARED] = "virtualenv"
        else:
            os.environ.update(variables)
            os.environ["UV_CONSTRAINT"] = f"{constraints} {variables.get('UV_CONSTRAINT', '')}".strip()
            os.environ[PREPARED] = "uv"
        os.environ["PIP_CONSTRAINT"] = str(constraints)
    return os.environ[PREPARED]


def pip_configuration() -> dict[str, str]:
    """What pip reads from its files and its environment variables, by option. Variables come before files, as in pip.

    Raises NotTranslatable if there is no pip here to ask.
    """
    if importlib.util.find_spec("pip") is None:
        raise NotTranslatable("there is no pip in the environment of nox")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    return parse(run(*command).stdout)


def pip_configuration_file() -> Path | None:
    """The user's own pip configuration, which another home would hide."""
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    usual = [f"{config}/pip/pip.conf", "~/.pip/pip.conf", "~/Library/Application Support/pip/pip.conf"]
    named = os.environ.get("PIP_CONFIG_FILE")
    places = [Path(place).expanduser() for place in ([named] if named else usual)]
    return next((place.absolute() for place in places if place.is_file()), None)


def parse(listed: str) -> dict[str, str]:
    """The options in what ``pip config list`` prints, which has a line like ``global.timeout='60'`` for each."""
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.splitlines():
        name, value = line.split("=", 1)
        section, option = name.rsplit(".", 1)
        if section in sections:
            sections[section][option] = ast.literal_eval(value)
    return {**sections["global"], **sections["install"], **sections[":env:"]}


def uv_variables(configuration: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that make uv follow pip's configuration. Raises NotTranslatable if none do."""
    if unknown := sorted({*configuration} - {*TRANSLATIONS} - WITHOUT_EFFECT):
        raise NotTranslatable(f"it sets {', '.join(unknown)}")
    # Like pip, look for the best version in all indexes, instead of in the first one that has the package.
    variables = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for option, variable in TRANSLATIONS.items():
        if values := configuration.get(option, "").split():
            variables[variable] = ("," if variable in COMMA_SEPARATED else " ").join(values)
    return variables
