"""What is wrong with a schema file by itself: all of it at once, each at its line.

The meta-schema of the draft comes with jsonschema; keywords that no draft knows, references that
lead nowhere and patterns that need backtracking are found by walking the schemas of the file.
"""

from __future__ import annotations

import functools
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from llmcfg.model.findings import Problem
from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.schema.explain import explain
from llmcfg.pipeline.schema.jsontext import JsonText, parse_json
from llmcfg.pipeline.schema.keywords import (
    ANNOTATIONS,
    DYNAMIC,
    EXPIRES,
    FORMATS,
    KNOWN,
    MERGE,
    OWN,
    OWNER,
    REVIEW_BY,
    SECRET,
    VARIES,
    Draft,
    draft_of,
    walk,
)
from llmcfg.pipeline.schema.registry import SchemaFiles, Spot, Unresolved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path

WARNINGS: Final = frozenset(["schema-keyword"])
_LOOK_UP: Final = "look the keyword up: https://json-schema.org/understanding-json-schema/keywords"
_PATTERN_BYTES: Final = 4 << 20  # what one compiled pattern may take


def lint(files: SchemaFiles, file: str) -> tuple[Problem, ...]:
    """Every problem of the file in the order of its lines; those of `WARNINGS` do not keep it from being used."""
    parsed = parse_json(files.files[file])
    if isinstance(parsed, Problem):
        return (parsed,)
    draft = draft_of(parsed.value)
    if draft is None:
        return (_unknown_draft(parsed),)
    found = [*_meta_schema(parsed, draft), *files.duplicates(file)]
    for path, schema in walk(parsed.value):
        if isinstance(schema, dict):
            found += _keywords(parsed, draft, path, schema)
            found += _patterns(parsed, path, schema)
            found += _references(files, file, parsed, path, schema)
    return tuple(dict.fromkeys(sorted(found, key=lambda problem: (problem.line, problem.column, problem.message))))


def _unknown_draft(text: JsonText) -> Problem:
    said = str(text.value["$schema"])[:100]
    hint = f'write "$schema": "{Draft.D2020.value}"; 2019-09 and draft-07 are read too'
    return Problem("schema-draft", f"$schema {said!r} is not a supported draft", *text.place(("$schema",)), hint)


def _meta_schema(text: JsonText, draft: Draft) -> Iterator[Problem]:
    from llmcfg.pipeline.schema.native import jsonschema_rs

    if isinstance(text.value, bool) or (
        isinstance(text.value, dict) and jsonschema_rs.meta.is_valid({**text.value, "$schema": draft.value})
    ):
        return
    import jsonschema

    meta, check = {
        Draft.D7: (jsonschema.Draft7Validator.META_SCHEMA, jsonschema_rs.Draft7Validator),
        Draft.D2019: (jsonschema.Draft201909Validator.META_SCHEMA, jsonschema_rs.Draft201909Validator),
        Draft.D2020: (jsonschema.Draft202012Validator.META_SCHEMA, jsonschema_rs.Draft202012Validator),
    }[draft]
    for problem in explain(meta, text.value, check(meta, offline=True).iter_errors(text.value)):
        message = problem.message.replace("the document", "the schema") if not problem.path else problem.message
        hint = problem.hint if problem.hint.startswith("did you mean") else _LOOK_UP
        yield Problem("schema-invalid", message, *text.place(problem.path or ()), hint)


def _keywords(text: JsonText, draft: Draft, path: Path, schema: dict[str, Any]) -> Iterator[Problem]:
    for keyword, value in schema.items():
        found = _about_keyword(draft, schema, keyword, value)
        if found:
            line, column = text.place((*path, keyword))
            yield found._replace(line=line, column=column)


def _about_keyword(draft: Draft, schema: dict[str, Any], keyword: str, value: Any) -> Problem | None:
    if keyword == MERGE and not _is_merge_rule(value):
        hint = 'write "replace", "append", "unique" or {"by": "name"}'
        return Problem("schema-invalid", f"{MERGE} is not a merge rule", hint=hint)
    if keyword in (SECRET, VARIES) and not isinstance(value, bool):
        return Problem("schema-invalid", f"{keyword} is neither true nor false", hint="write true or false")
    if keyword in (EXPIRES, REVIEW_BY) and not _is_day(value):
        return Problem("schema-invalid", f"{keyword} is no day", hint='write it as "2026-12-31"')
    if keyword == OWNER and not (isinstance(value, str) and value):
        return Problem("schema-invalid", f"{OWNER} is no text", hint="write who answers for the value")
    if keyword.startswith("x-llmcfg-") and keyword not in OWN:
        hint = did_you_mean(keyword, OWN, f"there are {', '.join(OWN)}")
        return Problem("schema-keyword", f"{keyword!r} is no keyword of llmcfg", hint=hint)
    if keyword in DYNAMIC:
        hint = "write $ref; schemas are resolved before they are used"
        return Problem("schema-invalid", f"{keyword} is not supported", hint=hint)
    if keyword not in KNOWN[draft] and not keyword.startswith("x-"):
        return _unknown_keyword(keyword, draft)
    if keyword == "format" and isinstance(value, str) and value not in FORMATS:
        message = f"format {value!r} is not known, and checks nothing"
        return Problem("schema-keyword", message, hint=did_you_mean(value, FORMATS, "write a pattern instead"))
    if draft is Draft.D7 and "$ref" in schema and not _stands_beside_ref(keyword):
        hint = 'put the $ref into an allOf, or write "$schema": "' + Draft.D2020.value + '"'
        return Problem("schema-keyword", f"{keyword!r} beside $ref is ignored in draft-07", hint=hint)
    return None


def _stands_beside_ref(keyword: str) -> bool:
    return keyword in ANNOTATIONS or keyword.startswith(("x-", "$")) or keyword == "definitions"


def _unknown_keyword(keyword: str, draft: Draft) -> Problem:
    message = f"{keyword!r} is no keyword of JSON Schema, and checks nothing"
    if any(keyword in known for known in KNOWN.values()):
        message = f"{keyword!r} is no keyword of this draft ({draft.value}), and checks nothing"
    hint = did_you_mean(keyword, KNOWN[draft] | {*OWN}, "begin it with x- if it is your own")
    return Problem("schema-keyword", message, hint=hint)


def _is_merge_rule(value: Any) -> bool:
    if isinstance(value, dict):
        return list(value) == ["by"] and isinstance(value["by"], str) and value["by"] != ""
    return value in ("replace", "append", "unique")


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == len("2026-12-31") and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _patterns(text: JsonText, path: Path, schema: dict[str, Any]) -> Iterator[Problem]:
    spots = [(schema.get("pattern"), (*path, "pattern"))]
    named = schema.get("patternProperties")
    spots += [(name, (*path, "patternProperties", name)) for name in (named if isinstance(named, dict) else ())]
    for pattern, spot in spots:
        if isinstance(pattern, str) and (refusal := _refusal(pattern)):
            yield Problem(refusal[0], f"pattern {pattern[:60]!r} {refusal[1]}", *text.place(spot), refusal[2])


@functools.lru_cache(maxsize=4096)
def _refusal(pattern: str) -> tuple[str, str, str] | None:
    """Rule, what is wrong, and the next step; None for a pattern that a linear-time engine takes."""
    from llmcfg.pipeline.schema.native import jsonschema_rs

    linear = jsonschema_rs.RegexOptions(size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES)
    if _compiles(pattern, linear):
        return None
    if _compiles(pattern, jsonschema_rs.FancyRegexOptions()):
        hint = "write it without look-around and back-references, and with smaller counts"
        return "schema-pattern", "cannot be matched in linear time", hint
    return "schema-invalid", "is no regular expression", "escape a character that is meant literally with \\\\"


def _compiles(pattern: str, options: Any) -> bool:
    from llmcfg.pipeline.schema.native import jsonschema_rs

    try:
        jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=options, offline=True)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


def _references(files: SchemaFiles, file: str, text: JsonText, path: Path, schema: dict[str, Any]) -> Iterator[Problem]:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = files.resolve(Spot(file, path), reference)
        if isinstance(target, Unresolved):
            yield Problem("schema-ref", target.why, *text.place((*path, "$ref")), target.hint)
