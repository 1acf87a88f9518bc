"""Which scopes share a document.

A thousand tenants share nearly all of them. So each document is looked at once, and its scopes are only looked for where something is to
be said about it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from llmcfg.model.findings import Finding
    from llmcfg.model.laid import Laid
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.compose import Composed
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective
    from llmcfg.pipeline.resolve import Resolved


class Sharing:
    """The different documents of some scopes: `resolved`, and `composed` beneath them, each once; with `names`, only those so called."""

    def __init__(
        self, configuration: Configuration, scopes: Iterable[Scope], names: Collection[str] | None = None
    ) -> None:
        self._documents = {scope: configuration.effective(scope).documents for scope in scopes}
        seen = _seen(self._documents.values()) if names is None else _named(self._documents.values(), sorted(names))
        self.resolved = tuple(dict.fromkeys(seen))
        self.composed = tuple(dict.fromkeys(resolved.composed for resolved in self.resolved))

    def scopes_of(self, resolved: Resolved) -> list[Scope]:
        name = resolved.name
        return [scope for scope, documents in self._documents.items() if documents.get(name) is resolved]

    def scopes_of_composed(self, composed: Composed) -> list[Scope]:
        name = composed.name
        return [
            scope
            for scope, documents in self._documents.items()
            if name in documents and documents[name].composed is composed
        ]


def _named(scopes: Iterable[Laid[Resolved]], names: Collection[str]) -> Iterator[Resolved]:
    return (documents[name] for documents in scopes for name in names if name in documents)


def _seen(scopes: Iterable[Laid[Resolved]]) -> Iterator[Resolved]:
    """What each scope sees that none before it saw. What lies beneath many is gone through once, but for what was covered so far."""
    unseen: dict[int, AbstractSet[str]] = {}
    for documents in scopes:
        above: list[Mapping[str, Resolved]] = []
        for layer in documents.layers():
            left = unseen.get(id(layer), layer.own.keys())
            seen = set(left).difference(*above)
            unseen[id(layer)] = left - seen
            above.append(layer.own)
            yield from (layer.own[name] for name in sorted(seen))


def differing(first: Effective, other: Effective, is_of_use: Callable[[str], bool]) -> frozenset[tuple[str, int]]:
    """The documents that are not the same in both, by name and by the identity of what the other has."""
    names = other.documents.differing(first.documents)
    return frozenset((name, id(other.documents.get(name))) for name in names if is_of_use(name))


class Told:
    """What is found in many scopes. What is said of the same values is located once, and reaches all of them."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Finding] = {}
        self._reach: defaultdict[Hashable, list[Sequence[Scope]]] = defaultdict(list)

    def add(self, key: Hashable, locate: Callable[[], Finding], scopes: Sequence[Scope]) -> Finding:
        """The finding, as it was located first. `key` is equal where what is said is, and the values that it is said of."""
        if key not in self._found:
            self._found[key] = locate()
        self._reach[key].append(scopes)
        return self._found[key]

    def findings(self) -> Iterator[Finding]:
        for key, finding in self._found.items():
            reach = [str(scope) for scopes in self._reach[key] for scope in scopes]
            yield finding._replace(reach=tuple(reach if len(self._reach[key]) == 1 else sorted(reach)))
