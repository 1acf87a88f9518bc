"""A schema that can check values and say how lists merge. What makes one of schema files is in compiling.py."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from llmcfg.pipeline.schema import forms
from llmcfg.pipeline.schema.definitions import ENTRY, document
from llmcfg.pipeline.schema.keywords import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.model.findings import Problem
    from llmcfg.pipeline.schema.definitions import Definitions
    from llmcfg.pipeline.schema.native import jsonschema_rs

_PATTERN_BYTES = 4 << 20


class CompiledSchema(Struct, frozen=True, eq=False, dict=True):
    """Immutable. `digest` names all that the schema was made from; `definitions` are closed and begin at `ENTRY`.

    `warnings` are problems that do not keep the schema from being used. `factor` is how much each level of nesting may multiply the
    work of a check (1: not at all). `files` are the schema files that it was made from.
    """

    digest: str
    definitions: Definitions
    has_merge_rules: bool
    warnings: tuple[Problem, ...] = ()
    factor: int = 1
    files: frozenset[str] = frozenset()
    has_ends: bool = False

    def document(self, *, part: bool = False, references: bool = False) -> dict[str, Any]:
        """The whole schema: for part of a value, and for values that hold references."""
        return self._documents(part, references)

    def validator(self, *, part: bool = False, references: bool = False) -> jsonschema_rs.Validator:
        return self._validators(part, references)

    @functools.cached_property
    def _documents(self) -> Callable[[bool, bool], dict[str, Any]]:
        @functools.cache
        def build(part: bool, references: bool) -> dict[str, Any]:
            definitions = forms.partial(self.definitions) if part else self.definitions
            return document(forms.lenient(definitions) if references else definitions, ENTRY)

        return build

    @functools.cached_property
    def _validators(self) -> Callable[[bool, bool], jsonschema_rs.Validator]:
        return functools.cache(lambda part, references: _validator(self._documents(part, references)))


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    from llmcfg.pipeline.schema.native import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=True,
        offline=True,
        mask="…",
        pattern_options=jsonschema_rs.RegexOptions(size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES),
        keywords={SECRET: _SecretKeyword},
    )


class _SecretKeyword:
    """`x-llmcfg-secret: true` wants a secret reference in a string, `false` forbids one."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:  # noqa: ARG002
        self._wanted = bool(value)

    def validate(self, instance: Any) -> None:
        if isinstance(instance, str) and holds_secret(instance) is not self._wanted:
            raise ValueError("secret-expected" if self._wanted else "secret-misplaced")


def holds_secret(text: str) -> bool:
    from llmcfg.model.reference import ReferenceKind, find_references

    return any(reference.kind is ReferenceKind.SECRET for reference in find_references(text))
