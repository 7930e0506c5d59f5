# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure how many small bugs in ``plugins`` the unit tests find. Run by ``nox -s mutation``.

mutmut makes the bugs, called mutants: each is one function with one change, such as ``<`` for ``<=``. A sample of them is
tested, each with the unit tests that reach the function. The sample is the same as long as ``plugins`` is the same, so the
scores of two states of the tests can be compared::

    python tests/mutation/mutation.py
    python tests/mutation/mutation.py --compare earlier/report.json
    python tests/mutation/mutation.py --only _funding --every 1

mutmut leaves out constants, and functions with a decorator, such as properties. Afterwards, ``tests/output/mutation`` has
report.json, with the outcome of each mutant, and survivors.diff, with the mutants that no test has found.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COLLECTION = Path("ansible_collections", "finops", "cloudflare")
# What the unit tests read.
NEEDED = ("galaxy.yml", "meta", "plugins", "tests/simulator", "tests/unit")
FOUND = ("killed", "timeout")
SETTINGS = f"""
[tool.mutmut]
source_paths = ["{COLLECTION}/plugins"]
also_copy = ["{COLLECTION}/galaxy.yml", "{COLLECTION}/meta", "{COLLECTION}/tests"]
pytest_add_cli_args = ["-p", "limits", "-p", "no:cacheprovider", "--basetemp=tmp"]
pytest_add_cli_args_test_selection = ["{COLLECTION}/tests/unit"]
# The limits that decide are those of limits.py.
timeout_constant = 60.0
track_dependencies = false
use_git_change_detection = false
"""


def main() -> None:
    options = _options()
    output = ROOT / "tests" / "output" / "mutation"
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as tree:
        _copy(options.root, Path(tree))
        result = Path(tree, "result.json")
        sample = ("--every", str(options.every), "--at-least", str(options.at_least), "--only", options.only)
        subprocess.run([sys.executable, HERE / "mutants.py", *sample, "--output", result], cwd=tree, check=True)
        mutants = json.loads(result.read_text(encoding="utf-8"))
    outcomes = {name: mutant["outcome"] for name, mutant in mutants.items()}
    survivors = [f"{name}\n{mutant['diff']}\n\n" for name, mutant in mutants.items() if mutant["outcome"] not in FOUND]
    (output / "report.json").write_text(json.dumps(outcomes, indent=1, ensure_ascii=False), encoding="utf-8")
    (output / "survivors.diff").write_text("".join(survivors), encoding="utf-8")
    _print_table(mutants)
    if options.compare:
        _print_comparison(json.loads(options.compare.read_text(encoding="utf-8")), outcomes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--every", type=int, default=20, help="test one in so many mutants of a file, default: %(default)s"
    )
    parser.add_argument("--at-least", type=int, default=12, help="but at least so many of a file, default: %(default)s")
    parser.add_argument("--only", default="", help="a regular expression for the paths of the files")
    parser.add_argument("--compare", type=Path, help="an earlier report.json")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout to measure, default: this one")
    return parser.parse_args()


def _copy(root: Path, tree: Path) -> None:
    """Lay the collection out so that the path of a file is the name of its module, as mutmut wants it."""
    for needed in NEEDED:
        source, target = root / needed, tree / COLLECTION / needed
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
    (tree / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")


def _print_table(mutants: dict[str, dict[str, str]]) -> None:
    files: dict[str, Counter[str]] = {}
    for mutant in mutants.values():
        file = str(Path(mutant["path"]).relative_to(COLLECTION / "plugins"))
        files.setdefault(file, Counter())[mutant["outcome"]] += 1
    total = sum(files.values(), Counter())
    columns = sorted(total)
    print(f"\n{'':50}" + "".join(f"{column:>10}" for column in columns) + f"{'score':>10}")
    for file, count in [*files.items(), ("total", total)]:
        score = sum(count[outcome] for outcome in FOUND) / count.total()
        print(f"{file:50}" + "".join(f"{count[column]:10}" for column in columns) + f"{score:10.1%}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{used.ru_utime + used.ru_stime:.0f} CPU seconds")


def _print_comparison(earlier: dict[str, str], outcomes: dict[str, str]) -> None:
    common = sorted(earlier.keys() & outcomes.keys())
    then, now = (sum(some[name] in FOUND for name in common) for some in (earlier, outcomes))
    print(f"\nOf {len(common)} mutants that were tested earlier too, {then} were found then, and {now} now.")
    for name in common:
        if (earlier[name] in FOUND) != (outcomes[name] in FOUND):
            print(f"{name}: {earlier[name]} then, {outcomes[name]} now")


if __name__ == "__main__":
    main()
