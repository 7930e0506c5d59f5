# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin of every module: runs it in Ansible's worker if that is equivalent to a separate process.

Everything else works as usual: ActionBase._execute_module prepares the options and reads the result. Only where it would
start a process, this plugin calls the module's own code instead. This file is private to the collection and can
change in any release.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import warnings
from types import MappingProxyType
from typing import Any, Callable, Mapping, NamedTuple

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE, boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display

from . import _core

VARIABLE = "finops_cloudflare_in_process"
ENVIRONMENT_VARIABLE = VARIABLE.upper()

_display = Display()


class Circumstances(NamedTuple):
    """Everything that decides how a module is run."""

    allowed: bool = True
    """Neither the variable nor the environment variable turns this off."""
    platform: str = sys.platform
    core_known: bool = True
    """This collection is tested with this series of ansible-core."""
    full_name: bool = True
    """The task names the module with namespace and collection, so that it cannot be another one."""
    connection: str = "ansible.builtin.local"
    shell: str = "/bin/sh"
    """The shell that the connection starts processes with."""
    become: bool = False
    in_background: bool = False
    """The task has async."""
    environment: Mapping[str, Any] = MappingProxyType({})
    """The environment variables that the task, its block or its play sets."""
    same_python: bool = True
    """Modules run on the same Python as Ansible."""
    keep_files: bool = False
    """Ansible is told to keep the files of module processes."""


def why_not(given: Circumstances) -> str | None:
    """Why a separate process can differ from this one, as the end of a sentence. None if it cannot."""
    reasons = {
        f"{VARIABLE} or {ENVIRONMENT_VARIABLE} is false": not given.allowed,
        # On macOS, processes forked by Ansible must not look up the system's proxies.
        "this is macOS": given.platform == "darwin",
        "this collection does not know this series of ansible-core": not given.core_known,
        "the task does not use its full name": not given.full_name,
        f"the connection is {given.connection}": given.connection != "ansible.builtin.local",
        f"the shell is {given.shell}": given.shell != "/bin/sh",
        "the task uses become": given.become,
        "the task uses async": given.in_background,
        "the task sets environment variables": bool(given.environment),
        "ansible_python_interpreter is not the Python that runs Ansible": not given.same_python,
        "Ansible is told to keep the files of module processes": given.keep_files,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def same_python(interpreter: str, running: str) -> bool:
    """Whether both start the same Python with the same libraries.

    The Python of a virtual environment is a link to another one. Only its directory differs.
    """
    if not os.path.isabs(interpreter) or not os.path.exists(interpreter) or not os.path.exists(running):
        return False
    directories = {os.path.realpath(os.path.dirname(path)) for path in (interpreter, running)}
    return len(directories) == 1 and os.path.samefile(interpreter, running)


def allowed(name: str, value: object) -> bool:
    """The value of a switch; True if it is not set."""
    if value is None or value == "":
        return True
    try:
        return boolean(value)
    except TypeError:
        raise AnsibleActionFail(f"{name} is {value!r}. Set it to true or false.") from None


class Module(NamedTuple):
    """A module that has been imported."""

    path: str
    main: Callable[[], None]
    unusable: str | None
    """Why its main function cannot be called in this process, as the end of a sentence."""


def full_name(action: str) -> str:
    """The full name, as tasks use it, of the module whose action plugin has this Python name."""
    _root, namespace, collection, *_directories, name = action.split(".")
    return f"{namespace}.{collection}.{name}"


@functools.lru_cache(maxsize=None)
def module_of(action: str) -> Module:
    """The module whose action plugin has this Python name."""
    package, _separator, name = action.rpartition(".action.")
    try:
        # A library can warn about the versions of others. In a separate process, that output would be lost.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            http = importlib.import_module(f"{package}.module_utils._http")
            module = importlib.import_module(f"{package}.modules.{name}")
    except Exception as error:  # noqa: BLE001  # pylint: disable=broad-exception-caught
        # A library may be broken here and fine in another Python.
        return Module("", sys.exit, f"it cannot be imported here ({error})")
    return Module(
        str(module.__file__), module.main, None if http.HAS_REQUESTS else "this Python does not have requests"
    )


def preload(action: str) -> str:
    """Import the module when Ansible's main process loads the action plugin: once, not in each worker."""
    switched_off = os.environ.get(ENVIRONMENT_VARIABLE, "").lower() in BOOLEANS_FALSE
    if sys.platform != "darwin" and _core.is_known() and not switched_off:
        module_of(action)
    return action


class InProcessAction(NormalAction):  # type: ignore[misc]
    """Runs the module of the same name."""

    ACTION: str
    """The Python name of the action plugin."""

    _module: Module | None = None
    """The module while it runs in this process."""

    _options = b""
    """Its options, encoded."""

    def _execute_module(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        reason = why_not(self._circumstances(kwargs["task_vars"])) or self._why_not_this_one()
        way = "in this process" if reason is None else f"in a separate process, because {reason}"
        _display.vvv(f"{self._task.action} is run {way}", host=self._play_context.remote_addr)
        self._module = module_of(self.ACTION) if reason is None else None
        try:
            return super()._execute_module(*args, **kwargs)
        finally:
            self._module = None

    def _circumstances(self, task_vars: Mapping[str, Any]) -> Circumstances:
        variable = self._templar.template(task_vars.get(VARIABLE))
        host_vars = task_vars
        if self._task.delegate_to:
            host_vars = task_vars["ansible_delegated_vars"][self._task.delegate_to]
        interpreter = self._templar.template(
            constants.config.get_config_value("INTERPRETER_PYTHON", variables=host_vars)
        )
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        return Circumstances(
            allowed=allowed(VARIABLE, variable) and allowed(ENVIRONMENT_VARIABLE, os.environ.get(ENVIRONMENT_VARIABLE)),
            core_known=_core.is_known(),
            full_name=self._task.action == full_name(self.ACTION),
            connection=self._connection.ansible_name,
            shell=self._play_context.executable,
            become=bool(self._connection.become),
            in_background=bool(self._task.async_val),
            environment=environment,
            same_python=same_python(str(interpreter), sys.executable),
            keep_files=constants.config.get_config_value("DEFAULT_KEEP_REMOTE_FILES"),
        )

    def _why_not_this_one(self) -> str | None:
        try:
            _core.encoded(self._task.args)
        except (TypeError, ValueError):
            return "its options are not JSON"
        return module_of(self.ACTION).unusable

    def _is_pipelining_enabled(self, *args: Any, **kwargs: Any) -> bool:
        # Pipelining needs no files.
        return self._module is not None or super()._is_pipelining_enabled(*args, **kwargs)

    def _configure_module(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> Any:
        if self._module is None:
            return super()._configure_module(module_name, module_args, task_vars)
        self._options = _core.encoded(module_args)
        return _core.configured(self._module.path)

    def _low_level_execute_command(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if self._module is None:
            return super()._low_level_execute_command(*args, **kwargs)
        ended = _core.run(self._module.main, self._options, self._loader.get_basedir())
        return {
            "rc": ended.code,
            "stdout": ended.stdout,
            "stdout_lines": ended.stdout.splitlines(),
            "stderr": ended.stderr,
            "stderr_lines": ended.stderr.splitlines(),
        }
