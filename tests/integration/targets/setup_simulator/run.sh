#!/usr/bin/env bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs the test.yml of the target in the current directory with a simulator, or its test.sh. Options are passed on.

set -euo pipefail

setup=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/integration/targets/setup_simulator/preamble.sh
source "$setup/preamble.sh"

export ANSIBLE_ACTION_PLUGINS=$setup/action_plugins
test=(ansible-playbook -i "${INVENTORY_PATH:-$setup/inventory}" -e "@$setup/vars.yml" test.yml)
[[ -f test.yml ]] || test=(./test.sh)
python -m simulator run -- "${test[@]}" "$@"
