"""Composition, document by document, remembered by content.

A document's composed value is remembered under the tuple of blob ids of the layers that define it (and the merge rules of its
schema), so a thousand tenants that do not override a document share one value, by identity, and so do two revisions. What was
remembered on disk is known without its value, which is made when something asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from llmcfg.documents.loader import load_document
from llmcfg.model.laid import Laid
from llmcfg.model.later import Later
from llmcfg.model.made import Made
from llmcfg.model.progress import UNWATCHED
from llmcfg.pipeline import merge, tags
from llmcfg.pipeline.known import find_parsed, learn_parsed, name_of
from llmcfg.prompts.file import SUFFIX, is_prompt_file, load_prompt_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from llmcfg.model.findings import Problem
    from llmcfg.model.progress import Progress
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.value import Value
    from llmcfg.pipeline.layers import Layer
    from llmcfg.pipeline.merge import RuleLookup
    from llmcfg.ports import Cache


class ParsedDocument(Struct, frozen=True, eq=False):
    """A loaded blob; `content` is None where it cannot be used. `has_links` is true where `$extends` or `{{ … }}` may stand in it."""

    content: Later[dict[str, Value]] | None
    has_tags: bool
    has_links: bool
    problems: tuple[Problem, ...] = ()

    @property
    def value(self) -> dict[str, Value] | None:
        return None if self.content is None else self.content.get()


class LayerProblem(NamedTuple):
    """A problem of composition, in the blob of the layer that caused it."""

    file: str
    problem: Problem


class Composed(Struct, frozen=True, eq=False):
    """One document laid together from its layers. Two of them are the same value exactly when they are the same object.

    `sources` are the files that define it, lowest first. `needs_resolution` is true where references, `$extends` or tags are left.
    `digest` names what it was made from; it is empty where nothing is remembered on disk.
    """

    name: str
    content: Later[dict[str, Value]]
    sources: tuple[BlobEntry, ...]
    needs_resolution: bool
    problems: tuple[LayerProblem, ...] = ()
    idle: tuple[LayerProblem, ...] = ()
    digest: bytes = b""

    @property
    def value(self) -> dict[str, Value]:
        return self.content.get()

    @property
    def key(self) -> tuple[str, ...]:
        return (self.name, *(source.oid for source in self.sources))


class Settled(NamedTuple):
    """What is known of documents before they are looked at: those that did not change can be read, and hold no reference but the linked."""

    changed: frozenset[str]
    linked: frozenset[str]


class Documents:
    """The composed documents after some layers: what this layer changed, and beneath it the documents of the layers below.

    A read-only mapping from document name. Scopes that share layers share these objects.
    """

    __slots__ = ("below", "laid", "unreadable")

    def __init__(
        self, below: Documents | None, own: Mapping[str, Composed], unreadable: frozenset[str] = frozenset()
    ) -> None:
        """`unreadable` are the names of documents that a layer, this one or one below, holds in a form that cannot be read.

        A folder of documents that was refused is among them by its own name, and a whole layer by the empty one.
        """
        self.below = below
        self.laid: Laid[Composed] = Laid(own, below.laid if below is not None else None)
        self.unreadable = unreadable

    @property
    def own(self) -> Mapping[str, Composed]:
        return self.laid.own

    def find(self, name: str) -> Composed | None:
        return self.laid.get(name)

    def names(self) -> Sequence[str]:
        """All document names, sorted."""
        return self.laid.names

    def __iter__(self) -> Iterator[Composed]:
        return iter(self.laid.values())


NOTHING = Documents(None, {})


class ComposeMemo(Struct):
    """What composition remembers between scopes and between builds. Dropping it never changes a result."""

    parsed: dict[str, ParsedDocument] = field(default_factory=dict)
    composed: dict[tuple[object, ...], Composed] = field(default_factory=dict)


class Composer:
    """Composes the documents of one snapshot.

    `rules_for(document name)` gives the merge rules of its schema and a key that names them. `may_be_kept` says whether the values of a
    file may lie on disk. What is `settled` is composed only when it is asked for.
    """

    def __init__(
        self,
        layers: Mapping[str, Layer],
        read: Callable[[str], bytes],
        rules_for: Callable[[str], tuple[str, RuleLookup]],
        memo: ComposeMemo,
        disk: Cache | None = None,
        may_be_kept: Callable[[BlobEntry], bool] = lambda _: True,
        settled: Settled | None = None,
        progress: Progress = UNWATCHED,
    ) -> None:
        self._progress = progress
        self._settled = settled
        self._disk = disk
        self._may_be_kept = may_be_kept
        self._layers = layers
        self._read = read
        self._rules_for = rules_for
        self._memo = memo
        self._by_folders: dict[tuple[str, ...], Documents] = {(): NOTHING}

    def documents(self, folders: tuple[str, ...]) -> Documents:
        """The documents of these layers, lowest first. Folders that do not exist add nothing."""
        existing = tuple(folder for folder in folders if folder in self._layers)
        known = len(existing)
        while existing[:known] not in self._by_folders:
            known -= 1
        documents = self._by_folders[existing[:known]]
        for count in range(known, len(existing)):
            documents = self._lay(documents, self._layers[existing[count]])
            self._by_folders[existing[: count + 1]] = documents
        return documents

    def parsed(self, entry: BlobEntry) -> ParsedDocument:
        """The loaded document of a blob; `value` is None where it cannot be used."""
        is_prompt = is_prompt_file(entry.path)
        key = f"{entry.oid}{SUFFIX}" if is_prompt else entry.oid
        known = self._memo.parsed.get(key)
        if known is None:
            known = self._memo.parsed[key] = self._parse(entry, key, is_prompt=is_prompt)
        return known

    def _parse(self, entry: BlobEntry, key: str, *, is_prompt: bool) -> ParsedDocument:
        def parse() -> ParsedDocument:
            return parse_document(self._read(entry.oid), is_prompt=is_prompt)

        if self._disk is None:
            return parse()
        known = find_parsed(self._disk, key, entry.path, lambda: parse().value or {})
        if known is not None:
            return ParsedDocument(*known)
        parsed = parse()
        if parsed.value is not None and not parsed.problems:
            kept = parsed.value if not parsed.has_tags and self._may_be_kept(entry) else None
            learn_parsed(self._disk, key, kept, has_tags=parsed.has_tags, has_links=parsed.has_links)
        return parsed

    def _lay(self, below: Documents, layer: Layer) -> Documents:
        if not layer.documents and not layer.refused:
            return below
        unreadable = {*below.unreadable, *layer.refused}
        names = layer.documents if self._settled is None else self._settled.changed & layer.documents.keys()
        for name in self._progress.over("reading documents", names):
            if self.parsed(layer.documents[name]).content is None or is_among(name, unreadable):
                unreadable.add(name)
        own = Made(
            layer.documents,
            lambda name: self._compose(name, below.find(name), layer.documents[name]),
            (lambda name: name not in unreadable) if unreadable else None,
        )
        return Documents(below, own, frozenset(unreadable))

    def _compose(self, name: str, below: Composed | None, entry: BlobEntry) -> Composed:
        rules_key, rule_at = self._rules_for(name)
        sources = (*(below.sources if below else ()), entry)
        key = (name, rules_key, sources)
        known = self._memo.composed.get(key)
        if known is None:
            laying = _Laying(name, below, entry, self.parsed(entry), sources, rule_at)
            known = self._memo.composed[key] = self._lay_document(laying, rules_key)
        return known

    def _lay_document(self, laying: _Laying, rules_key: str) -> Composed:
        if self._disk is None:
            return laying.lay()
        digest = name_of("composed", laying.name, rules_key, *map(_named, laying.sources))
        fact = self._disk.fact(digest, "compose", laying.name) if laying.below is not None else None
        if fact is not None:
            content = Later(lambda: laying.lay().value)
            return Composed(laying.name, content, laying.sources, fact == _LINKED, digest=digest)
        composed = laying.lay(digest)
        if laying.below is not None and not composed.problems and not composed.idle:
            self._disk.learn(digest, _LINKED if composed.needs_resolution else _PLAIN)
        return composed


_LINKED, _PLAIN = b"l", b"p"


def _named(source: BlobEntry) -> str:
    return f"{source.oid} {source.path}"


def is_among(name: str, named: Collection[str]) -> bool:
    """Whether these name the document, a folder that it lies in, or, by the empty name, everything."""
    if not named:
        return False
    parts = name.split("/")
    return any("/".join(parts[:length]) in named for length in range(len(parts) + 1))


def parse_document(content: bytes, *, is_prompt: bool = False) -> ParsedDocument:
    """Of YAML, or of the version of a prompt as a file."""
    document, problems = load_prompt_file(content) if is_prompt else load_document(content)
    # An escape in a double-quoted text may spell any of them.
    has_links = b"{{" in content or b"$extends" in content or b"$with" in content or b"\\" in content
    if document is None:
        return ParsedDocument(None, False, has_links, problems)
    return ParsedDocument(Later.of(document.value), document.has_tags, has_links, problems)


class _Laying(NamedTuple):
    """A document of a layer, and what lies beneath it."""

    name: str
    below: Composed | None
    entry: BlobEntry
    parsed: ParsedDocument
    sources: tuple[BlobEntry, ...]
    rule_at: RuleLookup

    def lay(self, digest: bytes = b"") -> Composed:
        below, parsed = self.below, self.parsed
        assert parsed.content is not None
        if below is None:
            links = parsed.has_links or parsed.has_tags
            return Composed(self.name, parsed.content, self.sources, links, digest=digest)
        problems: list[Problem] = []
        value = merge.merge(below.value, parsed.content.get(), problems.append, self.rule_at)
        found = [LayerProblem(self.entry.path, problem) for problem in problems]
        return Composed(
            self.name,
            Later.of(value),
            self.sources,
            below.needs_resolution or parsed.has_links or (parsed.has_tags and tags.has_tags(value)),
            (*below.problems, *(item for item in found if item.problem.rule != "overlay-no-effect")),
            (*below.idle, *(item for item in found if item.problem.rule == "overlay-no-effect")),
            digest,
        )
