"""How two environments differ in effect, apart from what a schema declares to vary (`x-llmcfg-varies`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.canonical import canonical_json
from llmcfg.model.change import ABSENT
from llmcfg.model.difference import diff_values, spread
from llmcfg.model.keypath import format_key_path
from llmcfg.pipeline.schema.varies import find_varying

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.change import Change, Side
    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.configuration import Configuration


class Disparity(NamedTuple):
    """A key that differs, alike for these tenants; None among them is the platform itself."""

    change: Change
    tenants: tuple[str | None, ...]


class Parity(NamedTuple):
    """For these tenants. `declared` counts the keys that differ and may."""

    tenants: tuple[str | None, ...]
    disparities: tuple[Disparity, ...]
    declared: int


def find_disparities(configuration: Configuration, one: str, other: str, tenants: tuple[str | None, ...]) -> Parity:
    """From environment `one` to `other`, by key. Raises NotFoundError, and FindingsError where a document cannot be read."""
    found: dict[tuple[str, bytes, bytes], tuple[Change, list[str | None]]] = {}
    pairs: dict[
        tuple[int, int], tuple[list[Change], set[str]]
    ] = {}  # documents that many tenants share are compared once
    declared: set[str] = set()
    kept: list[object] = []  # alive as long as they are known by their ids
    for tenant in tenants:
        sides = tuple(_documents(configuration, name, tenant) for name in (one, other))
        for name in sorted({*sides[0], *sides[1]}):
            before, after = (side.get(name, ABSENT) for side in sides)
            key = (id(before), id(after))
            if key not in pairs:
                kept += before, after
                pairs[key] = _compared(configuration, name, before, after)
            changes, varying = pairs[key]
            declared |= varying
            for change in changes:
                found.setdefault(_said(change), (change, []))[1].append(tenant)
    ordered = (found[key] for key in sorted(found))
    return Parity(tenants, tuple(Disparity(change, tuple(names)) for change, names in ordered), len(declared))


def _documents(configuration: Configuration, environment: str, tenant: str | None) -> Mapping[str, Value]:
    effective = configuration.readable(configuration.scope(environment, tenant))
    return {name: resolved.value for name, resolved in effective.documents.items()}


def _compared(configuration: Configuration, name: str, before: Side, after: Side) -> tuple[list[Change], set[str]]:
    """The changes that nobody declared, and the keys of those that somebody did."""
    varying = {*_varying(configuration, name, before), *_varying(configuration, name, after)}
    undeclared, declared = [], set()
    for whole in diff_values(before, after, tuple(name.split("/"))):
        for change in spread(whole):
            if any(change.path[: len(place)] == place for place in varying):
                declared.add(format_key_path(change.path))
            else:
                undeclared.append(change)
    return undeclared, declared


def _varying(configuration: Configuration, name: str, value: Side) -> Iterator[Path]:
    schema = configuration.schema_for(name)
    if schema is not None and value is not ABSENT:
        prefix: Path = tuple(name.split("/"))
        yield from ((*prefix, *place) for place in find_varying(schema, value))


def _said(change: Change) -> tuple[str, bytes, bytes]:
    sides = (b"" if side is ABSENT else canonical_json(side) for side in (change.before, change.after))
    return (format_key_path(change.path), *sides)  # type: ignore[return-value]
