# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand in for the get-pip script that ``ansible-test --venv`` downloads: the pip that Python brings along does the work."""

import subprocess
import sys

# These two belong to get-pip alone; pip refuses them.
GET_PIP_OPTIONS = ("--no-setuptools", "--no-wheel")

if __name__ == "__main__":
    # In a process of its own: ensurepip turns the user's pip configuration off in its environment.
    subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
    arguments = [argument for argument in sys.argv[1:] if argument not in GET_PIP_OPTIONS]
    sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *arguments]))
