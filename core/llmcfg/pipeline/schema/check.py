"""Checking a value by a compiled schema: every problem, with its path in the value and without the value where that may be a secret.

jsonschema_rs gives the verdict, formats asserted and patterns matched in linear time; `explain` turns what it found into problems.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from llmcfg.model.findings import Problem
from llmcfg.pipeline.schema.explain import explain

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

    from llmcfg.model.value import Value
    from llmcfg.pipeline.schema.compiled import CompiledSchema

MAX_DEPTH: Final = 200
MAX_WORK: Final = 20_000
_ENCODER: Final = msgspec.json.Encoder()


def check(
    schema: CompiledSchema, value: Value, *, partial: bool = False, is_plain: bool = False
) -> tuple[Problem, ...]:
    """What `value` (without merge tags) breaks. `partial` checks an overlay, which need not be complete.

    `is_plain`: it is known to hold no reference, and to be no deeper than one document may be.
    """
    is_simple = (is_plain and schema.factor == 1) or _is_simple(schema, value)
    depth, references = (1, False) if is_simple else _survey(value, 1)
    if depth > MAX_DEPTH:
        return (Problem("schema-limit", f"nested deeper than {MAX_DEPTH}", path=(), hint="flatten the value"),)
    if schema.factor > 1 and schema.factor**depth > MAX_WORK:
        message = f"the schema's alternatives multiply with each of {depth} levels of nesting"
        return (Problem("schema-limit", message, path=(), hint="let the schema refer to itself in one branch only"),)
    validator = schema.validator(part=partial, references=references)
    errors = [error for error in validator.iter_errors(value) if not (references and _is_undecided(error))]
    if not errors:
        return ()
    return explain(schema.document(part=partial, references=references), value, errors)


def _is_undecided(error: ValidationError) -> bool:
    """Whether the value of a reference in it could still make the value right: it may fit one alternative only, or none."""
    ambiguous = error.kind.name == "not" or (error.kind.name == "oneOf" and not any(error.kind.as_dict()["context"]))
    return ambiguous and _survey(error.instance, 1)[1]


def _is_simple(schema: CompiledSchema, value: Value) -> bool:
    """Whether counting brackets, at the speed of an encoder, says already that a survey would find nothing, as of most values."""
    try:
        written = _ENCODER.encode(value)
    except (RecursionError, TypeError, ValueError, OverflowError):
        return False
    deepest = written.count(b"{") + written.count(b"[")
    return deepest <= MAX_DEPTH and schema.factor**deepest <= MAX_WORK and b"{{" not in written


def _survey(value: Any, depth: int) -> tuple[int, bool]:
    """How deep the value is nested, up to just beyond the limit, and whether a string in it may hold a reference."""
    if isinstance(value, str):
        return depth, "{{" in value
    if not isinstance(value, dict | list) or depth > MAX_DEPTH:
        return depth, False
    deepest, references = depth, False
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, str):
            references = references or "{{" in item
        elif isinstance(item, dict | list):
            below, found = _survey(item, depth + 1)
            deepest, references = max(deepest, below), references or found
    return deepest, references
