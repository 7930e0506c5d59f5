# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX 24 does with a credential type, a survey, an inventory and a job, as far as it matters to a playbook."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Sequence
from unittest.mock import patch

import ansible_runner
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tools.processes import environment, run

# What a variable's name must hold for AWX to hide its value in the details of a job.
HIDDEN = re.compile("API|TOKEN|KEY|SECRET|PASS", re.IGNORECASE)
QUESTION_TYPES = {"text": str, "textarea": str, "integer": int, "multiplechoice": str}


class Unsafe(str):
    """Text that Ansible must not take for a template."""

    __slots__ = ()


class Dumper(yaml.SafeDumper):
    """Writes variables as AWX does: text from a survey is never a template."""


Dumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


class Inventory(NamedTuple):
    """The hosts of one group, each with its variables."""

    group: str
    hosts: dict[str, dict[str, Any]]

    def slices(self, count: int) -> list[Inventory]:
        """What each job of a sliced job template gets."""
        names = sorted(self.hosts)
        return [
            Inventory(self.group, {name: self.hosts[name] for name in names[number::count]}) for number in range(count)
        ]

    @classmethod
    def updated(cls, group: str, source: Path, variables: Mapping[str, str]) -> Inventory:
        """What an inventory update makes of a source: the hosts of this group."""
        shown = run("ansible-inventory", "-i", source, "--list", "--export", env=environment(**variables)).stdout
        listed = json.loads(shown)
        return cls(group, {name: listed["_meta"]["hostvars"][name] for name in listed[group]["hosts"]})

    def write(self, path: Path) -> None:
        """As AWX does: a script that prints it."""
        listed = {self.group: {"hosts": sorted(self.hosts)}, "_meta": {"hostvars": self.hosts}}
        path.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(listed)!r})\n", encoding="utf-8")
        path.chmod(0o700)


LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
DEMO_INVENTORY = Inventory("all", {"localhost": LOCAL})


class Job(NamedTuple):
    """What became of a job."""

    status: str
    changed: int
    stdout: str
    failures: list[str]
    """The messages of the tasks that failed."""
    directory: Path
    """The private data directory: all that the job was given and has left."""


def injected(
    credential_type: Mapping[str, Any], injectors: Mapping[str, Any], values: Mapping[str, str]
) -> dict[str, str]:
    """The environment that a credential of this type adds to a job."""
    fields = {field["id"] for field in credential_type["fields"]}
    assert set(credential_type["required"]) <= set(values) <= fields
    assert set(injectors) == {"env"}
    assert not [name for name in injectors["env"] if name.startswith("ANSIBLE_")]
    sandbox = ImmutableSandboxedEnvironment()
    return {name: sandbox.from_string(template).render(values) for name, template in injectors["env"].items()}


def answered(survey: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The extra variables of a job, from the survey's defaults and the answers; what is not answered is left out there.

    Raises a ValueError where AWX would not start the job.
    """
    variables = dict(answers)
    for question in survey["spec"]:
        name = question["variable"]
        kind = QUESTION_TYPES[question["type"]]
        if "default" in question:
            variables.setdefault(name, question["default"])
        if name not in variables:
            if question["required"]:
                raise ValueError(f"{name} is missing")
            continue
        value = variables[name]
        if type(value) is not kind:  # pylint: disable=unidiomatic-typecheck
            raise ValueError(f"{name} is of another type")
        size = len(value) if isinstance(value, str) else value
        if not question.get("min", size) <= size <= question.get("max", size):
            raise ValueError(f"{name} is too small or too large")
        if value not in question.get("choices", [value]):
            raise ValueError(f"{name} is no choice")
    if unknown := set(variables) - {question["variable"] for question in survey["spec"]}:
        raise ValueError(f"{unknown} are no questions")
    return variables


class Project:
    """A project, and the private data directories in which its jobs run."""

    def __init__(self, directory: Path, collections: Path, playbooks: Mapping[str, str]) -> None:
        self._directory = directory
        self._collections = collections
        self._playbooks = playbooks
        self._jobs = 0

    def launch(
        self,
        playbook: str,
        credentials: Mapping[str, str],
        variables: Mapping[str, Any],
        arguments: Sequence[str] = (),
        inventory: Inventory = DEMO_INVENTORY,
    ) -> Job:
        """Run a job as AWX does: all that it gets lies in files, the credentials in env/envvars and nowhere else."""
        self._jobs += 1
        private = self._directory / f"awx_{self._jobs}"
        for name in ("env", "inventory"):
            (private / name).mkdir(parents=True)
        (private / "project").mkdir()
        for name, content in self._playbooks.items():
            (private / "project" / name).write_text(content, encoding="utf-8")
        # Each job has a copy of what the project's update installed.
        shutil.copytree(self._collections, private / "requirements_collections")
        env = {
            **credentials,
            "ANSIBLE_COLLECTIONS_PATH": str(private / "requirements_collections"),
            "ANSIBLE_HOME": str(private / "home"),
        }
        (private / "env" / "envvars").write_text(yaml.safe_dump(env), encoding="utf-8")
        unsafe = {name: Unsafe(value) if isinstance(value, str) else value for name, value in variables.items()}
        meta = {"awx_job_id": self._jobs, "awx_job_template_name": Unsafe(playbook)}
        (private / "env" / "extravars").write_text(yaml.dump({**unsafe, **meta}, Dumper=Dumper), encoding="utf-8")
        # As much output as a job template can ask for, so that whatever is shown is seen here.
        (private / "env" / "cmdline").write_text(" ".join(["-u", "root", "-vvvv", *arguments]), encoding="utf-8")
        inventory.write(private / "inventory" / "hosts")
        return finished_job(private, playbook, str(self._jobs))


def finished_job(private: Path, playbook: str, ident: str) -> Job:
    """Let ansible-runner run what lies in the directory."""
    # A job knows nothing of the shell from which the tests are started.
    with patch.dict(os.environ, environment(), clear=True):
        # Signals are for pytest, so nothing here cancels a job.
        finished = ansible_runner.run(
            private_data_dir=str(private), playbook=playbook, ident=ident, quiet=True, cancel_callback=lambda: False
        )
    assert (finished.rc == 0) == (finished.status == "successful")
    artifacts = private / "artifacts" / ident
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").glob("*.json")]
    events.sort(key=lambda event: event["counter"])
    (stats,) = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
    return Job(
        status=finished.status,
        changed=sum(stats["changed"].values()),
        stdout=(artifacts / "stdout").read_text(encoding="utf-8"),
        failures=[event["event_data"]["res"]["msg"] for event in events if event["event"] == "runner_on_failed"],
        directory=private,
    )


def left_in(path: Path) -> bytes:
    """What a job has left in a file, without what AWX itself puts there and hides.

    Credentials are handed to a job in env/envvars, and ansible-runner writes the whole environment, in clear, into the
    file "command" of the artifacts. No collection can change that: AWX hides the values by the names of the variables,
    and removes both files with the directory of the job. Only this is left out here; all else in "command" counts.
    """
    if path.parts[-2:] == ("env", "envvars"):
        return b""
    if path.name != "command":
        return path.read_bytes()
    command = json.loads(path.read_bytes())
    command["env"] = {name: value for name, value in command["env"].items() if not HIDDEN.search(name)}
    return json.dumps(command).encode()
