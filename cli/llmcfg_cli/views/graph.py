"""A fallback graph as text: a tree for people, JSON for programs."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.text import Style, paint, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmcfg.llm.graph import Edge, Graph, Mark, ModelNode, RouteNode

GRAVE: Final = frozenset({"missing", "cycle", "outside", "retired"})
"""Marks of what does not work, or must not be."""


class Branch(NamedTuple):
    """A line of a tree and what hangs below it."""

    text: str
    below: tuple[Branch, ...] = ()


def view_graph(graph: Graph, title: str, output: str, *, colour: bool = False) -> str:
    """`output` is text, json, mermaid or svg; `title` the scope that is drawn."""
    match output:
        case "json":
            return to_json("Graph", {"scope": title, **_payload(graph)})
        case "mermaid":
            from llmcfg_cli.views.graph_mermaid import mermaid

            return mermaid(graph, title)
        case "svg":
            from llmcfg_cli.views.graph_svg import svg

            return svg(graph, title)
        case _:
            return "\n".join([visible(title), *_lines(_Tree(graph, colour).branches(), "")])


def model_text(model: ModelNode) -> str:
    """Who answers, and how much it takes."""
    context = f"context {model.context:,}" if model.context is not None else ""
    retires = f"until {model.retires}" if model.retires is not None else ""
    return ", ".join(visible(part) for part in (model.provider, model.upstream, context, retires) if part)


class _Tree:
    """Draws each route once; where it comes again, only its name stands."""

    def __init__(self, graph: Graph, colour: bool) -> None:
        self._graph = graph
        self._colour = colour
        self._drawn: set[str] = set()

    def branches(self) -> list[Branch]:
        """Routes that no other one leads to come first, then those of cycles that are left, then models without a route."""
        inner = {edge.to for route in self._graph.routes for edge in route.edges}
        ordered = sorted(self._graph.routes, key=lambda route: route.name in inner)
        branches = [self._route(route) for route in ordered if route.name not in self._drawn]
        loose = tuple(_model(model, "", (), self._colour) for model in self._graph.unrouted)
        return [*branches, *([Branch("in no route", loose)] if loose else [])]

    def _route(self, route: RouteNode, more: str = "", marks: Sequence[Mark] = ()) -> Branch:
        name = f"route {paint(visible(route.name), Style.BOLD, self._colour)}{more}"
        if route.name in self._drawn:
            return Branch(f"{name}, as above", tuple(_marks(marks, self._colour)))
        self._drawn.add(route.name)
        users = f", used by {', '.join(map(visible, route.users))}" if route.users else ""
        return Branch(f"{name}{users}", (*_marks(marks, self._colour), *self._edges(route)))

    def _edges(self, route: RouteNode) -> Iterator[Branch]:
        for kind, group in groupby(route.edges, key=lambda edge: edge.kind):
            edges = tuple(group)
            ends = tuple(branch for edge in edges for branch in self._ends(edge, len(edges) > 1))
            yield from ends if kind == "target" else [Branch(kind, ends)]

    def _ends(self, edge: Edge, has_weights: bool) -> Iterator[Branch]:
        """What an edge leads to: models, or a route, or a name that nothing has."""
        weight = f" ({edge.weight:g})" if has_weights and edge.weight is not None else ""
        models = self._graph.behind(edge.to)
        route = self._graph.route(edge.to)
        yield from (_model(model, weight, edge.marks, self._colour) for model in models)
        if route is not None and not models:
            yield self._route(route, weight, edge.marks)
        elif not models:
            yield Branch(visible(edge.to) + weight, tuple(_marks(edge.marks, self._colour)))


def _model(model: ModelNode, weight: str, marks: Sequence[Mark], colour: bool) -> Branch:
    name = paint(visible(model.name), Style.BOLD, colour)
    return Branch(f"{name}{weight}  {model_text(model)}".rstrip(), tuple(_marks((*model.marks, *marks), colour)))


def _marks(marks: Iterable[Mark], colour: bool) -> Iterator[Branch]:
    for mark in marks:
        style = Style.RED if mark.kind in GRAVE else Style.YELLOW
        yield Branch(paint(f"! {visible(mark.text)}", style, colour))


def _lines(branches: Sequence[Branch], indent: str) -> Iterator[str]:
    for number, branch in enumerate(branches, 1):
        stem, below = ("└── ", "    ") if number == len(branches) else ("├── ", "│   ")
        yield f"{indent}{stem}{branch.text}"
        yield from _lines(branch.below, indent + below)


def _payload(graph: Graph) -> dict[str, Any]:
    return {
        "routes": [
            {"name": route.name, "users": list(route.users), "edges": [_edge_fields(edge) for edge in route.edges]}
            for route in graph.routes
        ],
        "models": [_model_fields(model) for model in graph.models],
        "providers": sorted({model.provider for model in graph.models if model.provider}),
    }


def _edge_fields(edge: Edge) -> dict[str, Any]:
    return {"kind": edge.kind, "to": edge.to, "weight": edge.weight, "marks": _mark_fields(edge.marks)}


def _model_fields(model: ModelNode) -> dict[str, Any]:
    return {
        "name": model.name,
        "aliases": list(model.aliases),
        "provider": model.provider,
        "upstream": model.upstream,
        "context": model.context,
        "output": model.output,
        "retires": model.retires.isoformat() if model.retires else None,
        "users": list(model.users),
        "marks": _mark_fields(model.marks),
    }


def _mark_fields(marks: Iterable[Mark]) -> list[dict[str, str]]:
    return [{"kind": mark.kind, "text": mark.text} for mark in marks]
