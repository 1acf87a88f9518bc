"""Schemas are closed unless they say otherwise: laws over generated schemas, however their properties are spread over branches."""

import copy
import json

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.pipeline.schema.check import check
from llmcfg.pipeline.schema.compiled import CompiledSchema
from llmcfg.pipeline.schema.compiling import compile_text

KEYS = ("a", "b", "c")
STRANGE = "strange"


def compiled(schema) -> CompiledSchema:
    result = compile_text(json.dumps(schema).encode())
    assert isinstance(result, CompiledSchema), result
    return result


# A shape is "leaf" or a mapping of names to shapes; `written` spreads it over a schema in one of the ways people do.
shapes = st.recursive(
    st.just("leaf"),
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, min_size=1, max_size=3),
    max_leaves=8,
).filter(lambda shape: isinstance(shape, dict))


def written(draw, shape, definitions):
    if shape == "leaf":
        return {"type": "integer"}
    properties = {key: written(draw, inner, definitions) for key, inner in shape.items()}
    first, *rest = properties.items()
    way = draw(st.sampled_from(["plain", "allOf", "beside", "ref", "anyOf", "if", "dependent"]))
    if way == "plain":
        return {"type": "object", "properties": properties}
    if way == "allOf":
        return {"allOf": [{"properties": dict([first])}, {"properties": dict(rest)}]}
    if way == "beside":
        return {"properties": dict([first]), "allOf": [{"properties": dict(rest)}]}
    if way == "anyOf":
        return {"anyOf": [{"type": "string"}, {"type": "object", "properties": properties}]}
    if way == "if":
        return {"if": {"type": "object"}, "then": {"properties": properties}, "else": False}
    if way == "dependent":
        return {"properties": dict([first]), "dependentSchemas": {first[0]: {"properties": properties}}}
    name = f"d{len(definitions)}"
    definitions[name] = {"properties": properties}
    return {"description": "by reference", "$ref": f"#/$defs/{name}"}


@st.composite
def schemas_with_values(draw):
    shape = draw(shapes)
    definitions = {}
    schema = written(draw, shape, definitions)
    return {**schema, "$defs": definitions}, _value(shape)


def _value(shape):
    return 1 if shape == "leaf" else {key: _value(inner) for key, inner in shape.items()}


def _mappings(value, at=()):
    if isinstance(value, dict):
        yield at
        for key, inner in value.items():
            yield from _mappings(inner, (*at, key))


def _with_key(value, at, key):
    changed = copy.deepcopy(value)
    here = changed
    for step in at:
        here = here[step]
    here[key] = 1
    return changed


@given(schemas_with_values())
def test_what_the_schema_knows_passes(case):
    schema, value = case
    assert check(compiled(schema), value) == ()


@given(schemas_with_values(), st.data())
def test_one_unknown_key_anywhere_is_the_one_problem(case, data):
    schema, value = case
    at = data.draw(st.sampled_from(list(_mappings(value))))
    problems = check(compiled(schema), _with_key(value, at, STRANGE))
    assert [(problem.rule, problem.path) for problem in problems] == [("schema-unknown-key", (*at, STRANGE))]


@given(schemas_with_values(), st.data())
def test_an_overlay_is_closed_in_the_same_way(case, data):
    schema, value = case
    at = data.draw(st.sampled_from(list(_mappings(value))))
    problems = check(compiled(schema), _with_key(value, at, STRANGE), partial=True)
    assert ("schema-unknown-key", (*at, STRANGE)) in [(problem.rule, problem.path) for problem in problems]
    assert check(compiled(schema), value, partial=True) == ()


def _opened(schema, way):
    """The schema with a word about other properties at every place."""
    if not isinstance(schema, dict):
        return schema
    result = {
        key: inner if key in ("type", "description", "$ref", "required") else _opened_part(inner, way)
        for key, inner in schema.items()
    }
    return {**result, **way} if "properties" in schema or "$ref" in schema else result


def _opened_part(part, way):
    if isinstance(part, list):
        return [_opened(item, way) for item in part]
    if isinstance(part, dict) and not {"type", "properties", "allOf", "anyOf", "if", "$ref"} & part.keys():
        return {name: _opened(item, way) for name, item in part.items()}
    return _opened(part, way)


@given(
    schemas_with_values(), st.data(), st.sampled_from([{"additionalProperties": True}, {"unevaluatedProperties": True}])
)
def test_a_schema_that_says_otherwise_is_not_closed(case, data, way):
    schema, value = case
    at = data.draw(st.sampled_from(list(_mappings(value))))
    assert check(compiled(_opened(schema, way)), _with_key(value, at, STRANGE)) == ()


any_schema = st.recursive(
    st.sampled_from([True, {"type": "integer"}, {"type": "object"}, {"required": ["a"]}, {"const": 1}]),
    lambda inner: st.one_of(
        st.builds(lambda p: {"properties": p}, st.dictionaries(st.sampled_from(KEYS), inner, max_size=2)),
        st.builds(lambda k, items: {k: items}, st.sampled_from(["allOf", "anyOf"]), st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda k, one: {k: one}, st.sampled_from(["not", "items", "additionalProperties", "contains"]), inner),
        st.builds(lambda a, b, c: {"if": a, "then": b, "else": c}, inner, inner, inner),
        st.builds(
            lambda p, a: {"properties": p, "allOf": a},
            st.dictionaries(st.sampled_from(KEYS), inner),
            st.lists(inner, min_size=1, max_size=2),
        ),
    ),
    max_leaves=6,
)  # fmt: skip
any_value = st.recursive(
    st.sampled_from([1, "x", None]),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from((*KEYS, STRANGE)), inner, max_size=3), st.lists(inner, max_size=2)
    ),
    max_leaves=6,
)


@settings(max_examples=300)
@given(any_schema, any_value)
def test_closing_refuses_more_and_never_less(schema, value):
    if check(compiled(schema), value) == ():
        assert jsonschema_rs.is_valid(schema, value)


@settings(max_examples=300)
@given(any_schema, any_value)
def test_what_closing_adds_is_about_unknown_keys(schema, value):
    """Without keys that no schema names, a closed schema gives the verdict of the schema as written."""
    if jsonschema_rs.is_valid(schema, value):
        problems = check(compiled(schema), value)
        assert problems == () or any(problem.rule == "schema-unknown-key" for problem in problems)


def test_a_branch_is_never_closed_by_itself():
    schema = {"properties": {"a": True}, "allOf": [{"properties": {"b": True}}], "anyOf": [{"properties": {"c": True}}]}
    assert check(compiled(schema), {"a": 1, "b": 1, "c": 1}) == ()


def test_what_not_and_if_mean_is_not_changed():
    inner = {"properties": {"a": {"properties": {"x": True}, "required": ["x"]}}, "required": ["a"]}
    assert check(compiled({"not": inner}), {"a": {"x": 1, "y": 1}}) != ()
    conditional = {
        "type": "object",
        "properties": {"a": {"type": "object", "additionalProperties": True}},
        "if": inner,
        "then": False,
    }
    assert check(compiled(conditional), {"a": {"x": 1, "y": 1}}) != ()


def test_a_mapping_without_named_properties_stays_open():
    assert check(compiled({"type": "object"}), {"any": 1}) == ()
    assert check(compiled({"patternProperties": {"^a": True}}), {"b": 1}) == ()
