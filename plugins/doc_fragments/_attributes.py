# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This fragment is private to the collection and can change in any release.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Supports check mode. Predicts whether it would change something, and changes nothing.
  diff_mode:
    description: Returns what has changed, or what would change in check mode, if you run Ansible with C(--diff).
  idempotent:
    description:
      - If you run the module twice in a row outside check mode, with the same options, the second run reports no change.
      - This assumes that nothing else changes the account in between.
  in_process:
    description: Runs inside the Ansible worker, without starting a process.
    support: full
    details:
      - Each item of a loop then takes milliseconds instead of tenths of a second, and all items share one connection to the API. The
        result is the same.
      - The connection must be C(ansible.builtin.local). C(ansible_python_interpreter) must be the Python that runs Ansible, and that
        Python must have the library C(requests).
      - The task must call the module by its full name, and must not use C(become), C(async), or C(environment).
      - The module never runs in process on macOS, with ansible-core 2.22 or later, with a shell other than C(/bin/sh), or with
        C(ANSIBLE_KEEP_REMOTE_FILES).
      - In all other cases, Ansible starts a process for the module as usual. Run Ansible with C(-vvv) to see which way it took, and
        why.
      - To turn this off, set the variable C(finops_cloudflare_in_process) to V(false), or set the environment variable
        E(FINOPS_CLOUDFLARE_IN_PROCESS) to V(false) on the controller.
options: {}
"""

    ACTIONGROUP_CLOUDFLARE = r"""
attributes:
  action_group:
    description: Use C(group/finops.cloudflare.cloudflare) in C(module_defaults) to set options for all modules of this collection.
    support: full
    membership:
      - finops.cloudflare.cloudflare
options: {}
"""

    INFO_MODULE = r"""
attributes:
  check_mode:
    support: full
    details:
      - This module only reads.
  diff_mode:
    support: N/A
    details:
      - This module only reads.
  idempotent:
    support: full
    details:
      - This module only reads.
options: {}
"""
