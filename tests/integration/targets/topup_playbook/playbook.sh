# shellcheck shell=bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The playbook as it is run by name, and the module by itself. Variables come from test.sh.
# shellcheck disable=SC2154

# expect WHAT COMMAND...: the command prints what the extended regular expression WHAT matches, whatever its exit code.
expect() {
    local what=$1
    shift
    echo "\$ $*"
    "$@" 2>&1 | tee "$work/output" || true
    grep -E -q -- "$what" "$work/output" || {
        echo "ERROR: nothing above matches: $what"
        exit 1
    }
}

# stored WANTED: the simulator stores these cents, "amount/threshold".
stored() {
    local found
    found=$(python -c "
import json, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
topup = json.load(opener.open(sys.argv[1]))['topup']
print('%s/%s' % (topup['amount'], topup['threshold']))" "$control_url/accounts/$account_id")
    [[ $found == "$1" ]] || {
        echo "ERROR: $found is stored and not $1"
        exit 1
    }
}

topup=(ansible-playbook finops.cloudflare.topup)
amounts=(-e amount=5000 -e threshold=1000)
changed='ok=1 +changed=1 +unreachable=0 +failed=0'
same='ok=1 +changed=0 +unreachable=0 +failed=0'
failed='ok=0 +changed=0 +unreachable=0 +failed=1'

export CLOUDFLARE_API_TOKEN=$write_token

expect "$changed" "${topup[@]}" -e account_id="$account_id" "${amounts[@]}" --check
stored None/None
expect "$changed" "${topup[@]}" -e account_id="$account_id" "${amounts[@]}"
stored 5000/1000

# A survey sends an empty text for what was not answered.
export CLOUDFLARE_ACCOUNT_ID=$account_id
expect "$same" "${topup[@]}" "${amounts[@]}" -e account_id= -e state=
expect "$failed" "${topup[@]}" -e amount= -e threshold= -e state=
expect 'are missing: amount, threshold' "${topup[@]}" -e amount= -e threshold= -e state=
expect '^\+amount: 6000 \(.60\.00\)' "${topup[@]}" -e amount=6000 -e threshold=1000 --check --diff
stored 5000/1000

module=(ansible localhost -m finops.cloudflare.cloudflare_ai_gateway_topup -a)
expect 'SUCCESS' "${module[@]}" 'amount=5000 threshold=1000'
expect 'CHANGED' "${module[@]}" 'amount=7000 threshold=2000'
stored 7000/2000

expect "$changed" "${topup[@]}" -e state=absent -e amount= -e threshold=
stored None/None
expect "$same" "${topup[@]}" -e state=absent

unset CLOUDFLARE_API_TOKEN CLOUDFLARE_ACCOUNT_ID
