"""Anchors and aliases of one document: defined once, used after, never inside themselves, and bounded in what they expand to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmcfg.limits import ALIAS_EXPANSION, DOCUMENT_ALIASES, DOCUMENT_DEPTH
from llmcfg.model.value import Tagged

if TYPE_CHECKING:
    from llmcfg.documents.complaints import Complaints
    from llmcfg.model.value import Value


class _Extent(NamedTuple):
    """How many nodes a value has, aliases expanded, and how many levels."""

    nodes: int
    depth: int


class Anchors:
    def __init__(self, complaints: Complaints) -> None:
        self._complaints = complaints
        self._values: dict[str, Value] = {}
        self._extents: dict[int, _Extent] = {}
        self._written = 0
        self._uses = 0
        self._widest: tuple[int, Any] | None = None

    def define(self, event: Any, value: Value) -> None:
        if event.anchor in self._values:
            message = f"anchor &{event.anchor} is defined a second time"
            self._complaints.add("yaml-anchor", message, event, "give each anchor a name of its own")
        self._values[event.anchor] = value

    def use(self, event: Any, stack: list[Any], container: Any) -> Value:
        """The value of an alias; None after a complaint. `stack` and `container` are the open collections."""
        name = event.anchor
        self._uses += 1
        if self._uses == DOCUMENT_ALIASES + 1:
            message = f"more than {DOCUMENT_ALIASES} aliases in one document"
            self._complaints.add("yaml-alias", message, event, "share values with $extends or {{config:…}}")
        if self._uses > DOCUMENT_ALIASES:
            return None
        if name not in self._values:
            self._complaints.add(
                "yaml-anchor", f"alias *{name} has no anchor before it", event, f"define &{name} first"
            )
            return None
        value = self._values[name]
        inner = _untagged(value)
        if inner is container or any(inner is opened for opened in stack):
            message = f"alias *{name} stands inside what it names, so it has no end"
            self._complaints.add("yaml-alias", message, event, "write the value out")
            return None
        extent = self._measure(value)
        if extent.depth + len(stack) > DOCUMENT_DEPTH:
            message = f"alias *{name} nests deeper than {DOCUMENT_DEPTH} levels"
            self._complaints.add("yaml-depth", message, event, "flatten it")
            return None
        if self._widest is None or extent.nodes > self._widest[0]:
            self._widest = (extent.nodes, event)
        return value

    def check_expansion(self, root: Value) -> None:
        """Complains if the whole document is much larger than what was written."""
        if self._widest is None:
            return
        expanded = self._measure(root).nodes
        if expanded > ALIAS_EXPANSION * self._written:
            message = (
                f"aliases expand the document to {expanded} values, more than {ALIAS_EXPANSION} times what is written"
            )
            self._complaints.add("yaml-alias", message, self._widest[1], "share values with $extends or {{config:…}}")

    def _measure(self, value: Value) -> _Extent:
        """Each collection once, so that the cost is what was written; recursion is bounded by the depth limit."""
        value = _untagged(value)
        if not isinstance(value, dict | list):
            return _Extent(1, 0)
        known = self._extents.get(id(value))
        if known is None:
            below = [self._measure(child) for child in (value.values() if isinstance(value, dict) else value)]
            self._written += 1 + sum(extent.depth == 0 for extent in below)
            known = _Extent(1 + sum(extent.nodes for extent in below), 1 + max((e.depth for e in below), default=0))
            self._extents[id(value)] = known
        return known


def _untagged(value: Value) -> Value:
    return value.value if isinstance(value, Tagged) else value
