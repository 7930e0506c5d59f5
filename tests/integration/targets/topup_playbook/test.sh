#!/usr/bin/env bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the simulator knows, and where it listens, for the scripts below.
# shellcheck disable=SC2034
read -r account_id write_token client_secret email global_key control_url < <(
    python -c "
import json, os
names = 'account_id write_token client_secret email global_key control_url'
print(*map(json.loads(os.environ['SIMULATOR']).get, names.split()))"
)

# Each test says which credentials there are, and which account.
unset CLOUDFLARE_API_TOKEN CLOUDFLARE_ACCOUNT_ID

source ./playbook.sh
source ./credit.sh
# The targets of the modules test both ways to run one. Here they differ in what they could show.
for in_process in true false; do
    echo "FINOPS_CLOUDFLARE_IN_PROCESS=$in_process"
    export FINOPS_CLOUDFLARE_IN_PROCESS=$in_process
    source ./secrets.sh
    rm -r "${work:?}"/*/
done
