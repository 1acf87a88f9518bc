"""Which documents of a platform name which records: what may have to be said otherwise when some of them change.

A document reads those that define a name that it asks for. Documents that define the same name read one another, since one of them decides
whom it stands for. So do those that define patterns, which every route may lead to.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from llmcfg.llm.records.document import Records

Name: TypeAlias = tuple[str, str]
_PATTERNS: Final[Name] = ("model", "*")


class Named(NamedTuple):
    """The names that a document defines, and those that it asks for, each with what it is a name of."""

    defines: frozenset[Name]
    asks: frozenset[Name]


class Links:
    """Of some documents, by their records."""

    def __init__(self, said: Mapping[str, Records]) -> None:
        self._named = {document: names_in(records) for document, records in said.items()}
        self._defining: defaultdict[Name, list[str]] = defaultdict(list)
        self._asking: defaultdict[Name, list[str]] = defaultdict(list)
        for document, (defines, asks) in self._named.items():
            for name in defines:
                self._defining[name].append(document)
            for name in asks:
                self._asking[name].append(document)

    def reading(self, changed: Iterable[str]) -> set[str]:
        """The documents that read one of these, through however many others; with these."""
        return _closure(changed, self._readers)

    def read_by(self, documents: Iterable[str], changed: Mapping[str, Records]) -> set[str]:
        """What these documents read, through however many others; with these. Those that changed define the same names as before."""
        asked = {document: names_in(records).asks for document, records in changed.items()}
        return _closure(documents, lambda document: self._read_by(document, asked.get(document)))

    def names_in(self, documents: Iterable[str]) -> set[Name]:
        """All names that these documents define."""
        return {name for document in documents for name in self._of(document).defines}

    def names_reading(self, changed: Iterable[str]) -> set[str]:
        """The names of models and routes that may stand for something else when these documents change, `*` among them for patterns."""
        return {
            name for document in self.reading(changed) for kind, name in self._of(document).defines if kind == "model"
        }

    def _readers(self, document: str) -> Iterable[str]:
        for name in self._of(document).defines:
            yield from self._asking[name]
            yield from self._defining[name]

    def _read_by(self, document: str, asked: Collection[Name] | None) -> Iterable[str]:
        defines, asks = self._of(document)
        for name in (*defines, *(asks if asked is None else asked)):
            yield from self._defining[name]

    def _of(self, document: str) -> Named:
        return self._named.get(document, _NOTHING)


_NOTHING: Final = Named(frozenset(), frozenset())


def names_in(records: Records) -> Named:
    models, routes = [*records.all_models()], [*records.all_routes()]
    defines: set[Name] = {("provider", provider.name) for provider in records.providers}
    defines |= {("model", name) for model in models for name in (model.name, *(a.value for a in model.aliases))}
    defines |= {("model", route.name) for route in routes}
    defines |= {_PATTERNS} if any("*" in model.name for model in models) else set()
    asks: set[Name] = {("provider", provider) for _, provider in records.models if provider is not None}
    asks |= {("model", target.model.value) for route in routes for target in route.targets}
    asks |= {("model", fallback.to.value) for route in routes for fallback in route.fallbacks}
    return Named(frozenset(defines), frozenset(asks | ({_PATTERNS} if routes else set())))


def _closure(start: Iterable[str], following: Callable[[str], Iterable[str]]) -> set[str]:
    found = set(start)
    pending = [*found]
    while pending:
        new = [document for document in following(pending.pop()) if document not in found]
        found.update(new)
        pending += new
    return found
