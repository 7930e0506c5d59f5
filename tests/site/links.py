# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where text points to: pages of the site, and files of this repository."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Iterator
from urllib.parse import unquote, urldefrag

SITE = "https://finops.github.io/finops.cloudflare"
REPOSITORY = "https://github.com/finops/finops.cloudflare"
IN_REPOSITORY = re.compile(rf"{re.escape(REPOSITORY)}/(?:blob|tree|edit|raw)/main/")
ADDRESS = re.compile(r"https://[^\s<>()\[\]{}\"'`]+")
CODE = re.compile(r"^( *)(`{3,}).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
# [text](target) and [label]: target
MARKDOWN_LINK = re.compile(r"\]\(([^)\s]+)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


class Page(HTMLParser):
    """What a page of HTML links to, and the anchors that it has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


@cache
def page(path: Path) -> Page:
    """Read a page once."""
    return Page(path.read_text(encoding="utf-8"))


@cache
def headings(path: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a file in Markdown."""
    titles = HEADING.findall(CODE.sub("", path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def is_there(path: Path, anchor: str) -> bool:
    """Whether a link to this file, and to this anchor in it if there is one, leads anywhere."""
    if path.is_dir() and (path / "index.html").is_file():
        path /= "index.html"
    if not anchor:
        return path.exists()
    if path.suffix == ".html":
        return path.is_file() and anchor in page(path).anchors
    if path.suffix == ".md":
        return path.is_file() and anchor in headings(path)
    return False


def leads_somewhere(address: str, root: Path, site: Path) -> bool:
    """Whether an address of this project exists. Those of others are not looked at: tests need no internet."""
    if address.rstrip("/") == SITE or address.startswith(f"{SITE}/"):
        path, anchor = urldefrag(address[len(SITE) :].lstrip("/"))
        return is_there(site / unquote(path), unquote(anchor))
    if match := IN_REPOSITORY.match(address):
        path, anchor = urldefrag(re.sub(r"\?[^#]*", "", address[match.end() :]))
        return is_there(root / unquote(path), unquote(anchor))
    return True


def broken_in_text(file: Path, root: Path, site: Path) -> Iterator[str]:
    """The links of a file in the repository that lead nowhere."""
    text = file.read_text(encoding="utf-8")
    for address in ADDRESS.findall(text):
        if not leads_somewhere(address.rstrip(".,;:!?*_"), root, site):
            yield address
    if file.suffix == ".md":
        for target in (inline or label for inline, label in MARKDOWN_LINK.findall(CODE.sub("", text))):
            path, anchor = urldefrag(target)
            if "://" not in target and not is_there(file.parent / path if path else file, anchor):
                yield target


def broken_in_page(file: Path, root: Path, site: Path) -> Iterator[str]:
    """The links of a page of the site that lead nowhere."""
    for link in page(file).links:
        if re.match(r"[a-z]+:", link):
            if not leads_somewhere(link, root, site):
                yield link
            continue
        path, anchor = urldefrag(re.sub(r"\?[^#]*", "", link))
        if not is_there(file.parent / unquote(path) if path else file, unquote(anchor)):
            yield link
