"""Which file is what, and in which order the layers of a scope lie."""

from __future__ import annotations

import pytest

from llmcfg.model.target import Scope
from llmcfg.pipeline.layers import layer_folders, region_of, sort_files, variables_of
from llmcfg.pipeline.manifest import parse_manifest_text
from support.looked_at import effective, only, said
from support.written import WrittenSnapshot

HEAD = "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: test\n"
DEFAULT = (
    HEAD
    + """\
environments: {dev: {variables: {region: us}}, prod: {}, edge: {inherits: prod}, far-edge: {inherits: edge, variables: {region: 7}}}
tenants: {acme: {region: eu}, acme-shop: {parent: acme}, acme-kiosk: {parent: acme-shop, region: ap}, solo: {}}
"""
)
REGIONS = (
    DEFAULT
    + """\
hierarchy: [base, "environments/{environment}", "regions/{region}", "tenants/{tenant}", "tenants/{tenant}/environments/{environment}"]
"""
)


def folders(manifest, environment, tenant=None):
    return layer_folders(parse_manifest_text(manifest.encode()), Scope(environment, tenant))


def sorted_out(*paths, manifest=DEFAULT):
    snapshot = WrittenSnapshot(dict.fromkeys(paths, "a: 1\n"))
    return sort_files(snapshot.entries, parse_manifest_text(manifest.encode()))


def test_an_environment_lies_over_what_it_inherits():
    assert folders(DEFAULT, "dev") == ("base", "environments/dev")
    assert folders(DEFAULT, "far-edge") == ("base", "environments/prod", "environments/edge", "environments/far-edge")


def test_a_tenant_lies_over_its_ancestors_with_its_own_environments_on_top():
    assert folders(DEFAULT, "edge", "acme-shop") == (
        "base",
        "environments/prod",
        "environments/edge",
        "tenants/acme",
        "tenants/acme/environments/prod",
        "tenants/acme/environments/edge",
        "tenants/acme-shop",
        "tenants/acme-shop/environments/prod",
        "tenants/acme-shop/environments/edge",
    )


def test_a_region_lies_where_the_hierarchy_says():
    assert folders(REGIONS, "dev") == ("base", "environments/dev", "regions/us")
    assert folders(REGIONS, "dev", "acme")[:4] == ("base", "environments/dev", "regions/eu", "tenants/acme")
    assert folders(REGIONS, "prod") == ("base", "environments/prod")


@pytest.mark.parametrize(
    ("environment", "tenant", "region"),
    [
        ("dev", None, "us"),
        ("dev", "acme", "eu"),
        ("dev", "acme-shop", "eu"),
        ("dev", "acme-kiosk", "ap"),
        ("dev", "solo", "us"),
        ("prod", "solo", None),
        ("far-edge", None, "7"),
    ],
)
def test_the_region_is_the_nearest_tenants_or_else_the_environments(environment, tenant, region):
    manifest = parse_manifest_text(REGIONS.encode())
    assert region_of(manifest, Scope(environment, tenant)) == region
    assert (variables_of(manifest, Scope(environment, tenant)).get("region") is None) == (region is None)


def test_variables_can_be_dimensions():
    manifest = (
        HEAD
        + """\
environments: {dev: {variables: {tier: 2, canary: true}}, prod: {}}
hierarchy: [base, "tiers/{tier}", "canary/{canary}/{environment}"]
"""
    )
    assert folders(manifest, "dev") == ("base", "tiers/2", "canary/true/dev")
    assert folders(manifest, "prod") == ("base",)


def test_two_patterns_that_come_to_one_folder_lay_it_once():
    manifest = (
        HEAD
        + """\
environments: {dev: {variables: {region: eu, zone: eu}}}
hierarchy: [base, "places/{region}", "places/{zone}"]
"""
    )
    assert folders(manifest, "dev") == ("base", "places/eu")


def test_later_layers_win():
    files = {
        "llmcfg.yaml": REGIONS,
        "base/a.yaml": "v: [base]\n",
        **{
            f"{folder}/a.yaml": f"v: !append [{folder}]\n"
            for folder in ("environments/dev", "regions/eu", "tenants/acme", "tenants/acme/environments/dev", "tenants/acme-shop")
        },
    }  # fmt: skip
    assert effective(files, "dev", "acme-shop")["a"]["v"] == [
        "base", "environments/dev", "regions/eu", "tenants/acme", "tenants/acme/environments/dev", "tenants/acme-shop",
    ]  # fmt: skip
    assert effective(files, "prod")["a"]["v"] == ["base"]


def test_what_is_set_in_dev_alone_never_reaches_prod():
    files = {
        "llmcfg.yaml": DEFAULT,
        "environments/dev/a.yaml": "v: 1\n",
        "tenants/acme/environments/dev/b.yaml": "v: 1\n",
    }
    for tenant in (None, "acme", "acme-shop"):
        assert effective(files, "prod", tenant) == {}
        assert effective(files, "edge", tenant) == {}


def test_files_are_sorted_by_what_they_are_for():
    layout = sorted_out(
        "base/a.yaml", "base/folder/b.yml", "environments/dev/a.yaml", "tenants/acme/environments/prod/a.yaml",
        "base/secrets/keys.yaml", "base/secrets/tls/cert.age", "consumers/api.yaml", "schemas/x/y.json",
        "templates/t.j2", "prompts/support/triage.yaml", "policies/p.rego", "README.md", "docs/x.yaml",
        "base/README.md", "base/.gitkeep",
    )  # fmt: skip
    assert layout.findings == ()
    assert {folder: sorted(layer.documents) for folder, layer in layout.layers.items()} == {
        "base": ["a", "folder/b", "prompts/support/triage"],
        "environments/dev": ["a"],
        "tenants/acme/environments/prod": ["a"],
    }
    assert [entry.path for entry in layout.layers["base"].secret_files] == [
        "base/secrets/keys.yaml",
        "base/secrets/tls/cert.age",
    ]
    assert layout.layers["tenants/acme/environments/prod"].tenant == "acme"
    assert layout.layers["base"].tenant is None
    assert (*layout.consumers, *layout.schemas, *layout.templates) == ("api", "schemas/x/y.json", "templates/t.j2")


@pytest.mark.parametrize(
    ("path", "rule", "hint"),
    [
        ("environments/prdo/a.yaml", "layer-unknown", "did you mean 'prod'?"),
        ("environments/stage/a.yaml", "layer-unknown", "add it under environments in llmcfg.yaml, or remove the folder"),
        ("tenants/acne/a.yaml", "layer-unknown", "did you mean 'acme'?"),
        ("tenants/acme/environments/prdo/a.yaml", "layer-unknown", "did you mean 'prod'?"),
        ("tenants/acne/environments/prod/a.yaml", "layer-unknown", "did you mean 'acme'?"),
        ("regions/moon/a.yaml", "layer-unknown", "give a tenant the region moon, or remove the folder"),
        ("environments/prod.yaml", "layout-unknown", "it lies beside the layers, not in one"),
        ("tenants/a.yaml", "layout-unknown", "it lies beside the layers, not in one"),
        ("base/a.yaml.bak", "layout-unknown", "documents end in .yaml"),
        ("base/notes.txt", "layout-unknown", "documents end in .yaml"),
        ("base/secrets/key.pem", "layout-unknown", "secret files end in .yaml (SOPS) or .age"),
        ("consumers/team/api.yaml", "layout-unknown", "this folder holds consumers/<name>.yaml"),
        ("schemas/x.yaml", "layout-unknown", "this folder holds schemas/**.json"),
        ("prompts/x.j2", "layout-unknown", "this folder holds prompts/**.yaml"),
        ("policies/x.json", "layout-unknown", "this folder holds *.rego and *.yaml"),
        ("base/.yaml", "key-name", "rename the file"),
        ("base/$extends.yaml", "key-name", "rename the file"),
        ("base/fo\u200bo/a.yaml", "key-name", "rename the file"),
    ],
)  # fmt: skip
def test_a_file_that_nobody_gets_is_said(path, rule, hint):
    layout = sorted_out(path, manifest=REGIONS)
    assert [(finding.rule_id, str(finding.origin), finding.hint) for finding in layout.findings] == [(rule, path, hint)]
    assert layout.layers == {}


@pytest.mark.parametrize(
    "paths",
    [
        ("base/a.yaml", "base/a.yml"),
        ("base/prompts/x.yaml", "prompts/x.yaml"),
        ("consumers/api.yaml", "consumers/api.yml"),
        ("tenants/acme/x/a.yaml", "tenants/acme/x/a.yml"),
    ],
)
def test_one_thing_in_two_files_is_said(paths):
    layout = sorted_out(*paths)
    assert [(finding.rule_id, finding.origin.file) for finding in layout.findings] == [("document-overlap", paths[1])]


def test_a_prompt_at_the_top_is_overridden_in_layers():
    files = {
        "prompts/support/triage.yaml": "system: base\nversion: 1\n",
        "environments/prod/prompts/support/triage.yaml": "version: 2\n",
    }
    assert effective(files, "prod")["prompts"]["support"]["triage"] == {"system": "base", "version": 2}
    assert effective(files, "dev")["prompts"]["support"]["triage"] == {"system": "base", "version": 1}
    assert said(files) == []


def test_an_empty_tenant_and_one_of_an_unknown_parent_are_told_apart():
    assert folders(DEFAULT, "dev", "solo") == (
        "base",
        "environments/dev",
        "tenants/solo",
        "tenants/solo/environments/dev",
    )
    manifest = DEFAULT.replace("solo: {}", "solo: {parent: acmee}")
    finding = only({"llmcfg.yaml": manifest})
    assert (finding.rule_id, finding.hint) == ("manifest-inherits", "did you mean 'acme'?")
