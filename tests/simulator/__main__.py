# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m simulator run -- COMMAND`` runs a command that finds the simulator in its environment."""

from __future__ import annotations

import argparse
import json
import os
import signal
import ssl
import sys
from pathlib import Path

from .simulator import (
    ACCOUNT_ID,
    CLIENT_SECRET,
    EMAIL,
    FOREIGN_ACCOUNT_ID,
    GLOBAL_KEY,
    OTHER_ACCOUNT_ID,
    POWERLESS_TOKEN,
    READ_TOKEN,
    WRITE_TOKEN,
    Simulator,
)

AWAITED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def environment(simulator: Simulator) -> dict[str, str]:
    """The caller's environment, with the simulator in place of the real Cloudflare."""
    known = {
        **simulator.info(),
        "account_id": ACCOUNT_ID,
        "other_account_id": OTHER_ACCOUNT_ID,
        "foreign_account_id": FOREIGN_ACCOUNT_ID,
        "write_token": WRITE_TOKEN,
        "read_token": READ_TOKEN,
        "powerless_token": POWERLESS_TOKEN,
        "email": EMAIL,
        "global_key": GLOBAL_KEY,
        "client_secret": CLIENT_SECRET,
    }
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("CLOUDFLARE_")},
        "CLOUDFLARE_BASE_URL": simulator.api_url,
        "CLOUDFLARE_API_TOKEN": WRITE_TOKEN,
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT_ID,
        "SIMULATOR": json.dumps(known),
    }


def run(command: list[str], variables: dict[str, str]) -> int:
    """Run the command to its end, pass signals on to it, and return the status that a shell would report."""
    try:
        child = os.posix_spawnp(command[0], command, variables, setsigmask=(), setsigdef=IGNORED_BY_PYTHON)
    except OSError as error:
        print(f"simulator: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    while True:
        number = signal.sigwait(AWAITED)
        if number != signal.SIGCHLD:
            os.kill(child, number)
            continue
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulator", description="A stand-in for Cloudflare's API on 127.0.0.1.")
    commands = parser.add_subparsers(required=True, metavar="run")
    runner = commands.add_parser("run", help="run a command that finds the simulator in its environment")
    runner.add_argument("--port", type=int, default=0, help="0, the default, lets the kernel choose")
    runner.add_argument("--certfile", type=Path, help="serve https with this certificate")
    runner.add_argument("--keyfile", type=Path, help="the certificate's key, unless it is in the same file")
    runner.add_argument("command", nargs="+", help="the command and its arguments, after --")
    arguments = parser.parse_args()
    try:
        context = None
        if arguments.certfile is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(arguments.certfile, arguments.keyfile)
        simulator = Simulator(arguments.port, context)
    except (OSError, OverflowError) as error:
        sys.exit(f"simulator: {error}")
    # None is lost while the command starts, and none ends this process: they wait for run to take them.
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    with simulator:
        return run(arguments.command, environment(simulator))


if __name__ == "__main__":
    sys.exit(main())
