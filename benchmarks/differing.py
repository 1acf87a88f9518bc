"""The semantic diff beside deepdiff and dictdiffer, on the same two values in one process: 100,000 leaves, of which 100 differ.

    .venv/bin/python benchmarks/differing.py          # after peerinstall.py
    .venv/bin/python benchmarks/differing.py --leaves 1000000 --runs 3 --json differing.json

*shared* is what a build gives: what did not change is the same object on both sides. *apart* has nothing in common, as two files that were
loaded one after the other. Each way must find the same 100 paths. Rounds are interleaved; figures are medians.
"""

from __future__ import annotations

import argparse
import copy
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures import Column, column, median, write_columns
from llmcfg.model.change import Change
from llmcfg.model.difference import apply_changes, diff_values
from machine import headline
from peerinstall import DIFFERS as INSTALLED
from processes import timed

sys.path.append(str(INSTALLED))

from deepdiff import DeepDiff
from dictdiffer import diff

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmcfg.model.value import Value

CHANGES = 100
OURS = "llmcfg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leaves", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5, help="rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    before = tree(options.leaves)
    shared = with_changes(before)
    pairs = {"shared": (before, shared), "apart": (before, copy.deepcopy(shared))}
    figures = {how: measure(pair, options.runs) for how, pair in pairs.items()}
    print(report(figures, options.leaves))
    if options.json:
        write_columns(options.json, figures)


def tree(leaves: int) -> dict[str, Any]:
    """Documents of a hundred leaves: a provider with models that have numbers, texts and a list."""
    return {f"provider_{number}": provider(number) for number in range(leaves // 100)}


def provider(number: int) -> dict[str, Any]:
    models = {
        f"model-{model}": {
            "id": f"vendor-{number}/model-{model}",
            "max_tokens": number + model,
            "input_price": number / 7,
            "capabilities": ["chat", "tools", "vision"],
            "tags": {"tier": "small", "team": f"t{number % 17}", "region": "eu", "owner": f"o{model}"},
        }
        for model in range(10)
    }
    return {"base_url": f"https://p{number}.example.com/v1", "models": models}


def with_changes(value: dict[str, Any]) -> Any:
    chosen = [f"provider_{number}" for number in range(len(value))]
    paths = [
        (chosen[turn * len(chosen) // CHANGES], "models", f"model-{turn % 10}", "max_tokens") for turn in range(CHANGES)
    ]
    return apply_changes(value, [Change(path, 0, -1 - turn) for turn, path in enumerate(paths)])


def ours(before: Value, after: Value) -> int:
    return sum(1 for _ in diff_values(before, after))


def with_deepdiff(before: Value, after: Value) -> int:
    return len(DeepDiff(before, after)["values_changed"])


def with_dictdiffer(before: Value, after: Value) -> int:
    return sum(1 for _ in diff(before, after))


DIFFERS: dict[str, Callable[[Value, Value], int]] = {
    OURS: ours,
    "dictdiffer": with_dictdiffer,
    "deepdiff": with_deepdiff,
}

NAMES = tuple(DIFFERS)


def measure(pair: tuple[Value, Value], rounds: int) -> Column:
    found = column(DIFFERS)
    for _ in range(rounds):
        for name, differ in DIFFERS.items():
            found.runs[name].append(timed(partial(find, name, differ, pair)))
    return found


def find(name: str, differ: Callable[[Value, Value], int], pair: tuple[Value, Value]) -> None:
    count = differ(*pair)
    if count != CHANGES:
        sys.exit(f"{name} finds {count} changes of {CHANGES}")


def report(columns: Mapping[str, Column], leaves: int) -> str:
    said = [
        f"{headline()}, {leaves:,} leaves",
        "",
        "| | " + " | ".join(f"{how}, ms | x" for how in columns) + " |",
        "|---" + "|---:|---:" * len(columns) + "|",
    ]
    for name in DIFFERS:
        cells = []
        for found in columns.values():
            seconds = median(found.runs[name])
            cells += [f"{seconds * 1000:.1f}", f"{seconds / median(found.runs[OURS]):.0f}"]
        said.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(said)


if __name__ == "__main__":
    main()
