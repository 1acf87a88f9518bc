"""Overlays that change nothing, wherever they are used."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llmcfg.model.findings import Finding, Problem
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.value import Path
    from llmcfg.pipeline.compose import Composed
    from llmcfg.pipeline.locate import Locator


def idle_findings(all_composed: Iterable[Composed], locator: Locator) -> Iterator[Finding]:
    """A part of an overlay is idle only if it changes nothing in any scope that uses it, which only a look at all of them can tell."""
    uses: dict[str, list[dict[Path, Problem]]] = defaultdict(list)
    entries: dict[str, BlobEntry] = {}
    for composed in all_composed:
        idle: dict[str, dict[Path, Problem]] = defaultdict(dict)
        for file, problem in composed.idle:
            idle[file][problem.path or ()] = problem
        for source in composed.sources:
            uses[source.path].append(idle[source.path])
            entries[source.path] = source
    for file, said in uses.items():
        for problem in _idle_everywhere(said):
            yield locator.in_blob(problem, entries[file])


def _idle_everywhere(said: Sequence[Mapping[Path, Problem]]) -> Iterator[Problem]:
    """The topmost parts that are idle in every use: by themselves, or in something idle around them."""
    reported: set[Path] = set()
    candidates = {path: problem for idle in said for path, problem in idle.items()}
    for path in sorted(candidates, key=len):
        prefixes = [path[:length] for length in range(len(path) + 1)]
        if not reported.intersection(prefixes) and all(any(p in idle for p in prefixes) for idle in said):
            reported.add(path)
            yield candidates[path]
