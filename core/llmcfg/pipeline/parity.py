"""How two environments differ in effect, apart from what a schema declares to vary (`x-llmcfg-varies`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.keypath import format_key_path
from llmcfg.model.target import SHARED
from llmcfg.pipeline.diff import State, compare
from llmcfg.pipeline.schema.varies import find_varying

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.impact import ValueChange
    from llmcfg.model.later import Later
    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.configuration import Configuration

    Tenants = Mapping[str, Mapping[str, Later[dict[str, Value]]]]


class Parity(NamedTuple):
    """Of these tenants, sorted, the platform itself among them as `_shared`.

    `values` are the keys that differ, from one environment to the other, with the tenants that have them so as their scopes; `declared`
    counts the keys that differ and may.
    """

    tenants: tuple[str, ...]
    values: tuple[ValueChange, ...]
    declared: int


def find_disparities(configuration: Configuration, one: str, other: str, tenants: tuple[str | None, ...]) -> Parity:
    """From environment `one` to `other`. Raises NotFoundError, and FindingsError where a document cannot be read."""
    before, after = (_documents(configuration, name, tenants) for name in (one, other))
    varying = frozenset(_varying(configuration, before, after))
    undeclared, declared = [], set()
    for value in compare(State(before, {}), State(after, {}), progress=configuration.memo.progress).values:
        path = value.change.path
        if any(path[:size] in varying for size in range(len(path) + 1)):
            declared.add(format_key_path(path))
        else:
            undeclared.append(value)
    return Parity(tuple(sorted(before)), tuple(undeclared), len(declared))


def _documents(configuration: Configuration, environment: str, tenants: tuple[str | None, ...]) -> Tenants:
    found = {}
    for tenant in configuration.memo.progress.over(f"composing {environment}", tenants):
        documents = configuration.readable(configuration.scope(environment, tenant)).documents
        found[tenant or SHARED] = {name: resolved.content for name, resolved in documents.items()}
    return found


def _varying(configuration: Configuration, before: Tenants, after: Tenants) -> Iterator[Path]:
    """The places that may vary, in the documents that differ. What many tenants share is looked into once."""
    differing = {
        id(documents[name]): (name, documents[name])
        for tenant in before
        for documents, others in ((before[tenant], after[tenant]), (after[tenant], before[tenant]))
        for name in documents
        if others.get(name) is not documents[name]
    }
    for name, content in differing.values():
        schema = configuration.schema_for(name)
        if schema is not None:
            yield from ((*name.split("/"), *place) for place in find_varying(schema, content.get()))
