"""All records of one scope together. `documents` are its composed documents by name, as the pipeline resolves them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from llmcfg.llm.platform import Platform
from llmcfg.llm.records.document import Readings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from llmcfg.llm.platform import Model, Provider, Reference, ReferenceKind, Route, Setting
    from llmcfg.llm.records.document import Records
    from llmcfg.model.value import Value


def read_records(documents: Mapping[str, Value], setting: Setting, readings: Readings | None = None) -> Platform:
    """`readings` remembers what documents say, for the next scope that has them."""
    readings = readings or Readings()
    said = {name: readings.read(name, value) for name, value in documents.items()}
    return put_together(said, setting, readings)


def put_together(said: Mapping[str, Records], setting: Setting, readings: Readings) -> Platform:
    """The platform that documents describe of which these are the records, in the order of documents."""
    records = tuple(said.values())
    providers = providers_by_name(records)
    models = models_of(records, providers, readings)
    return Platform(
        setting=setting,
        providers=tuple(providers.values()),
        models=models,
        routes=routes_of(records),
        budgets=tuple(chain.from_iterable(each.budgets for each in records)),
        guardrails=tuple(chain.from_iterable(each.guardrails for each in records)),
        mcp_servers=tuple(chain.from_iterable(each.mcp_servers for each in records)),
        gateways=tuple(chain.from_iterable(each.gateways for each in records)),
        references=references_of(records, providers),
        names=names_of(records),
    )


def providers_by_name(records: Iterable[Records]) -> dict[str, Provider]:
    """The last of each name, those of `llm_providers` and `providers` alike."""
    return {provider.name: provider for each in records for provider in each.providers}


def models_of(records: Iterable[Records], providers: Mapping[str, Provider], readings: Readings) -> tuple[Model, ...]:
    records = tuple(records)
    typed = (
        readings.of_provider(model, providers.get(provider) if provider is not None else None)
        for each in records
        for model, provider in each.models
    )
    return (*typed, *(model for each in records for model in each.inner_models))


def routes_of(records: Sequence[Records]) -> tuple[Route, ...]:
    """Those of records, then those of free-form providers."""
    typed = chain.from_iterable(each.routes for each in records)
    return (*typed, *chain.from_iterable(each.inner_routes for each in records))


def references_of(records: Iterable[Records], providers: Collection[str]) -> tuple[Reference, ...]:
    found: list[Reference] = []
    for each in records:
        found += each.references
        found += (reference for reference in each.to_providers if reference.name.value not in providers)
    return tuple(found)


def names_of(records: Iterable[Records]) -> dict[ReferenceKind, frozenset[str]]:
    """What may be referred to. A name of a route without targets stands for nothing."""
    records = tuple(records)
    models = (model for each in records for model in each.all_models())
    called = {name for model in models for name in (model.name, *(alias.value for alias in model.aliases))}
    called |= {route.name for each in records for route in each.all_routes() if route.targets}
    return {
        "provider": frozenset(provider.name for each in records for provider in each.providers),
        "model": frozenset(called),
        "guardrail": frozenset(rule.name for each in records for rule in each.guardrails),
        "mcp server": frozenset(server.name for each in records for server in each.mcp_servers),
    }
