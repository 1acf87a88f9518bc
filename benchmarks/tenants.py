"""What tenants cost, when they inherit nearly everything: growth from none to a thousand, each with three documents of its own.

    .venv/bin/python benchmarks/tenants.py                   # 10,000 keys, 1 to 1,000 tenants, four environments
    .venv/bin/python benchmarks/tenants.py --keys 1000000 --runs 3
    .venv/bin/python benchmarks/tenants.py --platform        # typed records, prompts and secrets

Whole processes: *cold* without the cache on disk, the others with one key changed and what an earlier run remembered. *a key that
differs* is reckoned within one process: what validating takes more than without tenants, for each key that a tenant says otherwise.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from figures import Column, column, curves, median, of_tenants, table, write_columns
from llmcfg.clock import now
from llmcfg.pipeline.validate import validate_configuration
from llmcfg.wiring import Workspace
from machine import headline
from platforms import write_platform
from plot import plot
from processes import Run, apart, llmcfg, of_cache, run, timed
from repositories import ENVIRONMENTS, KEYS_OF_TENANT, changed, first_document, write_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Write: TypeAlias = "Callable[[Path, int, int], None]"
COLD, DIFFERING = "validate, cold", "a key that differs, in process"
CHANGED = {
    "validate, one key of a tenant": "tenants",
    "validate, one key of an overlay": "environments",
    "validate, one key of base": "base",
}
NAMES = (COLD, *CHANGED, DIFFERING)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--tenants", type=int, action="append", help="how many; default 1, 10, 100 and 1,000")
    parser.add_argument("--platform", action="store_true", help="typed records, prompts and secrets (platforms.py)")
    parser.add_argument("--runs", type=int, default=3, help="rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw seconds against tenants there; needs two sizes")
    options = parser.parse_args()
    counts = options.tenants or [1, 10, 100, 1_000]
    with tempfile.TemporaryDirectory() as folder:
        write = write_platform if options.platform else write_repository
        columns = measure(Path(folder), write, options.keys, counts, options.runs)
    print("\n".join([f"{headline()}, {options.keys:,} keys", "", *table(columns)]))
    if options.json:
        write_columns(options.json, columns)
    if options.svg and len(columns) > 1:
        options.svg.write_text(plot(curves(columns), f"Seconds against tenants, {options.keys:,} keys"))


def measure(folder: Path, write: Write, keys: int, counts: list[int], rounds: int) -> Mapping[str, Column]:
    """Sizes take turns within a round."""
    roots = {count: folder / str(count) for count in [0, *counts]}
    for count, root in roots.items():
        apart(write, root, keys, count)
    columns = {of_tenants(count): measure_processes(folder, roots[count], count, rounds) for count in counts}
    for count, runs in apart(measure_differing, roots, 2 * rounds + 1).items():
        columns[of_tenants(count)].runs[DIFFERING] = runs
    return columns


def measure_processes(folder: Path, root: Path, count: int, rounds: int) -> Column:
    cache = folder / f"cache{count}"
    documents = {name: first_document(root / place) for name, place in CHANGED.items()}
    found = column(NAMES)
    run(llmcfg("validate", "-q"), root, of_cache(cache))
    for turn in range(rounds):
        found.runs[COLD].append(run(llmcfg("validate", "-q"), root, of_cache(None)))
        for name, document in documents.items():
            with changed(document, turn):
                found.runs[name].append(run(llmcfg("validate", "-q"), root, of_cache(cache)))
    return found


def measure_differing(roots: Mapping[int, Path], rounds: int) -> dict[int, list[Run]]:
    taken: dict[int, list[Run]] = {count: [] for count in roots}
    for _ in range(rounds):
        for count, root in roots.items():
            gc.collect()
            taken[count].append(timed(partial(validate, root)))
    without = median(taken.pop(0), "processors")
    return {count: [for_a_key(run, without, count) for run in runs] for count, runs in taken.items()}


def for_a_key(run: Run, without: float, count: int) -> Run:
    keys = count * KEYS_OF_TENANT * len(ENVIRONMENTS)
    return Run((run.processors - without) / keys, (run.processors - without) / keys)


def validate(root: Path) -> None:
    """With nothing remembered of an earlier one."""
    if validate_configuration(Workspace(root).configuration(), as_of=now().date()):
        raise SystemExit("the generated repository has findings")


if __name__ == "__main__":
    main()
