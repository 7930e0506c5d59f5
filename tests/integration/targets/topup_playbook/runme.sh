#!/usr/bin/env bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -euo pipefail

# ansible-test copies the target, and not the simulator, to a place below the collection's root.
root=$PWD
until [[ -d $root/tests/simulator ]]; do
    [[ -n $root ]] || {
        echo "ERROR: there is no simulator in a directory above $PWD"
        exit 1
    }
    root=${root%/*}
done
PYTHONPATH=$root/tests${PYTHONPATH:+:$PYTHONPATH} python -m simulator run -- ./ways.sh
