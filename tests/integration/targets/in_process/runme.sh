#!/usr/bin/env bash
# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -euo pipefail

# shellcheck source=tests/integration/targets/setup_simulator/preamble.sh
source ../setup_simulator/preamble.sh

python ways.py
# With an ansible-core that is not known, there is one way, and ways.py has seen that it is taken.
if [[ $(python -c 'import series; print(series.KNOWN)') == True ]]; then
    python both_ways.py
fi
