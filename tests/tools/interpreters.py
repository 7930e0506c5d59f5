# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the Python interpreters of this machine that really start."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

from tools.processes import run

EXECUTABLE = re.compile(r"python3\.\d+")
# ensurepip and venv are separate packages on some systems, and nothing here works without them. In an activated virtual
# environment it is the interpreter beneath that counts: others are made from it.
PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2], sys._base_executable)"

Version = tuple[int, int]
# To start them all takes more than a second, and each session of nox asks for them.
KNOWN = "FINOPS_CLOUDFLARE_PYTHONS"


def _candidates() -> list[Path]:
    running = Path(sys.base_exec_prefix) / "bin"
    on_path = list(map(Path, os.get_exec_path()))
    # pyenv's variable, its usual place, or the directories of its shims tell where it has its Pythons.
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    roots = [pyenv, *(directory.parent for directory in on_path if directory.name == "shims")]
    managed = [directory for root in roots for directory in sorted(root.glob("versions/*/bin"))]
    directories = [running, *on_path, *managed]
    return [
        path
        for directory in directories
        if directory.is_dir()
        for path in sorted(directory.iterdir())
        if EXECUTABLE.fullmatch(path.name) and os.access(path, os.X_OK)
    ]


def find() -> dict[Version, Path]:
    """Map each Python version to the first interpreter that starts; a version manager's dead shim does not.

    The programs that are started from here find the same ones without a search.
    """
    if KNOWN not in os.environ:
        os.environ[KNOWN] = json.dumps(_search())
    return {_version(version): Path(executable) for version, executable in json.loads(os.environ[KNOWN]).items()}


def _search() -> dict[str, str]:
    found: dict[str, str] = {}
    for candidate in _candidates():
        if candidate.name.removeprefix("python") in found:
            continue
        probe = run(candidate, "-c", PROBE, check=False)
        if probe.returncode == 0:
            version, executable = probe.stdout.strip().split(" ", 1)
            found.setdefault(version, executable)
    return found


def put_on_path(interpreters: dict[Version, Path]) -> None:
    """Make ``pythonX.Y`` start the interpreter that was found, also for the programs that are started from here."""
    for (major, minor), executable in interpreters.items():
        if shutil.which(f"python{major}.{minor}") != str(executable):
            os.environ["PATH"] = f"{executable.parent}{os.pathsep}{os.environ['PATH']}"


def _version(text: str) -> Version:
    major, minor = text.split(".")
    return int(major), int(minor)
