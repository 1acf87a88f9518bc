"""How much work a schema can ask for: loops that consume nothing, and counts that double with every level.

All figures are about one instance place: a schema that is applied there twice applies its own parts twice. The sum over any chain of
places down an instance is held to `MAX_EVALUATIONS`. Schemas that apply themselves twice to one and the same part of an instance have
no such sum; for them `branching` says by how much each level of nesting multiplies the work.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from llmcfg.pipeline.schema.keywords import Where, children
from llmcfg.pipeline.schema.normal import DEFS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.pipeline.schema.normal import Definitions

MAX_EVALUATIONS: Final = 100_000


class WorkLimitError(ValueError):
    """The schema asks for more evaluations of one place than the limit."""


def find_loop(definitions: Definitions) -> list[str] | None:
    """Names of definitions that apply each other to the same instance without end; None when there is no such loop."""
    state: dict[str, int] = {}
    trail: list[str] = []

    def visit(name: str) -> list[str] | None:
        state[name] = 1
        trail.append(name)
        for target in _same_place_targets(definitions[name]):
            if state.get(target) == 1:
                return trail[trail.index(target) :]
            if target not in state and (loop := visit(target)):
                return loop
        trail.pop()
        state[name] = 2
        return None

    return next((loop for name in definitions if name not in state and (loop := visit(name))), None)


def branching(definitions: Definitions) -> int:
    """1 when work grows with the instance only; else the factor that each level of nesting may add.

    Raises WorkLimitError. `find_loop` must have found none.
    """
    graph = {name: _parts(definitions, name) for name in definitions}
    reach = _reachable(graph)
    factor = 1
    weights: dict[str, int] = {}

    def weight(name: str) -> int:
        if name not in weights:
            weights[name] = 0  # what leads back here is counted by `factor`
            own, parts = graph[name]
            heaviest = max((sum(count * weight(t) for t, count in part.items()) for part in parts), default=0)
            weights[name] = own + heaviest
            if weights[name] > MAX_EVALUATIONS:
                raise WorkLimitError
        return weights[name]

    for name, (_, parts) in graph.items():
        weight(name)
        for part in parts:
            factor = max(factor, sum(count for target, count in part.items() if name in reach[target]))
    return factor


def _same_place_targets(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(DEFS)
    for child in children(schema):
        if child.where is Where.SAME:
            yield from _same_place_targets(child.schema)


_Parts = tuple[int, list[dict[str, int]]]


def _parts(definitions: Definitions, name: str) -> _Parts:
    """Schemas that a definition applies to its own place, and for each part of the instance the definitions applied there."""
    own = 0
    named: dict[tuple[str, str | int], dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def visit(schema: Any, key: tuple[str, str | int] | None) -> None:
        nonlocal own
        own += 1
        if own > MAX_EVALUATIONS:
            raise WorkLimitError
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            target = schema["$ref"].removeprefix(DEFS)
            if key is None:
                visit(definitions[target], None)
            else:
                named[key][target] += 1
        for child in children(schema):
            visit(child.schema, _key(child.steps) if key is None and child.where is Where.INSIDE else key)

    visit(definitions[name], None)
    anywhere = {kind: named.get((kind, "*"), {}) for kind in ("property", "item")}
    parts = [_sum(counts, anywhere[kind] if step != "*" else {}) for (kind, step), counts in named.items()]
    return own, parts


def _key(steps: tuple[str | int, ...]) -> tuple[str, str | int]:
    """The part of an instance that a keyword's schema looks at; `*` stands for any."""
    keyword = steps[0]
    if keyword == "properties":
        return "property", f"={steps[1]}"
    if keyword == "prefixItems":
        return "item", steps[1]
    return ("item" if keyword in ("items", "contains", "unevaluatedItems") else "property"), "*"


def _sum(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {name: a.get(name, 0) + b.get(name, 0) for name in {*a, *b}}


def _reachable(graph: dict[str, _Parts]) -> dict[str, set[str]]:
    """For each definition those that it leads to, itself included."""
    direct = {name: {target for part in parts for target in part} for name, (_, parts) in graph.items()}
    reach: dict[str, set[str]] = {}
    for name in direct:
        seen = {name}
        waiting = [name]
        while waiting:
            fresh = direct[waiting.pop()] - seen
            seen |= fresh
            waiting += fresh
        reach[name] = seen
    return reach
