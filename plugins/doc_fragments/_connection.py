# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This fragment is private to the collection and can change in any release.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_token:
    description:
      - A Cloudflare API token. Both user tokens and account tokens work.
      - If you set none of O(api_token), O(api_key), and O(api_email), the environment variable E(CLOUDFLARE_API_TOKEN) is used, or else
        E(CLOUDFLARE_TOKEN).
      - If a token and a key are set in the same place, the token is used and the key is not sent.
    type: str
  api_key:
    description:
      - The Global API Key of a user. It needs O(api_email).
      - Prefer O(api_token). A Global API Key can do everything that its user can do.
      - If you set none of O(api_token), O(api_key), and O(api_email), and no environment variable holds a token, the environment variable
        E(CLOUDFLARE_API_KEY) is used.
    type: str
    aliases:
      - account_api_key
  api_email:
    description:
      - The email address of the user who owns O(api_key).
      - If you set none of O(api_token), O(api_key), and O(api_email), and no environment variable holds a token, the environment variable
        E(CLOUDFLARE_EMAIL) is used.
    type: str
    aliases:
      - account_email
  api_url:
    description:
      - The base URL of the Cloudflare API. It must use https. Plain http is accepted for a loopback address only.
      - If you do not set it, the environment variable E(CLOUDFLARE_BASE_URL) is used, or else E(CLOUDFLARE_API_BASE_URL), or else
        the default.
    type: str
    default: https://api.cloudflare.com/client/v4
  timeout:
    description:
      - How many seconds to wait for a connection, and then for each part of a response, from V(1) to V(3600).
      - A whole response may take up to three times as long. After that, the request counts as unanswered.
    type: int
    default: 30
  retries:
    description:
      - How many times to repeat a request after a connection error, a timeout, HTTP 429, or HTTP 5xx, from V(0) to V(10).
      - The first wait is 1 second, and each further wait is twice as long, up to 16 seconds. Each wait is shortened at random by up to
        half. If Cloudflare asks for a longer wait, up to 330 seconds, that wait is used instead.
      - If the response to a write is lost, or if it may not come from Cloudflare, the module first reads the current state. It repeats
        the write only if the read shows no effect. A purchase of credit is never repeated.
    type: int
    default: 3
  validate_certs:
    description:
      - Whether to check the TLS certificate of the API.
      - Use V(false) only for tests. Without the check, any server that intercepts the connection can read the credentials.
    type: bool
    default: true
  ca_path:
    description:
      - A file or a directory with the CA certificates that the certificate of the API is checked against. The path is on the host where
        the module runs. For the inventory plugin, it is on the controller.
      - If you do not set it, the environment variable E(REQUESTS_CA_BUNDLE) is used, or else E(CURL_CA_BUNDLE).
      - If neither variable is set, the CA certificates of the system are used, as OpenSSL finds them. If the system has none, those of the
        Python library C(requests) are used.
      - Ignored with O(validate_certs=false).
    type: path
notes:
  - Credentials come either from options or from the environment, never from both. If you set O(api_token), O(api_key), or O(api_email), the
    environment variables for credentials are ignored.
  - A module reads environment variables on the host where it runs. For C(localhost) and for C(connection=local), that is the
    controller. The inventory plugin reads them on the controller.
  - Proxies come from the environment variables E(HTTPS_PROXY) and E(NO_PROXY).
  - Redirects are not followed, and C(~/.netrc) is not read.
  - A response that is compressed or larger than 8 MiB is an error.
requirements:
  - requests
seealso:
  - ref: ansible_collections.finops.cloudflare.docsite.guide_start
    description: The first steps, including where to find the account ID and which permissions a token needs.
  - ref: ansible_collections.finops.cloudflare.docsite.guide_troubleshooting
    description: Errors, their causes, and what to do.
"""
