#!/usr/bin/env bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# look WHAT: look.py prepares the simulator, or checks what it and Ansible have made of it.
look() {
    python look.py "$work" "$1" || {
        cat "$work/stdout" "$work/stderr"
        echo "ERROR: $1: the inventory above is not as it should be"
        exit 1
    }
}

# list FILE ARGUMENTS...: the inventory as Ansible sees it.
list() {
    echo "\$ ansible-inventory -i $*"
    ansible-inventory -i "$@" > "$work/stdout" 2> "$work/stderr"
}

unset CLOUDFLARE_ACCOUNT_ID ANSIBLE_INVENTORY
# What fails, and by default is only a warning, is to end this run.
export ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true
: > "$work/stdout"
: > "$work/stderr"
look prepare

list every.cloudflare_accounts.yml --list
look every_account_on_two_pages

echo password > "$work/password"
cp every.cloudflare_accounts.yml "$work/vault.cloudflare_accounts.yml"
ansible-vault encrypt_string --vault-password-file "$work/password" -n api_token "$CLOUDFLARE_API_TOKEN" \
    >> "$work/vault.cloudflare_accounts.yml"
CLOUDFLARE_API_TOKEN=unknown list "$work/vault.cloudflare_accounts.yml" --vault-password-file "$work/password" --list
look every_account_on_two_pages

list grouped.cloudflare_accounts.yml --list
look groups_and_names_that_are_no_templates

export ANSIBLE_CACHE_PLUGIN_CONNECTION=$work/cache
echo "token: '$CLOUDFLARE_API_TOKEN '" > "$work/token.yml"
cached=(cached.cloudflare_accounts.yml -e @"$work/token.yml")
CLOUDFLARE_API_TOKEN=unknown list "${cached[@]}" --list
look first_time_with_cache
CLOUDFLARE_API_TOKEN=unknown list "${cached[@]}" --list
look second_time_with_cache
CLOUDFLARE_API_TOKEN=unknown ansible-playbook -i "${cached[@]}" play.yml --flush-cache --list-hosts
CLOUDFLARE_API_TOKEN=unknown list "${cached[@]}" --list
look flushed_cache
look forge_cache
CLOUDFLARE_API_TOKEN=unknown list "${cached[@]}" --list
look forged_cache_is_read_anew

echo '$ ansible-playbook -i grouped.cloudflare_accounts.yml play.yml'
ansible-playbook -i grouped.cloudflare_accounts.yml play.yml | tee "$work/stdout"
look a_play_for_every_host

# As AWX does it: the inventory is exported as JSON, which is kept, and comes back from a script.
list grouped.cloudflare_accounts.yml --list --export
look exported
echo '$ FINOPS_CLOUDFLARE_IN_PROCESS=false ansible-playbook -i exported.py play.yml'
FINOPS_CLOUDFLARE_IN_PROCESS=false ansible-playbook -i "$work/exported.py" play.yml | tee "$work/stdout"
look the_same_play_from_the_export

# Two accounts are called like a host and a group of another inventory, which is read before and after this one.
look call_accounts_like_others
list others.ini -i named.cloudflare_accounts.yml --list
look hosts_and_groups_of_others_stay_as_they_are
list named.cloudflare_accounts.yml -i others.ini --list
look hosts_and_groups_of_others_stay_as_they_are
list taken.ini -i named.cloudflare_accounts.yml --list
look names_that_others_have_give_way_to_ids

look lose_no_account_to_a_wrong_total
list every.cloudflare_accounts.yml --list
look every_account_in_spite_of_the_total
look repeat_pages
if list every.cloudflare_accounts.yml --list; then
    echo "ERROR: a list that may have lost accounts was accepted"
    exit 1
fi
look a_failure_for_repeated_pages

look hide_accounts
list every.cloudflare_accounts.yml --list
look a_warning_for_the_empty_list

look repeat_the_secret
if list every.cloudflare_accounts.yml --list -vvvv; then
    echo "ERROR: an inventory that could not be read was accepted"
    exit 1
fi
look a_failure_that_shows_no_secret
