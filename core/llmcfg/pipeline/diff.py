"""The semantic difference between two states of the configuration.

A state is what was built from a snapshot, or what a deployed ref holds. Parts that are the same object are not looked into, so two
snapshots that were built with one memo cost what they differ by. Values are equal when their canonical JSON is, since that is what a
consumer gets: 2 and 2.0 are, 1 and true are not.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from llmcfg.canonical import canonical_json
from llmcfg.model.change import ABSENT, Change
from llmcfg.model.difference import diff_values, spread
from llmcfg.model.impact import Difference, FileChange, RecipientChange, SecretChange, ValueChange
from llmcfg.model.keypath import format_key_path
from llmcfg.model.later import Each, Later
from llmcfg.model.progress import UNWATCHED
from llmcfg.pipeline.bundle import AT_ONCE, FILES
from llmcfg.pipeline.decisions import changed_decisions, decisions_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from llmcfg.model.change import Kind, Side
    from llmcfg.model.laid import Laid
    from llmcfg.model.progress import Progress
    from llmcfg.model.target import Scope, Target
    from llmcfg.model.value import Value
    from llmcfg.pipeline.build import Built
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.reach import Reach
    from llmcfg.pipeline.resolve import Resolved

    Documents = Mapping[str, Value | Later[Value]]

_CONFIG = "config/"
_NO_NEWLINE = "\n\\ No newline at end of file"


class TargetState(Struct, frozen=True):
    """One bundle's content: selected documents by name, rendered files by path, secret lock, recipients, its manifest's digest.

    `digests` and `file_digests` are those of documents and files, as far as they are known: what has one digest is the same.
    """

    documents: Documents
    files: Mapping[str, bytes]
    secrets: Mapping[str, str]
    recipients: frozenset[str] = frozenset()
    manifest: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    file_digests: Mapping[str, str] = field(default_factory=dict)


class State(Struct, frozen=True):
    """`scopes` is empty for a deployed state, which knows only what was selected.

    `decisions` are those of `pipeline.decisions`; None where nobody knows them, and then they are not compared. `manifests` are the digests
    of targets' manifests, as far as they are known: targets with one digest are the same, and not looked into.
    """

    scopes: Mapping[str, Documents]
    targets: Mapping[Target, TargetState]
    decisions: Mapping[str, Value] | None = None
    manifests: Mapping[Target, str] = field(default_factory=dict)


NOTHING_DEPLOYED = State({}, {})


class Extent(NamedTuple):
    """How much a comparison stands for. A document counts in each scope that has it."""

    scopes: int
    documents: int
    bundles: int


def extent_of(configuration: Configuration) -> Extent:
    """Of a comparison of all that there is."""
    documents = (configuration.effective(scope).documents for scope in configuration.scopes)
    return Extent(len(configuration.scopes), sum(map(len, documents)), len(configuration.targets))


def state_of(
    configuration: Configuration, built: Built, *, with_scopes: bool = True, reach: Reach | None = None
) -> State:
    """The state that a build gives. Without scopes it can be compared with a deployed state.

    With `reach`, only what a change can alter of it, of which bundles were built alone.
    """
    scopes = contents_of(configuration, (reach or configuration).scopes if with_scopes else (), reach)
    manifests = {target: bundle.manifest_digest for target, bundle in built.bundles.items()}
    targets = Each(built.bundles, lambda target: _target_state(built, target, manifests[target]), AT_ONCE)
    return State(scopes, targets, decisions_of(configuration) if with_scopes else None, manifests)


def contents_of(
    configuration: Configuration, scopes: Collection[Scope], reach: Reach | None = None
) -> Mapping[str, Documents]:
    """The documents of these scopes, the same object for those that share all of them; with `reach`, only what a change can alter."""
    found: dict[str, Documents] = {}
    shared: dict[int, Documents] = {}
    for scope in configuration.memo.progress.over("reading scopes", scopes):
        documents = configuration.effective(scope).documents
        if id(documents) not in shared:
            shared[id(documents)] = _contents(documents, reach)
        found[str(scope)] = shared[id(documents)]
    return found


def _contents(documents: Laid[Resolved], reach: Reach | None) -> Documents:
    if reach is None:
        return {name: resolved.content for name, resolved in documents.items()}
    return {name: documents[name].content for name in sorted(reach.names) if name in documents}


def _target_state(built: Built, target: Target, manifest: str) -> TargetState:
    """What bundles are seldom asked for is made then: most documents have the digest that they had."""
    bundle, documents = built.bundles[target], built.selections[target].documents
    parts = bundle.parts.items()
    rendered = {path.removeprefix(FILES): part for path, part in parts if path.startswith(FILES)}
    digests = {path[len(_CONFIG) : -len(".json")]: part.sha256 for path, part in parts if path.startswith(_CONFIG)}
    return TargetState(
        Each(digests, lambda name: documents[name].content),
        Each(rendered, lambda path: rendered[path].content),
        bundle.secrets,
        frozenset(bundle.recipients),
        manifest,
        digests,
        {path: part.sha256 for path, part in rendered.items()},
    )


def compare(before: State, after: State, *, progress: Progress = UNWATCHED) -> Difference:
    """What changes from one state to the other, leaf by leaf. Targets and scopes that come or go whole count with all their values."""
    collected = _Collected()
    for scope in progress.over("comparing scopes", sorted({*before.scopes, *after.scopes})):
        for pair in collected.pairs(before.scopes.get(scope, {}), after.scopes.get(scope, {})):
            pair.scopes.add(scope)
    same = {target for target, said in before.manifests.items() if after.manifests.get(target) == said}
    for target in progress.over("comparing bundles", sorted({*before.targets, *after.targets} - same, key=str)):
        collected.target(target, before.targets.get(target), after.targets.get(target))
    difference = collected.difference(
        tuple(sorted(str(target) for target in after.targets if target not in before.targets)),
        tuple(sorted(str(target) for target in before.targets if target not in after.targets)),
    )
    if before.decisions is None or after.decisions is None:
        return difference
    return replace(difference, decisions=changed_decisions(before.decisions, after.decisions))


class _Pair:
    """Two values of a document, compared once, and where they were found. It keeps them alive, since it is known by their ids."""

    def __init__(self, name: str, before: Side | Later[Value], after: Side | Later[Value]) -> None:
        self.sides = before, after
        changes = diff_values(_made(before), _made(after), tuple(name.split("/")))
        self.changes = [leaf for change in changes for leaf in spread(change)]
        self.scopes: set[str] = set()
        self.targets: set[str] = set()


class _Collected:
    """Changes gathered by what they say."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[int, int, str], _Pair] = {}
        self._patches: dict[tuple[str, bytes | None, bytes | None], str] = {}
        self._files: dict[tuple[str, str, str, Kind], set[str]] = defaultdict(set)
        self._secrets: dict[tuple[str, Kind], set[str]] = defaultdict(set)
        self._recipients: dict[tuple[str, Kind], set[str]] = defaultdict(set)
        self._affected: set[str] = set()

    def pairs(self, before: Documents, after: Documents, same: Collection[str] = ()) -> Iterator[_Pair]:
        """The documents that differ; those in `same` are known not to."""
        if before is after:
            return
        names = [name for name in before if name not in same and before[name] is not after.get(name, ABSENT)]
        names += [name for name in after if name not in before]
        for name in sorted(names):
            old, new = before.get(name, ABSENT), after.get(name, ABSENT)
            key = (id(old), id(new), name)
            pair = self._pairs.get(key)
            if pair is None:
                pair = self._pairs[key] = _Pair(name, old, new)
            if pair.changes:
                yield pair

    def target(self, target: Target, before: TargetState | None, after: TargetState | None) -> None:
        """Notes what changes for a target."""
        nothing = TargetState({}, {}, {})
        old, new = before or nothing, after or nothing
        name = str(target)
        touched = before is None or after is None or old.manifest != new.manifest
        for pair in self.pairs(old.documents, new.documents, _same(old.digests, new.digests)):
            pair.targets.add(name)
            touched = True
        for path, kind in _keys_that_differ(old.files, new.files, _same(old.file_digests, new.file_digests)):
            patch = self._patch(path, old.files.get(path), new.files.get(path))
            self._files[target.consumer, path, patch, kind].add(name)
            touched = True
        for secret, kind in _keys_that_differ(old.secrets, new.secrets):
            self._secrets[secret, kind].add(name)
            touched = True
        for recipient in old.recipients ^ new.recipients:
            self._recipients[recipient, "added" if recipient in new.recipients else "removed"].add(name)
            touched = True
        if touched:
            self._affected.add(name)

    def difference(self, added: tuple[str, ...], removed: tuple[str, ...]) -> Difference:
        return Difference(
            tuple(self._value_changes()),
            tuple(
                FileChange(consumer, path, kind, patch, tuple(sorted(targets)))
                for (consumer, path, patch, kind), targets in sorted(self._files.items())
            ),
            tuple(
                SecretChange(name, kind, tuple(sorted(targets)))
                for (name, kind), targets in sorted(self._secrets.items())
            ),
            tuple(
                RecipientChange(name, kind, tuple(sorted(targets)))
                for (name, kind), targets in sorted(self._recipients.items())
            ),
            added,
            removed,
            tuple(sorted(self._affected)),
        )

    def _value_changes(self) -> Iterator[ValueChange]:
        """One for all that say the same. Changes that were found in the same pairs share their reach."""
        found: dict[tuple[str, bytes, bytes], tuple[Change, list[_Pair]]] = {}
        for pair in self._pairs.values():
            for change in pair.changes:
                key = (format_key_path(change.path), _bytes(change.before), _bytes(change.after))
                found.setdefault(key, (change, []))[1].append(pair)
        reaches: dict[tuple[int, ...], tuple[tuple[str, ...], tuple[str, ...]]] = {}
        for _, (change, pairs) in sorted(found.items(), key=lambda item: item[0]):
            known = tuple(map(id, pairs))
            if known not in reaches:
                scopes = set[str]().union(*(pair.scopes for pair in pairs))
                targets = set[str]().union(*(pair.targets for pair in pairs))
                reaches[known] = tuple(sorted(scopes)), tuple(sorted(targets))
            yield ValueChange(change, *reaches[known])

    def _patch(self, path: str, before: bytes | None, after: bytes | None) -> str:
        key = (path, before, after)
        if key not in self._patches:
            self._patches[key] = unified(path, before, after)
        return self._patches[key]


def _made(side: Side | Later[Value]) -> Side:
    return side.get() if isinstance(side, Later) else side


def _same(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """The names that have one digest on both sides."""
    return {name for name, _ in before.items() & after.items()}


def _keys_that_differ(
    before: Mapping[str, object], after: Mapping[str, object], same: Collection[str] = ()
) -> Iterator[tuple[str, Kind]]:
    """`same` are known not to."""
    for key in sorted({*before, *after}.difference(same)):
        if before.get(key) != after.get(key):
            yield key, "changed" if key in before and key in after else "added" if key in after else "removed"


def _bytes(side: Side) -> bytes:
    return b"" if side is ABSENT else canonical_json(side)


def unified(path: str, before: bytes | None, after: bytes | None) -> str:
    """As `diff -u` writes it, without times; only the two names for an empty file that comes or goes."""
    from difflib import unified_diff

    names = ("/dev/null" if before is None else f"a/{path}", "/dev/null" if after is None else f"b/{path}")
    lines = list(unified_diff(_lines(before), _lines(after), *names, lineterm=""))
    return "\n".join(lines or [f"--- {names[0]}", f"+++ {names[1]}"])


def _lines(content: bytes | None) -> list[str]:
    """Lines end at a line feed and nothing else; the last one says so if it has none."""
    lines = (content or b"").decode("utf-8", "replace").split("\n")
    last = lines.pop()
    return [*lines, last + _NO_NEWLINE] if last else lines
