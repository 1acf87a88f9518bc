"""What a schema file may say, and how it is refused: all at once, each problem at its line."""

import json
import subprocess
import sys

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.model.findings import Problem
from llmcfg.pipeline.schema.check import check
from llmcfg.pipeline.schema.compiled import CompiledSchema
from llmcfg.pipeline.schema.compiling import compile_schema, compile_text
from llmcfg.pipeline.schema.draft07 import Admit, draft07
from llmcfg.pipeline.schema.jsontext import JsonText, parse_json
from llmcfg.pipeline.schema.keywords import KNOWN, MERGE, SECRET, Draft


def compiled(schema, **others) -> CompiledSchema:
    files = {"schemas/a.json": json.dumps(schema).encode()}
    files |= {f"schemas/{name}.json": json.dumps(other).encode() for name, other in others.items()}
    result = compile_schema("schemas/a.json", files)
    assert isinstance(result, CompiledSchema), result
    return result


def refused(schema, **others) -> tuple[Problem, ...]:
    files = {"schemas/a.json": json.dumps(schema, indent=1).encode()}
    files |= {f"schemas/{name}.json": json.dumps(other).encode() for name, other in others.items()}
    result = compile_schema("schemas/a.json", files)
    assert isinstance(result, tuple), result
    return result


def rules(problems) -> list[str]:
    return [problem.rule for problem in problems]


@pytest.mark.parametrize(
    ("text", "rule", "place"),
    [
        (b'{"a": 1,\n "b": 2,\n "a": 3}', "schema-invalid", (3, 2)),
        (b'{"x": {"p": 1}, "y": {"p": 1, "q": 2, "q": 3}}', "schema-invalid", (1, 39)),
        (b'{"const": NaN}', "schema-invalid", (1, 1)),
        (b'{"const": 1e999}', "schema-invalid", (1, 1)),
        (b'{"const": ' + b"9" * 5000 + b"}", "schema-invalid", (1, 1)),
        (b'{"type": \n tru}', "schema-invalid", (2, 2)),
        (b"", "schema-invalid", (1, 1)),
        (b'{"const": "\\ud800"}', "schema-invalid", (1, 1)),
        (b"{}\n\xff", "schema-invalid", (2, 1)),
        (b"[" * 65 + b"]" * 65, "schema-limit", (1, 1)),
        (b"[" * 100_000 + b"]" * 100_000, "schema-limit", (1, 1)),
    ],
)
def test_json_is_read_strictly(text, rule, place):
    (problem,) = compile_text(text)  # type: ignore[misc]
    assert (problem.rule, (problem.line, problem.column)) == (rule, place)


def test_places_are_those_of_keys_and_items():
    parsed = parse_json(b'{\n "a": [1,\n  {"b\\"c": [ ]}, "]"],\n "d": {}\n}')
    assert isinstance(parsed, JsonText)
    assert parsed.place(()) == (1, 1)
    assert parsed.place(("a", 1)) == (3, 3)
    assert parsed.place(("a", 1, 'b"c')) == (3, 4)
    assert parsed.place(("a", 2)) == (3, 18)
    assert parsed.place(("d",)) == (4, 2)
    assert parsed.place(("d", "missing")) == (4, 2)


@pytest.mark.fault("J06")
def test_everything_wrong_is_told_at_once_and_at_its_line():
    problems = refused(
        {
            "requried": ["a"],
            "type": "strin",
            "properties": {
                "a": {"pattern": "(?=a)b"},
                "b": {"pattern": "("},
                "c": {"minLength": -1},
                "d": {"$ref": "#/$defs/x"},
            },
        }
    )
    assert [(problem.rule, problem.line) for problem in problems] == [
        ("schema-keyword", 2),
        ("schema-invalid", 5),
        ("schema-pattern", 8),
        ("schema-invalid", 11),
        ("schema-invalid", 14),
        ("schema-ref", 17),
    ]
    assert problems[0].hint == "did you mean 'required'?"


@pytest.mark.fault("J01", "J02")
@pytest.mark.parametrize(
    "reference",
    ["http://127.0.0.1:9/x.json", "https://json-schema.org/draft/2020-12/schema", "file:///etc/passwd", "../llmcfg.json",
     "../../etc/passwd", "/etc/passwd", "jar:file:x!/y", "//host/x", "missing.json", "#/$defs/missing", "#nowhere"],
)  # fmt: skip
def test_a_reference_never_leaves_the_snapshot(reference):
    (problem,) = refused({"properties": {"a": {"$ref": reference}}})
    assert (problem.rule, problem.line) == ("schema-ref", 4)


def test_a_missing_definition_is_suggested():
    (problem,) = refused({"$ref": "#/$defs/modle", "$defs": {"model": {}}})
    assert problem.hint == "did you mean '#/$defs/model'?"


@pytest.mark.parametrize(
    "reference",
    ["b.json", "./b.json", "../schemas/b.json", "b.json#/$defs/n", "https://example.com/b", "b.json#number",
     "https://example.com/b#/%24defs/n"],
)  # fmt: skip
def test_a_reference_finds_schemas_of_the_snapshot_by_path_id_pointer_and_anchor(reference):
    other = {
        "$id": "https://example.com/b",
        "type": "integer",
        "$defs": {"n": {"$anchor": "number", "type": "integer"}},
    }
    schema = compiled({"properties": {"x": {"$ref": reference}}}, b=other)
    assert rules(check(schema, {"x": "text"})) == ["schema-violation"]
    assert check(schema, {"x": 1}) == ()


def test_a_reference_is_relative_to_the_nearest_id():
    inner = {"$id": "https://example.com/deep/inner", "$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}
    schema = compiled({"$ref": "#/$defs/i", "$defs": {"i": inner, "n": {"type": "string"}}})
    assert check(schema, 1) == ()


def test_a_reference_to_a_broken_file_names_that_file():
    (problem,) = refused({"$ref": "b.json"}, b={"type": "strin"})
    assert problem.rule == "schema-ref"
    assert "schemas/b.json" in problem.message


@pytest.mark.fault("J14")
def test_two_schemas_with_one_id_are_refused():
    (problem,) = refused({"$id": "urn:x"}, b={"$id": "urn:x"})
    assert (problem.rule, problem.line) == ("schema-duplicate", 2)


@pytest.mark.fault("J03")
@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#"}, True]}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}},
    ],
)
def test_a_schema_that_applies_itself_to_the_same_value_is_refused(schema):
    (problem,) = refused(schema)
    assert problem.rule == "schema-invalid"
    assert "itself" in problem.message


def test_a_schema_may_apply_itself_to_a_part_of_the_value():
    schema = compiled({"properties": {"next": {"$ref": "#"}, "n": {"type": "integer"}}})
    assert check(schema, {"next": {"next": {"n": 1}}}) == ()
    assert rules(check(schema, {"next": {"next": {"m": 1}}})) == ["schema-unknown-key"]


def doubling(levels, inner):
    names = {f"d{n}": {"allOf": [inner(f"#/$defs/d{n + 1}")] * 4} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**names, f"d{levels}": {}}}


@pytest.mark.fault("J04")
@pytest.mark.parametrize("inner", [lambda to: {"$ref": to}, lambda to: {"properties": {"x": {"$ref": to}}}])
def test_exponential_schemas_are_refused_and_moderate_ones_are_not(inner):
    assert rules(refused(doubling(12, inner))) == ["schema-limit"]
    assert check(compiled(doubling(4, inner)), {"x": {"x": 1}}) == ()


def chain(length, link):
    names = {f"d{n}": link(f"#/$defs/d{n + 1}") for n in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**names, f"d{length}": {}}}


def test_long_chains_of_references_are_refused_or_followed_without_harm():
    assert rules(refused(chain(2000, lambda to: {"$ref": to}))) == ["schema-limit"]
    assert rules(check(compiled(chain(2000, lambda to: {"properties": {"x": {"$ref": to}}})), {"y": 1})) == [
        "schema-unknown-key"
    ]


words = st.sampled_from(sorted({keyword for known in KNOWN.values() for keyword in known} | {MERGE, SECRET, "a", "by"}))
anything = st.recursive(
    st.sampled_from(
        [None, True, 0, -1, 1.5, "a", "object", "#", "#/$defs/a", "replace", "(", "", "urn:x", "{{secret:x}}"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=14,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(words, anything, max_size=4), st.sampled_from(Draft), anything)
def test_any_json_compiles_or_is_refused_with_a_place_and_then_checks_any_value(schema, draft, value):
    result = compile_text(json.dumps({**schema, "$schema": draft.value}).encode())
    if isinstance(result, tuple):
        assert result
        assert all(problem.line for problem in result)
    else:
        for problem in (*check(result, value), *check(result, value, partial=True)):
            assert problem.message
        jsonschema_rs.meta.validate(draft07(result.definitions, admit=Admit.DELETIONS))


def test_work_that_doubles_with_nesting_is_refused_for_deep_values_only():
    branch = {"properties": {"k": {"$ref": "#"}}}
    schema = compiled({"anyOf": [{**branch, "required": ["a"]}, branch]})
    value = {}
    for _ in range(8):
        value = {"k": value}
    assert check(schema, value) == ()
    for _ in range(30):
        value = {"k": value}
    assert rules(check(schema, value)) == ["schema-limit"]


@pytest.mark.fault("J11")
@pytest.mark.parametrize("draft", ["http://json-schema.org/draft-04/schema#", "https://example.com/own", 7])
def test_other_drafts_are_refused(draft):
    (problem,) = refused({"$schema": draft})
    assert (problem.rule, problem.line) == ("schema-draft", 2)


def test_draft_07_is_read_as_draft_07():
    schema = compiled(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "definitions": {"n": {"$id": "#n", "type": "integer"}},
            "properties": {
                "list": {"items": [{"$ref": "#n"}], "additionalItems": {"type": "string"}},
                "a": True,
                "b": {"$ref": "#/definitions/n", "minimum": 100},
            },
            "dependencies": {"a": ["b"], "b": {"properties": {"c": True}}},
        }
    )
    assert check(schema, {"list": [1, "x"], "b": 1, "c": 1}) == ()
    assert rules(check(schema, {"list": ["x", 1]})) == ["schema-violation", "schema-violation"]
    assert rules(check(schema, {"a": 1})) == ["schema-required"]
    assert rules(check(schema, {"d": 1})) == ["schema-unknown-key"]
    assert [(warning.rule, "minimum" in warning.message) for warning in schema.warnings] == [("schema-keyword", True)]


def test_2019_09_is_read_as_2019_09():
    schema = compiled(
        {
            "$schema": "https://json-schema.org/draft/2019-09/schema",
            "items": [{"type": "integer"}],
            "additionalItems": False,
        }
    )
    assert check(schema, [1]) == ()
    assert rules(check(schema, [1, 2])) == ["schema-violation"]


@pytest.mark.parametrize(
    ("schema", "word"),
    [({"format": "emial"}, "email"), ({"x-llmcfg-secrets": True}, "x-llmcfg-secret"), ({"nullable": True}, "nullable"),
     ({"properties": {"a": {"tpye": "string"}}}, "type")],
)  # fmt: skip
def test_what_checks_nothing_is_a_warning(schema, word):
    (warning,) = compiled(schema).warnings
    assert warning.rule == "schema-keyword"
    assert word in warning.message + warning.hint


def test_annotations_and_own_keywords_are_no_warning():
    schema = {"title": "t", "description": "d", "default": {"requried": 1}, "examples": [1], "deprecated": True, "x-own": 1,
              "$comment": "c", "properties": {"requried": True}, "enum": [{"tpye": 1}]}  # fmt: skip
    assert compiled(schema).warnings == ()


@pytest.mark.fault("J06")
@pytest.mark.parametrize("schema", [{"x-llmcfg-merge": "join"}, {"x-llmcfg-merge": {"by": ""}}, {"x-llmcfg-secret": "yes"},
                                    {"$dynamicRef": "#x"}, [1], {"multipleOf": 0}])  # fmt: skip
def test_keywords_with_wrong_values_are_refused(schema):
    assert set(rules(refused(schema))) == {"schema-invalid"}


@pytest.mark.fault("J05")
@pytest.mark.parametrize("pattern", ["(a)\\1", "(?=a)b", "(?!a)", "(?<=a)b"])
def test_patterns_that_need_backtracking_are_refused(pattern):
    assert rules(refused({"pattern": pattern})) == ["schema-pattern"]
    assert rules(refused({"patternProperties": {pattern: True}})) == ["schema-pattern"]


@pytest.mark.fault("J05")
@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|a)*b", "^[a-z]{1,63}$", "^\\d+\\.\\d+$", "\\p{L}+"])
def test_patterns_that_hang_other_engines_are_matched(pattern):
    assert rules(check(compiled({"pattern": pattern}), "a" * 100_000 + "!")) in ([], ["schema-violation"])


def test_the_digest_follows_what_the_schema_means():
    first, again = compiled({"type": "object"}), compiled({"type": "object", "$comment": "x"})
    assert first.digest == again.digest
    assert compiled({"$ref": "b.json"}, b={"type": "string"}).digest != compiled({"$ref": "b.json"}, b={}).digest


def test_importing_the_door_imports_no_validator():
    code = (
        "import sys, llmcfg.pipeline.schema.compiling, llmcfg.pipeline.schema.check, llmcfg.pipeline.schema.export;"
        "print([m for m in sys.modules if m.split('.')[0] in ('jsonschema', 'jsonschema_rs', 'referencing')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
