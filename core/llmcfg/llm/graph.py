"""The fallback graph of a platform: which models a route sends to, who answers instead, and what is lost on the way.

A mark is a fact about a model or an edge, whether or not a rule makes a finding of it. Where a rule looks at the same thing, the mark says
what the rule says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from llmcfg.llm.rules.endpoints import find_strays
from llmcfg.llm.rules.fallbacks import described_domain, failure_domain, find_cycles
from llmcfg.llm.rules.lifecycle import find_retired, find_retiring
from llmcfg.llm.rules.names import find_dangling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from llmcfg.llm.platform import Complaint, FallbackKind, Given, Model, Platform, Route, Spot
    from llmcfg.llm.rules.ground import Ground

MarkKind: TypeAlias = Literal[
    "missing", "cycle", "shared-failure", "less-context", "less-output", "lost-ability", "outside", "retired", "retiring", "off",
]  # fmt: skip
EdgeKind: TypeAlias = "Literal['target'] | FallbackKind"
ABILITIES: Final = ("tools", "vision", "json_schema", "reasoning")
"""Abilities whose loss an application can feel."""


class Mark(NamedTuple):
    kind: MarkKind
    text: str


class Edge(NamedTuple):
    """From a route to the name of a model or of another route."""

    kind: EdgeKind
    to: str
    weight: float | None = None
    marks: tuple[Mark, ...] = ()


class RouteNode(NamedTuple):
    """`users` are the services and prompts that name it."""

    name: str
    users: tuple[str, ...]
    edges: tuple[Edge, ...]


class ModelNode(NamedTuple):
    """One deployment behind a name; several may have the same. `retires` is its last day at the vendor."""

    name: str
    provider: str
    upstream: str
    aliases: tuple[str, ...] = ()
    context: int | None = None
    output: int | None = None
    retires: date | None = None
    users: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()

    def is_called(self, name: str) -> bool:
        return name == self.name or name in self.aliases


@dataclass(frozen=True, slots=True)
class Graph:
    """Routes and models in reading order."""

    routes: tuple[RouteNode, ...] = ()
    models: tuple[ModelNode, ...] = ()

    def route(self, name: str) -> RouteNode | None:
        return next((route for route in self.routes if route.name == name), None)

    def behind(self, name: str) -> tuple[ModelNode, ...]:
        """The models that are called so."""
        return tuple(model for model in self.models if model.is_called(name))

    @property
    def users(self) -> tuple[str, ...]:
        """Who uses routes, each once."""
        return tuple(dict.fromkeys(user for route in self.routes for user in route.users))

    @property
    def missing(self) -> tuple[str, ...]:
        """Names that edges lead to and nothing has."""
        known = {route.name for route in self.routes}
        ends = dict.fromkeys(edge.to for route in self.routes for edge in route.edges)
        return tuple(name for name in ends if name not in known and not self.behind(name))

    @property
    def unrouted(self) -> tuple[ModelNode, ...]:
        """Models that no route leads to."""
        led = {edge.to for route in self.routes for edge in route.edges}
        return tuple(model for model in self.models if not led & {model.name, *model.aliases})

    def below(self, name: str) -> Graph:
        """What a route leads to, itself included."""
        kept: dict[str, RouteNode] = {}
        waiting = [name]
        while waiting:
            route = self.route(waiting.pop())
            if route is not None and route.name not in kept:
                kept[route.name] = route
                waiting += [edge.to for edge in route.edges]
        led = {edge.to for route in kept.values() for edge in route.edges}
        return Graph(
            tuple(route for route in self.routes if route.name in kept),
            tuple(model for model in self.models if led & {model.name, *model.aliases}),
        )


def build_graph(platform: Platform, ground: Ground, users: Mapping[str, Sequence[str]]) -> Graph:
    """`users` are those of each name of a route or model, beside the services that the platform knows of."""
    said = _said(platform, ground)
    everybody = _users(platform, users)
    routes = tuple(
        RouteNode(route.name, everybody.get(route.name, ()), tuple(_edges(platform, ground, route, said)))
        for route in platform.routes
    )
    models = tuple(_model_node(model, ground, said, everybody) for model in platform.models)
    return Graph(routes, models)


_Said: TypeAlias = "Mapping[Spot, tuple[Mark, ...]]"
_RULES: Final[Mapping[str, MarkKind]] = {
    "LLM009": "outside",
    "LLM012": "retired",
    "LLM013": "retiring",
    "LLM022": "missing",
    "LLM023": "cycle",
}


def _said(platform: Platform, ground: Ground) -> _Said:
    """What rules say, by place."""
    found: dict[Spot, tuple[Mark, ...]] = {}
    for find in (find_strays, find_retired, find_retiring, find_dangling, find_cycles):
        for complaint in find(platform, ground):
            found[complaint.spot] = (*found.get(complaint.spot, ()), _mark(complaint))
    return found


def _mark(complaint: Complaint) -> Mark:
    return Mark(_RULES[complaint.rule], complaint.message)


def _users(platform: Platform, users: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    found = {name: dict.fromkeys(who) for name, who in users.items()}
    for reference in platform.references:
        folder, _, service = reference.name.spot.document.partition("/")
        if reference.kind == "model" and folder == "services":
            found.setdefault(reference.name.value, {})[service] = None
    return {name: tuple(sorted(who)) for name, who in found.items()}


def _model_node(model: Model, ground: Ground, said: _Said, users: Mapping[str, tuple[str, ...]]) -> ModelNode:
    names = (model.name, *(alias.value for alias in model.aliases))
    off = () if model.is_on else (Mark("off", "its provider is not enabled"),)
    places = dict.fromkeys((model.spot, model.upstream.spot, *((model.status.spot,) if model.status else ())))
    return ModelNode(
        name=model.name,
        provider=model.provider.name if model.provider else "",
        upstream=model.upstream.value,
        aliases=names[1:],
        context=ground.context(model),
        output=ground.output(model),
        retires=ground.last_day(model),
        users=tuple(sorted({user for name in names for user in users.get(name, ())})),
        marks=(*off, *(mark for spot in places for mark in said.get(spot, ()))),
    )


def _edges(platform: Platform, ground: Ground, route: Route, said: _Said) -> Iterator[Edge]:
    first = next((model for target in route.targets for model in platform.answering(target.model.value)), None)
    for target in route.targets:
        weight = target.weight.value if target.weight else None
        yield Edge("target", target.model.value, weight, said.get(target.model.spot, ()))
    for fallback in route.fallbacks:
        lost = tuple(_losses(first, _answering(platform, fallback.to), ground, fallback.kind)) if first else ()
        yield Edge(fallback.kind, fallback.to.value, None, (*said.get(fallback.to.spot, ()), *lost))


def _answering(platform: Platform, name: Given[str]) -> Model | None:
    return next(iter(platform.answering(name.value)), None)


def _losses(first: Model, other: Model | None, ground: Ground, kind: FallbackKind) -> Iterator[Mark]:
    """What `other` lacks of what the first model of the route has."""
    if other is None or other is first:
        return
    if kind == "on_error" and any(failure_domain(first)) and failure_domain(first) == failure_domain(other):
        yield Mark("shared-failure", f"fails together with {first.name}: both are {described_domain(first)}")
    for what, size in (("context", ground.context), ("output", ground.output)):
        has, gets = size(first), size(other)
        if has is not None and gets is not None and gets < has:
            is_context = what == "context"
            yield Mark(
                "less-context" if is_context else "less-output", f"{what} {gets:,} after {has:,} of {first.name}"
            )
    for ability in dict.fromkeys((*ABILITIES, *(need.value for need in first.requires))):
        if ground.supports(first, ability) and ground.supports(other, ability) is False:
            yield Mark("lost-ability", f"has no {ability}, which {first.name} has")
