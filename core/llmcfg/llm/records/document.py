"""What one document of a composed configuration says by itself, whatever the others say.

So a document that many scopes share is read once (`Readings`), and platforms are put together of what was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from llmcfg.llm.platform import (
    Budget,
    Gateway,
    Given,
    Guardrail,
    McpServer,
    Model,
    Provider,
    Reference,
    Route,
    Spot,
)
from llmcfg.llm.reading import Node
from llmcfg.llm.records.fields import MODEL, ROUTE
from llmcfg.llm.records.folders import PROVIDERS
from llmcfg.llm.records.model import read_inner_models, read_models
from llmcfg.llm.records.others import read_budgets, read_gateway, read_guardrails, read_mcp_server
from llmcfg.llm.records.provider import read_provider
from llmcfg.llm.records.route import inner_route, read_routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llmcfg.model.value import Value


class Records(Struct, frozen=True):
    """A model stands beside the name of its provider, if it gives one, which another document may define.

    `inner_models` and `inner_routes` are those of a free-form provider. `to_providers` are references of theirs, which name a model unless
    a provider is called so.
    """

    providers: tuple[Provider, ...] = ()
    models: tuple[tuple[Model, str | None], ...] = ()
    inner_models: tuple[Model, ...] = ()
    routes: tuple[Route, ...] = ()
    inner_routes: tuple[Route, ...] = ()
    budgets: tuple[Budget, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    mcp_servers: tuple[McpServer, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    references: tuple[Reference, ...] = ()
    to_providers: tuple[Reference, ...] = ()

    def all_models(self) -> Iterator[Model]:
        yield from (model for model, _ in self.models)
        yield from self.inner_models

    def all_routes(self) -> Iterator[Route]:
        yield from self.routes
        yield from self.inner_routes


NOTHING: Final = Records()


class Readings:
    """Remembers what was read of a document, by its name and by the identity or the digest of its value, and models with the providers they
    were given.

    Values are kept alive with it. Forgetting it changes no result.
    """

    def __init__(self) -> None:
        self._read: dict[tuple[str, int], tuple[Value, Records]] = {}
        self._found: dict[tuple[str, bytes], Records] = {}
        self._given: dict[tuple[int, int], tuple[Model, Provider, Model]] = {}

    def read(self, document: str, value: Value) -> Records:
        key = (document, id(value))
        known = self._read.get(key)
        if known is None:
            known = self._read[key] = (value, read_document(document, value))
        return known[1]

    def find(self, document: str, digest: bytes, find: Callable[[], Records]) -> Records:
        """The same for who has the digest of the value, and another way to its records."""
        key = (document, digest)
        known = self._found.get(key)
        if known is None:
            known = self._found[key] = find()
        return known

    def of_provider(self, model: Model, provider: Provider | None) -> Model:
        """The model, answered by this provider."""
        if provider is None:
            return model
        key = (id(model), id(provider))
        known = self._given.get(key)
        if known is None:
            known = self._given[key] = (model, provider, replace(model, provider=provider))
        return known[2]


def read_document(document: str, value: Value) -> Records:
    node = Node(value, Spot(document))
    folder = document.partition("/")[0]
    if folder in PROVIDERS:
        return _of_providers(node)
    match folder:
        case "models":
            models = tuple(read_models(node))
            return Records(models=models, references=tuple(_of_models(node, models)))
        case "routes":
            routes = tuple(read_routes(node))
            guards = (
                Reference("guardrail", name, "guardrail of a route")
                for item in _records_in(node, ROUTE.marks)
                for name in item.each_text("guardrails")
            )
            return Records(routes=routes, references=(*_of_routes(routes), *guards))
        case "budgets":
            return Records(budgets=tuple(read_budgets(node)))
        case "limits" if document == "limits/budgets" or document.startswith("limits/budgets/"):
            return Records(budgets=tuple(read_budgets(node)))
        case "guardrails":
            always = (
                Reference("guardrail", name, "guardrail that is always on") for name in node.each_text("always_on")
            )
            return Records(guardrails=tuple(read_guardrails(node)), references=tuple(always))
        case "mcp":
            return Records(mcp_servers=(read_mcp_server(node),))
        case "services":
            gateway = read_gateway(node)
            return Records(gateways=(gateway,) if gateway else (), references=tuple(_of_service(node)))
        case _:
            return NOTHING


def _of_providers(node: Node) -> Records:
    named = [*_providers(node)]
    models = tuple(model for item, provider in named for model in read_inner_models(item, provider))
    routes = tuple(route for item, provider in named for route in _inner_routes(item, provider))
    fallbacks = (
        Reference("model", fallback.to, f"fallback of {route.name}") for route in routes for fallback in route.fallbacks
    )
    targets = (reference for route in routes for reference in _targets_of(route))
    return Records(
        providers=tuple(provider for _, provider in named),
        inner_models=models,
        inner_routes=routes,
        references=(*_replacements(models), *targets),
        to_providers=tuple(fallbacks),
    )


def _providers(node: Node) -> Iterator[tuple[Node, Provider]]:
    """One a document, or several by name in a document that is called as the folder is."""
    document = node.spot.document
    if document not in PROVIDERS:
        yield node, read_provider(node, str(node.fields.get("id") or document.partition("/")[2]))
        return
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


def _records_in(node: Node, marks: tuple[str, ...]) -> Iterator[Node]:
    """The record of a document, or those that it holds by name."""
    yield from [node] if any(mark in node for mark in marks) else (inner for _, inner in node.items())


def _of_models(node: Node, models: Iterable[tuple[Model, str | None]]) -> Iterator[Reference]:
    for item in _records_in(node, MODEL.marks):
        provider = item.text("provider")
        if provider is not None:
            whose = item.spot.path[-1] if item.spot.path else "the model"
            yield Reference("provider", provider, f"provider of {whose}")
    yield from _replacements(model for model, _ in models)


def _replacements(models: Iterable[Model]) -> Iterator[Reference]:
    for model in models:
        if model.replacement is not None:
            yield Reference("model", model.replacement, f"replacement of {model.name}")


def _of_routes(routes: Iterable[Route]) -> Iterator[Reference]:
    for route in routes:
        yield from _targets_of(route)
        for fallback in route.fallbacks:
            yield Reference("model", fallback.to, f"fallback of {route.name}")


def _targets_of(route: Route) -> Iterator[Reference]:
    """Not of a route that stands for its own model."""
    for target in route.targets:
        if target.model.spot != route.spot:
            yield Reference("model", target.model, f"target of {route.name}")


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
