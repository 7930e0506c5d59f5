# Copyright (c) 2026, finops.cloudflare contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test a sample of the mutants of a tree. Run by mutation.py in the tree, since mutmut reads its settings when imported."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path

from mutmut import __main__ as mutmut
from mutmut.mutation.data import MutantLineSpans, SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, walk_source_files


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, required=True)
    parser.add_argument("--at-least", type=int, required=True)
    parser.add_argument("--only", required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()

    copy_src_dir()
    copy_also_copy_files()
    mutmut.create_mutants(1)
    chosen = {
        name: path
        for path in sorted(walk_source_files())
        if re.search(options.only, str(path))
        for name in _sample(path, options.every, options.at_least)
    }
    # This does not make them again.
    mutmut._run(list(chosen), 1)
    result = {
        name: {
            "path": str(path),
            "outcome": status_by_exit_code[_read(path).exit_code_by_key[name]],
            "diff": get_diff_for_mutant(name, path=path),
        }
        for name, path in chosen.items()
    }
    options.output.write_text(json.dumps(result), encoding="utf-8")


def _sample(path: Path, every: int, at_least: int) -> list[str]:
    """Some mutants of a file: the first by a hash of nothing but the function with its mutation."""
    names = list(_read(path).exit_code_by_key)
    if not names:
        return []
    spans = MutantLineSpans.load(path)
    assert spans is not None
    functions = spans.read_function_sources([name.rpartition(".")[2] for name in names])
    ranks = {
        name: hashlib.sha256(f"{path} {re.sub('__mutmut_[0-9]+', '', function)}".encode()).digest()
        for name, function in zip(names, functions)
    }
    return sorted(names, key=ranks.__getitem__)[: max(len(names) // every, at_least)]


def _read(path: Path) -> SourceFileMutationData:
    data = SourceFileMutationData(path=path)
    data.load()
    return data


if __name__ == "__main__":
    main()
