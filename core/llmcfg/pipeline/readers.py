"""Who reads a key: references and patterns that take it, and what takes those; the consumers that select any of it; policies.

Scopes whose linked documents are the same objects share one search. A key counts as read where it, something in it or something around
it is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import FindingsError, UnknownKeyError
from llmcfg.model.keypath import format_key_path, is_related, parse_key_path
from llmcfg.pipeline.policyfindings import policies_of
from llmcfg.pipeline.readsets import narrowed_by_reads
from llmcfg.pipeline.uses import find_uses
from llmcfg.policies.reads import wants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmcfg.model.findings import Origin
    from llmcfg.model.manifest import Consumer
    from llmcfg.model.target import Scope, Target
    from llmcfg.model.value import Path
    from llmcfg.pipeline.compose import Composed
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective
    from llmcfg.pipeline.resolve import Resolved
    from llmcfg.pipeline.uses import Use

_ENDLESS: Final = frozenset({"reference-cycle", "extends-cycle", "reference-limit"})


class Taker(NamedTuple):
    """A place that takes the key, or what took it: `key` is where it comes to stand, `written` what the place names, `kind` how."""

    kind: str
    key: str
    written: str
    origin: Origin
    scopes: tuple[str, ...]


class Reader(NamedTuple):
    """A consumer that selects `key` by `select`, which is the key asked about or one that took it."""

    consumer: str
    select: str
    key: str
    targets: tuple[str, ...]


class SeenBy(NamedTuple):
    """A rendered file whose template sees the key, since its consumer selects it."""

    consumer: str
    path: str
    template: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Readers:
    """`scopes` are those that have the key. `policies` are files of policies that look at it. All sorted."""

    key: str
    scopes: tuple[str, ...]
    takers: tuple[Taker, ...]
    consumers: tuple[Reader, ...]
    files: tuple[SeenBy, ...]
    policies: tuple[str, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(sorted({target for reader in self.consumers for target in reader.targets}))

    @property
    def is_empty(self) -> bool:
        return not (self.takers or self.consumers or self.policies)


def find_readers(configuration: Configuration, key: Path, scopes: Sequence[Scope]) -> Readers:
    """Who reads a key in these scopes and in the bundles that are built of them.

    Raises UnknownKeyError where none of the scopes has the key, and FindingsError where something of them cannot be read.
    """
    configuration.require_consumers()
    configuration = narrowed_by_reads(configuration)
    progress = configuration.memo.progress
    composed = progress.over("composing scopes", scopes)
    having = [scope for scope in composed if _has(configuration.readable(scope), key)]
    if not having:
        where = scopes[0] if len(scopes) == 1 else "the configuration"
        raise UnknownKeyError(
            f"{where} has no key {format_key_path(key)}", hint=_nearest(configuration.effective(scopes[0]), key)
        )
    found = _Found(configuration, key)
    by_scope: dict[Scope, list[Target]] = defaultdict(list)
    for target in configuration.targets:
        by_scope[target.scope].append(target)
    for scope in progress.over("looking into scopes", having):
        found.add(scope, by_scope[scope])
    return found.readers([str(scope) for scope in having])


class _Taken(NamedTuple):
    """A use that takes the key, in the document that it is written in, and where the key comes to stand."""

    composed: Composed
    use: Use
    key: Path


class _Found:
    def __init__(self, configuration: Configuration, key: Path) -> None:
        self._configuration = configuration
        self._key = key
        self._uses: dict[Composed, tuple[Use, ...]] = {}
        self._chains: dict[tuple[Composed, ...], tuple[_Taken, ...]] = {}
        self._selections: dict[tuple[tuple[_Taken, ...], str], tuple[tuple[str, Path], ...]] = {}
        self._takers: dict[tuple[Composed, Use, Path], list[str]] = defaultdict(list)
        self._readers: dict[tuple[str, str, Path], list[str]] = defaultdict(list)
        self._seen: dict[str, list[str]] = defaultdict(list)

    def add(self, scope: Scope, targets: Iterable[Target]) -> None:
        chain = self._chain(self._configuration.effective(scope))
        for taken in chain:
            self._takers[taken].append(str(scope))
        for target in targets:
            selections = self._selected(self._configuration.consumer(target.consumer), chain)
            for select, key in selections:
                self._readers[target.consumer, select, key].append(str(target))
            if selections:
                self._seen[target.consumer].append(str(target))

    def readers(self, scopes: Iterable[str]) -> Readers:
        keys = {self._key, *(taken[2] for taken in self._takers)}
        return Readers(
            format_key_path(self._key),
            tuple(sorted(scopes)),
            tuple(sorted(self._said_takers())),
            tuple(
                Reader(consumer, select, format_key_path(key), tuple(sorted(targets)))
                for (consumer, select, key), targets in sorted(self._readers.items(), key=str)
            ),
            tuple(
                SeenBy(name, output.path, output.template, tuple(sorted(targets)))
                for name, targets in sorted(self._seen.items())
                for output in self._configuration.consumer(name).outputs
            ),
            tuple(self._policies([("config", *_names(key)) for key in keys])),
        )

    def _policies(self, paths: Sequence[tuple[str, ...]]) -> Iterator[str]:
        """The files of policies that look at any of these parts of their input."""
        for file, reads in sorted(policies_of(self._configuration).reads_by_file.items()):
            if any(wants(reads, *path) for path in paths):
                yield file

    def _chain(self, effective: Effective) -> tuple[_Taken, ...]:
        documents = [effective.documents[name] for name in effective.linked]
        self._check_ends(documents)
        linked = tuple(resolved.composed for resolved in documents)
        if linked not in self._chains:
            uses = [(composed, use) for composed in linked for use in self._uses_of(composed)]
            self._chains[linked] = tuple(_follow(self._key, uses))
        return self._chains[linked]

    def _check_ends(self, documents: Iterable[Resolved]) -> None:
        """Raises FindingsError for references that have no end: they could be followed for ever."""
        findings = [
            self._configuration.locator.in_sources(problem, resolved.composed.sources)
            for resolved in documents
            for problem in resolved.problems
            if problem.rule in _ENDLESS
        ]
        if findings:
            raise FindingsError("references go in circles, so who reads what cannot be said", findings=findings)

    def _uses_of(self, composed: Composed) -> tuple[Use, ...]:
        if composed not in self._uses:
            self._uses[composed] = tuple(find_uses(composed.value))
        return self._uses[composed]

    def _selected(self, consumer: Consumer, chain: tuple[_Taken, ...]) -> tuple[tuple[str, Path], ...]:
        known = self._selections.get((chain, consumer.name))
        if known is None:
            keys = dict.fromkeys((self._key, *(taken.key for taken in chain)))
            known = self._selections[chain, consumer.name] = tuple(
                (text, key) for text in consumer.select for key in keys if is_related(parse_key_path(text), key)
            )
        return known

    def _said_takers(self) -> Iterator[Taker]:
        """One for all documents that say the same at the same place."""
        locator = self._configuration.locator
        said: dict[tuple[str, str, str, Origin], set[str]] = defaultdict(set)
        for (composed, use, key), scopes in self._takers.items():
            origin = locator.origin(locator.setter(composed.sources, use.written_at), use.written_at)
            said[use.kind, format_key_path(key), use.written, origin].update(scopes)
        for place, reached in said.items():
            yield Taker(*place, tuple(sorted(reached)))


def _follow(key: Path, uses: Sequence[tuple[Composed, Use]]) -> dict[_Taken, None]:
    """What takes the key, and what takes that, to the end, in the order found."""
    found: dict[_Taken, None] = {}
    following, seen = [key], {key}
    while following:
        new = [taken for taken in _takers(following, uses) if taken not in found]
        found.update(dict.fromkeys(new))
        following = [*dict.fromkeys(taken.key for taken in new if taken.key not in seen)]
        seen.update(following)
    return found


def _takers(keys: Sequence[Path], uses: Sequence[tuple[Composed, Use]]) -> Iterator[_Taken]:
    for composed, use in uses:
        for key in keys:
            at = use.taken(key)
            if at is not None:
                yield _Taken(composed, use, (*composed.name.split("/"), *at))


def _has(effective: Effective, key: Path) -> bool:
    """Whether a scope has the key: in a document, or as a folder of documents."""
    if effective.owner(key) is not None:
        return True
    return any(tuple(name.split("/"))[: len(key)] == key for name in effective.documents)


def _nearest(effective: Effective, key: Path) -> str:
    """A hint at the key that was probably meant."""
    try:
        effective.value_at(key)
    except UnknownKeyError as error:
        return error.hint
    return ""


def _names(key: Path) -> Iterator[str]:
    """The names that a key path begins with, as far as there are any."""
    for step in key:
        if isinstance(step, int):
            break
        yield step
