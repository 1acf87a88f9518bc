"""What platforms of a configuration look like: the graph of a scope with who uses it, and the models that retire."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec.structs import replace

from llmcfg.errors import NotFoundError
from llmcfg.model.suggest import did_you_mean, there_are
from llmcfg.model.target import SHARED
from llmcfg.pipeline.platforms import ground_of, platform_of
from llmcfg.prompts.bindings import read_bindings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from llmcfg.llm.graph import Graph
    from llmcfg.llm.platform import Platform
    from llmcfg.llm.retirements import Retirement
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration


def usual_scope(configuration: Configuration, environment: str | None, tenant: str | None) -> Scope:
    """A scope by names; where no environment is named it is the first protected one, or the first. Raises NotFoundError."""
    environments = configuration.manifest.environments
    protected = (name for name, each in environments.items() if each.protected)
    return configuration.scope(environment or next(protected, next(iter(environments))), tenant)


def choose_scopes(
    configuration: Configuration, environments: Sequence[str], tenants: Sequence[str]
) -> tuple[Scope, ...]:
    """The scopes with these names; an empty choice is everything. `_shared` stands for no tenant. Raises NotFoundError."""
    manifest = configuration.manifest
    wanted = {
        configuration.scope(environment, None if tenant == SHARED else tenant)
        for environment in environments or manifest.environments
        for tenant in tenants or (SHARED, *manifest.tenants)
    }
    return tuple(scope for scope in configuration.scopes if scope in wanted)


def require_platform(configuration: Configuration, scope: Scope) -> Platform:
    """Raises NotFoundError where a scope describes none, FindingsError where its documents cannot be read."""
    configuration.readable(scope)
    platform = platform_of(configuration, scope)
    if platform is None:
        raise NotFoundError(
            f"{scope} describes no LLM platform", hint="records lie under llm_providers/, models/ and routes/"
        )
    return platform


def graph_of(configuration: Configuration, scope: Scope, as_of: date, route: str | None = None) -> Graph:
    """The graph of a scope, or what one of its routes leads to. Raises NotFoundError."""
    from llmcfg.llm.graph import build_graph

    platform = require_platform(configuration, scope)
    graph = build_graph(platform, ground_of(configuration, as_of), _prompts_by_route(configuration, scope))
    if route is None:
        return graph
    if graph.route(route) is None:
        names = [each.name for each in graph.routes]
        hint = did_you_mean(route, names, there_are(names))
        raise NotFoundError(f"{scope} has no route {route!r}", hint=hint)
    return graph.below(route)


def _prompts_by_route(configuration: Configuration, scope: Scope) -> dict[str, list[str]]:
    documents = {name: found.value for name, found in configuration.effective(scope).documents.items()}
    users: dict[str, list[str]] = defaultdict(list)
    for binding in read_bindings(documents):
        if binding.route:
            users[binding.route].append(f"prompt {binding.prompt}")
    return users


def retirements_of(
    configuration: Configuration, scopes: Iterable[Scope], as_of: date, within: int
) -> dict[Retirement, tuple[str, ...]]:
    """Models that retire within so many days or are retired, the first one first, each with the scopes that it is in.

    A model that retires in several scopes is one where it is the same; its routes are those of all. Raises FindingsError where documents
    cannot be read.
    """
    from llmcfg.llm.retirements import find_retirements

    ground = replace(ground_of(configuration, as_of), retire_within=within)
    found: dict[Retirement, list[str]] = defaultdict(list)
    routes: dict[Retirement, set[str]] = defaultdict(set)
    for scope in scopes:
        configuration.readable(scope)
        platform = platform_of(configuration, scope)
        for retirement in find_retirements(platform, ground) if platform else ():
            alike = retirement._replace(routes=())
            found[alike].append(str(scope))
            routes[alike].update(retirement.routes)
    ordered = sorted(found, key=lambda each: (each.days is not None, each.days or 0, each.model, found[each]))
    return {alike._replace(routes=tuple(sorted(routes[alike]))): tuple(found[alike]) for alike in ordered}
