"""Everything in one report: what llmcfg is to reach and whether it does, and every figure behind that. `make bench` runs it.

    .venv/bin/python benchmarks/report.py                    # a few minutes; up to 100,000 keys
    .venv/bin/python benchmarks/report.py --full             # an hour or two; up to 1,000,000 keys and 1,000 tenants
    .venv/bin/python benchmarks/report.py --only daily --only loading

Writes `report.md`, `report.json` and SVGs into `.bench`. What does not run this time is taken from the last time, and says so. The programs
that llmcfg is measured beside are installed first, each from its registry; what a registry refuses has no figures, and the report says why.
A benchmark that fails is named, and the others go on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from figures import as_json
from machine import ROOT, Machine, load, read_machine
from suite import BENCHMARKS, HERE, Outcome, read_outcome, run_benchmark
from targets import TARGETS, judge, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="every size that is promised")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="this benchmark; may be repeated")
    parser.add_argument("--to", type=Path, default=ROOT / ".bench", metavar="FOLDER", help="default: .bench")
    parser.add_argument("--no-install", action="store_true", help="beside those programs alone that are there")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    names = options.only or [*BENCHMARKS]
    if not options.no_install and {"peers", "differing"} & {*names}:
        subprocess.run([sys.executable, str(HERE / "peerinstall.py")], check=False)  # it says what it cannot have
    outcomes, loads = {name: read_outcome(name, options.to) for name in BENCHMARKS}, [load()]
    for name in names:
        print(f"measuring {name}: {BENCHMARKS[name].title}", file=sys.stderr, flush=True)
        outcomes[name] = run_benchmark(name, options.to, full=options.full)
        loads.append(load())
    machine = read_machine()
    said = "\n".join(report(machine, outcomes, loads))
    (options.to / "report.md").write_text(said + "\n")
    (options.to / "report.json").write_text(json.dumps(as_report(machine, outcomes, loads), indent=1) + "\n")
    print(said)


def report(machine: Machine, outcomes: Mapping[str, Outcome], loads: list[float]) -> Iterator[str]:
    yield from about(machine, loads)
    yield from ("", "## What is to be reached", "", *rows({name: one.columns for name, one in outcomes.items()}))
    for name, outcome in outcomes.items():
        yield from section(name, outcome, machine.revision)


def about(machine: Machine, loads: list[float]) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    yield f"# Benchmarks of llmcfg {machine.revision}"
    yield ""
    yield f"{time.strftime('%Y-%m-%d')}, {machine.processor}, {machine.processors} processors, {machine.memory_gib} GiB, {machine.system}."
    yield f"{versions}. Load {min(loads):.1f} to {max(loads):.1f}."
    if max(loads) > machine.processors:
        yield ""
        yield "The machine had other work. Ratios within this run still say something; seconds that passed say little."


def section(name: str, outcome: Outcome, revision: str) -> Iterator[str]:
    yield from ("", f"## {BENCHMARKS[name].title}", "")
    if outcome.why_not:
        yield f"No figures: {outcome.why_not}"
        return
    if outcome.revision != revision:
        yield f"Of an earlier run, with revision {outcome.revision}.\n"
    yield outcome.markdown
    if BENCHMARKS[name].draws:
        yield from ("", f"![{BENCHMARKS[name].title}]({name}.svg)")


def as_report(machine: Machine, outcomes: Mapping[str, Outcome], loads: list[float]) -> dict[str, object]:
    found = {name: one.columns for name, one in outcomes.items()}
    return {
        "machine": machine._asdict(),
        "loads": loads,
        "targets": [
            {"work": target.work, "target": target.says, **judge(target, found)._asdict()} for target in TARGETS
        ],
        "benchmarks": {
            name: {"columns": as_json(one.columns), "revision": one.revision, "why_not": one.why_not}
            for name, one in outcomes.items()
        },
    }


if __name__ == "__main__":
    main()
