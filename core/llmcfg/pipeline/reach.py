"""How far a change reaches: which documents it can alter, in which scopes, and which bundles select one of them.

Both sides are held against what documents asked of one another (`pipeline.readsets`). What neither side changed since, and what asked for
nothing that did, is the same on both, so nobody has to look at it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.keypath import parse_key_path
from llmcfg.pipeline.compose import Settled
from llmcfg.pipeline.readsets import BESIDE, find_read_sets, place, scopes_with
from llmcfg.pipeline.resolve import is_around

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.manifest import Consumer
    from llmcfg.model.target import Scope, Target
    from llmcfg.pipeline.configuration import Configuration


class Reach(NamedTuple):
    """All other documents are the same on both sides, in all scopes, and so are the bundles of all other targets.

    `settled` is what is known of the documents of both sides, by which they can be `narrowed`.
    """

    names: frozenset[str]
    scopes: tuple[Scope, ...]
    targets: tuple[Target, ...]
    settled: Settled

    def with_linked(self) -> Reach:
        """With all documents that hold references, for what depends on all that a bundle refers to."""
        return self._replace(names=self.names | self.settled.linked)


def find_reach(before: Configuration, after: Configuration) -> Reach | None:
    """None where nothing is remembered of them, or they differ by more than documents, secrets and what judges a change."""
    disk = after.memo.disk
    reads = find_read_sets(disk)
    if disk is None or reads is None or before.snapshot.findings or after.snapshot.findings:
        if disk is not None:
            disk.miss("compare all", "the read sets" if reads is None else "what is strange in a tree")
        return None
    sides = before.snapshot.entries, after.snapshot.entries
    differing = reads.differing(sides[0]) | reads.differing(sides[1])
    paths = {path for path in differing if not path.startswith(BESIDE)}
    placed = place(after, paths)
    moved = place(
        after, {path for path in paths if not (reads.files.has(path) and all(path in side for side in sides))}
    )
    if placed is None or moved is None:
        disk.miss("compare all", next((path for path in sorted(paths) if place(after, {path}) is None), min(paths)))
        return None
    linked = frozenset(reads.asked)
    names = placed.names | (linked if placed.has_secrets else reads.asking(placed.names, moved.names))
    scopes = tuple(scopes_with(after, placed.folders))
    targets = _targets(after, scopes, names, every=placed.has_secrets)
    return Reach(names, scopes, targets, Settled(placed.names, linked))


def _targets(
    configuration: Configuration, scopes: Iterable[Scope], names: Iterable[str], *, every: bool
) -> tuple[Target, ...]:
    """The targets of these scopes that one of these documents may be selected for: of every consumer, or of those that name it."""
    named = [*names]
    there = {*scopes}
    selecting = {it.name for it in configuration.consumers if every or _may_select(it, named)}
    return tuple(it for it in configuration.targets if it.consumer in selecting and it.scope in there)


def _may_select(consumer: Consumer, names: Iterable[str]) -> bool:
    paths = [*map(parse_key_path, consumer.select)]
    return any(is_around(name, path) for name in names for path in paths)
