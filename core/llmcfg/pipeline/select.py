"""What a consumer gets of a scope's effective configuration: whole documents, or parts of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmcfg.canonical import canonical_json
from llmcfg.model.assembly import assemble
from llmcfg.model.keypath import parse_key_path
from llmcfg.model.reference import ReferenceKind, find_references
from llmcfg.pipeline.bundle import Part, make_part
from llmcfg.pipeline.configuration import walk_leaves
from llmcfg.pipeline.resolve import Resolved, is_around
from llmcfg.pipeline.secretuse import CIPHERTEXT
from llmcfg.pipeline.typedsecrets import to_typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.manifest import Consumer
    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.configuration import Effective, Memo


@dataclass(frozen=True, slots=True, eq=False)
class SelectedDocument:
    """A document, or the selected part of one, with its canonical bytes and the uses of secrets in it, as texts."""

    name: str
    value: dict[str, Value]
    part: Part
    secrets: frozenset[str]
    source: Resolved


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
    for text in consumer.select:
        path = parse_key_path(text)
        names = _documents_below(effective.documents, path)
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


def _documents_below(documents: Mapping[str, Resolved], path: Path) -> list[str]:
    """The documents whose whole value lies at or beneath a key path."""
    if not path:
        return list(documents)
    if not all(isinstance(step, str) and "/" not in step for step in path):
        return []
    name = "/".join(str(step) for step in path)
    return [known for known in documents if known == name or known.startswith(name + "/")]


def _select_document(resolved: Resolved, paths: tuple[Path, ...], memo: Memo) -> SelectedDocument:
    key = (resolved, paths)
    known: SelectedDocument | None = memo.parts.get(key)
    if known is None:
        value = _cut(resolved.value, paths) if paths else resolved.value
        secrets = _secrets_in(value) if resolved.secrets else frozenset[str]()
        part = make_part(canonical_json(to_typed(value) if secrets else value) + b"\n")
        known = memo.parts[key] = SelectedDocument(resolved.name, value, part, secrets, resolved)
    return known


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
    if CIPHERTEXT in document.part.content:
        for path, leaf in walk_leaves(document.value):
            if isinstance(leaf, str) and CIPHERTEXT in leaf.encode():
                yield path


def secrets_in_text(text: str) -> frozenset[str]:
    """The uses of secrets in a text, as texts."""
    return frozenset(reference.name for reference in find_references(text) if reference.kind is ReferenceKind.SECRET)
