# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This fragment is private to the collection and can change in any release.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and return the predicted changed status without modifying the target.
  diff_mode:
    description: Returns details on what has changed, or would change in check mode, when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second run reports no change.
      - This assumes that nothing else has changed the managed configuration in between.
  in_process:
    description: Is run by Ansible's worker itself, without starting a process.
    support: full
    details:
      - An item of a loop then takes milliseconds instead of tenths of a second, and items share one connection to the API. The
        result is the same.
      - This is done with the connection C(ansible.builtin.local) if C(ansible_python_interpreter) is the Python that runs
        Ansible, if that Python has the library requests, and if the task calls the module by its full name and has no
        C(become), C(async) or C(environment). It is not done on macOS, with ansible-core 2.22 and later, with a shell other than
        C(/bin/sh), and with C(ANSIBLE_KEEP_REMOTE_FILES).
      - In all other cases the module is run in a process of its own, as usual. With C(-vvv), Ansible tells which way was taken,
        and why.
      - To turn it off, set the variable C(finops_cloudflare_in_process), or the environment variable
        E(FINOPS_CLOUDFLARE_IN_PROCESS) of Ansible itself, to V(false).
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
      - This action does not modify state.
  diff_mode:
    support: N/A
    details:
      - This action does not modify state.
  idempotent:
    support: full
    details:
      - This action does not modify state.
options: {}
"""
