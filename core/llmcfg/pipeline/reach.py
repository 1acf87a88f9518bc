"""How far a change reaches: which documents it can alter, in which scopes, and which bundles select one of them.

Both sides are held against what documents asked of one another (`pipeline.readsets`). What neither side changed since, and what asked for
nothing that did, is the same on both, so nobody has to look at it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.keypath import parse_key_path
from llmcfg.pipeline.compose import Settled
from llmcfg.pipeline.layers import CONSUMERS, TEMPLATES
from llmcfg.pipeline.readsets import BESIDE, find_read_sets, place, scopes_with
from llmcfg.pipeline.resolve import is_around

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from llmcfg.model.manifest import Consumer
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope, Target
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.readsets import ReadSets


class Reach(NamedTuple):
    """All other documents are the same on both sides, in all scopes, and so are the bundles of all other targets.

    `tenants` are those in whose own layers something differs, `moved` the documents that a layer has on one side alone. `settled` is what
    is known of the documents of both sides, by which they can be `narrowed`.
    """

    names: frozenset[str]
    scopes: tuple[Scope, ...]
    targets: tuple[Target, ...]
    settled: Settled
    tenants: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    has_secrets: bool = False

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
    paths = _differing(reads, sides, BESIDE)
    reach = _reach(after, reads, paths, sides)
    if reach is None:
        disk.miss("compare all", unplaced(after, paths))
    return reach


def find_reach_of_values(reads: ReadSets, before: Configuration, after: Configuration) -> Reach | None:
    """The same of what scopes hold, which is not about targets: by these read sets, and whatever became of consumers and templates."""
    if before.snapshot.findings or after.snapshot.findings:
        return None
    sides = before.snapshot.entries, after.snapshot.entries
    return _reach(after, reads, _differing(reads, sides, (*BESIDE, CONSUMERS, TEMPLATES)), sides)


def reach_since(reads: ReadSets, after: Configuration) -> Reach | None:
    """From the files that read sets are about, of which what judges a change is one as any other."""
    entries = after.snapshot.entries
    return _reach(after, reads, reads.differing(entries), (entries,))


def unplaced(configuration: Configuration, paths: AbstractSet[str]) -> str:
    """The first of these files that is neither a document nor holds secrets; where each is, two of them are one document."""
    return next((path for path in sorted(paths) if place(configuration, {path}) is None), min(paths))


def unlike_scopes(sides: Sequence[Configuration], scopes: Iterable[Scope], names: AbstractSet[str]) -> Iterator[Scope]:
    """Of these scopes, which both sides have by one manifest, those in which documents of these names may differ from one another.

    Where the same layers have a say in such a document, and it refers to nothing, it is the same.
    """
    layers = [layer for side in sides for layer in side.layout.layers.values()]
    holding = {layer.folder for layer in layers if not names.isdisjoint(layer.documents)}
    alike: dict[tuple[str, ...], list[Scope]] = {}
    for scope in scopes:
        folders = sides[0].folders(scope)
        alike.setdefault(tuple(folder for folder in folders if folder in holding), []).append(scope)
    for first, *others in alike.values():
        yield first
        if not all(names.isdisjoint(side.effective(first).linked) for side in sides):
            yield from others


def _differing(reads: ReadSets, sides: Iterable[Mapping[str, BlobEntry]], beside: tuple[str, ...]) -> frozenset[str]:
    differing = frozenset[str]().union(*map(reads.differing, sides))
    return frozenset(path for path in differing if not path.startswith(beside))


def _reach(
    after: Configuration, reads: ReadSets, paths: AbstractSet[str], sides: Collection[Mapping[str, BlobEntry]]
) -> Reach | None:
    """None where one of these files is neither a document nor holds secrets."""
    placed = place(after, paths)
    moved = place(
        after, {path for path in paths if not (reads.files.has(path) and all(path in side for side in sides))}
    )
    if placed is None or moved is None:
        return None
    linked = frozenset(reads.asked)
    names = placed.names | (linked if placed.has_secrets else reads.asking(placed.names, moved.names))
    scopes = tuple(scopes_with(after, placed.folders))
    targets = _targets(after, scopes, names, every=placed.has_secrets)
    settled = Settled(placed.names, linked)
    return Reach(names, scopes, targets, settled, placed.tenants, moved.names, placed.has_secrets)


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
