# shellcheck shell=bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# No token and no key is printed, logged or handed to a callback, however a run ends. Variables come from test.sh,
# functions from credit.sh.
# shellcheck disable=SC2154

# record NAME COMMAND...: keeps all that the command prints, logs and tells a callback, in as much detail as there is.
record() {
    local kept=$work/$1
    echo "Looking for secrets in a run with: $1"
    shift
    mkdir "$kept"
    ANSIBLE_LOG_PATH=$kept/log ANSIBLE_CALLBACKS_ENABLED=ansible.builtin.tree ANSIBLE_CALLBACK_TREE_DIR=$kept/results \
        ANSIBLE_LOAD_CALLBACK_PLUGINS=1 "$@" -vvvv > "$kept/stdout" 2> "$kept/stderr" || true
}

# holds NAME FILE: a secret is in this file of a record.
holds() {
    grep -F -q -e "$write_token" -e "$global_key" -e "$client_secret" "$work/$1/$2"
}

# discreet NAME TEXT...: a record holds no secret, and it holds the texts, so that it is a record of what was meant to happen.
discreet() {
    local name=$1 file text
    shift
    for file in log stdout stderr results/localhost; do
        if holds "$name" "$file"; then
            echo "ERROR: $name: a secret is in $file"
            exit 1
        fi
    done
    for text in "$@"; do
        for file in log stdout results/localhost; do
            grep -F -q -e "$text" "$work/$name/$file" || {
                cat "$work/$name/stdout"
                echo "ERROR: $name: there is no $text in $file"
                exit 1
            }
        done
    done
}

# If a secret is shown, these tests see it: this is what one looks like.
record control ansible localhost -m ansible.builtin.debug -a "msg=$write_token"
for file in log stdout results/localhost; do
    holds control "$file" || {
        echo "ERROR: the secret that was printed is not found in $file"
        exit 1
    }
done

export CLOUDFLARE_ACCOUNT_ID=$account_id
all_ways=(ansible-playbook secrets.yml -e control_url="$control_url")
# The first and the last failure, what Cloudflare repeats in both of them, and success.
all_ends=('Could not read the auto top-up' 'Could not set the auto top-up' '********)' '"changed": true')

echo "token: $write_token" > "$work/token.yml"
record token_in_file "${all_ways[@]}" -e @"$work/token.yml"
discreet token_in_file "${all_ends[@]}"

CLOUDFLARE_API_TOKEN=$write_token record token_in_environment "${all_ways[@]}"
discreet token_in_environment "${all_ends[@]}"

CLOUDFLARE_EMAIL=$email CLOUDFLARE_API_KEY=$global_key record key_in_environment "${all_ways[@]}"
discreet key_in_environment "${all_ends[@]}"

record key_in_arguments "${module[@]}" "state=absent api_email=$email api_key=$global_key"
discreet key_in_arguments '"changed": true'

printf 'token: "%s\\n%s"\n' "$write_token" "$write_token" > "$work/broken.yml"
record broken_token "${module[@]}" 'state=absent api_token={{ token }}' -e @"$work/broken.yml"
discreet broken_token 'api_token contains a line break'

# The secret of a purchase that the bank asks the cardholder about appears nowhere either.
forget
change '{"balance": 400, "purchases": {"outcome": "authentication"}}'
purchase=(ansible localhost -m finops.cloudflare.cloudflare_ai_gateway_credit -a)
options='minimum_balance=1000 amount=5000 maximum_charge=5250 wait_timeout'
CLOUDFLARE_API_TOKEN=$write_token record asked "${purchase[@]}" "$options=1" --diff
discreet asked '3-D Secure' in_1Bought0000
