"""Which scopes share a document.

A thousand tenants share nearly all of them. So each document is looked at once, and its scopes are only looked for where something is to
be said about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from llmcfg.model.laid import Laid
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.compose import Composed
    from llmcfg.pipeline.configuration import Configuration
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
