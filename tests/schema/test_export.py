"""Schemas for editors: draft-07, as strict as draft-07 can be and never stricter than llmcfg."""

import json

import jsonschema_rs
import pytest

from llmcfg.model.manifest import Environment, Manifest, SchemaBinding
from llmcfg.pipeline.schema.export import export_schemas

PROVIDER = {
    "title": "a provider",
    "type": "object",
    "required": ["base_url", "models"],
    "properties": {
        "base_url": {"type": "string", "format": "uri", "description": "Where it answers."},
        "api_key": {"type": "string", "x-llmcfg-secret": True},
        "tier": {"enum": ["gold", "silver"]},
        "models": {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/model"}},
        "pair": {"prefixItems": [{"type": "integer"}], "items": False},
        "limit": {"oneOf": [{"type": "integer"}, {"$ref": "#/$defs/window"}]},
    },
    "dependentRequired": {"pair": ["tier"]},
    "$defs": {
        "model": {
            "allOf": [{"$ref": "#/$defs/named"}],
            "properties": {"max_tokens": {"type": "integer", "minimum": 1}},
            "required": ["max_tokens"],
        },
        "named": {"properties": {"label": {"type": "string"}}},
        "window": {"type": "object", "properties": {"seconds": {"type": "integer"}}},
    },
}
MANIFEST = Manifest(
    name="x",
    environments={"dev": Environment("dev")},
    tenants={},
    hierarchy=("base", "environments/{environment}", "tenants/{tenant}", "tenants/{tenant}/environments/{environment}"),
    schemas=(SchemaBinding("llm_providers/*", "schemas/provider.json"), SchemaBinding("broken", "schemas/broken.json"),
             SchemaBinding("gone", "schemas/gone.json"), SchemaBinding("prompts/*", "schemas/provider.json")),
)  # fmt: skip


@pytest.fixture(scope="module")
def exported():
    files = {"schemas/provider.json": json.dumps(PROVIDER).encode(), "schemas/broken.json": b'{"type": 1}'}
    return {path: json.loads(content) for path, content in export_schemas(MANIFEST, files).items()}


def accepts(schema, value) -> bool:
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True, offline=True).is_valid(value)


def schemas(exported):
    return {path: content for path, content in exported.items() if path != ".vscode/settings.json"}


def test_every_exported_schema_is_valid_draft_07(exported):
    assert len(schemas(exported)) == 4
    for schema in schemas(exported).values():
        assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
        jsonschema_rs.meta.validate(schema)


FULL = {"base_url": "https://a.example/v1", "models": {"m": {"max_tokens": 1, "label": "x"}}}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"api_key": "{{secret:k}}", "tier": "gold"},
        {"tier": "{{var:tier}}", "base_url": "{{config:a.b}}"},
        {"models": {"m": {"max_tokens": "{{config:limits.tokens}}"}}},
        {"models": {"m": {"$extends": "patterns.chat", "$with": {"rpm": 1}}}},
        {"limit": {"seconds": 3}},
        {"limit": "{{var:limit}}"},
        {"tier": "gold", "pair": [1]},
    ],
)
def test_what_llmcfg_takes_passes_in_base(exported, change):
    assert accepts(exported[".vscode/llmcfg/base/provider.json"], FULL | change)


@pytest.mark.parametrize(
    "change",
    [
        {"base_ulr": "x"},
        {"models": {"m": {"max_token": 1}}},
        {"models": {"m": {"max_tokens": 1, "lable": "x"}}},
        {"models": {"m": {}}},
        {"models": {"m": {"max_tokens": "many"}}},
        {"api_key": "plain"},
        {"tier": "bronze"},
        {"limit": {"second": 3}},
        {"tier": "gold", "pair": [1, 2]},
        {"pair": [1]},
    ],
)
def test_mistakes_are_flagged_in_base(exported, change):
    assert not accepts(exported[".vscode/llmcfg/base/provider.json"], FULL | change)


def test_an_overlay_may_be_partial_and_has_no_typos(exported):
    overlay = exported[".vscode/llmcfg/overlay/provider.json"]
    assert accepts(overlay, {"models": {"m": {"label": "x"}}})
    assert not accepts(overlay, {"models": {"m": {"lable": "x"}}})
    assert not accepts(overlay, {"modles": {}})
    assert not accepts(overlay, {"models": {"m": {"max_tokens": "x"}}})
    assert not accepts(exported[".vscode/llmcfg/base/provider.json"], {"tier": "gold"})


@pytest.mark.parametrize("key", ["base_url", "api_key", "tier", "models", "pair", "limit"])
def test_an_overlay_may_delete_what_an_editor_then_reads_as_empty(exported, key):
    assert accepts(exported[".vscode/llmcfg/overlay/provider.json"], {key: ""})
    assert not accepts(exported[".vscode/llmcfg/base/provider.json"], FULL | {key: ""})


def test_the_manifest_and_consumers_are_checked(exported):
    manifest = {"apiVersion": "llmcfg.dev/v1", "kind": "Repository", "name": "x", "environments": {"dev": {}}}
    assert accepts(exported[".vscode/llmcfg/manifest.json"], manifest)
    assert not accepts(exported[".vscode/llmcfg/manifest.json"], {**manifest, "tenant": {}})
    consumer = {"apiVersion": "llmcfg.dev/v1", "kind": "Consumer", "select": ["."]}
    assert accepts(exported[".vscode/llmcfg/consumer.json"], consumer)
    assert not accepts(exported[".vscode/llmcfg/consumer.json"], {**consumer, "selects": []})


def test_settings_bind_files_to_schemas_and_know_the_merge_tags(exported):
    settings = exported[".vscode/settings.json"]
    assert settings["yaml.customTags"] == [
        "!append sequence",
        "!prepend sequence",
        "!delete scalar",
        "!replace mapping",
        "!replace sequence",
        "!replace scalar",
    ]
    bound = settings["yaml.schemas"]
    assert {path.removeprefix("./") for path in bound} == set(schemas(exported))
    assert "llmcfg.yaml" in bound["./.vscode/llmcfg/manifest.json"]
    base = bound["./.vscode/llmcfg/base/provider.json"]
    assert {"base/llm_providers/*.yaml", "base/llm_providers/**/*.yaml", "prompts/*.yaml"} <= set(base)
    overlay = bound["./.vscode/llmcfg/overlay/provider.json"]
    assert {"environments/*/llm_providers/*.yaml", "tenants/*/environments/*/prompts/*.yaml"} <= set(overlay)
    assert not any(glob.startswith("base") for glob in overlay)


def test_the_same_input_gives_the_same_bytes():
    files = {"schemas/provider.json": json.dumps(PROVIDER).encode()}
    first = export_schemas(MANIFEST, files)
    assert dict(export_schemas(MANIFEST, files)) == dict(first)
    assert list(first) == sorted(first)


def test_schemas_of_records_are_exported_where_there_are_some_that_the_manifest_binds_no_schema_to():
    exported = export_schemas(MANIFEST, {}, ["models/chat", "prompts/a", "llm_providers/a", "other"])
    assert {path for path in exported if "records" in path} == {
        ".vscode/llmcfg/base/records/model.json",
        ".vscode/llmcfg/overlay/records/model.json",
    }
    schema = json.loads(exported[".vscode/llmcfg/base/records/model.json"])
    assert accepts(schema, {"chat": {"provider": "a", "limits": {"context": 8000}}})
    assert not accepts(schema, {"chat": {"provider": "a", "limits": {"context": "much"}}})
    bound = json.loads(exported[".vscode/settings.json"])["yaml.schemas"]
    assert "base/models/**/*.yaml" in bound["./.vscode/llmcfg/base/records/model.json"]
