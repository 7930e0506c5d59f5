#!/usr/bin/env bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs the test.yml of the target in the current directory with a simulator, or its test.sh. Options are passed on.

set -euo pipefail

setup=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# ansible-test copies the targets, and not the simulator, to a place below the collection's root.
root=$PWD
until [[ -d $root/tests/simulator ]]; do
    [[ -n $root ]] || {
        echo "ERROR: there is no simulator in a directory above $PWD" >&2
        exit 1
    }
    root=${root%/*}
done

unset "${!CLOUDFLARE_@}" "${!FINOPS_CLOUDFLARE_@}"
XDG_STATE_HOME=$(mktemp -d)
export XDG_STATE_HOME
trap 'rm -rf "$XDG_STATE_HOME"' EXIT

export ANSIBLE_ACTION_PLUGINS=$setup/action_plugins
export PYTHONPATH=$root/tests${PYTHONPATH:+:$PYTHONPATH}
test=(ansible-playbook -i "${INVENTORY_PATH:-$setup/inventory}" -e "@$setup/vars.yml" test.yml)
[[ -f test.yml ]] || test=(./test.sh)
python -m simulator run -- "${test[@]}" "$@"
