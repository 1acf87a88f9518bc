"""What a value breaks, and how it is said."""

import json

import pytest

from llmcfg.model.merge import MergeRule
from llmcfg.pipeline.schema.check import check
from llmcfg.pipeline.schema.compiled import CompiledSchema
from llmcfg.pipeline.schema.compiling import compile_text
from llmcfg.pipeline.schema.mergerules import merge_rule_at


def compiled(schema) -> CompiledSchema:
    result = compile_text(json.dumps(schema).encode())
    assert isinstance(result, CompiledSchema), result
    return result


def found(schema, value, **options):
    return [(problem.rule, problem.path) for problem in check(compiled(schema), value, **options)]


MODEL = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z-]+$", "description": "How routes call it."},
        "max_tokens": {"type": "integer", "minimum": 1},
        "api_key": {"type": "string", "x-llmcfg-secret": True, "minLength": 40},
        "label": {"type": "string", "x-llmcfg-secret": False},
    },
}


def test_unknown_keys_are_found_with_the_likely_one():
    (problem,) = check(compiled(MODEL), {"name": "a", "max_token": 1})
    assert (problem.rule, problem.path, problem.hint) == (
        "schema-unknown-key",
        ("max_token",),
        "did you mean 'max_tokens'?",
    )


def test_a_missing_key_is_named_at_the_mapping_that_lacks_it():
    (problem,) = check(compiled({"properties": {"m": MODEL}}), {"m": {}})
    assert (problem.rule, problem.path) == ("schema-required", ("m",))
    assert "'name'" in problem.message
    assert problem.hint == "How routes call it."


def test_a_violation_says_what_was_expected_what_is_there_and_what_for():
    (problem,) = check(compiled(MODEL), {"name": "A b"})
    assert problem.message == "name: expected a text that matches '^[a-z-]+$', found \"A b\""
    assert problem.hint == "How routes call it."


@pytest.mark.parametrize(
    "secret",
    [
        "sk-abcdefgh",
        "AKIAABCDEFGHIJKLMNOP",
        "https://u:hunter2@host/",
        "Bearer abc",
        "a1" * 15,
        "x" * 80,
        "-----BEGIN KEY",
    ],
)
def test_a_value_that_may_be_a_secret_is_not_shown(secret):
    schema = compiled({"properties": {"a": {"anyOf": [{"type": "integer"}, {"const": "b"}]}, "b": {"enum": ["x"]}}})
    problems = check(schema, {"a": secret, "b": secret})
    assert len(problems) == 2
    assert all(secret not in problem.message + problem.hint for problem in problems)


def test_a_short_value_under_a_secret_name_is_not_shown():
    (problem,) = check(compiled({"properties": {"db_password": {"type": "integer"}}}), {"db_password": "hunter2"})
    assert "hunter2" not in problem.message


@pytest.mark.fault("J15")
def test_secrets_are_wanted_and_unwanted_where_the_schema_says():
    schema = compiled(MODEL)
    assert [p.rule for p in check(schema, {"name": "a", "api_key": "p" * 50})] == ["secret-expected"]
    assert [p.rule for p in check(schema, {"name": "a", "label": "Bearer {{secret:k}}"})] == ["secret-misplaced"]
    assert check(schema, {"name": "a", "api_key": "Bearer {{secret:k}}", "label": "x"}) == ()


def test_a_reference_is_a_text_of_unknown_content():
    schema = compiled(MODEL)
    assert check(schema, {"name": "{{secret:k}}", "api_key": "{{secret:k}}"}) == ()
    assert [p.path for p in check(schema, {"name": "a", "max_tokens": "{{secret:k}}"})] == [("max_tokens",)]


@pytest.mark.parametrize("assertion", [{"enum": ["a"]}, {"const": "a"}, {"format": "uri"}, {"maxLength": 2}, {"not": {"minLength": 3}},
                                       {"oneOf": [{"minLength": 1}, {"pattern": "x"}]},
                                       {"anyOf": [{"const": "a"}, {"type": "null"}]}])  # fmt: skip
def test_nothing_judges_the_text_of_a_reference(assertion):
    assert found({"properties": {"a": assertion}}, {"a": "{{secret:k}}"}) == []


def test_a_whole_reference_that_remains_may_stand_for_any_value():
    schema = {"properties": {"n": {"type": "integer"}, "m": MODEL, "s": {"type": "string", "x-llmcfg-secret": True}}}
    assert found(schema, {"n": "{{config:a.b}}", "m": "{{var:x}}", "s": "{{param:k}}"}) == []
    assert found(schema, {"n": "x {{config:a.b}}"}) == [("schema-violation", ("n",))]


def test_a_prompts_own_braces_are_no_reference():
    assert found({"properties": {"a": {"enum": ["x"]}}}, {"a": "{{ question }}"}) == [("schema-violation", ("a",))]


def test_alternatives_are_explained_by_the_likeliest():
    kinds = [
        {"properties": {"kind": {"const": kind}, "n": {"type": "integer"}}, "required": ["kind"]} for kind in ("a", "b")
    ]
    assert found({"oneOf": kinds}, {"kind": "b", "n": "x"}) == [("schema-violation", ("n",))]
    assert found({"oneOf": kinds}, {"kind": "b", "nn": 1}) == [("schema-unknown-key", ("nn",))]


def test_alternatives_of_other_kinds_are_listed():
    (problem,) = check(compiled({"anyOf": [{"type": "string"}, {"type": "array"}, {"const": 7}]}), 3)
    assert problem.message == "the document: expected string, list or 7, found 3"


def test_alternatives_that_want_keys_are_listed():
    (problem,) = check(compiled({"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}), {})
    assert (problem.rule, problem.message) == ("schema-required", "the document lacks one of the keys 'a' or 'b'")


def test_one_mistake_deep_inside_branches_is_told_once():
    schema = {"$ref": "#/$defs/e", "$defs": {"e": {"allOf": [{"properties": {"k": {"$ref": "#/$defs/e"}}}]}}}
    value = {"typo": 1}
    for _ in range(6):
        value = {"k": value}
    assert found(schema, value) == [("schema-unknown-key", ("k",) * 6 + ("typo",))]


def test_an_overlay_need_not_be_complete_but_has_no_unknown_keys():
    schema = {
        **MODEL,
        "minProperties": 2,
        "dependentRequired": {"label": ["api_key"]},
        "anyOf": [{"required": ["api_key"]}, {"required": ["label"]}],
    }
    assert found(schema, {"label": "x"}, partial=True) == []
    assert found(schema, {"lable": "x"}, partial=True) == [("schema-unknown-key", ("lable",))]
    assert found(schema, {"max_tokens": "x"}, partial=True) == [("schema-violation", ("max_tokens",))]


def test_an_overlay_may_leave_out_what_tells_alternatives_apart():
    kinds = [
        {"properties": {"kind": {"const": kind}, kind: {"type": "integer"}}, "required": ["kind"]}
        for kind in ("a", "b")
    ]
    assert found({"oneOf": kinds}, {"a": 1}, partial=True) == []
    condition = {"properties": {"kind": {"const": "a"}}, "required": ["kind"]}
    schema = {"properties": {"kind": True}, "if": condition, "then": {"required": ["x"], "properties": {"x": True}}}
    assert found(schema, {"kind": "a"}, partial=True) == []
    assert found(schema, {"x": 1}, partial=True) == []
    assert found(schema, {"y": 1}, partial=True) == [("schema-unknown-key", ("y",))]


@pytest.mark.fault("J10")
@pytest.mark.parametrize(
    ("schema", "value"),
    [({"type": "integer"}, True), ({"type": "number"}, "1"), ({"format": "email"}, "x"), ({"format": "duration"}, "x"),
     ({"format": "uri"}, "not a uri"), ({"uniqueItems": True}, [1, 2, 1]), ({"multipleOf": 3}, 4), ({"items": False}, [1]),
     ({"propertyNames": {"maxLength": 1}}, {"ab": 1}), ({"contains": {"const": 1}}, [2]), ({"not": {"const": 1}}, 1),
     ({"maximum": 1}, 2), ({"maxItems": 1}, [1, 2]), ({"minProperties": 1}, {}), (False, 1), ({"type": ["string", "null"]}, 1),
     ({"unevaluatedItems": False, "prefixItems": [True]}, [1, 2]), ({"oneOf": [True, True]}, 1), ({"enum": []}, 1)],
)  # fmt: skip
def test_every_kind_of_violation_has_a_message(schema, value):
    (problem,) = check(compiled(schema), value)
    assert problem.rule == "schema-violation"
    assert "breaks" not in problem.message


@pytest.mark.fault("J07")
def test_whole_numbers_are_integers_however_they_are_written():
    assert found({"type": "integer"}, 1.0) == []


@pytest.mark.fault("J08", "J09")
def test_many_items_are_compared_and_deep_values_are_refused_without_harm():
    items = [{"name": str(number), "more": {"n": number}} for number in range(3000)]
    assert found({"uniqueItems": True}, items) == []
    assert found({"uniqueItems": True}, [*items, items[7]]) == [("schema-violation", ())]
    deep = {}
    for _ in range(900):
        deep = {"a": deep}
    assert found({"type": "object"}, deep) == [("schema-limit", ())]


def test_merge_rules_are_found_through_every_kind_of_place():
    item = {"type": "object", "properties": {"tags": {"x-llmcfg-merge": "unique"}}}
    schema = compiled(
        {
            "properties": {"list": {"x-llmcfg-merge": {"by": "name"}, "items": {"$ref": "#/$defs/item"}}},
            "patternProperties": {"^p_": {"x-llmcfg-merge": "append"}},
            "additionalProperties": {"$ref": "#/$defs/whole"},
            "allOf": [{"properties": {"r": {"x-llmcfg-merge": "replace"}}}],
            "$defs": {"item": item, "whole": {"anyOf": [{"type": "null"}, {"x-llmcfg-merge": "replace"}]}},
        }
    )
    assert schema.has_merge_rules
    assert merge_rule_at(schema, ("list",)) == MergeRule("by", "name")
    assert merge_rule_at(schema, ("list", 3, "tags")) == MergeRule("unique")
    assert merge_rule_at(schema, ("p_x",)) == MergeRule("append")
    assert merge_rule_at(schema, ("r",)) == MergeRule("replace")
    assert merge_rule_at(schema, ("other",)) == MergeRule("replace")
    assert merge_rule_at(schema, ("list", 3)) is None
    assert merge_rule_at(schema, ()) is None


def test_a_schema_without_merge_rules_says_so():
    schema = compiled(MODEL)
    assert not schema.has_merge_rules
    assert merge_rule_at(schema, ("name",)) is None
