"""What a change did: another revision and this checkout in one run, command by command. `make bench-compare BASE=rev` runs it.

    .venv/bin/python benchmarks/compare.py main
    .venv/bin/python benchmarks/compare.py HEAD~3 --keys 100000 --runs 21 --only validate

The other revision is checked out below `.bench/compare`, with an environment of its own, and stays there for the next time. Both sides work
on the same generated repository, each with a cache of its own, by turns: which of them is first changes from round to round. The table says
how many times as long this checkout takes, between which bounds, and whether that is more than chance; see spread.py.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from figures import Column, Columns, Measure, column, median, spoken, write_columns
from machine import ROOT, headline, said
from processes import FailedError, Run, apart, llmcfg, of_cache, run
from repositories import changed, first_document, write_repository
from spread import LEAST_PAIRS, ratios, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FOLDER: Final = ROOT / ".bench" / "compare"
HERE: Final = "this checkout"


class Side(NamedTuple):
    """One of the two: the interpreter that it is installed for, the repository that both work on, and its own cache."""

    interpreter: str
    root: Path
    cache: Path

    def run(self, *arguments: str, cold: bool = False) -> Run:
        command = llmcfg(*arguments, interpreter=self.interpreter)
        return run(command, self.root, of_cache(None if cold else self.cache), errors=os.devnull)

    def after_change(self, layer: str, turn: int, *arguments: str) -> Run:
        with changed(first_document(self.root / layer), turn):
            return self.run(*arguments)


WORKS: Final[Mapping[str, Callable[[Side, int], Run]]] = {
    "version": lambda side, _: side.run("--version"),
    "help": lambda side, _: side.run("--help"),
    "validate, cold": lambda side, _: side.run("validate", "-q", cold=True),
    "validate, one key of an overlay": lambda side, turn: side.after_change("environments/dev", turn, "validate", "-q"),
    "validate, one key of base": lambda side, turn: side.after_change("base", turn, "validate", "-q"),
    "diff, one key of an overlay": lambda side, turn: side.after_change("environments/dev", turn, "diff", "-q"),
    "plan": lambda side, _: side.run("plan", "-q", "-e", "dev"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="the revision to compare with")
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--tenants", type=int, default=0)
    parser.add_argument("--runs", type=int, default=15, help=f"pairs; fewer than {LEAST_PAIRS} never say anything")
    parser.add_argument("--only", action="append", choices=WORKS, help="this command; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    commit = said("git", "-C", str(ROOT), "rev-parse", "--verify", f"{options.base}^{{commit}}")
    if not commit:
        parser.error(f"no revision {options.base!r}; name a branch, a tag or a commit of this repository")
    base, interpreter = f"{options.base} ({commit[:10]})", check_out(commit)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "repository")
        apart(write_repository, root, options.keys, options.tenants)
        sides = {
            base: Side(str(interpreter), root, Path(folder, "base")),
            HERE: Side(sys.executable, root, Path(folder, "here")),
        }
        columns = measure(sides, options.only or [*WORKS], options.runs)
    print(
        "\n".join(
            [
                f"{headline()}, {options.keys:,} keys, {options.tenants:,} tenants, {options.runs} pairs",
                "",
                *report(columns),
            ]
        )
    )
    if options.json:
        write_columns(options.json, columns)


def check_out(commit: str) -> Path:
    """The interpreter of an environment in which this commit is installed."""
    place = FOLDER / commit[:12]
    if not place.exists():
        begun = FOLDER / f"{commit[:12]}.begun"
        archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], stdout=subprocess.PIPE, check=True)
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(begun, filter="data")
        begun.rename(place)
    subprocess.run([str(place / ".ci/setup"), "runtime"], check=True)
    return place / ".venv/bin/python"


def measure(sides: Mapping[str, Side], names: list[str], rounds: int) -> Columns:
    """The first round fills caches, and does not count."""
    columns = {side: column(names) for side in sides}
    for turn in range(rounds + 1):
        for name in names:
            for side in [*sides] if turn % 2 else [*sides][::-1]:
                taken = take(columns[side], name, sides[side], turn)
                columns[side].runs[name] += taken if turn else ()
    return columns


def take(found: Column, name: str, side: Side, turn: int) -> list[Run]:
    """One run; none from the first failure on, which is noted."""
    if name in found.without:
        return []
    try:
        return [WORKS[name](side, turn)]
    except FailedError as error:
        found.without[name] = str(error)
        return []


def report(columns: Columns) -> Iterator[str]:
    (base, before), (_, after) = columns.items()
    yield f"| | {base} | {HERE} | passed: times | | processors: times | |"
    yield "|---|---:|---:|---:|---|---:|---|"
    for name in before.runs:
        why = {side: found.without[name] for side, found in columns.items() if name in found.without}
        yield failed(name, why) if why else row(name, before.runs[name], after.runs[name])


def failed(name: str, why: Mapping[str, str]) -> str:
    return f"| {name} | {'; '.join(f'{side}: {reason}' for side, reason in why.items())} | | | | | |"


def row(name: str, before: list[Run], after: list[Run]) -> str:
    judged = " | ".join(judge(before, after, measure) for measure in _MEASURES)
    return f"| {name} | {spoken(median(before))} | {spoken(median(after))} | {judged} |"


_MEASURES: Final[tuple[Measure, Measure]] = ("seconds", "processors")


def judge(before: list[Run], after: list[Run], measure: Measure) -> str:
    interval = ratios(*([getattr(run, measure) for run in runs] for runs in (before, after)))
    return f"{interval.middle:.2f} ({interval.low:.2f} to {interval.high:.2f}) | {verdict(interval)}"


if __name__ == "__main__":
    main()
