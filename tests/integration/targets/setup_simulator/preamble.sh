# shellcheck shell=bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What all targets begin with, to be sourced in the directory of the target: nothing that the user's shell has set decides a
# test, and Python finds the simulator.

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
export PYTHONPATH=$root/tests${PYTHONPATH:+:$PYTHONPATH}
