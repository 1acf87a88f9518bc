"""What a consumer gets of a scope's effective configuration: whole documents, or parts of them."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from msgspec import Struct

from llmcfg.canonical import canonical_json
from llmcfg.model.assembly import assemble
from llmcfg.model.keypath import parse_key_path
from llmcfg.model.laid import Laid
from llmcfg.model.later import Later
from llmcfg.model.made import Made
from llmcfg.model.reference import ReferenceKind, find_references
from llmcfg.model.value import walk_leaves
from llmcfg.pipeline.bundle import Part, make_part
from llmcfg.pipeline.compose import is_among
from llmcfg.pipeline.known import KnownPart, find_part, learn_part, name_of_bytes
from llmcfg.pipeline.resolve import Resolved, is_around
from llmcfg.pipeline.secretuse import CIPHERTEXT
from llmcfg.pipeline.typedsecrets import to_typed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from llmcfg.model.manifest import Consumer
    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.effective import Effective
    from llmcfg.pipeline.memo import Memo
    from llmcfg.ports import Cache

_AFTER_SLASH: Final = "0"


class SelectedDocument(Struct, frozen=True, eq=False):
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

    @property
    def is_telling(self) -> bool:
        return bool(self.secrets) or self.has_ciphertext


class Selection(Struct, frozen=True, eq=False):
    """`parts` are the files that the documents become. `telling` are those of them with secrets or ciphertext.

    `missing` are the selected key paths that this scope does not have, as the consumer writes them. `is_whole` is false when a document
    that cannot be read would be part of it; nothing is built from it then.
    """

    documents: Laid[SelectedDocument]
    parts: Later[Laid[Part]]
    telling: Later[tuple[SelectedDocument, ...]]
    missing: tuple[str, ...]
    is_whole: bool = True

    def tree(self) -> dict[str, Value]:
        return assemble((name, document.value) for name, document in self.documents.items())

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset().union(*(document.secrets for document in self.telling.get()))

    def narrowed(self, names: Collection[str]) -> Selection:
        """Of these documents alone."""
        documents = {name: self.documents[name] for name in sorted(names) if name in self.documents}
        parts = Laid({part_path(name): document.part for name, document in documents.items()})
        telling = tuple(document for document in documents.values() if document.is_telling)
        return Selection(Laid(documents), Later.of(parts), Later.of(telling), self.missing, self.is_whole)


class Selector:
    """Selects for many targets. What scopes share is selected once, so that one more costs what is its own."""

    def __init__(self, memo: Memo) -> None:
        self._memo = memo
        self._known: dict[tuple[frozenset[str], int], _Whole] = {}
        self._wanted: dict[tuple[str, ...], _Wanted] = {}

    def select(self, consumer: Consumer, effective: Effective) -> Selection:
        """The documents that the consumer's key paths name, in the order of their names."""
        wanted = self._wanted_of(consumer.select)
        whole = self._whole(cast("Laid[Resolved | None]", effective.documents), wanted.named)
        cut: dict[str, set[Path]] = {}
        missing: list[str] = []
        for text, path in self._not_whole(wanted, effective.documents.names):
            owner = effective.owner(path)
            if owner is not None:
                cut.setdefault(owner[0].name, set()).add(owner[1])
            elif not any(is_around(name, path) for name in effective.unreadable):
                missing.append(text)
        unread = any(is_around(name, path) for name in effective.unreadable for path in wanted.paths.values())
        own = {
            name: _select_document(effective.documents[name], tuple(sorted(inner, key=str)), self._memo)
            for name, inner in cut.items()
            if not is_among(name, wanted.named)
        }
        selected = _lay(whole.source, own, whole) if own else whole
        documents = cast("Laid[SelectedDocument]", selected.documents)
        parts = cast("Later[Laid[Part]]", selected.parts)
        return Selection(documents, parts, selected.telling, tuple(missing), not unread)

    def _wanted_of(self, texts: tuple[str, ...]) -> _Wanted:
        if texts not in self._wanted:
            paths = {text: parse_key_path(text) for text in texts}
            named = frozenset(name for name in map(_document_name, paths.values()) if name is not None)
            self._wanted[texts] = _Wanted(paths, named, {})
        return self._wanted[texts]

    def _not_whole(self, wanted: _Wanted, names: Sequence[str]) -> Sequence[tuple[str, Path]]:
        """The key paths that name no whole document among these, which many scopes have in one object."""
        known = wanted.not_whole.get(id(names))
        if known is None:
            found = [(text, path) for text, path in wanted.paths.items() if not _has_below(names, _document_name(path))]
            known = wanted.not_whole[id(names)] = (names, found)
        return known[1]

    def _whole(self, documents: Laid[Resolved | None], named: frozenset[str]) -> _Whole:
        """What is selected whole of the documents of a scope, or of some layers of it."""
        known = self._known.get((named, id(documents)))
        if known is None:
            below = self._whole(documents.below, named) if documents.below is not None else None
            own = Made(
                documents.own,
                lambda name: self._select_whole(documents.own[name]),
                None if "" in named else lambda name: is_among(name, named),
            )
            known = self._known[named, id(documents)] = _lay(documents, own, below)
        return known

    def _select_whole(self, resolved: Resolved | None) -> SelectedDocument | None:
        return None if resolved is None else _select_document(resolved, (), self._memo)


class _Wanted(NamedTuple):
    """What a consumer selects: key paths by what is written, the names of whole documents that they may be.

    `not_whole` is what was found of names of documents, which it keeps alive and knows by their id.
    """

    paths: Mapping[str, Path]
    named: frozenset[str]
    not_whole: dict[int, tuple[Sequence[str], Sequence[tuple[str, Path]]]]


class _Whole(NamedTuple):
    """What is selected of some layers; None stands for what only a scope resolves. It keeps `source` alive, which is known by its id."""

    source: Laid[Resolved | None]
    documents: Laid[SelectedDocument | None]
    parts: Later[Laid[Part | None]]
    telling: Later[tuple[SelectedDocument, ...]]


def _lay(source: Laid[Resolved | None], own: Mapping[str, SelectedDocument | None], below: _Whole | None) -> _Whole:
    if below is not None and not own:
        return below._replace(source=source)
    return _Whole(
        source,
        Laid(own, below.documents if below is not None else None),
        Later(lambda: _parts(own, below)),
        Later(lambda: _telling(own, below)),
    )


def _parts(own: Mapping[str, SelectedDocument | None], below: _Whole | None) -> Laid[Part | None]:
    parts = {part_path(name): document.part if document is not None else None for name, document in own.items()}
    return Laid(parts, below.parts.get() if below is not None else None)


def part_path(name: str) -> str:
    return f"config/{name}.json"


def _telling(own: Mapping[str, SelectedDocument | None], below: _Whole | None) -> tuple[SelectedDocument, ...]:
    beneath = [document for document in below.telling.get() if document.name not in own] if below is not None else []
    said = (document for document in own.values() if document is not None and document.is_telling)
    return (*beneath, *said)


def _document_name(path: Path) -> str | None:
    """The name of the document, or folder of documents, that a key path may name; the empty one of all; None where it cannot."""
    is_name = all(isinstance(step, str) and "/" not in step for step in path)
    return "/".join(str(step) for step in path) if is_name else None


def _has_below(names: Sequence[str], name: str | None) -> bool:
    """Whether a document, of these sorted names, lies whole at or beneath this name."""
    if name is None:
        return False
    if not name:
        return bool(names)
    at = bisect_left(names, name)
    return names[at : at + 1] == [name] or bisect_left(names, f"{name}/") < bisect_left(names, f"{name}{_AFTER_SLASH}")


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
