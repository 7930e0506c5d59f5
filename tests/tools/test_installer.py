# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""uv follows pip's configuration, or is not used."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools import installer

EVERYTHING = """\
:env:.cert='/etc/ssl/ours.pem'
:env:.disable-pip-version-check='1'
:env:.extra-index-url='https://second.example/simple'
global.constraint='/etc/first.txt\\n/etc/second.txt'
global.extra-index-url='https://overruled.example/simple'
global.find-links='/opt/wheels\\n/opt/more'
global.index-url='https://mirror.example/simple'
global.trusted-host='mirror.example second.example'
install.timeout='180'
list.format='columns'
"""


def test_what_pip_is_configured_for_reaches_uv() -> None:
    assert installer.uv_variables(installer.parse(EVERYTHING)) == {
        "SSL_CERT_FILE": "/etc/ssl/ours.pem",
        "UV_CONSTRAINT": "/etc/first.txt /etc/second.txt",
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_FIND_LINKS": "/opt/wheels,/opt/more",
        "UV_HTTP_TIMEOUT": "180",
        "UV_INDEX": "https://second.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "mirror.example second.example",
    }


def test_uv_is_not_used_if_it_cannot_be_told_what_pip_does() -> None:
    listed = EVERYTHING + "global.no-index='true'\nglobal.only-binary=':all:'\n"
    with pytest.raises(installer.NotTranslatable, match=r"^it sets no-index, only-binary$"):
        installer.uv_variables(installer.parse(listed))


def test_the_configuration_is_read_as_pip_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://mirror.example/simple\ntimeout = 9\n", encoding="utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_TIMEOUT", "10")
    configuration = installer.pip_configuration()
    assert configuration["index-url"] == "https://mirror.example/simple"
    assert configuration["timeout"] == "10"
