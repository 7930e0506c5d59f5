# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does in this process what a module's process does around the module's own code.

Everything that this collection knows about the internals of ansible-core is here. It is only used with the series of
ansible-core that it is tested with. This file is private to the collection and can change in any release.
"""

from __future__ import annotations

import gc
import io
import json
import locale
import os
import sys
import traceback
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, Callable, Iterator, Mapping, NamedTuple

from ansible.executor import module_common
from ansible.module_utils import basic
from ansible.module_utils.common import json as common_json
from ansible.module_utils.common import warnings
from ansible.release import __version__

try:
    # ansible-core 2.19 and later distinguish modules from controllers and define their serialization.
    from ansible.module_utils import _internal
    from ansible.module_utils._internal._ansiballz import _loader
except ImportError:
    _internal = _loader = None

_OLDEST, _NEWEST = (2, 18), (2, 21)
_PROFILE = "legacy"


def is_known(version: str = __version__) -> bool:
    """Whether this is a series of ansible-core that this file was written for."""
    return _OLDEST <= tuple(map(int, version.split(".")[:2])) <= _NEWEST


def encoded(options: Mapping[str, Any]) -> bytes:
    """A module's options as its process would get them.

    Raises TypeError or ValueError if they are not JSON or not Unicode. The usual way then reports the error.
    """
    document = {"ANSIBLE_MODULE_ARGS": options}
    if _internal is None:
        written = json.dumps(document, cls=common_json.AnsibleJSONEncoder, vault_to_text=True)
    else:
        direction = common_json.Direction.CONTROLLER_TO_MODULE
        written = json.dumps(document, cls=common_json.get_module_encoder(_PROFILE, direction))
    if "\\ud" in written:
        # Undecodable bytes become half of a surrogate pair.
        json.dumps(json.loads(written), ensure_ascii=False).encode()
    return written.encode()


def configured(path: str) -> Any:
    """The return value of ActionBase._configure_module for a module whose file needs no preparation."""
    shebang = f"#!{sys.executable}"
    if _internal is None:
        return "new", shebang, b"", path
    built = module_common._BuiltModule(
        b_module_data=b"", module_style="new", shebang=shebang, serialization_profile=_PROFILE
    )
    return built, path


class Ended(NamedTuple):
    """The outcome of a module run."""

    code: int
    stdout: str
    stderr: str


def run(main: Callable[[], None], options: bytes, directory: str) -> Ended:
    """Run a module's main function with these encoded options in this directory, as its own process would.

    An unhandled exception ends up in the result in the same way. The run leaves nothing behind.
    """
    stdout, stderr = io.StringIO(), io.StringIO()
    with _module_state(options), _working_directory(directory), redirect_stdout(stdout), redirect_stderr(stderr):
        code = _exit_code(main)
    return Ended(code, stdout.getvalue(), stderr.getvalue())


def _exit_code(main: Callable[[], None]) -> int:
    try:
        try:
            main()
            raise RuntimeError("The module did not handle its own exit.")
        # A process would catch all of them too.
        except Exception as exception:  # noqa: BLE001  # pylint: disable=broad-exception-caught
            if _loader is not None:
                _loader._handle_exception(exception, _PROFILE)
            traceback.print_exc()
            sys.exit(1)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1


@contextmanager
def _module_state(options: bytes) -> Iterator[None]:
    """The global state of a module's process: its options, no warnings yet, not a controller, locale and garbage."""
    state: list[tuple[Any, str, Any]] = [(basic, "_ANSIBLE_ARGS", options)]
    if _internal is None:
        state += [(warnings, "_global_warnings", []), (warnings, "_global_deprecations", [])]
    else:
        state += [
            (basic, "_ANSIBLE_PROFILE", _PROFILE),
            (basic, "_PARSED_MODULE_ARGS", None),
            (warnings, "_global_warnings", {}),
            (warnings, "_global_deprecations", {}),
            # A controller shows a warning at once. A module puts it in its result.
            (_internal, "is_controller", False),
        ]
    before = [(owner, name, getattr(owner, name)) for owner, name, value in state]
    spoken = locale.setlocale(locale.LC_ALL)
    frozen = gc.get_freeze_count()
    try:
        for owner, name, value in state:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
        locale.setlocale(locale.LC_ALL, spoken)
        if not frozen:
            gc.unfreeze()


@contextmanager
def _working_directory(directory: str) -> Iterator[None]:
    """Relative paths in options, for example ca_path, are relative to it."""
    before = os.getcwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)
