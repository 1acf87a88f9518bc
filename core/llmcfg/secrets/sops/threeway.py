"""Comparing two trees with the one that both came from, key by key.

Rules: mappings are compared within; a list, a scalar and a mapping that has a key twice are one value. Comments and the order of keys are
layout and no values. What one side alone changed is a change to the other; what both changed differently is a clash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.secrets.sops.change import Change, comments_of, without_comments
from llmcfg.secrets.sops.model import Item, Mapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from llmcfg.secrets.sops.model import Comment, Documents, Node

Keys = tuple[str, ...]


class Clash(NamedTuple):
    """`change` would give the host what the other side has."""

    change: Change
    what: str


class Comparison(NamedTuple):
    """What the host lacks of the other side's changes, and what it cannot take without losing its own."""

    changes: tuple[Change, ...]
    clashes: tuple[Clash, ...]


def compare(base: Documents, host: Documents, other: Documents) -> Comparison:
    """All three have the same number of documents."""
    known = frozenset(text for document in base for text in comments_of(document))
    found = [
        one
        for number, versions in enumerate(zip(base, host, other, strict=True))
        for one in _Walk(number if len(host) > 1 else None, known).nodes(*versions, ())
    ]
    return Comparison(
        tuple(one for one in found if isinstance(one, Change)), tuple(one for one in found if isinstance(one, Clash))
    )


def has_other_layout(base: Documents, documents: Documents) -> bool:
    """Whether comments differ, or the order of the keys that both have."""
    before, after = list(_paths(base)), list(_paths(documents))
    common = {*before} & {*after}
    return (
        [path for path in before if path in common] != [path for path in after if path in common]
        or [*map(comments_of, base)] != [*map(comments_of, documents)]
    )  # fmt: skip


class _Walk(NamedTuple):
    document: int | None
    known_comments: AbstractSet[bytes]

    def nodes(
        self, base: Node | None, host: Node | None, other: Node | None, path: Keys, comments: tuple[Comment, ...] = ()
    ) -> Iterator[Change | Clash]:
        if _same(host, other) or _same(base, other):
            return
        if isinstance(host, Mapping) and isinstance(other, Mapping) and _is_plain(host) and _is_plain(other):
            yield from self._mappings(base if isinstance(base, Mapping) else Mapping([]), host, other, path)
            return
        change = Change(path, other, self.document, comments if host is None else ())
        yield change if _same(base, host) else Clash(change, _what(host, other))

    def _mappings(self, base: Mapping, host: Mapping, other: Mapping, path: Keys) -> Iterator[Change | Clash]:
        before, mine, theirs = map(_values, (base, host, other))
        comments = self._new_comments(other)
        for key in mine | theirs:
            versions = before.get(key), mine.get(key), theirs.get(key)
            yield from self.nodes(*versions, path=(*path, key), comments=comments.get(key, ()))

    def _new_comments(self, mapping: Mapping) -> dict[str, tuple[Comment, ...]]:
        """By the entry that they stand directly before."""
        found: dict[str, tuple[Comment, ...]] = {}
        here: list[Comment] = []
        for item in mapping.items:
            if isinstance(item, Item):
                if here:
                    found[item.key] = tuple(here)
                here = []
            elif item.text not in self.known_comments:
                here.append(item)
        return found


def _same(one: Node | None, other: Node | None) -> bool:
    if one is None or other is None:
        return one is other
    return without_comments(one) == without_comments(other)


def _is_plain(mapping: Mapping) -> bool:
    keys = [item.key for item in mapping.entries()]
    return len(keys) == len({*keys})


def _values(mapping: Mapping) -> dict[str, Node]:
    return {item.key: item.value for item in mapping.entries()}


def _what(host: Node | None, other: Node | None) -> str:
    return "one side changed it, the other removed it" if host is None or other is None else "both sides changed it"


def _paths(documents: Documents) -> Iterator[tuple[int, Keys]]:
    for number, document in enumerate(documents):
        yield from ((number, path) for path in _keys(document, ()))


def _keys(node: Node, path: Keys) -> Iterator[Keys]:
    if isinstance(node, Mapping):
        for item in node.entries():
            yield (*path, item.key)
            yield from _keys(item.value, (*path, item.key))
