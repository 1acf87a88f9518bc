"""What it takes to find that nothing changed: whole processes beside a bare interpreter, and looks at a work tree beside `git status`.

    .venv/bin/python benchmarks/startup.py
    .venv/bin/python benchmarks/startup.py --keys 1000 --keys 1000000 --runs 31 --json startup.json

Rounds are interleaved; figures are medians. Before them each `validate` runs until its answer is stamped, which takes some seconds: nothing
is stamped that changed just now.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from llmcfg.git.repository import open_repository
from processes import Command, llmcfg, of_cache, python, run
from repositories import write_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BARE = "python -c pass"
Times = dict[str, list[float]]
_WAIT_SECONDS = 60
_COLLECT_AFTER = 50_000  # objects, as in a process of llmcfg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, action="append", help="sizes of repositories; may be repeated")
    parser.add_argument("--runs", type=int, default=15, help="counted rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    gc.set_threshold(_COLLECT_AFTER)
    with tempfile.TemporaryDirectory() as folder:
        times = measure(Path(folder), options.keys or [1_000, 10_000, 100_000], options.runs)
    print(report(times))
    if options.json:
        options.json.write_text(json.dumps(times))


def measure(folder: Path, sizes: Sequence[int], rounds: int) -> Times:
    commands = {BARE: python("-c", "pass"), "--version": llmcfg("--version")}
    cache = folder / "cache"
    for keys in sizes:
        root = folder / f"{keys}"
        write_repository(root, keys)
        commands[f"validate, nothing changed, {keys:,} keys"] = llmcfg("validate", "-C", str(root))
    for number, command in enumerate([*commands.values()][2:], start=1):
        stamp(command, folder, cache, number)
    looks = looks_at(folder / f"{max(sizes)}")
    times: Times = {name: [] for name in [*commands, *looks]}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(run(command, folder, of_cache(cache), errors=os.devnull).seconds)
        for name, look in looks.items():
            times[name].append(timed(look))
    return times


def stamp(command: Command, folder: Path, cache: Path, number: int) -> None:
    """Run it until there are so many stamps."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while len([*cache.glob("llmcfg/stamps/*")]) < number:
        if time.monotonic() > deadline:
            raise SystemExit(
                f"startup: nothing was stamped within {_WAIT_SECONDS} s; does something change the checkout?"
            )
        run(command, folder, of_cache(cache), errors=os.devnull)


def looks_at(root: Path) -> dict[str, Callable[[], object]]:
    """What is seen of a work tree, with and without an index of what was seen, and what Git sees with its own."""
    repository = open_repository(root)
    now_ns = time.time_ns()
    seen = repository.work_tree(None, now_ns).index.encoded()
    status = Command([shutil.which("git") or "git", "status", "--porcelain"])
    count = f"{len(repository.work_tree().entries):,} files"
    return {
        f"git status, {count}": lambda: run(status, root),
        f"work tree, {count}": repository.work_tree,
        f"work tree, {count}, seen before": lambda: repository.work_tree(seen, now_ns),
    }


def timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def report(times: Times) -> str:
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}",
        "",
        f"| what | median ms | min ms | times `{BARE}` |",
        "|---|---:|---:|---:|",
    ]
    base = statistics.median(times[BARE])
    for name, taken in times.items():
        median = statistics.median(taken)
        lines.append(f"| {name} | {median * 1e3:.1f} | {min(taken) * 1e3:.1f} | {median / base:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
