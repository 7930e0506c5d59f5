# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run other programs to their end."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Mapping

# No command takes a tenth of it, even on a busy machine.
TIMEOUT = 600


class CommandFailed(AssertionError):
    """The command, how it ended, and what it printed."""


def environment(**variables: str) -> dict[str, str]:
    """The caller's environment with these variables, and without settings of Ansible, Cloudflare, git, a shell or Python.

    The programs beside the running Python come first on the path.
    """
    settings = ("ANSIBLE_", "CLOUDFLARE_", "FINOPS_CLOUDFLARE_", "GIT_")
    # Shells and Python run what these name.
    files = ("BASH_ENV", "ENV", "ZDOTDIR", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(settings) and name not in files}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return {**kept, "PATH": path, **variables}


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str = "",  # pylint: disable=redefined-builtin
    check: bool = True,
    merged: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it printed; `merged` puts errors between the output, as a terminal does.

    Raises `CommandFailed` if it fails, unless `check` is false, and if it does not end.
    """
    words = [str(word) for word in command]
    errors = subprocess.STDOUT if merged else subprocess.PIPE
    try:
        finished = subprocess.run(
            words,
            cwd=cwd,
            env=environment() if env is None else env,
            input=input,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        output = b"".join(part for part in (expired.stdout, expired.stderr) if part).decode(errors="replace")
        raise CommandFailed(f"{shlex.join(words)} did not end within {TIMEOUT} seconds:\n{output}") from None
    if check and finished.returncode != 0:
        output = finished.stdout + (finished.stderr or "")
        raise CommandFailed(f"{shlex.join(words)} ended with status {finished.returncode}:\n{output}")
    return finished


def attach(*command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run a command for the person at this program's terminal, for as long as it takes, and return its exit status."""
    return subprocess.run([*map(str, command)], cwd=cwd, env=env, check=False).returncode
