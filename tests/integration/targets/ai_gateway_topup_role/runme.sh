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
unset "${!CLOUDFLARE_@}"
for in_process in true false; do
    echo "FINOPS_CLOUDFLARE_IN_PROCESS=$in_process"
    FINOPS_CLOUDFLARE_IN_PROCESS=$in_process PYTHONPATH=$root/tests${PYTHONPATH:+:$PYTHONPATH} python role.py
done
