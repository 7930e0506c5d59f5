# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# "make demo" shows the collection at work, "make try" opens a shell to try it in. "make check" formats the code and runs
# the checks that are quick, "make test" runs every check. They set up .venv first.

CONSTRAINTS := tests/tools/constraints.txt
INSTALL := .venv/bin/python -m pip install -qq --disable-pip-version-check --constraint $(CONSTRAINTS)

.PHONY: demo try check test clean

demo: .venv/demo
	@PYTHONPATH=tests .venv/bin/python -m demo.run

try: .venv/demo
	@PYTHONPATH=tests .venv/bin/python -m demo.shell

check: .venv/test
	@.venv/bin/nox -s formatters codeqa typing coverage

# With CI=true the formatter only reports; without it, it changes files.
test: .venv/test
	@CI=true .venv/bin/nox

clean:
	rm -rf .venv .nox .ansible .hypothesis .schemathesis .mypy_cache .pytest_cache .ruff_cache tests/output finops-cloudflare-*.tar.gz

.venv/demo: .venv/created $(CONSTRAINTS)
	@echo "Installing ansible-core and requests into .venv"
	@$(INSTALL) ansible-core requests
	@touch $@

.venv/test: .venv/created $(CONSTRAINTS)
	@echo "Installing nox, uv and antsibull-nox into .venv"
	@$(INSTALL) nox uv antsibull-nox
	@touch $@

.venv/created:
	@python=$${PYTHON:-$$(sh tests/tools/find_python.sh)} && "$$python" -m venv --clear .venv
	@touch $@
