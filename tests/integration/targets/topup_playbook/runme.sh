#!/usr/bin/env bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -euo pipefail

# ansible-test copies the target, and not the simulator, to a place below the collection's root.
root=$PWD
until [[ -f $root/galaxy.yml ]]; do
    root=$(dirname "$root")
done
simulator=$root/tests/simulator/simulator.py
work=$(mktemp -d)

clean_up() {
    python "$simulator" stop --info-file "$work/info.json"
    rm -rf "$work"
}
trap clean_up EXIT
python "$simulator" start --info-file "$work/info.json" --lifetime 1800 > "$work/started.json"

# Constants of the simulator, and where it listens, become variables of this script.
python - "$root/tests" "$work/started.json" > "$work/variables.sh" <<'EOF'
import json, sys
sys.path.insert(0, sys.argv[1])
from simulator import simulator
started = json.load(open(sys.argv[2]))
for name in ("ACCOUNT_ID", "WRITE_TOKEN", "EMAIL", "GLOBAL_KEY"):
    print("%s=%s" % (name.lower(), getattr(simulator, name)))
for name in ("api_url", "control_url"):
    print("%s=%s" % (name, started[name]))
EOF
# shellcheck source=/dev/null
source "$work/variables.sh"

unset "${!CLOUDFLARE_@}"
export CLOUDFLARE_BASE_URL=$api_url

source ./playbook.sh
source ./secrets.sh
