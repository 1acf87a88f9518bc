"""Whole processes of the daily verbs on a copy of sample-repo: milliseconds, memory, and the ratio to a bare interpreter.

    .venv/bin/python benchmarks/daily.py
    .venv/bin/python benchmarks/daily.py --runs 31 --json daily.json

The first row is the bare interpreter, which every other row includes. Rounds are interleaved; figures are medians, after one round that
does not count. A verb uses the cache on disk, which that round began, unless its row says *cold*.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from figures import Column, column, median, write_columns
from machine import ROOT, headline
from processes import Command, llmcfg, of_cache, python, run
from repositories import git

SIZE = "sample-repo"
BARE = "python -c pass"
VERBS: dict[str, Command] = {
    BARE: python("-c", "pass"),
    "--version": llmcfg("--version"),
    "--help": llmcfg("--help"),
    "get KEY": llmcfg("get", "routes.chat", "-e", "prod"),
    "explain KEY": llmcfg("explain", "routes.chat.description", "-e", "prod"),
    "validate, cold": llmcfg("validate", "--no-cache"),
    "validate": llmcfg("validate"),
    "diff": llmcfg("diff"),
    "plan": llmcfg("plan", "-e", "prod"),
}

NAMES = tuple(VERBS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11, help="counted runs of each verb, after one warm-up")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.runs)
    print(report(found))
    if options.json:
        write_columns(options.json, {SIZE: found})


def measure(folder: Path, rounds: int) -> Column:
    repository = make_repository(folder / "sample-repo")
    found = column(NAMES)
    for turn in range(rounds + 1):
        for name, command in VERBS.items():
            taken = run(command, repository, of_cache(folder / "cache"), errors=os.devnull)
            if turn:
                found.runs[name].append(taken)
    return found


def make_repository(folder: Path) -> Path:
    shutil.copytree(ROOT / "sample-repo", folder)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "sample")
    return folder


def report(found: Column) -> str:
    said = [
        headline(),
        "",
        "| process | median ms | min ms | ratio | MiB |",
        "|---|---:|---:|---:|---:|",
    ]
    base = median(found.runs[BARE])
    for name, taken in found.runs.items():
        middle, least = median(taken), min(run.seconds for run in taken)
        memory = max(run.memory for run in taken) >> 10
        said.append(f"| {name} | {middle * 1000:.0f} | {least * 1000:.0f} | {middle / base:.1f} | {memory} |")
    return "\n".join(said)


if __name__ == "__main__":
    main()
