"""What it takes to find that nothing changed: whole processes beside a bare interpreter, and looks at a work tree beside `git status`.

    .venv/bin/python benchmarks/startup.py
    .venv/bin/python benchmarks/startup.py --keys 1000 --keys 1000000 --runs 31 --json startup.json

Rounds are interleaved; figures are medians. Before them each `validate` runs until its answer is stamped, which takes some seconds: nothing
is stamped that changed just now.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Column, column, median, of_keys, write_columns
from llmcfg.git.lookagain import look_again
from llmcfg.git.repository import open_repository
from llmcfg.git.seen import parse_seen
from machine import headline
from processes import Command, Run, llmcfg, of_cache, python, run, timed
from repositories import git, write_repository

if TYPE_CHECKING:
    from collections.abc import Callable

BARE, VERSION, STAMPED = "python -c pass", "--version", "validate, nothing changed"
STATUS, LOOK, LOOK_AGAIN = "git status", "work tree", "work tree, seen before"
NAMES = (BARE, VERSION, STAMPED, STATUS, LOOK, LOOK_AGAIN)
_WAIT_SECONDS = 60
_COLLECT_AFTER = 50_000  # objects, as in a process of llmcfg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, action="append", help="sizes of repositories; may be repeated")
    parser.add_argument("--runs", type=int, default=15, help="counted rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    gc.set_threshold(_COLLECT_AFTER)
    columns = {}
    for keys in options.keys or [1_000, 10_000, 100_000]:
        with tempfile.TemporaryDirectory() as folder:
            columns[of_keys(keys)] = measure(Path(folder), keys, options.runs)
    print("\n\n".join([headline(), *(report(size, found) for size, found in columns.items())]))
    if options.json:
        write_columns(options.json, columns)


def measure(folder: Path, keys: int, rounds: int) -> Column:
    root, cache = folder / "repository", folder / "cache"
    write_repository(root, keys)
    time.sleep(
        1.1
    )  # Git counts seconds: it writes its index anew, with which a stamp ends, while files are as young as that
    git(root, "status", "--porcelain")
    validate = llmcfg("validate", "-C", str(root))
    stamp(validate, folder, cache)
    commands = {BARE: python("-c", "pass"), VERSION: llmcfg("--version"), STAMPED: validate}
    looks = looks_at(root)
    found = column(NAMES)
    for _ in range(rounds):
        for name, command in commands.items():
            found.runs[name].append(run(command, folder, of_cache(cache), errors=os.devnull))
        for name, look in looks.items():
            found.runs[name].append(look())
    return found


def stamp(command: Command, folder: Path, cache: Path) -> None:
    """Run it until its answer is stamped."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not [*cache.glob("llmcfg/stamps/*")]:
        if time.monotonic() > deadline:
            raise SystemExit(
                f"startup: nothing was stamped within {_WAIT_SECONDS} s; does something change the checkout?"
            )
        run(command, folder, of_cache(cache), errors=os.devnull)


def looks_at(root: Path) -> dict[str, Callable[[], Run]]:
    """What is seen of a work tree, with and without an index of what was seen, and what Git sees with its own."""
    repository = open_repository(root)
    now_ns = time.time_ns()
    seen = parse_seen(repository.work_tree(None, now_ns).noted)
    assert seen is not None
    status = Command([shutil.which("git") or "git", "status", "--porcelain"])
    return {
        STATUS: lambda: run(status, root),
        LOOK: lambda: timed(repository.work_tree),
        LOOK_AGAIN: lambda: timed(lambda: look_again(str(root), seen, now_ns)),
    }


def report(size: str, found: Column) -> str:
    lines = [
        f"| {size} | median ms | min ms | times `{BARE}` |",
        "|---|---:|---:|---:|",
    ]
    base = median(found.runs[BARE])
    for name, runs in found.runs.items():
        middle, least = median(runs), min(run.seconds for run in runs)
        lines.append(f"| {name} | {middle * 1e3:.1f} | {least * 1e3:.1f} | {middle / base:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
