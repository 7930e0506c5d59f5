#!/bin/sh
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Print a Python that can run every check, the best supported version first.
# A python3.x on PATH may be the dead shim of a version manager, so each candidate has to show that it starts.

# What follows are lists with colons, as PATH is one.
IFS=:
# pyenv's variable, its usual place, or the directories of its shims tell where it has its Pythons.
roots=${PYENV_ROOT:-${HOME}/.pyenv}
for directory in ${PATH}; do
    case ${directory} in */shims) roots=${roots}:${directory%/shims} ;; esac
done

for version in 3.13 3.12 3.14 3.11; do
    candidates=python${version}:python3
    for root in ${roots}; do
        candidates="${candidates}:${root}/versions/${version}*/bin/python3"
    done
    for python in ${candidates}; do
        if "${python}" -c "import ensurepip, sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '${version}')" >/dev/null 2>&1; then
            echo "${python}"
            exit 0
        fi
    done
done
echo "No Python 3.11 to 3.14 with venv and ensurepip was found. Install one, or name one: make PYTHON=/path/to/python3 ..." >&2
exit 1
