"""What every benchmark writes with `--json`, and what the report reads: runs by size and by what was measured.

Times within a process are runs without memory. What has no figures says why, and what was given up after a time is known to take longer.
"""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Literal, NamedTuple

from machine import read_revision
from processes import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Measure = Literal["seconds", "processors", "memory", "grown"]


class Column(NamedTuple):
    """At one size: the runs of each thing, why a thing has none, and after how many seconds of the processors it was given up."""

    runs: dict[str, list[Run]]
    without: dict[str, str]
    given_up: dict[str, float]


Columns = dict[str, Column]


def column(names: Iterable[str] = ()) -> Column:
    return Column({name: [] for name in names}, {}, {})


def of_keys(keys: int) -> str:
    """The size of a repository as a column's name."""
    return f"{keys:,} keys"


def of_tenants(tenants: int) -> str:
    return f"{tenants:,} tenant{'' if tenants == 1 else 's'}"


def size_of(name: str) -> int:
    """The number that a column's name begins with."""
    return int(name.split(" ", 1)[0].replace(",", ""))


def median(runs: Iterable[Run], measure: Measure = "seconds") -> float:
    return float(statistics.median(getattr(run, measure) for run in runs))


def curves(columns: Mapping[str, Column], measure: Measure = "seconds") -> dict[str, dict[int, float]]:
    """The medians of each thing by size. What is nothing at a size has no place on a logarithmic axis."""
    found: dict[str, dict[int, float]] = {}
    for size, one in columns.items():
        for name, runs in one.runs.items():
            value = median(runs, measure) if runs else 0
            if value > 0:
                found.setdefault(name, {})[size_of(size)] = value
    return {name: line for name, line in found.items() if len(line) > 1}


def write_columns(path: Path, columns: Mapping[str, Column]) -> None:
    """With the revision that they are of."""
    path.write_text(json.dumps({"revision": read_revision(), "columns": as_json(columns)}, indent=1) + "\n")


def as_json(columns: Mapping[str, Column]) -> dict[str, object]:
    return {
        size: {**one._asdict(), "runs": {name: [run._asdict() for run in runs] for name, runs in one.runs.items()}}
        for size, one in columns.items()
    }


def read_columns(path: Path) -> tuple[Columns, str]:
    """And the revision that they are of."""
    found = json.loads(path.read_text())
    columns = {
        size: Column(
            {name: [Run(**run) for run in runs] for name, runs in one["runs"].items()}, one["without"], one["given_up"]
        )
        for size, one in found["columns"].items()
    }
    return columns, found["revision"]


def table(columns: Mapping[str, Column]) -> Iterator[str]:
    """A row for each thing, with seconds and memory at each size."""
    yield "| | " + " | ".join(columns) + " |"
    yield "|---" + "|---:" * len(columns) + "|"
    for name in dict.fromkeys(name for one in columns.values() for name in one.runs):
        yield f"| {name} | " + " | ".join(cell(one.runs.get(name, [])) for one in columns.values()) + " |"


def cell(runs: list[Run]) -> str:
    if not runs:
        return "-"
    memory = max(run.memory for run in runs) >> 10
    return f"{spoken(median(runs))}, {memory} MiB" if memory else spoken(median(runs))


def spoken(seconds: float) -> str:
    """With three digits."""
    for unit, least in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= least:
            value = seconds / least
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    return f"{seconds * 1e9:.0f} ns"
