"""A fallback graph as a Mermaid flowchart, which forges and wikis draw: services, routes, and models by provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg_cli.views.graph import GRAVE, model_text
from llmcfg_cli.views.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.llm.graph import Edge, Graph, Mark, ModelNode

_CLASSES: Final = ("  classDef grave stroke:#c00,color:#c00", "  classDef worth stroke:#b80")


def mermaid(graph: Graph, title: str) -> str:
    ids = _ids(graph)
    links: list[str] = []
    bad: list[int] = []
    for route in graph.routes:
        for user in route.users:
            links.append(f"  {ids['user', user]} --> {ids['route', route.name]}")
        for edge, label in _labelled(route.edges):
            for end in _ends(graph, edge, ids):
                bad += [len(links)] if edge.marks else []
                links.append(f"  {ids['route', route.name]} {_arrow(edge, label)} {end}")
    styles = [f"  linkStyle {','.join(map(str, bad))} stroke:#c00"] if bad else []
    return "\n".join([f"%% {visible(title)}", "flowchart LR", *_nodes(graph, ids), *links, *_CLASSES, *styles])


def _ids(graph: Graph) -> dict[tuple[str, str], str]:
    """Names of nodes: those of users and routes by name, of models by their place, of what is missing by name."""
    return {
        **{("user", user): f"u{at}" for at, user in enumerate(graph.users)},
        **{("route", route.name): f"r{at}" for at, route in enumerate(graph.routes)},
        **{("model", str(at)): f"m{at}" for at, _ in enumerate(graph.models)},
        **{("missing", name): f"x{at}" for at, name in enumerate(graph.missing)},
    }


def _nodes(graph: Graph, ids: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for (kind, name), node in ids.items():
        match kind:
            case "user":
                yield f"  {node}([{_text(name)}])"
            case "route":
                yield f"  {node}{{{{{_text(name)}}}}}"
            case "missing":
                yield f"  {node}[{_text(name, 'is not there')}]:::grave"
    providers = dict.fromkeys(model.provider for model in graph.models)
    for number, provider in enumerate(providers):
        yield f"  subgraph p{number}[{_text(provider or 'no provider')}]"
        for at, model in enumerate(graph.models):
            if model.provider == provider:
                yield f"    {ids['model', str(at)]}[{_model_label(model)}]{_class(model.marks)}"
        yield "  end"


def _ends(graph: Graph, edge: Edge, ids: Mapping[tuple[str, str], str]) -> list[str]:
    models = [ids["model", str(at)] for at, model in enumerate(graph.models) if model.is_called(edge.to)]
    return models or [ids["route", edge.to] if ("route", edge.to) in ids else ids["missing", edge.to]]


def _labelled(edges: Sequence[Edge]) -> Iterator[tuple[Edge, str]]:
    """Each edge with what stands on it: its kind and its turn, or its share of the traffic."""
    counts: dict[str, int] = {}
    targets = sum(1 for edge in edges if edge.kind == "target")
    for edge in edges:
        counts[edge.kind] = counts.get(edge.kind, 0) + 1
        if edge.kind == "target":
            yield edge, f"{edge.weight:g}" if targets > 1 and edge.weight is not None else ""
        else:
            yield edge, f"{edge.kind} {counts[edge.kind]}"


def _arrow(edge: Edge, label: str) -> str:
    words = [*([label] if label else []), *(mark.text for mark in edge.marks)]
    line = "-->" if edge.kind == "target" else "-.->"
    return f"{line}|{_text(*words)}|" if words else line


def _model_label(model: ModelNode) -> str:
    return _text(model.name, model_text(model), *(mark.text for mark in model.marks))


def _class(marks: Sequence[Mark]) -> str:
    if not marks:
        return ""
    return ":::grave" if any(mark.kind in GRAVE for mark in marks) else ":::worth"


def _text(*lines: str) -> str:
    """Quoted, with the characters that Mermaid or HTML would act on as codes."""
    return '"' + "<br>".join("".join(map(_escaped, visible(line))) for line in lines) + '"'


def _escaped(character: str) -> str:
    return f"#{ord(character)};" if character in '"#<>&`;|[]{}\\' else character
