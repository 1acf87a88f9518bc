"""What the tree reader refused counts as documents that cannot be read: nobody builds on the rest, and nothing else is said of it."""

from __future__ import annotations

import pytest

from llmcfg.errors import FindingsError
from llmcfg.model.findings import Finding, Origin
from llmcfg.model.target import Scope, Target
from llmcfg.pipeline.build import build
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate_configuration
from support.written import CONSUMER, MANIFEST, WrittenSnapshot

PROD = Scope("prod", None)
FILES = {
    "llmcfg.yaml": MANIFEST,
    "base/limits.yaml": "rpm: 10\n",
    "environments/prod/limits.yaml": "rpm: 20\n",
    "consumers/limits.yaml": CONSUMER.replace("[.]", "[limits]"),
    "consumers/models.yaml": CONSUMER.replace("[.]", "[models.default]"),
    "base/models.yaml": "default: '{{config:models.small}}'\nsmall: a\n",
}


def opened(refused, rule="tree-mode", **changes):
    snapshot = WrittenSnapshot({path: text for path, text in {**FILES, **changes}.items() if text is not None})
    snapshot.findings = (Finding(rule, "it is not followed", Origin(refused)),)
    return Configuration(snapshot, Memo())


def names(configuration, scope=PROD):
    return sorted(configuration.effective(scope).documents)


@pytest.mark.parametrize("refused", ["base/models.yaml", "base/models", "base", ".", "environments"])
def test_values_of_a_scope_are_not_told_without_what_was_refused(refused):
    configuration = opened(refused)
    with pytest.raises(FindingsError) as caught:
        configuration.readable(PROD)
    assert [finding.origin.file for finding in caught.value.findings] == [refused]


def test_a_refused_document_keeps_back_only_the_bundles_that_select_it():
    configuration = opened("base/models.yaml", **{"base/models.yaml": None})
    built = build(configuration, configuration.targets)
    assert {target.consumer for target in built.bundles} == {"limits"}


@pytest.mark.parametrize("refused", ["base/models.yaml", "base/models", "base"])
def test_nothing_else_is_said_because_of_what_was_refused(refused):
    configuration = opened(refused, **{"base/models.yaml": None, "base/other.yaml": "x: '{{config:models.small}}'\n"})
    assert {finding.rule_id for finding in validate_configuration(configuration)} == {"tree-mode"}


def test_an_overlay_of_a_refused_folder_is_no_document_of_its_own():
    files = {
        "base/limits.yaml": None,
        "environments/prod/limits.yaml": None,
        "environments/prod/providers/a.yaml": "x: 1\n",
    }
    configuration = opened("base/providers", **files)
    assert names(configuration) == ["models"]


@pytest.mark.parametrize(
    "refused", ["base/notes on it.txt", "base/secrets/a.yaml", "templates/a.j2", "environments/dev/x.yaml"]
)
def test_what_is_no_document_of_the_scope_keeps_nothing_back(refused):
    assert names(opened(refused)) == ["limits", "models"]
    opened(refused).readable(PROD)


def test_prompts_are_documents_of_base():
    with pytest.raises(FindingsError):
        opened("prompts/support.yaml").readable(PROD)


def test_a_note_about_a_file_that_is_read_keeps_nothing_back():
    opened("base/models.yaml", rule="schema-unused").readable(PROD)


@pytest.mark.parametrize(
    ("refused", "text"),
    [("consumers/limits.yaml", None), ("consumers", None), ("x", "select: [\n"), ("x", "kind: no\n")],
)
def test_a_consumer_that_cannot_be_read_is_not_taken_for_gone(refused, text):
    configuration = opened(refused, **{"consumers/limits.yaml": text})
    assert Target("prod", None, "limits") not in configuration.targets
    with pytest.raises(FindingsError, match="not every consumer"):
        configuration.require_consumers()


def test_a_bundle_is_not_built_without_one_of_its_templates():
    consumer = CONSUMER + "outputs: [{path: a, template: templates/a.j2}]\n"
    configuration = opened("templates/a.j2", **{"consumers/limits.yaml": consumer})
    assert {target.consumer for target in build(configuration, configuration.targets).bundles} == {"models"}
