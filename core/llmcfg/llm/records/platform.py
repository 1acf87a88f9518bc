"""All records of one scope together. `documents` are its composed documents by name, as the pipeline resolves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.llm.platform import Given, Platform, Reference, Setting, Spot
from llmcfg.llm.reading import Node
from llmcfg.llm.records.fields import MODEL, ROUTE
from llmcfg.llm.records.folders import PROVIDERS
from llmcfg.llm.records.model import read_inner_models, read_models
from llmcfg.llm.records.others import (
    read_budgets,
    read_gateway,
    read_guardrails,
    read_mcp_server,
)
from llmcfg.llm.records.provider import read_provider
from llmcfg.llm.records.route import inner_route, read_routes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.llm.platform import Model, Provider, Route
    from llmcfg.model.value import Value


def read_records(documents: Mapping[str, Value], setting: Setting) -> Platform:
    nodes = {name: Node(value, Spot(name)) for name, value in documents.items()}
    named = [*_providers(nodes)]
    providers = {provider.name: provider for _, provider in named}
    models = [model for node in _below(nodes, "models") for model in read_models(node, providers)]
    models += [model for node, provider in named for model in read_inner_models(node, provider)]
    routes = [route for node in _below(nodes, "routes") for route in read_routes(node)]
    routes += [route for node, provider in named for route in _inner_routes(node, provider)]
    guardrails = [rule for node in _below(nodes, "guardrails") for rule in read_guardrails(node)]
    servers = [read_mcp_server(node) for node in _below(nodes, "mcp")]
    return Platform(
        setting=setting,
        providers=tuple(providers.values()),
        models=tuple(models),
        routes=tuple(routes),
        budgets=tuple(budget for node in _below(nodes, "budgets", "limits/budgets") for budget in read_budgets(node)),
        guardrails=tuple(guardrails),
        mcp_servers=tuple(servers),
        gateways=tuple(found for node in _below(nodes, "services") if (found := read_gateway(node))),
        references=tuple(_references(nodes, models, routes, providers)),
        names={
            "provider": frozenset(providers),
            "model": _model_names(models, routes),
            "guardrail": frozenset(rule.name for rule in guardrails),
            "mcp server": frozenset(server.name for server in servers),
        },
    )


def _below(nodes: Mapping[str, Node], *folders: str) -> Iterator[Node]:
    """The documents of these names or in these folders."""
    within = tuple(f"{folder}/" for folder in folders)
    return (node for name, node in nodes.items() if name in folders or name.startswith(within))


def _providers(nodes: Mapping[str, Node]) -> Iterator[tuple[Node, Provider]]:
    """One a document, or several by name in a document that is called as the folder is."""
    for node in _below(nodes, *PROVIDERS):
        document = node.spot.document
        if document not in PROVIDERS:
            name = str(node.fields.get("id") or document.partition("/")[2])
            yield node, read_provider(node, name)
            continue
        for name, item in node.items():
            if item.fields:
                yield item, read_provider(item, name)


def _inner_routes(node: Node, provider: Provider) -> Iterator[Route]:
    """The fallbacks that a free-form provider names for itself or for one of its models."""
    models = [(name, item) for name, item in node.at("models").items()]
    models += [(str(item.fields.get("id") or item.fields.get("name")), item) for item in node.at("models").each()]
    for name, item in models:
        route = inner_route(item, name)
        if route is not None:
            yield route
    own = inner_route(node, str(node.fields.get("model") or node.fields.get("default_model") or provider.name))
    if own is not None:
        yield own


def _model_names(models: Iterable[Model], routes: Iterable[Route]) -> frozenset[str]:
    names = {model.name for model in models} | {alias.value for model in models for alias in model.aliases}
    return frozenset(names | {route.name for route in routes if route.targets})


def _records_in(node: Node, marks: tuple[str, ...]) -> Iterator[Node]:
    """The record of a document, or those that it holds by name."""
    yield from [node] if any(mark in node for mark in marks) else (inner for _, inner in node.items())


def _references(
    nodes: Mapping[str, Node], models: Iterable[Model], routes: Iterable[Route], providers: Mapping[str, Provider]
) -> Iterator[Reference]:
    for node in _below(nodes, "models"):
        for item in _records_in(node, MODEL.marks):
            provider = item.text("provider")
            if provider is not None:
                yield Reference(
                    "provider", provider, f"provider of {item.spot.path[-1] if item.spot.path else 'the model'}"
                )
    for model in models:
        if model.replacement is not None:
            yield Reference("model", model.replacement, f"replacement of {model.name}")
    for route in routes:
        for target in route.targets:
            if target.model.spot != route.spot:
                yield Reference("model", target.model, f"target of {route.name}")
        for fallback in route.fallbacks:
            if fallback.to.value not in providers or not fallback.to.spot.document.startswith(PROVIDERS):
                yield Reference("model", fallback.to, f"fallback of {route.name}")
    for node in _below(nodes, "routes"):
        for item in _records_in(node, ROUTE.marks):
            for name in item.each_text("guardrails"):
                yield Reference("guardrail", name, "guardrail of a route")
    for node in _below(nodes, "guardrails"):
        for name in node.each_text("always_on"):
            yield Reference("guardrail", name, "guardrail that is always on")
    for node in _below(nodes, "services"):
        yield from _of_service(node)


def _of_service(node: Node) -> Iterator[Reference]:
    service = node.spot.document.rsplit("/", 1)[-1]
    for key, item in node.items():
        if key == "routes":
            for name in node.each_text(key):
                yield Reference("model", name, f"route of {service}")
        elif (key == "route" or key.endswith("_route")) and isinstance(item.value, str):
            yield Reference("model", Given(item.value, item.spot), f"{key} of {service}")
    for name in node.each_text("mcp_servers"):
        yield Reference("mcp server", name, f"MCP server of {service}")
