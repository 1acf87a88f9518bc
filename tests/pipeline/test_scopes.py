"""What a scope sees, and what is found in it, does not depend on the scopes that were looked at before."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.random_repositories import REPOSITORIES, TODAY
from llm.test_judged import TEXTS
from llmcfg.errors import FindingsError
from llmcfg.model.findings import merge_findings
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.platforms import platform_findings
from llmcfg.pipeline.scopefindings import findings_of_prompts
from support.sealed import sealed
from support.written import WrittenSnapshot

MANIFEST = (
    "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: x\nvariables: {company: x}\n"
    "environments: {dev: {}, prod: {inherits: dev, protected: true}}\n"
    "tenants: {acme: {variables: {residency: eu}}, beta: {parent: acme}, gamma: {variables: {company: 1}}, zeta: {}}\n"
)
PROMPTS = [
    "id: t\ncurrent: 1.0.0\nversions:\n  1.0.0: {template: 'Hello {{ name }}', models_tested: [m, chat], max_prompt_tokens: 6000}\n",
    "id: t\ncurrent: 2.0.0\nversions:\n  1.0.0: {template: '{{ name'}\n",
    "id: u\ncurrent: 1.0.0\nversions:\n  1.0.0: {template: Hello, models_tested: [gone], max_prompt_tokens: 2000}\n",
]
SERVICES = [
    "prompts: {t: {prompt: t, route: r}}\n",
    "route: chat\nprompts: {t: {prompt: t, variables: {name: x}}, u: {prompt: u, route: s}}\n",
    "company: '{{var:company}}'\nurl: '{{config:llm_providers.a.base_url}}'\n",
]
SHARED = {**TEXTS, "services/y": st.sampled_from(SERVICES), "prompts/t": st.sampled_from(PROMPTS)}
LAYERS = ("base", "environments/prod", "tenants/acme", "tenants/beta", "tenants/zeta", "tenants/zeta/environments/prod")
PLATFORMS = st.fixed_dictionaries(
    {},
    optional={
        **{("" if name == "prompts/t" else "base/") + f"{name}.yaml": text for name, text in SHARED.items()},
        **{f"{layer}/{name}.yaml": text for layer in LAYERS[1:] for name, text in SHARED.items() if name != "prompts/t"},
        "base/secrets/k.yaml": st.just(sealed("one: 1\ndev_key: 2\n")),
        "tenants/acme/secrets/k.yaml": st.just(sealed("one: 3\n")),
    },
).map(lambda files: {"llmcfg.yaml": MANIFEST, **files})  # fmt: skip
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
SWEEP = settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))


def opened(files):
    return Configuration(WrittenSnapshot(files), Memo())


def seen(configuration, scope):
    effective = configuration.effective(scope)
    documents = effective.documents.items()
    return effective.unreadable, [
        (name, resolved.name, repr(resolved.value), resolved.problems, resolved.secrets) for name, resolved in documents
    ]


def hold_values(files):
    try:
        together = opened(files)
    except FindingsError:
        return
    together.prepare(together.scopes)
    for scope in together.scopes:
        assert seen(together, scope) == seen(opened(files), scope)


def found(configuration, scopes):
    return [
        *platform_findings(configuration, scopes, TODAY),
        *findings_of_prompts(configuration, scopes, TODAY),
    ]


def hold_findings(files):
    together = opened(files)
    apart = [finding for scope in together.scopes for finding in found(opened(files), [scope])]
    assert merge_findings(found(together, together.scopes)) == merge_findings(apart)


@QUICK
@given(REPOSITORIES)
def test_a_scope_sees_what_it_sees_alone(files):
    hold_values(files)


@QUICK
@given(PLATFORMS)
def test_a_scope_of_a_platform_sees_what_it_sees_alone(files):
    hold_values(files)


@QUICK
@given(PLATFORMS)
def test_what_is_found_in_all_scopes_is_what_is_found_in_each(files):
    hold_findings(files)


@pytest.mark.sweep
@SWEEP
@given(REPOSITORIES)
def test_many_scopes_see_what_they_see_alone(files):
    hold_values(files)


@pytest.mark.sweep
@SWEEP
@given(PLATFORMS)
def test_what_is_found_in_many_scopes_is_what_is_found_in_each(files):
    hold_values(files)
    hold_findings(files)


@pytest.mark.parametrize(
    ("asks", "overlay"),
    [
        ("'{{config:other.k}}'", "other"),
        ("'{{config:folder}}'", "folder/new"),
        ("'{{var:company}}'", "none"),
        ("'{{var:tenant}}'", "none"),
        ("'{{config:middle.k}}'", "other"),
    ],
)
def test_a_reference_is_answered_anew_where_a_tenant_answers_it_otherwise(asks, overlay):
    files = {
        "llmcfg.yaml": MANIFEST,
        "base/uses.yaml": f"k: {asks}\n",
        "base/other.yaml": "k: 1\n",
        "base/middle.yaml": "k: '{{config:other.k}}'\n",
        "base/folder/one.yaml": "k: 1\n",
        f"tenants/gamma/{overlay}.yaml": "k: 2\n",
    }
    hold_values(files)
    configuration = opened(files)
    configuration.prepare(configuration.scopes)
    shared, gamma, zeta = (
        configuration.effective(configuration.scope("dev", name)) for name in (None, "gamma", "zeta")
    )
    assert repr(gamma.documents["uses"].value) != repr(shared.documents["uses"].value)
    assert zeta.documents["other"] is shared.documents["other"]


def test_what_a_tenant_does_not_change_is_in_the_layers_that_it_lies_over():
    files = {"llmcfg.yaml": MANIFEST, **{f"base/d{number}.yaml": "k: '{{var:company}}'\n" for number in range(50)}}
    configuration = opened({**files, "tenants/zeta/d1.yaml": "k: 1\n"})
    configuration.prepare(configuration.scopes)
    shared, zeta = (configuration.effective(configuration.scope("dev", name)).documents for name in (None, "zeta"))
    assert zeta.below is shared
    assert [*zeta.own] == ["d1"]
    assert zeta.differing(shared) == {"d1"}
