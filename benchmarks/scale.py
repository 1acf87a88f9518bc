"""What a run costs as a repository grows, each time as a process of its own, in one run with the plain way of doing the same.

    .venv/bin/python benchmarks/scale.py                            # 1,000, 10,000 and 100,000 keys, four environments
    .venv/bin/python benchmarks/scale.py --keys 1000000 --runs 3
    .venv/bin/python benchmarks/scale.py --keys 10000 --tenants 1000
    .venv/bin/python benchmarks/scale.py --keys 10000 --platform    # where every rule about LLM platforms has something to look at
    .venv/bin/python benchmarks/scale.py --json report.json --svg report.svg

*cold* does without the cache on disk, *first* begins one, *again* changes nothing, the others change one key with a cache there. The plain
way is a script of twenty lines (programs/plain_merge.py) that loads with PyYAML's CSafeLoader, merges and writes JSON: no positions, no
checks, no digests. Before anything is measured, what it merges is held against what `llmcfg render` writes. Rounds are interleaved; figures
are medians.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from figures import Column, column, curves, of_keys, table, write_columns
from llmcfg.model.keypath import format_key_path
from machine import headline
from platforms import write_platform
from plot import plot
from processes import Run, apart, llmcfg, of_cache, python, run
from repositories import ENVIRONMENTS, changed, first_document, write_repository

BARE, COLD, FIRST, AGAIN = "python -c pass", "validate, cold", "validate, first", "validate, again"
OVERLAY, DIFF, BASE = "validate, one key of an overlay", "diff, one key of an overlay", "validate, one key of base"
PLAINLY, IMPACT = "the plain script", "impact, one key of an overlay"
Write = Callable[[Path, int, int], None]
NAMES = (BARE, COLD, FIRST, AGAIN, OVERLAY, DIFF, IMPACT, BASE, PLAINLY)
PLAIN = Path(__file__).resolve().parent / "programs" / "plain_merge.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, action="append", help="how many; default 1,000, 10,000 and 100,000")
    parser.add_argument("--tenants", type=int, default=0, help="each of which overrides three documents")
    parser.add_argument("--platform", action="store_true", help="typed records, prompts and secrets (platforms.py)")
    parser.add_argument("--runs", type=int, default=5, help="rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw seconds against keys there; needs two sizes")
    options = parser.parse_args()
    columns = {}
    for keys in options.keys or [1_000, 10_000, 100_000]:
        with tempfile.TemporaryDirectory() as folder:
            write = write_platform if options.platform else write_repository
            columns[of_keys(keys)] = measure(Path(folder), write, keys, options.tenants, options.runs)
    print("\n".join([f"{headline()}, {options.tenants} tenants", "", *table(columns)]))
    if options.json:
        write_columns(options.json, columns)
    if options.svg and len(columns) > 1:
        options.svg.write_text(plot(curves(columns), f"Seconds of a process against keys, {options.tenants} tenants"))


def measure(folder: Path, write: Write, keys: int, tenants: int, rounds: int) -> Column:
    root, out = folder / "repository", folder / "out"
    out.mkdir()
    apart(write, root, keys, tenants)
    has_plain = write is write_repository and not tenants
    if has_plain:
        apart(check_plain, root, out)
    overlay = first_document(root / "environments/dev")
    document = first_document(root / "base")
    scenarios: dict[str, Callable[[int], Run]] = {
        BARE: lambda _: run(python("-c", "pass"), root),
        COLD: lambda _: verb("validate", root=root, cache=None),
        FIRST: lambda turn: verb("validate", root=root, cache=folder / f"first{turn}"),
        AGAIN: lambda _: verb("validate", root=root, cache=folder / "cache"),
        OVERLAY: lambda turn: after_change(root, folder / "cache", overlay, turn, "validate"),
        DIFF: lambda turn: after_change(root, folder / "cache", overlay, turn, "diff"),
        IMPACT: lambda turn: after_change(root, folder / "cache", overlay, turn, "impact", key_of(document)),
        BASE: lambda turn: after_change(root, folder / "cache", document, turn, "validate"),
    }
    if has_plain:
        scenarios[PLAINLY] = lambda _: plain(root, out)
    found = column(scenarios)
    verb("validate", root=root, cache=folder / "cache")
    for turn in range(rounds):
        for name, scenario in scenarios.items():
            found.runs[name].append(scenario(turn))
    return found


def after_change(root: Path, cache: Path, document: Path, turn: int, *name: str) -> Run:
    """What the cache learned of an earlier value does not count."""
    with changed(document, turn):
        return verb(*name, root=root, cache=cache)


def verb(*name: str, root: Path, cache: Path | None) -> Run:
    return run(llmcfg(*name, "-q"), root, of_cache(cache))


def key_of(document: Path) -> str:
    """What a document of base holds."""
    at = document.with_suffix("").parts
    return format_key_path(at[at.index("base") + 1 :])


def plain(root: Path, out: Path) -> Run:
    return run(python(str(PLAIN), str(root), str(out), *ENVIRONMENTS), root)


def check_plain(root: Path, out: Path) -> None:
    """That the plain script and llmcfg come to the same values."""
    plain(root, out)
    llmcfg_out = out / "bundles"
    run(llmcfg("render", "-q", "--to", str(llmcfg_out)), root, of_cache(None))
    for environment in ENVIRONMENTS:
        merged = json.loads((out / f"{environment}.json").read_text())
        config = llmcfg_out / environment / "_shared" / "gateway" / "config"
        ours = {
            str(path.relative_to(config).with_suffix("")): json.loads(path.read_bytes())
            for path in config.rglob("*.json")
        }
        if ours != merged:
            sys.exit(f"the plain script and llmcfg differ in {environment}")


if __name__ == "__main__":
    main()
