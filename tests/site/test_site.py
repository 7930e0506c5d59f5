# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site has a page for everything, and no link of the site or of this repository leads nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from links import REPOSITORY, SITE, broken_in_page, broken_in_text
from tools.processes import run

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "tests" / "output" / "site" / "html"
# What these files write about links are examples of broken ones.
EXAMPLES = {"tests/site/links.py", "tests/site/test_site.py"}


def tracked() -> list[Path]:
    """The text files of the repository, as they are in the working tree."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.split("\0")
    files = [ROOT / name for name in sorted(set(listed) - EXAMPLES) if name]
    return [file for file in files if file.is_file() and file.suffix != ".png"]


def names(pattern: str) -> list[str]:
    """What is called like this in the repository, without files that are private."""
    return sorted(path.stem for path in ROOT.glob(pattern) if not path.name.startswith("_"))


PAGES = [
    "index.html",
    "changelog.html",
    *(f"docsite/{name}.html" for name in names("docs/docsite/rst/*.rst")),
    *(f"{name}_module.html" for name in names("plugins/modules/*.py")),
    *(f"{name}_{kind}.html" for kind in ("filter", "inventory") for name in names(f"plugins/{kind}/*.py")),
    *(f"{name}_role.html" for name in names("roles/*")),
]


@pytest.mark.parametrize("name", PAGES)
def test_there_is_a_page(name: str) -> None:
    assert (HTML / name).is_file()


def test_the_guides_are_in_the_table_of_contents() -> None:
    sections = yaml.safe_load((ROOT / "docs/docsite/extra-docs.yml").read_text())["sections"]
    listed = [guide for section in sections for guide in section["toctree"]]
    assert sorted(listed) == names("docs/docsite/rst/*.rst")


@pytest.mark.parametrize("file", sorted(HTML.rglob("*.html")), ids=lambda file: str(file.relative_to(HTML)))
def test_the_links_of_the_site_lead_somewhere(file: Path) -> None:
    assert list(broken_in_page(file, ROOT, HTML)) == []


@pytest.mark.parametrize("file", tracked(), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_links_of_the_repository_lead_somewhere(file: Path) -> None:
    assert list(broken_in_text(file, ROOT, HTML)) == []


def test_galaxy_links_to_the_site() -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text())["documentation"] == f"{SITE}/"


BROKEN = [
    f"{SITE}/nothing.html",
    f"{SITE}/index.html#nothing",
    f"{REPOSITORY}/blob/main/NOTHING.md",
    f"{REPOSITORY}/blob/main/file.md#nothing",
]
FINE = [
    f"{SITE}/",
    f"{SITE}/index.html#here",
    f"{REPOSITORY}/blob/main/file.md#a-title",
    f"{REPOSITORY}/tree/main/directory",
    f"{REPOSITORY}/issues",
]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a site of one page."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text('<p id="here"><a href="#here">')
    return tmp_path


def test_broken_links_in_text_are_found(repository: Path) -> None:
    file = repository / "file.md"
    relative = "[a](nothing.md), [a](#nothing), [a](directory), [a](#a-title), [a](directory/../file.md#a-title)\n"
    code = "```text\n[a](nothing.md)\n# No title\n```\n"
    addresses = [f"See {address}.\n" for address in (*BROKEN, *FINE)]
    file.write_text(f"# A title\n\n{relative}\n[label]: absent.md\n\n{code}{''.join(addresses)}")
    expected = [*BROKEN, "nothing.md", "#nothing", "absent.md"]
    assert [link.rstrip(".") for link in broken_in_text(file, repository, repository / "site")] == expected


def test_broken_links_in_a_page_are_found(repository: Path) -> None:
    file = repository / "site" / "page.html"
    relative = ["nothing.html", "#nothing", "index.html#nothing", "index.html#here", "index.html?v=1", "../directory"]
    file.write_text(
        "".join(f'<a href="{link}">' for link in (*BROKEN, *relative, *FINE, "mailto:somebody@example.com"))
    )
    repository.joinpath("file.md").write_text("# A title\n")
    assert list(broken_in_page(file, repository, repository / "site")) == [*BROKEN, *relative[:3]]
