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
simulator=$root/tests/simulator/simulator.py
work=$(mktemp -d)

clean_up() {
    python "$simulator" stop --info-file "$work/info.json"
    rm -rf "$work"
}
trap clean_up EXIT
python "$simulator" start --info-file "$work/info.json" --lifetime 1800 > "$work/started.json"

# What the simulator knows, and where it listens, for the scripts below.
# shellcheck disable=SC2034
read -r account_id write_token client_secret email global_key api_url control_url < <(
    python - "$root/tests" "$work/started.json" <<'EOF'
import json
import sys

sys.path.insert(0, sys.argv[1])
from simulator.simulator import ACCOUNT_ID, CLIENT_SECRET, EMAIL, GLOBAL_KEY, WRITE_TOKEN

with open(sys.argv[2]) as started:
    where = json.load(started)
print(ACCOUNT_ID, WRITE_TOKEN, CLIENT_SECRET, EMAIL, GLOBAL_KEY, where["api_url"], where["control_url"])
EOF
)

unset "${!CLOUDFLARE_@}"
export CLOUDFLARE_BASE_URL=$api_url

for in_process in true false; do
    echo "FINOPS_CLOUDFLARE_IN_PROCESS=$in_process"
    export FINOPS_CLOUDFLARE_IN_PROCESS=$in_process
    source ./playbook.sh
    source ./secrets.sh
    source ./credit.sh
    rm -r "${work:?}"/*/
done
