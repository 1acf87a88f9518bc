"""How many values commits changed in effect, beside the commit before them.

What a commit holds never changes, so it is remembered for good. What is not is looked for as far as the commit can reach, by what documents
asked of one another in a configuration that was looked at whole: the one that is remembered, then the last one that was compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.errors import FindingsError
from llmcfg.model.snapshot import Revision
from llmcfg.pipeline.diff import State, compare, contents_of
from llmcfg.pipeline.known import name_of
from llmcfg.pipeline.reach import find_reach_of_values, unlike_scopes
from llmcfg.pipeline.readsets import find_read_sets, read_sets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llmcfg.model.impact import Difference
    from llmcfg.model.laid import Laid
    from llmcfg.model.later import Later
    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.reach import Reach
    from llmcfg.pipeline.readsets import ReadSets
    from llmcfg.pipeline.resolve import Resolved
    from llmcfg.ports import Cache

    OpenAt = Callable[[Revision], Configuration]


class Remembered:
    """What earlier processes found in one configuration, whose folder in its Git repository is `folder`; nothing without a cache."""

    def __init__(self, cache: Cache | None = None, folder: str = "") -> None:
        self._cache = cache
        self._folder = folder

    def find(self, older: str | None, newer: str, environment: str | None) -> int | None:
        """Of a commit, beside the one before it; None for what is not known."""
        content = None if self._cache is None else self._cache.content(self._name(older, newer, environment))
        return None if content is None else int(content)

    def keep(self, older: str | None, newer: str, environment: str | None, values: int) -> None:
        """Only of commits of which everything is there: what a partial clone lacks today may come."""
        if self._cache is not None:
            self._cache.add(self._name(older, newer, environment), b"%d" % values)

    def _name(self, older: str | None, newer: str, environment: str | None) -> bytes:
        return name_of("effect", self._folder, older or "", newer, environment or "")


NOT_REMEMBERED: Final = Remembered()


class Effects:
    """Of one commit after another, newest first, in one environment or in all."""

    def __init__(self, open_at: OpenAt, environment: str | None, remembered: Remembered) -> None:
        self._open_at = open_at
        self._environment = environment
        self._remembered = remembered
        self._reads: ReadSets | None = None

    def values(self, older: CommitFacts | None, newer: CommitFacts) -> int | None:
        """How many values differ. Against nothing for the first commit of all; None where a side cannot be built or is not looked at."""
        if older is None and newer.parents:
            return None
        pair = older.commit if older is not None else None, newer.commit, self._environment
        known = self._remembered.find(*pair)
        if known is not None:
            return known
        try:
            sides = [self._open(facts) for facts in (older, newer) if facts is not None]
            values = len(self._difference(sides).values)
        except FindingsError:
            return None
        if not any(side.snapshot.findings for side in sides):
            self._remembered.keep(*pair, values)
        return values

    def _open(self, facts: CommitFacts) -> Configuration:
        return self._open_at(Revision(facts.commit, facts.commit[:10]))

    def _difference(self, sides: Sequence[Configuration]) -> Difference:
        """Between these two, or from nothing to the only one. Of scopes alone: what bundles hold follows from them."""
        *earlier, after = sides
        if not earlier:
            return compare(State({}, {}), *self._whole(sides))
        (before,) = earlier
        reads = self._reads or find_read_sets(after.memo.disk)
        reach = None if reads is None else find_reach_of_values(reads, before, after)
        if reads is None or reach is None:
            states, reads = self._whole(sides), None
        else:
            states = self._reached([side.narrowed(reach.settled) for side in sides], reach)
        if not before.snapshot.findings:
            self._reads = read_sets_of(before, reads)
        return compare(*states)

    def _reached(self, sides: Sequence[Configuration], reach: Reach) -> list[State]:
        scopes = [*unlike_scopes(sides, self._chosen(reach.scopes), reach.names)]
        for side in sides:
            _require_readable(side, scopes)
        return [State(contents_of(side, scopes, reach), {}) for side in sides]

    def _whole(self, sides: Sequence[Configuration]) -> list[State]:
        chosen = [self._chosen(side.scopes) for side in sides]
        for side, scopes in zip(sides, chosen, strict=True):
            _require_readable(side, scopes)
        names = _names_to_compare(sides, chosen)
        return [
            State({str(scope): _contents(_documents(side, scope), names.get(scope)) for scope in scopes}, {})
            for side, scopes in zip(sides, chosen, strict=True)
        ]

    def _chosen(self, scopes: Iterable[Scope]) -> list[Scope]:
        return [scope for scope in scopes if self._environment in (None, scope.environment)]


def _names_to_compare(sides: Sequence[Configuration], chosen: Sequence[Sequence[Scope]]) -> Mapping[Scope, set[str]]:
    """For tenants, the documents that they do not see as the platform does on all sides: what both see changes with the platform.

    A scope of which all are to be compared is not there: the platform's, and one that comes or goes without it.
    """
    names: dict[Scope, set[str]] = {}
    for side, scopes in zip(sides, chosen, strict=True):
        for scope in scopes:
            if scope.tenant is not None:
                differing = _documents(side, scope).differing(_documents(side, _platform(scope)))
                names.setdefault(scope, set()).update(differing)
    there = [frozenset(scopes) for scopes in chosen]
    return {
        scope: differing
        for scope, differing in names.items()
        if all((scope in each) == (_platform(scope) in each) for each in there)
    }


def _platform(scope: Scope) -> Scope:
    return scope._replace(tenant=None)


def _require_readable(configuration: Configuration, scopes: Sequence[Scope]) -> None:
    """Raises FindingsError where a document of one of these scopes cannot be read."""
    configuration.prepare(scopes)
    for scope in scopes:
        configuration.readable(scope)


def _documents(configuration: Configuration, scope: Scope) -> Laid[Resolved]:
    return configuration.effective(scope).documents


def _contents(documents: Laid[Resolved], names: Iterable[str] | None) -> dict[str, Value | Later[Value]]:
    """Of these names, or of all."""
    there = documents if names is None else sorted(name for name in names if name in documents)
    return {name: documents[name].content for name in there}
