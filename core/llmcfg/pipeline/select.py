"""What a consumer gets of a scope's effective configuration: whole documents, or parts of them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmcfg.canonical import canonical_json
from llmcfg.model.assembly import assemble
from llmcfg.model.keypath import parse_key_path
from llmcfg.model.later import Later
from llmcfg.model.reference import ReferenceKind, find_references
from llmcfg.pipeline.bundle import Part, make_part
from llmcfg.pipeline.configuration import walk_leaves
from llmcfg.pipeline.known import KnownPart, find_part, learn_part, name_of_bytes
from llmcfg.pipeline.resolve import Resolved, is_around
from llmcfg.pipeline.secretuse import CIPHERTEXT
from llmcfg.pipeline.typedsecrets import to_typed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from llmcfg.model.manifest import Consumer
    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.configuration import Effective, Memo
    from llmcfg.ports import Cache

_AFTER_SLASH: Final = "0"


@dataclass(frozen=True, slots=True, eq=False)
class SelectedDocument:
    """A document, or the selected part of one, with its canonical bytes and the uses of secrets in it, as texts.

    `digest` names what it was made from; it is empty where nothing is remembered on disk.
    """

    name: str
    content: Later[dict[str, Value]]
    part: Part
    secrets: frozenset[str]
    source: Resolved
    has_ciphertext: bool = False
    digest: bytes = b""

    @property
    def value(self) -> dict[str, Value]:
        return self.content.get()


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """`missing` are the selected key paths that this scope does not have, as the consumer writes them.

    `is_whole` is false when a document that cannot be read would be part of it; nothing is built from it then.
    """

    documents: Mapping[str, SelectedDocument]
    missing: tuple[str, ...]
    is_whole: bool = True

    def tree(self) -> dict[str, Value]:
        return assemble((name, document.value) for name, document in self.documents.items())

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset().union(*(document.secrets for document in self.documents.values()))


def select(consumer: Consumer, effective: Effective, memo: Memo) -> Selection:
    """The documents that the consumer's key paths name, in the order of their names."""
    whole: set[str] = set()
    parts: dict[str, set[Path]] = {}
    missing: list[str] = []
    ordered = sorted(effective.documents)
    for text in consumer.select:
        path = parse_key_path(text)
        names = _documents_below(ordered, path)
        whole.update(names)
        owner = None if names else effective.owner(path)
        if owner is not None:
            parts.setdefault(owner[0].name, set()).add(owner[1])
        elif not names and not any(is_around(name, path) for name in effective.unreadable):
            missing.append(text)
    selected = {
        name: _select_document(
            effective.documents[name], () if name in whole else tuple(sorted(parts[name], key=str)), memo
        )
        for name in sorted({*whole, *parts})
    }
    unread = any(is_around(name, parse_key_path(text)) for name in effective.unreadable for text in consumer.select)
    return Selection(selected, tuple(missing), not unread)


def _documents_below(documents: Sequence[str], path: Path) -> Sequence[str]:
    """The documents, of these sorted names, whose whole value lies at or beneath a key path."""
    if not path:
        return documents
    if not all(isinstance(step, str) and "/" not in step for step in path):
        return []
    name = "/".join(str(step) for step in path)
    at = bisect_left(documents, name)
    own = [name] if documents[at : at + 1] == [name] else []
    return [*own, *documents[bisect_left(documents, f"{name}/") : bisect_left(documents, f"{name}{_AFTER_SLASH}")]]


def _select_document(resolved: Resolved, paths: tuple[Path, ...], memo: Memo) -> SelectedDocument:
    key = (resolved, paths)
    known: SelectedDocument | None = memo.parts.get(key)
    if known is None:
        known = memo.parts[key] = _make_selected(resolved, paths, memo.disk)
    return known


def _make_selected(resolved: Resolved, paths: tuple[Path, ...], disk: Cache | None) -> SelectedDocument:
    content = Later(lambda: _cut(resolved.value, paths)) if paths else resolved.content
    name = name_of_bytes("selected", [resolved.digest, repr(paths).encode()])
    if disk is None:
        return _cut_out(resolved, content, name)
    known = find_part(disk, name, resolved.name)
    if known is not None:
        uses = frozenset(known.secrets)
        part = Part(known.sha256, known.size, Later(lambda: _written(content.get(), uses)))
        return SelectedDocument(resolved.name, content, part, uses, resolved, digest=name)
    selected = _cut_out(resolved, content, name)
    if not selected.has_ciphertext:
        learn_part(disk, name, KnownPart(selected.part.sha256, selected.part.size, sorted(selected.secrets)))
    return selected


def _cut_out(resolved: Resolved, content: Later[dict[str, Value]], name: bytes) -> SelectedDocument:
    value = content.get()
    secrets = _secrets_in(value) if resolved.secrets else frozenset[str]()
    part = make_part(_written(value, secrets))
    return SelectedDocument(resolved.name, content, part, secrets, resolved, CIPHERTEXT in part.content, name)


def _written(value: dict[str, Value], secrets: Collection[str]) -> bytes:
    return canonical_json(to_typed(value) if secrets else value) + b"\n"


def _cut(value: dict[str, Value], paths: tuple[Path, ...]) -> dict[str, Value]:
    """Only what lies at these paths, in the order of the whole."""
    heads = {path[0] for path in paths}
    result: dict[str, Value] = {}
    for key, item in value.items():
        if key in heads:
            rests = tuple(path[1:] for path in paths if path[0] == key)
            result[key] = item if () in rests or not isinstance(item, dict) else _cut(item, rests)
    return result


def _secrets_in(value: Value) -> frozenset[str]:
    if isinstance(value, dict):
        return frozenset().union(*map(_secrets_in, value.values()))
    if isinstance(value, list):
        return frozenset().union(*map(_secrets_in, value))
    if isinstance(value, str):
        return secrets_in_text(value)
    return frozenset()


def places_of_use(value: Value, use: str) -> Iterator[Path]:
    """Where a value holds a use of a secret."""
    return (path for path, leaf in walk_leaves(value) if isinstance(leaf, str) and use in secrets_in_text(leaf))


def places_of_ciphertext(document: SelectedDocument) -> Iterator[Path]:
    """Where a document holds what only a secret file may hold."""
    if document.has_ciphertext:
        for path, leaf in walk_leaves(document.value):
            if isinstance(leaf, str) and CIPHERTEXT in leaf.encode():
                yield path


def secrets_in_text(text: str) -> frozenset[str]:
    """The uses of secrets in a text, as texts."""
    return frozenset(reference.name for reference in find_references(text) if reference.kind is ReferenceKind.SECRET)
