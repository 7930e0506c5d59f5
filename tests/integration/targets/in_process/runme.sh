#!/usr/bin/env bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -euo pipefail

# ansible-test copies the target, and not the simulator, to a place below the collection's root.
root=$PWD
until [[ -f $root/tests/simulator/simulator.py ]]; do
    root=${root%/*}
    [[ -n $root ]] || {
        echo "ERROR: there is no simulator in a directory above $PWD"
        exit 1
    }
done

unset "${!CLOUDFLARE_@}" "${!FINOPS_CLOUDFLARE_@}"

python ways.py "$root"
# With an ansible-core that is not known, there is one way, and ways.py has seen that it is taken.
if [[ $(python -c 'import series; print(series.KNOWN)') == True ]]; then
    python both_ways.py "$root"
fi
