"""Building: pure, whatever was built before, and with findings in place of bundles that cannot be."""

from __future__ import annotations

import pytest

from llmcfg.pipeline.build import build
from llmcfg.pipeline.memo import Memo
from support.written import CONSUMER, MANIFEST, opened

TENANTS = MANIFEST + "tenants: {acme: {}, beta: {}}\n"
RENDERED = CONSUMER + "outputs: [{path: a.txt, template: templates/a.j2}]\n"


def built(files, memo=None):
    configuration = opened(files, memo)
    return build(configuration, configuration.targets)


def files_of(files, memo=None):
    return {str(target): bundle.files() for target, bundle in built(files, memo).bundles.items()}


def test_what_was_built_before_never_changes_a_rendering():
    """Canonical JSON is the same for all of these; what a template writes is not."""
    template = {
        "consumers/api.yaml": RENDERED,
        "templates/a.j2": "{% for k, v in config.a.items() %}{{ k }}={{ v }};{% endfor %}",
    }
    memo = Memo()
    for text in ("one: 1\ntwo: 2\n", "two: 2\none: 1\n", "one: 1.0\ntwo: 2\n"):
        files = {**template, "base/a.yaml": text}
        assert files_of(files, memo) == files_of(files)


def test_a_variable_of_another_type_is_another_rendering():
    memo = Memo()
    files = {"base/a.yaml": "x: 1\n", "consumers/api.yaml": RENDERED, "templates/a.j2": "{{ variables.v }}"}
    texts = []
    for value in ("1", "true", "1.0", "'1'"):
        written = {**files, "llmcfg.yaml": MANIFEST + f"variables: {{v: {value}}}\n"}
        made = files_of(written, memo)
        assert made == files_of(written)
        texts.append(made["prod/_shared/api"]["files/a.txt"])
    assert texts == [b"1", b"true", b"1", b"1"]


def test_a_second_build_of_the_same_files_gives_the_same_objects():
    memo = Memo()
    files = {"base/a.yaml": "x: 1\n", "consumers/api.yaml": RENDERED, "templates/a.j2": "t"}
    first, second = built(files, memo), built(files, memo)

    assert first.bundles == second.bundles
    for target, bundle in first.bundles.items():
        assert all(second.bundles[target].parts[path] is part for path, part in bundle.parts.items())


def test_an_included_template_that_changes_is_rendered_again():
    memo = Memo()
    files = {
        "base/a.yaml": "x: 1\n",
        "consumers/api.yaml": RENDERED,
        "templates/a.j2": "{% include 'templates/part.j2' %}",
        "templates/part.j2": "one",
    }
    files_of(files, memo)

    assert files_of({**files, "templates/part.j2": "two"}, memo)["prod/_shared/api"]["files/a.txt"] == b"two"


@pytest.mark.fault("T11")
def test_a_target_whose_output_cannot_be_rendered_has_a_finding_and_no_bundle():
    files = {
        "llmcfg.yaml": TENANTS,
        "base/a.yaml": "x: 1\n",
        "tenants/acme/a.yaml": "only_here: 1\n",
        "consumers/api.yaml": RENDERED + 'tenants: "*"\n',
        "templates/a.j2": "{{ config.a.only_here }}",
    }
    result = built(files)

    assert {str(target) for target in result.bundles} == {"dev/acme/api", "prod/acme/api"}
    assert {finding.rule_id for finding in result.findings} == {"template-undefined"}
    assert {reach for finding in result.findings for reach in finding.reach} == {"dev/beta/api", "prod/beta/api"}


def test_one_broken_output_of_two_leaves_no_half_bundle():
    outputs = "outputs: [{path: good.txt, template: templates/good.j2}, {path: bad.txt, template: templates/bad.j2}]\n"
    files = {
        "base/a.yaml": "x: 1\n",
        "consumers/api.yaml": CONSUMER + outputs,
        "templates/good.j2": "fine",
        "templates/bad.j2": "{{ config.nothing }}",
    }

    assert built(files).bundles == {}


def test_a_rendered_file_that_names_an_unknown_secret_is_a_finding():
    files = {
        "base/a.yaml": "x: 1\n",
        "base/secrets/keys.yaml": "openai: ENC[AES256_GCM,data:abc]\nsops: {}\n",
        "consumers/api.yaml": RENDERED,
        "templates/a.j2": "{{ '{{secret:opena}}' }}",
    }
    (finding,) = {finding.message: finding for finding in built(files).findings}.values()

    assert finding.rule_id == "secret-missing"
    assert "'opena'" in finding.message
    assert "openai" in finding.hint


def test_a_document_that_cannot_be_read_keeps_back_only_the_bundles_that_select_it():
    files = {
        "base/good.yaml": "x: 1\n",
        "base/bad.yaml": "x: [\n",
        "consumers/all.yaml": CONSUMER,
        "consumers/part.yaml": CONSUMER.replace("[.]", "[good]"),
    }

    assert {str(target) for target in built(files).bundles} == {"dev/_shared/part", "prod/_shared/part"}


def test_a_secret_is_typed_however_its_reference_is_escaped():
    files = {
        "base/a.yaml": 'key: "\\x7b\\x7bsecret:openai}}"\n',
        "base/secrets/keys.yaml": "openai: ENC[AES256_GCM,data:abc]\nsops: {}\n",
        "consumers/api.yaml": CONSUMER,
    }

    assert files_of(files)["prod/_shared/api"]["config/a.json"] == b'{"key":{"$secret":"openai"}}\n'
