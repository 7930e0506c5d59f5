# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide "Troubleshooting" quotes the errors as the collection words them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst").read_text(encoding="utf-8")
# The title of an entry is followed by its text, indented.
TITLE = re.compile(r"^(\S.*)\n    \S", re.MULTILINE)
QUOTED = [quoted for title in TITLE.findall(GUIDE) for quoted in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", title)]


def sources() -> Iterator[Path]:
    for kind in ("module_utils", "plugin_utils", "modules", "inventory"):
        yield from (ROOT / "plugins" / kind).glob("*.py")


def written(node: ast.expr) -> str:
    """A text of the source, with dots for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def texts(source: Path) -> Iterator[str]:
    """What the functions of a file say: neither docstrings nor the documentation of a module."""
    for part in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) in ("DOCUMENTATION", "EXAMPLES", "RETURN"):
            continue
        docstrings = {node.value for node in ast.walk(part) if isinstance(node, ast.Expr)}
        for node in ast.walk(part):
            if isinstance(node, (ast.Constant, ast.JoinedStr)) and node not in docstrings:
                yield written(node)


TEXTS = [text for source in sources() for text in texts(source)]


def is_said(quoted: str) -> bool:
    """Whether some text of the collection holds these words in this order, with something else at the dots."""
    pattern = re.compile(".{,40}".join(re.escape(part.strip()) for part in quoted.split("…")), re.DOTALL)
    return any(pattern.search(text) for text in TEXTS)


def test_the_guide_has_entries() -> None:
    assert len(QUOTED) > 30


@pytest.mark.parametrize("quoted", QUOTED)
def test_an_error_of_the_guide_is_one_of_the_collection(quoted: str) -> None:
    assert is_said(quoted)


def test_an_error_that_nobody_says_is_found() -> None:
    assert not is_said("The card may have been charged … twice")
    # Words of a docstring, and of the documentation of a module
    assert not is_said("Whether Cloudflare may have carried out the call")
    assert not is_said("Keep Cloudflare AI Gateway credit above a minimum balance")
