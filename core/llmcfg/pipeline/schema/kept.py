"""Compiled schemas of earlier processes (docs/adr/0025). Kept are those in which nothing is wrong; all others are compiled again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from llmcfg.pipeline.known import is_sound, learn_sound, name_of
from llmcfg.pipeline.schema.compiled import CompiledSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmcfg.model.findings import Problem
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.ports import Cache


class _Kept(msgspec.Struct, array_like=True):
    """`definitions` is JSON, as schemas are: msgpack has no room for a large integer."""

    digest: str
    definitions: bytes
    has_merge_rules: bool
    factor: int
    files: list[str]
    has_ends: bool


_DECODER = msgspec.msgpack.Decoder(_Kept)


def compiled_schema(
    file: str, entries: Mapping[str, BlobEntry], read: Callable[[str], bytes], disk: Cache | None
) -> CompiledSchema | tuple[Problem, ...]:
    """As `compile_schema`, of the schema files of a snapshot."""
    name = name_of("schema", file, *(f"{path} {entry.oid}" for path, entry in entries.items()))
    content = disk.content(name) if disk is not None and is_sound(disk, name, "compile", file) else None
    if content is not None:
        return _loaded(_DECODER.decode(content))
    from llmcfg.pipeline.schema.compiling import compile_schema

    compiled = compile_schema(file, {path: read(entry.oid) for path, entry in entries.items()})
    if disk is not None and isinstance(compiled, CompiledSchema) and not compiled.warnings:
        disk.add(name, msgspec.msgpack.encode(_kept(compiled)))
        learn_sound(disk, name)
    return compiled


def _kept(schema: CompiledSchema) -> _Kept:
    definitions = json.dumps(schema.definitions).encode()
    return _Kept(
        schema.digest, definitions, schema.has_merge_rules, schema.factor, sorted(schema.files), schema.has_ends
    )


def _loaded(kept: _Kept) -> CompiledSchema:
    return CompiledSchema(
        digest=kept.digest,
        definitions=json.loads(kept.definitions),
        has_merge_rules=kept.has_merge_rules,
        factor=kept.factor,
        files=frozenset(kept.files),
        has_ends=kept.has_ends,
    )
