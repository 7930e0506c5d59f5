# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workflow's own command publishes to a stand-in for Galaxy, and shows the API key to nobody else."""

from __future__ import annotations

import json
import tarfile
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Iterator

import pytest
import yaml
from tools.processes import environment, run

ROOT = Path(__file__).resolve().parents[2]
KEY = "TheKeyThatMustNeverBeShown"
TASK = "/api/v3/imports/collections/1/"


class Galaxy(ThreadingHTTPServer):
    """Takes collections, and remembers each with the key that came with it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.uploads: list[tuple[str | None, list[Any]]] = []


class Handler(BaseHTTPRequestHandler):
    """The three requests of ansible-galaxy: which API is there, take this, has it been imported."""

    server: Galaxy

    def answer(self, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        if self.path == TASK:
            self.answer({"state": "completed", "finished_at": "2026-11-25T00:00:00Z", "messages": []})
        else:
            self.answer({"available_versions": {"v3": "v3/"}})

    def do_POST(self) -> None:  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = message_from_bytes(f"Content-Type: {self.headers['Content-Type']}\n\n".encode() + body)
        parts = [part.get_payload(decode=True) for part in form.walk() if not part.is_multipart()]
        self.server.uploads.append((self.headers["Authorization"], parts))
        self.answer({"task": TASK})

    def log_message(self, format: str, *args: Any) -> None:
        """Keep requests out of the tests' output."""


@pytest.fixture
def galaxy() -> Iterator[Galaxy]:
    """A stand-in for Galaxy."""
    with Galaxy() as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_the_workflow_publishes_the_tarball(galaxy: Galaxy, tmp_path: Path) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    step = workflow["jobs"]["galaxy"]["steps"][-1]
    variables = step["env"]
    assert variables["ANSIBLE_GALAXY_SERVER_GALAXY_URL"] == "https://galaxy.ansible.com/"
    assert variables["ANSIBLE_GALAXY_SERVER_GALAXY_TOKEN"] == "${{ secrets.GALAXY_API_KEY }}"
    variables["ANSIBLE_GALAXY_SERVER_GALAXY_URL"] = f"http://127.0.0.1:{galaxy.server_port}/api/"
    variables["ANSIBLE_GALAXY_SERVER_GALAXY_TOKEN"] = KEY
    tarball = tmp_path / "release" / "finops-cloudflare-1.2.3.tar.gz"
    tarball.parent.mkdir()
    with tarfile.open(tarball, "w:gz") as archive:
        archive.add(ROOT / "README.md", "README.md")

    env = environment(**variables, TAG="1.2.3", HOME=str(tmp_path), ANSIBLE_VERBOSITY="3")
    output = run("bash", "-e", "-x", "-c", step["run"], cwd=tmp_path, env=env, merged=True).stdout
    ((authorization, parts),) = galaxy.uploads
    assert authorization == f"Token {KEY}"
    assert tarball.read_bytes() in parts
    assert KEY not in output
