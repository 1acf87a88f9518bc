"""Secrets in use: rotated ones, their selectors, who reaches which, and what may never be deployed."""

from __future__ import annotations

import json

import pytest

from llmcfg.model.target import Scope
from llmcfg.pipeline.build import build
from llmcfg.pipeline.explain import explain
from llmcfg.pipeline.memo import Memo
from support.looked_at import effective, findings, only, said
from support.sealed import sealed_whole, token, written
from support.written import CONSUMER as WITHOUT_READER
from support.written import MANIFEST, opened

CONSUMER = WITHOUT_READER + "recipients: [age1dd0u0w9jnfft2u7eez6zu67tgrqjps9wavh3dx9f5euhc82ljylqfp8x7t]\n"

TENANTS = MANIFEST + "tenants: {acme: {}, beta: {}, acme-shop: {parent: acme}}\n"


PLAIN = written(f"key: {token('a')}")
OVERLAP = written("key:", f"  value: {token('a')}", f"  previous: {token('b')}", f"  pending: {token('c')}")
ROTATED = written("key:", f"  value: {token('a')}")


def bundle(files, name="prod/_shared/api", memo=None):
    configuration = opened(files, memo)
    built = build(configuration, configuration.targets)
    return {str(target): found for target, found in built.bundles.items()}[name]


def uses(text, file=OVERLAP):
    return {"base/a.yaml": text, "base/secrets/keys.yaml": file, "consumers/api.yaml": CONSUMER}


@pytest.mark.parametrize("file", [PLAIN, ROTATED, OVERLAP])
def test_a_secret_is_named_the_same_whether_or_not_it_is_rotated(file):
    configuration = opened(uses("x: '{{secret:key}}'\n", file))
    assert list(configuration.effective(Scope("prod")).secrets) == ["key"]
    assert findings(uses("x: '{{secret:key}}'\n", file)) == ()


@pytest.mark.parametrize(
    "lines",
    [
        ("key:", f"  previous: {token('b')}", f"  pending: {token('c')}"),
        ("key:", f"  value: {token('a')}", f"  note: {token('b')}"),
        ("key:", "  value:", f"    deep: {token('a')}"),
    ],
    ids=["without a value", "with another key", "with a mapping for a value"],
)
def test_other_mappings_are_no_rotated_secret(lines):
    named = opened(uses("{}\n", written(*lines))).effective(Scope("prod")).secrets
    assert "key" not in named
    assert all(name.startswith("key.") for name in named)


def test_a_value_at_the_top_of_a_file_is_a_secret_of_that_name():
    assert list(opened(uses("{}\n", written(f"value: {token('a')}"))).effective(Scope("prod")).secrets) == ["value"]


def test_previous_is_a_use_of_its_own_and_its_ciphertext_is_in_the_lock():
    made = bundle(uses("now: '{{secret:key}}'\nbefore: '{{ secret: key@previous }}'\n"))
    assert json.loads(made.parts["config/a.json"].content) == {
        "before": {"$secret": "key@previous"},
        "now": {"$secret": "key"},
    }
    assert list(made.secrets) == ["key", "key@previous"]
    assert made.secrets["key"] != made.secrets["key@previous"]


def test_a_lock_covers_what_is_used_and_nothing_else():
    before = bundle(uses("x: '{{secret:key}}'\n"))
    other_previous = OVERLAP.replace(token("b"), token("z"))
    other_pending = OVERLAP.replace(token("c"), token("z"))
    assert bundle(uses("x: '{{secret:key}}'\n", other_previous)) == before
    assert bundle(uses("x: '{{secret:key}}'\n", other_pending)) == before

    both = "x: '{{secret:key@all}}'\n"
    assert bundle(uses(both, other_previous)) != bundle(uses(both))
    assert bundle(uses(both, other_pending)) == bundle(uses(both))


def test_all_is_a_list_that_grows_with_the_overlap():
    text = "keys: '{{secret:key@all}}'\n"
    assert effective(uses(text)) == {"a": {"keys": ["{{secret:key}}", "{{secret:key@previous}}"]}}
    assert effective(uses(text, ROTATED)) == effective(uses(text, PLAIN)) == {"a": {"keys": ["{{secret:key}}"]}}


def test_an_overlap_that_begins_is_noticed_although_everything_was_remembered():
    memo = Memo()
    text = "keys: '{{secret:key@all}}'\nbefore: '{{config:a.keys}}'\n"
    alone = bundle(uses(text, ROTATED), memo=memo)
    assert bundle(uses(text, OVERLAP), memo=memo) == bundle(uses(text, OVERLAP)) != alone


def test_a_schema_and_a_template_see_a_list():
    files = uses("keys: '{{secret:key@all}}'\n") | {
        "llmcfg.yaml": MANIFEST + "schemas: [{documents: a, schema: schemas/a.json}]\n",
        "schemas/a.json": '{"properties": {"keys": {"type": "array", "items": {"x-llmcfg-secret": true}}}}',
        "consumers/api.yaml": CONSUMER + "outputs: [{path: keys.txt, template: templates/a.j2}]\n",
        "templates/a.j2": "{% for key in config.a['keys'] %}{{ key }};{% endfor %}",
    }
    assert findings(files) == ()
    assert bundle(files).parts["files/keys.txt"].content == b"{{secret:key}};{{secret:key@previous}};"


@pytest.mark.parametrize(
    ("text", "file", "rule", "column", "hint"),
    [
        ("x: '{{secret:key@previous}}'\n", PLAIN, "secret-missing", 5, "{{secret:key@all}} takes what there is"),
        ("x: '{{secret:key@previous}}'\n", ROTATED, "secret-missing", 5, "only while it is rotated"),
        ("x: 'a {{secret:key@prevous}}'\n", OVERLAP, "reference-syntax", 7, "did you mean 'previous'?"),
        ("x: '{{secret:key@pending}}'\n", OVERLAP, "reference-syntax", 5, "@previous, or @all"),
        ("x: '{{secret:kye@previous}}'\n", OVERLAP, "secret-missing", 5, "did you mean 'key'?"),
        ("x: '{{secret:key.value}}'\n", OVERLAP, "secret-missing", 5, ""),
        ("x: 'a {{secret:key@all}}'\n", OVERLAP, "reference-kind", 7, "make the reference the whole string"),
    ],
)
def test_a_use_that_takes_nothing_is_a_finding_at_its_place(text, file, rule, column, hint):
    finding = only(uses(text, file))
    assert (finding.rule_id, str(finding.origin)) == (rule, f"base/a.yaml:1:{column}")
    assert hint in finding.hint


def test_an_at_sign_in_a_key_selects_nothing():
    file = written(f'"me@here": {token("a")}')
    assert effective(uses("x: '{{secret:\"me@here\"}}'\n", file)) == {"a": {"x": '{{secret:"me@here"}}'}}
    binary = uses("x: '{{secret:\"me@here\"}}'\n", PLAIN) | {"base/secrets/me@here.age": sealed_whole(b"x")}
    assert findings(binary) == ()


def test_a_template_may_name_the_previous_value_and_no_list():
    files = uses("{}\n") | {
        "consumers/api.yaml": CONSUMER + "outputs: [{path: a.env, template: templates/a.j2}]\n",
        "templates/a.j2": "KEY={{ secret('key@previous') }}\n",
    }
    assert list(bundle(files).secrets) == ["key@previous"]
    finding = only({**files, "templates/a.j2": "KEY={{ secret('key@all') }}\n"})
    assert (finding.rule_id, finding.origin.line) == ("template-failed", 1)
    assert "go through its items" in finding.hint


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("{{secret:key@previous}}", "secret-missing"),
        ("{{secret:key@old}}", "reference-syntax"),
        ("{{secret:key@all}}", "reference-kind"),
    ],
)
def test_a_rendered_file_is_held_to_the_same(written, rule):
    files = uses("{}\n", PLAIN) | {
        "consumers/api.yaml": CONSUMER + "outputs: [{path: a.txt, template: templates/a.j2}]\n",
        "templates/a.j2": "{% raw %}" + written + "{% endraw %}",
    }
    assert only(files).rule_id == rule


def test_the_nearest_layer_wins_whole():
    files = uses("x: '{{secret:key@all}}'\n") | {
        "llmcfg.yaml": TENANTS,
        "tenants/acme/secrets/own.yaml": written(f"key: {token('acme')}"),
    }
    assert effective(files, "prod", "acme") == {"a": {"x": ["{{secret:key}}"]}}
    assert len(effective(files, "prod", "beta")["a"]["x"]) == 2


def test_a_tenant_reaches_its_ancestors_secrets_and_never_a_siblings():
    files = {
        "llmcfg.yaml": TENANTS,
        "base/a.yaml": "{}\n",
        "tenants/acme/a.yaml": "x: '{{secret:theirs}}'\n",
        "tenants/acme/secrets/own.yaml": written("theirs:", f"  value: {token('t')}", f"  previous: {token('u')}"),
        "consumers/api.yaml": CONSUMER + 'tenants: "*"\nshared: true\n',
    }
    assert findings(files) == ()
    assert bundle(files, "prod/acme-shop/api").secrets == bundle(files, "prod/acme/api").secrets

    for reference in ("theirs", "theirs@previous", "theirs@all"):
        reaching = {**files, "tenants/beta/a.yaml": f"x: '{{{{secret:{reference}}}}}'\n"}
        assert [(f.rule_id, f.origin.file) for f in findings(reaching)] == [("secret-missing", "tenants/beta/a.yaml")]
        assert "theirs" not in str(bundle(reaching, "prod/beta/api").secrets)
    for path in ("base/a.yaml", "environments/prod/a.yaml"):
        reaching = {**files, path: "x: '{{secret:theirs}}'\n"}
        reached = {reach for finding in findings(reaching) for reach in finding.reach}
        assert reached <= {"dev", "prod", "dev/beta", "prod/beta"}
        assert "prod/beta" in reached


def test_a_secret_without_a_value_stops_those_who_use_it():
    files = uses("x: 'Bearer {{secret:key}}'\n", written("key: ''"))
    assert said(files) == ["secret-empty base/a.yaml:1:12", "secret-unset base/secrets/keys.yaml:1:1"]
    unused = {**files, "consumers/api.yaml": CONSUMER.replace("[.]", "[b]"), "base/b.yaml": "z: 1\n"}
    assert said(unused) == ["secret-unset base/secrets/keys.yaml:1:1"]


def test_a_secret_without_a_value_in_a_list_and_in_a_template_is_found_too():
    empty = written("key:", "  value: ''", f"  previous: {token('b')}")
    assert "secret-empty base/a.yaml:1:1" in said(uses("x: '{{secret:key@all}}'\n", empty))
    files = uses("{}\n", empty) | {
        "consumers/api.yaml": CONSUMER + "outputs: [{path: a.txt, template: templates/a.j2}]\n",
        "templates/a.j2": "{{ secret('key') }}",
    }
    assert "secret-empty templates/a.j2" in said(files)


def test_a_previous_value_that_is_empty_is_none():
    empty = written("key:", f"  value: {token('a')}", "  previous: ''")
    assert effective(uses("x: '{{secret:key@all}}'\n", empty)) == {"a": {"x": ["{{secret:key}}"]}}


def test_ciphertext_outside_of_secret_files_is_found_wherever_it_would_reach_a_program():
    files = {
        "base/a.yaml": f'x: "ENC\\x5bAES256_GCM,data:a]"\nz: [1, "{token("b")}"]\n',
        "consumers/api.yaml": CONSUMER,
    }
    assert said(files) == ["secret-ciphertext base/a.yaml:1:4", "secret-ciphertext base/a.yaml:2:9"]
    rendered = {
        "base/a.yaml": "x: AES256_GCM\n",
        "consumers/api.yaml": CONSUMER + "outputs: [{path: a.txt, template: templates/a.j2}]\n",
        "templates/a.j2": "ENC[{{ config.a.x }},data:…]",
    }
    assert said(rendered) == ["secret-ciphertext templates/a.j2"]


def test_an_explanation_leads_to_the_value_that_is_used():
    configuration = opened(uses("x: '{{secret:key@previous}}'\nz: '{{secret:key@all}}'\n"))
    found = explain(configuration, Scope("prod"), ("a", "x"))
    assert [(link.name, str(link.origin)) for link in found.links] == [("key@previous", "base/secrets/keys.yaml:3:3")]
    found = explain(configuration, Scope("prod"), ("a", "z"))
    assert (found.written, found.value) == ("{{secret:key@all}}", ["{{secret:key}}", "{{secret:key@previous}}"])
    assert [(link.name, str(link.origin)) for link in found.links] == [("key@all", "base/secrets/keys.yaml:2:3")]
