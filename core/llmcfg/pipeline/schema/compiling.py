"""The door: from the schema files of a snapshot to a schema that can check values and say how lists merge.

Refused are drafts other than 2020-12, 2019-09 and draft-07, references that leave the snapshot, patterns that need backtracking,
loops, and schemas that would take exponential time; each with its line and column in the schema's own text.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import TYPE_CHECKING

from llmcfg.model.findings import Problem
from llmcfg.model.rules import RULES, Severity
from llmcfg.pipeline.schema import bounds
from llmcfg.pipeline.schema.closing import close
from llmcfg.pipeline.schema.compiled import CompiledSchema
from llmcfg.pipeline.schema.keywords import EXPIRES, MERGE, REVIEW_BY, children
from llmcfg.pipeline.schema.lint import lint
from llmcfg.pipeline.schema.normal import TooManyDefinitionsError, normalise
from llmcfg.pipeline.schema.registry import SchemaFiles, Spot
from llmcfg.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.pipeline.schema.definitions import Schema

_ALONE = "schemas/schema.json"  # what a schema that stands alone is called


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
