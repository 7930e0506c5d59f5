# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This fragment is private to the collection and can change in any release.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  account_id:
    description:
      - The ID of the Cloudflare account, 32 hexadecimal characters. The overview of the account in the Cloudflare dashboard shows it.
      - If you do not set it, the module uses the environment variable E(CLOUDFLARE_ACCOUNT_ID).
    type: str
    required: true
seealso:
  - plugin: finops.cloudflare.accounts
    plugin_type: inventory
  - ref: ansible_collections.finops.cloudflare.docsite.guide_accounts
    description: Read or manage many accounts.
  - name: Unified Billing
    link: https://developers.cloudflare.com/ai-gateway/features/unified-billing/
    description: Cloudflare's documentation of credit and of auto top-up.
"""
