# shellcheck shell=bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The playbook that buys credit, as it is run by name, with a survey's empty answers. Variables come from test.sh,
# functions from playbook.sh.
# shellcheck disable=SC2154

# change BODY: what the simulator knows of the account.
change() {
    python -c "
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
headers = {'Content-Type': 'application/json'}
opener.open(urllib.request.Request(sys.argv[1], sys.argv[2].encode(), headers, method='PATCH'))" \
        "$control_url/accounts/$account_id" "$1"
}

# balance WANTED: the simulator stores these cents.
balance() {
    local found
    found=$(python -c "
import json, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print(json.load(opener.open(sys.argv[1]))['balance'])" "$control_url/accounts/$account_id")
    [[ $found == "$1" ]] || {
        echo "ERROR: the balance is $found and not $1"
        exit 1
    }
}

# forget: as if nothing had been bought yet.
forget() {
    rm -rf "${XDG_STATE_HOME:?}"/*
    change '{"invoices": []}'
}

credit=(ansible-playbook finops.cloudflare.credit -e payment_method_id=)
order=(-e minimum_balance=1000 -e amount=5000 -e maximum_charge=5250 -e target_balance=)
# The last task says what was done.
bought='ok=2 +changed=1 +unreachable=0 +failed=0'
enough='ok=2 +changed=0 +unreachable=0 +failed=0'

export CLOUDFLARE_API_TOKEN=$write_token CLOUDFLARE_ACCOUNT_ID=$account_id
change '{"balance": 400, "invoices": [], "purchases": {"outcome": "paid"}}'

expect "$failed" "${credit[@]}" -e account_id= -e minimum_balance= -e amount=5000 -e maximum_charge=5250
expect 'missing required arguments: minimum_balance' "${credit[@]}" -e minimum_balance= -e amount=5000 -e maximum_charge=5250
expect "$bought" "${credit[@]}" "${order[@]}" --check
expect 'Would buy .50.00 of credit for .52.50, including a fee of .2.50' "${credit[@]}" "${order[@]}" --check
expect '^\+charge: 5250 \(.52.50\), fee 250 \(.2.50\) included' "${credit[@]}" "${order[@]}" --check --diff
expect "$enough" "${credit[@]}" "${order[@]}" -e '{"minimum_balance": 0}'
balance 400
expect 'Bought .50.00 of credit' "${credit[@]}" "${order[@]}"
balance 5400
expect "$enough" "${credit[@]}" "${order[@]}"
forget
expect "$failed" "${credit[@]}" "${order[@]}" -e minimum_balance=6000 -e maximum_charge_per_day=5249
expect "$failed" "${credit[@]}" "${order[@]}" -e minimum_balance=6000 -e maximum_charge_per_day=0
expect 'maximum_charge_per_month is in cents: 0 is .0.00' "${credit[@]}" "${order[@]}" -e '{"maximum_charge_per_month": 0}'
change '{"topup": {"amount": 5000, "threshold": 500}}'
expect 'has an auto top-up' "${credit[@]}" "${order[@]}" -e minimum_balance=6000 -e allow_auto_topup=
expect "$bought" "${credit[@]}" "${order[@]}" -e minimum_balance=6000 -e allow_auto_topup=true -e maximum_charge_per_day= --check
change '{"topup": null}'
balance 5400
expect "$bought" "${credit[@]}" -e amount= -e minimum_balance=6000 -e target_balance=7000 -e maximum_charge=1680
balance 7000
unset CLOUDFLARE_API_TOKEN CLOUDFLARE_ACCOUNT_ID
