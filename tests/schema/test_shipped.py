"""The schemas that are shipped: of the manifest, consumers and documents."""

import json

import pytest

from llmcfg.pipeline.recordschemas import DOCUMENTS
from llmcfg.pipeline.schema.check import check
from llmcfg.pipeline.schema.compiled import CompiledSchema
from llmcfg.pipeline.schema.compiling import compile_text, shipped_schema
from llmcfg.pipeline.schema.keywords import walk
from llmcfg.resources import data_folder

NAMES = ["manifest", "consumer", "document", "rotations", *DOCUMENTS]


def shipped(name: str) -> CompiledSchema:
    compiled = compile_text((data_folder("schemas") / f"{name}.schema.json").read_bytes())
    assert isinstance(compiled, CompiledSchema), compiled
    return compiled


@pytest.mark.parametrize("path", sorted(data_folder("schemas").glob("*.schema.json")), ids=lambda path: path.name)
def test_every_schema_is_sound_and_so_need_not_be_looked_through_when_it_is_used(path):
    looked_through = compile_text(path.read_bytes())
    assert isinstance(looked_through, CompiledSchema), looked_through
    assert looked_through.warnings == ()
    assert shipped_schema(path.name).digest == looked_through.digest


@pytest.mark.parametrize("name", NAMES)
def test_every_property_is_described(name):
    schema = json.loads((data_folder("schemas") / f"{name}.schema.json").read_bytes())
    undescribed = [
        (path, key)
        for path, part in walk(schema)
        if isinstance(part, dict)
        for key, inner in part.get("properties", {}).items()
        if not inner.get("description")
    ]
    assert undescribed == []


MANIFEST = {
    "apiVersion": "llmcfg.dev/v1",
    "kind": "Repository",
    "name": "meridian",
    "variables": {"company": "Meridian"},
    "environments": {
        "dev": {},
        "prod": {
            "protected": True,
            "track": {"branch": "main"},
            "variables": {"region": "us-east-1"},
            "description": "x",
        },
        "edge": {"inherits": "prod"},
    },
    "tenants": {
        "meridian": {"region": "us"},
        "meridian-retail": {"parent": "meridian", "quota": {"keys": 5000, "bytes": 1000000, "secrets": 50}},
        "northlane": {"region": "eu", "recipients": ["age1qqqq"], "variables": {"cost_center": "4711"}},
    },
    "hierarchy": ["base", "environments/{environment}", "regions/{region}"],
    "schemas": [{"documents": "llm_providers/*", "schema": "schemas/llm-provider.json"}],
    "sinks": [{"directory": {"path": "delivered/{environment}", "keep": 3}}],
}
CONSUMER = {
    "apiVersion": "llmcfg.dev/v1",
    "kind": "Consumer",
    "description": "x",
    "environments": ["dev", "prod"],
    "tenants": "*",
    "shared": True,
    "select": ["llm_providers", "routing", "services.api-gateway"],
    "schema": "schemas/api-gateway.json",
    "outputs": [
        {"path": "config.yaml", "template": "templates/litellm.yaml.j2"},
        {"path": "api.env", "template": "templates/env.j2", "format": "env"},
    ],
    "recipients": ["age1qqqq"],
    "sinks": [{"directory": {"path": "x"}}],
}


def test_a_full_manifest_passes():
    assert check(shipped("manifest"), MANIFEST) == ()


def test_a_full_consumer_passes():
    assert check(shipped("consumer"), CONSUMER) == ()
    assert check(shipped("consumer"), {**CONSUMER, "tenants": ["meridian"]}) == ()


@pytest.mark.parametrize(
    ("change", "rule", "path"),
    [
        ({"enviroments": {}}, "schema-unknown-key", ("enviroments",)),
        ({"kind": "Consumer"}, "schema-violation", ("kind",)),
        ({"environments": {}}, "schema-violation", ("environments",)),
        ({"environments": {"dev": {"inherit": "x"}}}, "schema-unknown-key", ("environments", "dev", "inherit")),
        ({"environments": {"dev": {"track": {"branch": "a", "tag": "b"}}}}, "schema-violation", ("environments", "dev", "track")),
        ({"hierarchy": ["../x"]}, "schema-violation", ("hierarchy", 0)),
        ({"sinks": [{"directory": {}}]}, "schema-required", ("sinks", 0, "directory")),
        ({"variables": {"a": [1]}}, "schema-violation", ("variables", "a")),
    ],
)  # fmt: skip
def test_a_mistake_in_the_manifest_is_found_at_its_path(change, rule, path):
    assert [(problem.rule, problem.path) for problem in check(shipped("manifest"), {**MANIFEST, **change})] == [
        (rule, path)
    ]


@pytest.mark.parametrize("path", ["../up", "/abs", "a//b", ".hidden", "a/../b"])
def test_an_output_cannot_leave_its_bundle(path):
    changed = {**CONSUMER, "outputs": [{"path": path, "template": "templates/a.j2"}]}
    assert [problem.path for problem in check(shipped("consumer"), changed)] == [("outputs", 0, "path")]


def test_a_wrong_tenants_value_says_what_both_alternatives_want():
    (problem,) = check(shipped("consumer"), {**CONSUMER, "tenants": 3})
    assert problem.path == ("tenants",)
    assert "list" in problem.message


def test_a_document_takes_patterns_at_any_depth_and_refuses_reserved_keys():
    schema = shipped("document")
    assert check(schema, {"a": {"$extends": ["x.y"], "$with": {"rpm": 3}, "b": [{"c": None}]}}) == ()
    assert check(schema, {"a": {"$extends": 3}}) != ()
    assert check(schema, {"$secret": "x"}) != ()
