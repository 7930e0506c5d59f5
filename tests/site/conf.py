# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx builds the site from the pages that antsibull-docs writes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from ansible.config.manager import ConfigManager
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

# Sphinx asks for these names.
# pylint: disable=invalid-name

GALAXY = yaml.safe_load((Path(__file__).parents[2] / "galaxy.yml").read_text(encoding="utf-8"))

project = f"{GALAXY['namespace']}.{GALAXY['name']}"
project_copyright = "2026, finops.cloudflare contributors"
extensions = ["sphinx_antsibull_ext"]
default_role = "any"
nitpicky = True
highlight_language = "yaml"
pygments_style = "ansible"

html_theme = "sphinx_ansible_theme"
html_theme_options = {"documentation_home_url": GALAXY["documentation"]}
html_baseurl = GALAXY["documentation"]
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False

# Sphinx could look up references to Ansible's documentation in an inventory, but only with access to the internet.
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest/"
SETTINGS = "reference_appendices/config.html"
PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": f"{SETTINGS}#ansible-configuration-settings",
    "common_return_values": "reference_appendices/common_return_values.html",
}
VARIABLES = {
    variable["name"]
    for setting in ConfigManager().get_configuration_definitions().values()
    for variable in setting.get("env", ())
}


def page_of_ansible(kind: str, target: str) -> str | None:
    """The page of Ansible's documentation that a reference means."""
    if kind == "envvar" and target in VARIABLES:
        return f"{SETTINGS}#envvar-{target}"
    if plugin := re.fullmatch(r"ansible_collections\.ansible\.builtin\.(\w+_[a-z]+)", target):
        return f"collections/ansible/builtin/{plugin[1]}.html"
    return PAGES.get(target)


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Turn a reference that no page of ours answers into a link to Ansible's documentation."""
    if page := page_of_ansible(node["reftype"], node["reftarget"]):
        return nodes.reference("", "", content, internal=False, refuri=ANSIBLE + page)
    return None


def setup(app: Sphinx) -> None:
    """Tell Sphinx about the references."""
    app.connect("missing-reference", resolve)
