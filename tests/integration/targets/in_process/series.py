# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this is a series of ansible-core with which modules run in Ansible's process; the others have to be left alone."""

from ansible.release import __version__

KNOWN = (2, 18) <= tuple(map(int, __version__.split(".")[:2])) <= (2, 21)
