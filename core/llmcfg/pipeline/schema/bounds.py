"""How much work a schema can ask for: loops that consume nothing, and counts that double with every level.

All figures are about one instance place: a schema that is applied there twice applies its own parts twice. The sum over any chain of
places down an instance is held to `MAX_EVALUATIONS`. Schemas that apply themselves twice to one and the same part of an instance have
no such sum; for them `branching` says by how much each level of nesting multiplies the work.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from llmcfg.pipeline.schema.definitions import DEFS
from llmcfg.pipeline.schema.keywords import Where, children

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.pipeline.schema.definitions import Definitions

MAX_EVALUATIONS: Final = 100_000
MAX_STACKED: Final = 100  # schemas one inside the other, or behind a $ref, for one instance place


class WorkLimitError(ValueError):
    """The schema asks for more evaluations of one place than the limit."""


def find_loop(definitions: Definitions) -> list[str] | None:
    """Names of definitions that apply each other to the same instance without end; None when there is no such loop."""
    graph = {name: tuple(_same_place_targets(schema)) for name, schema in definitions.items()}
    done: set[str] = set()
    for start in graph:
        trail = [start]
        waiting = [iter(graph[start])]
        while waiting:
            target = next(waiting[-1], None)
            if target is None:
                done.add(trail.pop())
                waiting.pop()
            elif target in trail:
                return trail[trail.index(target) :]
            elif target not in done:
                trail.append(target)
                waiting.append(iter(graph[target]))
    return None


def branching(definitions: Definitions) -> int:
    """1 when work grows with the instance only; else the factor that each level of nesting may add.

    Raises WorkLimitError. `find_loop` must have found none.
    """
    graph = {name: _parts(definitions, name) for name in definitions}
    factor = 1
    weights: dict[str, int] = {}
    for name in _innermost_first(graph):
        own, parts = graph[name]
        # What leads back here has no weight yet; `factor` counts it.
        heaviest = max((sum(count * weights.get(to, 0) for to, count in part.items()) for part in parts), default=0)
        weights[name] = own + heaviest
        if weights[name] > MAX_EVALUATIONS:
            raise WorkLimitError
        for part in parts:
            if sum(part.values()) > factor:
                factor = max(factor, sum(count for to, count in part.items() if _leads_to(graph, to, name)))
    return factor


def _innermost_first(graph: Mapping[str, _Parts]) -> Iterator[str]:
    """Every definition after those that its parts are checked by, as far as they do not lead back to it."""
    seen: set[str] = set()
    for start in graph:
        waiting = [(start, False)]
        while waiting:
            name, left = waiting.pop()
            if left:
                yield name
            elif name not in seen:
                seen.add(name)
                waiting.append((name, True))
                waiting += [(to, False) for part in graph[name][1] for to in part if to not in seen]


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

    def visit(schema: Any, key: tuple[str, str | int] | None, depth: int) -> None:
        nonlocal own
        own += 1
        if own > MAX_EVALUATIONS or depth > MAX_STACKED:
            raise WorkLimitError
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            target = schema["$ref"].removeprefix(DEFS)
            if key is None:
                visit(definitions[target], None, depth + 1)
            else:
                named[key][target] += 1
        for child in children(schema):
            inside = key is None and child.where is Where.INSIDE
            visit(child.schema, _key(child.steps) if inside else key, depth + 1)

    visit(definitions[name], None, 1)
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


def _leads_to(graph: Mapping[str, _Parts], start: str, goal: str) -> bool:
    seen = {start}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        fresh = {to for part in graph[name][1] for to in part} - seen
        seen |= fresh
        waiting += fresh
    return False
