# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code blocks of README, guides and ``ansible-doc``."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
MARKDOWN = [ROOT / "README.md", *sorted(ROOT.glob("roles/*/README.md"))]
GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
PLUGINS = [
    path for kind in ("modules", "inventory", "filter") for path in sorted((ROOT / "plugins" / kind).glob("*.py"))
]

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^( *)\.\. code-block:: (\S+)\n(?:\1   :name: (\S+)\n)?\n((?:\1   .*\n|\n)+)", re.MULTILINE)


class Example(NamedTuple):
    """A block of the documentation."""

    path: Path
    line: int
    language: str
    name: str | None
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def examples() -> Iterator[Example]:
    """All blocks, in their order."""
    for path in MARKDOWN:
        for match in FENCE.finditer(path.read_text(encoding="utf-8")):
            yield Example(path, line_of(match), match[1], None, match[2])
    for path in GUIDES:
        for match in DIRECTIVE.finditer(path.read_text(encoding="utf-8")):
            yield Example(path, line_of(match), match[2].partition("+")[0], match[3], textwrap.dedent(match[4]))
    for path in PLUGINS:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXAMPLES":
                for text in re.split(r"^---\n", ast.literal_eval(node.value), flags=re.MULTILINE):
                    yield Example(path, node.lineno, "yaml", None, text)


def line_of(match: re.Match[str]) -> int:
    """The number of the line in which a match begins."""
    return match.string.count("\n", 0, match.start()) + 1


EXAMPLES = list(examples())
NAMED = {example.name: example.text for example in EXAMPLES if example.name}
