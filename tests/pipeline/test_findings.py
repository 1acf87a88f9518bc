"""Findings of a whole repository: where each points, whom it reaches, and what is left unsaid because something else explains it."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from llmcfg.model.target import Scope, Target
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate_configuration
from support.looked_at import effective, findings, only, said
from support.sealed import sealed, sealed_whole
from support.written import CONSUMER, MANIFEST, WrittenSnapshot, opened

TENANTS = MANIFEST + "tenants: {acme: {}, beta: {}}\n"


def bound(schema, documents="a"):
    """A manifest that binds the schema, and the schema."""
    return {
        "llmcfg.yaml": TENANTS + f'schemas: [{{documents: "{documents}", schema: schemas/a.json}}]\n',
        "schemas/a.json": json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}),
    }


def short(found):
    return [(finding.rule_id, str(finding.origin), finding.reach) for finding in found]


# places


def test_a_violation_is_said_in_the_layer_that_set_the_value_with_its_reach():
    files = {
        **bound({"properties": {"rpm": {"type": "integer"}, "tpm": {"type": "integer"}}}),
        "base/a.yaml": "rpm: 1\ntpm: 1\n",
        "environments/prod/a.yaml": "rpm: none\n",
        "tenants/acme/a.yaml": "tpm: none\n",
    }
    assert short(findings(files)) == [
        ("schema-violation", "environments/prod/a.yaml:1:1", ("prod", "prod/acme", "prod/beta")),
        ("schema-violation", "tenants/acme/a.yaml:1:1", ("dev/acme", "prod/acme")),
    ]


def test_a_value_that_a_higher_layer_mends_is_said_only_where_it_stands():
    files = {
        **bound({"properties": {"rpm": {"type": "integer"}}}),
        "base/a.yaml": "rpm: none\n",
        "environments/prod/a.yaml": "rpm: 1\n",
    }
    assert short(findings(files)) == [("schema-violation", "base/a.yaml:1:1", ("dev", "dev/acme", "dev/beta"))]


@pytest.mark.parametrize(
    ("overlay", "origin"),
    [
        ("l: !append [bad]\n", "environments/prod/a.yaml:1:13"),
        ("l: !prepend [u, bad]\n", "environments/prod/a.yaml:1:17"),
        ("l: [u, bad, v]\n", "environments/prod/a.yaml:1:8"),
        ("l: !replace [bad]\n", "environments/prod/a.yaml:1:14"),
    ],
)
def test_items_of_lists_that_layers_add_to_are_found_in_their_own_layer(overlay, origin):
    files = {
        **bound({"properties": {"l": {"items": {"enum": ["u", "v"]}}, "k": True}}),
        "base/a.yaml": "l: [u, v]\n",
        "environments/prod/a.yaml": overlay,
    }
    (finding,) = findings(files)
    assert (finding.rule_id, str(finding.origin)) == ("schema-violation", origin)


@pytest.mark.parametrize("rule", ["append", "unique"])
def test_items_of_a_list_that_the_schema_extends_are_found(rule):
    files = {
        **bound({"properties": {"l": {"x-llmcfg-merge": rule, "items": {"enum": ["u", "v"]}}}}),
        "base/a.yaml": "l: [u]\n",
        "environments/prod/a.yaml": "l: [v, bad]\n",
    }
    assert effective(files, "prod")["a"]["l"] == ["u", "v", "bad"]
    (finding,) = findings(files)
    assert finding.origin.file == "environments/prod/a.yaml"
    assert finding.origin.line == 1


@pytest.mark.fault("Y23")
def test_a_change_of_kind_is_said_in_the_overlay_that_makes_it():
    files = {
        "base/a.yaml": "x: {k: 1}\ny1: 1\n",
        "environments/prod/a.yaml": "y1: 2\nx: [1]\n",
        "tenants/acme/a.yaml": "y1: 3\n",
    }
    found = findings({**files, "llmcfg.yaml": TENANTS})
    assert short(found) == [("merge-kind", "environments/prod/a.yaml:2:1", ("prod", "prod/acme", "prod/beta"))]


@pytest.mark.fault("Y23")
def test_a_tag_that_finds_nothing_is_said_in_its_overlay():
    files = {
        "base/a.yaml": "m: {timeout: 1}\n",
        "environments/prod/a.yaml": "m: {timeuot: !delete }\nl: !append [1]\n",
    }
    assert short(findings(files)) == [
        ("merge-delete-missing", "environments/prod/a.yaml:1:5", ("prod",)),
        ("merge-append-missing", "environments/prod/a.yaml:2:1", ("prod",)),
    ]


def test_a_delete_of_a_mistyped_key_gets_a_hint():
    files = {"base/a.yaml": "m: {timeout: 1}\n", "environments/prod/a.yaml": "m: {timeuot: !delete }\n"}
    assert only(files).hint == "did you mean 'timeout'?"


# idle overlays


@pytest.mark.fault("Y23")
def test_an_overlay_that_repeats_what_lies_beneath_is_said_once_at_the_top():
    files = {"base/a.yaml": "m: {x: 1, k: {z: 2}}\n", "environments/prod/a.yaml": "m: {k: {z: 2}, x: 5}\n"}
    assert said(files) == ["overlay-no-effect environments/prod/a.yaml:1:5"]


def test_an_overlay_is_idle_only_if_it_is_so_in_every_scope():
    files = {
        "llmcfg.yaml": TENANTS,
        "base/a.yaml": "x: 1\n",
        "environments/prod/a.yaml": "x: 2\n",
        "tenants/acme/a.yaml": "x: 2\n",
    }
    assert said(files) == []


def test_an_overlay_that_is_all_there_is_in_some_scope_is_not_idle():
    files = {"llmcfg.yaml": TENANTS, "environments/prod/a.yaml": "x: 2\n", "tenants/acme/a.yaml": "x: 2\n"}
    assert said(files) == []


def test_an_overlay_that_is_idle_at_different_heights_is_said_where_they_meet():
    files = {
        "llmcfg.yaml": TENANTS,
        "base/a.yaml": "m: {x: 1, k: 1}\n",
        "environments/prod/a.yaml": "m: {k: 2}\n",
        "tenants/acme/a.yaml": "m: {x: 1, k: 2}\n",
    }
    assert said(files) == ["overlay-no-effect tenants/acme/a.yaml:1:5"]


def test_an_idle_overlay_is_not_judged_by_some_targets_only():
    files = {"base/a.yaml": "x: 1\n", "environments/prod/a.yaml": "x: 1\n", "consumers/api.yaml": CONSUMER}
    configuration = opened(files)
    assert validate_configuration(configuration, [Target("prod", None, "api")]) == ()
    assert [finding.rule_id for finding in validate_configuration(configuration)] == ["overlay-no-effect"]


def test_an_overlay_of_a_mistyped_name_is_said():
    files = {"base/llm_providers/openai.yaml": "x: 1\n", "environments/prod/llm_providers/opanai.yaml": "x: 2\n"}
    finding = only(files)
    assert (finding.rule_id, finding.hint) == ("overlay-orphan", "did you mean 'llm_providers/openai'?")


def test_two_documents_that_define_one_key_are_said():
    files = {"base/a.yaml": "b: {x: 1}\nc: 1\n", "base/a/b.yaml": "z: 1\n"}
    assert said(files) == ["document-overlap base/a.yaml:1:1"]


# what cannot be read


def test_nothing_else_is_said_about_a_document_that_cannot_be_read():
    files = {
        **bound({"required": ["x"], "properties": {"x": {"type": "integer"}, "k": True}}),
        "base/a.yaml": "x: no\nk: {\n",
        "base/b.yaml": "x: '{{config:a.x}}'\ny1: '{{config:a.k.z}}'\nm: {$extends: a.k}\n",
        "environments/prod/a.yaml": "x: text\n",
        "consumers/api.yaml": CONSUMER.replace("[.]", "[a.x, b]") + "outputs: [{path: x, template: templates/t.j2}]\n",
        "templates/t.j2": "{{ config.a.x }}\n",
    }
    assert {finding.origin.file for finding in findings(files)} == {"base/a.yaml"}


def test_an_overlay_that_cannot_be_read_hides_only_what_it_overrides():
    files = {
        "base/a.yaml": "x: 1\n",
        "base/b.yaml": "k: '{{config:a.k}}'\n",
        "environments/prod/a.yaml": "k: [\n",
    }
    found = findings(files)
    assert [(finding.rule_id, finding.origin.file) for finding in found] == [
        ("reference-missing", "base/b.yaml"),
        ("yaml-syntax", "environments/prod/a.yaml"),
    ]
    assert found[0].reach == ("dev",)


def test_secrets_in_a_file_that_cannot_be_read_are_not_missing():
    files = {
        "base/a.yaml": "x: '{{secret:one}}'\n",
        "base/secrets/keys.yaml": "one: [\n",
        "base/secrets/more.yaml": sealed("other: x\n"),
    }
    assert [finding.rule_id for finding in findings(files)] == ["yaml-syntax"]


def test_what_a_broken_pattern_would_have_given_is_not_required():
    files = {
        **bound({"required": ["m"], "properties": {"m": {"required": ["rpm"], "properties": {"rpm": {}, "k": {}}}}}),
        "base/a.yaml": "m: {$extends: p.nope, k: 1}\n",
        "base/p.yaml": "one: {rpm: 1}\n",
    }
    assert [finding.rule_id for finding in findings(files)] == ["extends-missing"]


# secrets


def secrets(text):
    return {"base/a.yaml": "x: '{{secret:one}}'\n", "base/secrets/keys.yaml": dedent(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (sealed("one: x\n"), []),
        (sealed("one: ''\n"), ["secret-unset base/secrets/keys.yaml:1:1"]),
        ("one: ''\n", ["secret-unset base/secrets/keys.yaml:1:1"]),
        (f"two: plain\n{sealed('one: x')}", ["secret-clear base/secrets/keys.yaml:1:6"]),
        ("one: ENC[x]\n", ["secret-file base/secrets/keys.yaml"]),
        ("one: plain\n", ["secret-file base/secrets/keys.yaml", "secret-file base/secrets/keys.yaml:1:1"]),
        (sealed("two: x\n"), ["secret-missing base/a.yaml:1:5"]),
        ("- ENC[x]\n", ["yaml-root base/secrets/keys.yaml:1:1"]),
    ],
    ids=["sealed", "unset", "unset-plain", "clear", "no-metadata", "plain", "other-name", "list"],
)
def test_a_secret_file_is_judged_without_any_key(text, expected):
    assert said(secrets(text)) == expected


def test_a_secret_that_is_named_twice_in_a_layer_is_said():
    files = {**secrets(sealed("one: x\n")), "base/secrets/more.yaml": sealed("two: x\none: x\n")}
    assert said(files) == ["secret-duplicate base/secrets/more.yaml:2:1"]


def test_a_higher_layer_may_name_a_secret_again():
    files = {**secrets(sealed("one: x\n")), "environments/prod/secrets/keys.yaml": sealed("one: y\n")}
    assert said(files) == []
    configuration = opened(files)
    fingerprints = {
        scope: configuration.effective(Scope(scope)).secrets["one"].secret.fingerprint for scope in ("dev", "prod")
    }
    assert fingerprints["dev"] != fingerprints["prod"]


def test_a_secret_of_prod_is_missing_in_dev():
    files = {"base/a.yaml": "x: '{{secret:one}}'\n", "environments/prod/secrets/keys.yaml": sealed("one: y\n")}
    assert short(findings(files)) == [("secret-missing", "base/a.yaml:1:5", ("dev",))]


def test_a_binary_secret_is_named_by_its_file():
    files = {"base/a.yaml": "x: '{{secret:cert}}'\n", "base/secrets/tls/cert.age": sealed_whole(b"cert")}
    assert said(files) == []
    assert said({**files, "base/secrets/tls/cert.age": b"plain"}) == ["secret-file base/secrets/tls/cert.age"]


@pytest.mark.fault("Y22")
@pytest.mark.parametrize(
    "path", ["base/a.yaml", "llmcfg.yaml", "consumers/api.yaml", "templates/t.j2", "prompts/p.yaml"]
)
def test_a_key_in_plain_text_is_said_anywhere_and_never_echoed(path):
    key = "sk-ant-" + "a1B2" * 10
    line = f"# é {key}\n"
    files = {"llmcfg.yaml": MANIFEST, "consumers/api.yaml": CONSUMER, "templates/t.j2": "", "base/a.yaml": "x: 1\n"}
    before = files.get(path, "x: 1\n")
    finding = only({**files, path: before.lstrip("\n") + line})
    assert finding.rule_id == "secret-plaintext"
    assert finding.origin.file == path
    assert finding.origin.column == 5
    assert key not in finding.message + finding.hint


# consumers, schemas, quotas


def test_a_selected_key_that_some_targets_lack_is_said_with_them():
    files = {
        "environments/prod/a.yaml": "x: 1\n",
        "base/b.yaml": "x: 1\n",
        "consumers/api.yaml": CONSUMER.replace("[.]", "[b, a.x]"),
    }
    assert short(findings(files)) == [("consumer-unknown-name", "consumers/api.yaml:3:13", ("dev/_shared/api",))]


def test_what_breaks_a_consumers_schema_is_said_where_it_stands():
    files = {
        "base/a.yaml": "x: 1\nz: 1\n",
        "environments/prod/a.yaml": "x: text\n",
        "consumers/api.yaml": CONSUMER + "schema: schemas/api.json\n",
        "schemas/api.json": json.dumps({"properties": {"a": {"properties": {"x": {"type": "integer"}, "z": {}}}}}),
    }
    assert short(findings(files)) == [("schema-violation", "environments/prod/a.yaml:1:1", ("prod/_shared/api",))]


def test_a_document_that_a_consumers_schema_requires_is_said_at_its_select():
    files = {
        "base/a.yaml": "x: 1\n",
        "consumers/api.yaml": CONSUMER + "schema: schemas/api.json\n",
        "schemas/api.json": json.dumps({"required": ["b"], "properties": {"a": {}, "b": {}}}),
    }
    assert short(findings(files)) == [
        ("schema-required", "consumers/api.yaml:3:1", ("dev/_shared/api", "prod/_shared/api"))
    ]


@pytest.mark.fault("J14")
def test_schemas_that_are_missing_broken_or_unused_are_said():
    files = {
        "llmcfg.yaml": TENANTS
        + "schemas: [{documents: a, schema: schemas/no.json}, {documents: nobody/*, schema: schemas/b.json}]\n",
        "base/a.yaml": "x: 1\n",
        "schemas/b.json": "{}",
        "schemas/c.json": "{}",
        "schemas/d.json": "{",
    }
    found = said(files)
    assert "schema-missing llmcfg.yaml:6:26" in found
    assert "schema-unused llmcfg.yaml:6:53" in found
    assert "schema-unused schemas/c.json" in found
    assert any(text.startswith("schema-invalid schemas/d.json") for text in found)


@pytest.mark.parametrize(
    ("quota", "message"),
    [
        ("keys: 4", "has 5 keys"),
        ("bytes: 40", "has 41 bytes"),
        ("secrets: 1", "has 2 secrets"),
        ("keys: 5, bytes: 41, secrets: 2", ""),
    ],
)
def test_a_tenant_is_held_to_its_quota(quota, message):
    files = {
        "llmcfg.yaml": MANIFEST + f"tenants: {{acme: {{quota: {{{quota}}}}}, beta: {{}}}}\n",
        "tenants/acme/a.yaml": "x: 1\nl: [1, 2]\n",
        "tenants/acme/environments/prod/a.yaml": "m: !replace {k: 1, j: {}}\n",
        "tenants/acme/secrets/keys.yaml": sealed("one: x\ntwo: x\n"),
        "tenants/beta/a.yaml": "x: 5\n",
    }
    found = findings(files)
    assert [finding.rule_id for finding in found] == (["quota-exceeded"] if message else [])
    assert all(message in finding.message for finding in found)


def test_validating_some_targets_builds_only_these():
    files = {
        "base/a.yaml": "x: '{{var:nope}}'\n",
        "consumers/api.yaml": CONSUMER.replace("[.]", "[zz]"),
        "consumers/other.yaml": CONSUMER.replace("[.]", "[zz]"),
    }
    configuration = Configuration(WrittenSnapshot({"llmcfg.yaml": MANIFEST, **files}), Memo())
    found = validate_configuration(configuration, [Target("prod", None, "api")])
    assert short(found) == [
        ("variable-missing", "base/a.yaml:1:5", ("prod",)),
        ("consumer-unknown-name", "consumers/api.yaml:3:10", ("prod/_shared/api",)),
    ]
