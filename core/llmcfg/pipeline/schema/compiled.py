"""The door: from the schema files of a snapshot to a schema that can check values and say how lists merge.

Refused are drafts other than 2020-12, 2019-09 and draft-07, references that leave the snapshot, patterns that need backtracking,
loops, and schemas that would take exponential time; each with its line and column in the schema's own text.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmcfg.model.findings import Problem
from llmcfg.model.rules import RULES, Severity
from llmcfg.pipeline.schema import bounds, forms
from llmcfg.pipeline.schema.closing import ENTRY, close
from llmcfg.pipeline.schema.keywords import EXPIRES, MERGE, REVIEW_BY, SECRET, children
from llmcfg.pipeline.schema.lint import lint
from llmcfg.pipeline.schema.normal import TooManyDefinitionsError, document, normalise
from llmcfg.pipeline.schema.registry import SchemaFiles, Spot
from llmcfg.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import jsonschema_rs

    from llmcfg.pipeline.schema.normal import Schema

_PATTERN_BYTES = 4 << 20
_ALONE = "schemas/schema.json"  # what a schema that stands alone is called


@dataclass(frozen=True, eq=False)
class CompiledSchema:
    """Immutable. `digest` names all that the schema was made from; `definitions` are closed and begin at `closing.ENTRY`.

    `warnings` are problems that do not keep the schema from being used. `factor` is how much each level of nesting may multiply the
    work of a check (1: not at all). `files` are the schema files that it was made from.
    """

    digest: str
    definitions: Mapping[str, Schema]
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


def compile_schema(file: str, files: Mapping[str, bytes]) -> CompiledSchema | tuple[Problem, ...]:
    """The schema in `file`, which may refer to others of `files`; or all that is wrong with it."""
    source = SchemaFiles(files)
    problems = lint(source, file)
    if any(RULES[problem.rule].severity is Severity.ERROR for problem in problems):
        return problems
    return _compile(source, file, problems)


def compile_text(content: bytes) -> CompiledSchema | tuple[Problem, ...]:
    """A schema that stands alone."""
    return compile_schema(_ALONE, {_ALONE: content})


@functools.cache
def shipped_schema(file: str) -> CompiledSchema:
    """A schema that comes with the program, such as `manifest.schema.json`. No mistakes are looked for in it: the tests did."""
    content = (data_folder("schemas") / file).read_bytes()
    compiled = _compile(SchemaFiles({_ALONE: content}), _ALONE, ())
    assert isinstance(compiled, CompiledSchema), compiled
    return compiled


def _compile(source: SchemaFiles, file: str, problems: tuple[Problem, ...]) -> CompiledSchema | tuple[Problem, ...]:
    """With the problems that do not keep it from being used."""
    try:
        definitions, spots = normalise(source, Spot(file))
    except TooManyDefinitionsError:
        return (*problems, Problem("schema-limit", "refers to more schemas than can be built", 1, 1, "split it"))
    refused = _refusals(source, file, spots, definitions)
    if refused:
        return (*problems, *refused)
    try:
        factor = bounds.branching(definitions)
    except bounds.WorkLimitError:
        message = f"applies more than {bounds.MAX_EVALUATIONS} schemas to one value, or more than {bounds.MAX_STACKED} in a row"
        limit = Problem("schema-limit", message, 1, 1, "let fewer allOf, anyOf and $ref stack up")
        return (*problems, limit)
    closed = close(definitions)
    text = json.dumps(closed, ensure_ascii=False, separators=(",", ":"))
    return CompiledSchema(
        digest=hashlib.sha256(text.encode()).hexdigest(),
        definitions=closed,
        has_merge_rules=any(_mentions(schema, MERGE) for schema in definitions.values()),
        warnings=problems,
        factor=factor,
        files=frozenset(spot.file for spot in spots),
        has_ends=any(_mentions(schema, EXPIRES) or _mentions(schema, REVIEW_BY) for schema in definitions.values()),
    )


def _refusals(source: SchemaFiles, file: str, spots: list[Spot], definitions: Mapping[str, Schema]) -> list[Problem]:
    """Broken files among those referred to, and loops."""
    others = sorted({spot.file for spot in spots} - {file})
    broken = [other for other in others if any(RULES[p.rule].severity is Severity.ERROR for p in lint(source, other))]
    if broken:
        return [_at(source, file, Problem("schema-ref", f"refers to {name}, which is not valid", hint="mend that file first"))
                for name in broken]  # fmt: skip
    loop = bounds.find_loop(definitions)
    if loop:
        spot = next((spots[int(name)] for name in loop if spots[int(name)].file == file), Spot(file))
        message = "refers to itself for the same value, without end"
        return [
            _at(source, file, Problem("schema-invalid", message, hint="refer to it from a property or an item"), spot)
        ]
    return []


def _at(source: SchemaFiles, file: str, problem: Problem, spot: Spot | None = None) -> Problem:
    text = source.text(file)
    line, column = text.place(spot.path if spot else ()) if text else (1, 1)
    return problem._replace(line=line, column=column)


def _mentions(schema: Schema, keyword: str) -> bool:
    if isinstance(schema, bool):
        return False
    return keyword in schema or any(_mentions(child.schema, keyword) for child in children(schema))


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    import jsonschema_rs

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
