"""Two environments beside each other: what differs, for whom, and what a schema declares to."""

from __future__ import annotations

import json

import pytest

from llmcfg.errors import FindingsError, NotFoundError
from llmcfg.model.change import ABSENT
from llmcfg.pipeline.examine import examine
from llmcfg.pipeline.parity import find_disparities
from support.written import opened

MANIFEST = (
    "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: test\nenvironments: {staging: {}, prod: {}}\n"
    "tenants: {acme: {}, beta: {}}\nschemas: [{documents: limits, schema: schemas/limits.json}]\n"
)
EVERYBODY = (None, "acme", "beta")


def repository(properties, **files):
    schema = {"type": "object", "properties": properties, "additionalProperties": True}
    return opened({"llmcfg.yaml": MANIFEST, "schemas/limits.json": json.dumps(schema), **files})


def said(parity):
    return {
        ".".join(map(str, value.change.path)): (value.change.before, value.change.after, value.scopes)
        for value in parity.values
    }


def test_a_key_that_differs_is_said_once_with_its_tenants():
    configuration = repository(
        {},
        **{
            "base/limits.yaml": "rpm: 1\ntpm: 5\n",
            "environments/prod/limits.yaml": "rpm: 2\nburst: 9\n",
            "tenants/acme/limits.yaml": "rpm: 7\n",
        },
    )
    parity = find_disparities(configuration, "staging", "prod", EVERYBODY)
    assert said(parity) == {
        "limits.burst": (ABSENT, 9, ("_shared", "acme", "beta")),
        "limits.rpm": (1, 2, ("_shared", "beta")),
    }
    assert parity.declared == 0


def test_what_a_schema_declares_is_counted_and_not_named():
    configuration = repository(
        {"rpm": {"x-llmcfg-varies": True}, "hosts": {"additionalProperties": {"x-llmcfg-varies": True}}, "tpm": True},
        **{
            "base/limits.yaml": "rpm: 1\ntpm: 5\nhosts: {a: {name: one}}\n",
            "environments/prod/limits.yaml": "rpm: 2\ntpm: 6\nhosts: {a: {name: two}, b: {name: three}}\n",
        },
    )
    parity = find_disparities(configuration, "staging", "prod", EVERYBODY)
    assert [*said(parity)] == ["limits.tpm"]
    assert parity.declared == 3


def test_a_document_that_one_environment_lacks_differs_key_by_key():
    configuration = repository({}, **{"environments/staging/notes.yaml": "a: 1\nb: {c: 2}\n"})
    parity = find_disparities(configuration, "staging", "prod", ("acme",))
    assert said(parity) == {"notes.a": (1, ABSENT, ("acme",)), "notes.b.c": (2, ABSENT, ("acme",))}


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(NotFoundError, match="no environment 'pord'"):
        find_disparities(repository({}), "staging", "pord", EVERYBODY)
    broken = repository({}, **{"environments/prod/limits.yaml": "a: [\n"})
    with pytest.raises(FindingsError):
        find_disparities(broken, "staging", "prod", EVERYBODY)


def test_a_keyword_that_is_neither_true_nor_false_is_found():
    configuration = repository({"rpm": {"x-llmcfg-varies": "yes"}}, **{"base/limits.yaml": "rpm: 1\n"})
    messages = [finding.message for finding in examine(configuration).findings]
    assert any("x-llmcfg-varies is neither true nor false" in message for message in messages)
