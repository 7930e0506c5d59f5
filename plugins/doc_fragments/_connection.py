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
      - A Cloudflare API token, for a user or for an account.
      - If no credentials are set in options, the environment variable E(CLOUDFLARE_API_TOKEN) is used, or else
        E(CLOUDFLARE_TOKEN).
      - If a token and a key are set in the same place, the token is used and the key is not sent.
    type: str
  api_key:
    description:
      - The Global API Key of a user. Needs O(api_email). An O(api_token) is the safer choice, as a key can do everything that
        its user can.
      - If no credentials are set in options and there is no token in the environment, the environment variable
        E(CLOUDFLARE_API_KEY) is used.
    type: str
    aliases:
      - account_api_key
  api_email:
    description:
      - The e-mail address of the user whose O(api_key) it is.
      - If no credentials are set in options and there is no token in the environment, the environment variable
        E(CLOUDFLARE_EMAIL) is used.
    type: str
    aliases:
      - account_email
  api_url:
    description:
      - The base URL of Cloudflare's API. It must be https, or http to a loopback address.
      - If not set, the environment variable E(CLOUDFLARE_BASE_URL) is used, or else E(CLOUDFLARE_API_BASE_URL).
    type: str
    default: https://api.cloudflare.com/client/v4
  timeout:
    description:
      - How long to wait for a connection, and then for each part of an answer, in seconds, from V(1) to V(3600).
      - An answer as a whole may take three times as long, however its parts come. After that, what was asked for is treated as
        without an answer.
    type: int
    default: 30
  retries:
    description:
      - How many times a request is sent again after a connection error, a timeout, HTTP 429 or HTTP 5xx, from V(0) to V(10).
      - The wait in between is 1 second, doubled with each attempt up to 16 seconds and shortened at random by up to a half; or the
        one that Cloudflare asks for, up to 330 seconds, where that is longer.
      - A write whose answer was lost, or is not certain to be Cloudflare's own refusal, is followed by a read. It is repeated only if
        that shows no effect so far.
    type: int
    default: 3
  validate_certs:
    description:
      - Whether to check the TLS certificate of the API. Set it to V(false) only for tests, as the credentials can then be read
        by whoever answers.
    type: bool
    default: true
  ca_path:
    description:
      - A file or a directory with the CA certificates to check the certificate of the API against, on the host where the module
        runs; for the inventory plugin, on the controller.
      - If not set, the environment variables E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE) are used, or else the CA certificates of
        the system, where OpenSSL looks for them; if it has none, those that come with the Python library requests.
      - Ignored if O(validate_certs=false).
    type: path
notes:
  - Options win over the environment as a whole. If O(api_token), O(api_key) or O(api_email) is set, no credentials are taken from the
    environment.
  - The environment variables are those of the host where the module runs, which is the controller for C(localhost) and for
    C(connection=local). The inventory plugin reads them on the controller.
  - Proxies are taken from the environment variables E(HTTPS_PROXY) and E(NO_PROXY).
  - Redirects are not followed, and C(~/.netrc) is not read.
  - Answers are asked for uncompressed. One that is compressed all the same, or that is larger than 8 MiB, is an error.
requirements:
  - requests
"""
