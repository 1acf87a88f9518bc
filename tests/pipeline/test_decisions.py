"""What is decided beside values: named leaf by leaf, and nothing else is."""

from __future__ import annotations

import pytest

from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import format_key_path
from llmcfg.pipeline.decisions import decisions_of
from llmcfg.pipeline.diff import State, compare
from support.written import CONSUMER, opened

MANIFEST = """
apiVersion: llmcfg.dev/v1
kind: Repository
name: test
environments:
  dev: {}
  prod: {inherits: dev, protected: true, track: {branch: main}, description: for people}
tenants:
  acme: {region: eu, quota: {keys: 10}}
hierarchy: [base, "environments/{environment}", "tenants/{tenant}"]
sinks:
  - directory: {path: delivered}
"""
FILES = {"llmcfg.yaml": MANIFEST, "base/a.yaml": "x: 1\n", "consumers/app.yaml": CONSUMER + "tenants: [acme]\n"}


def changed(path, before, after):
    assert before in FILES[path]
    other = {**FILES, path: FILES[path].replace(before, after)}
    sides = (State({}, {}, decisions_of(opened(files))) for files in (FILES, other))
    return {format_key_path(change.path): (change.before, change.after) for change in compare(*sides).decisions}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("protected: true", "protected: false", {"environments.prod.protected": (True, False)}),
        ("branch: main", "branch: next", {"environments.prod.track.branch": ("main", "next")}),
        ("inherits: dev, ", "", {"environments.prod.inherits": ("dev", ABSENT)}),
        ("region: eu", "region: us", {"tenants.acme.region": ("eu", "us")}),
        ("keys: 10", "keys: 20", {"tenants.acme.quota.keys": (10, 20)}),
        ("path: delivered", "path: elsewhere", {"sinks[0].path": ("delivered", "elsewhere")}),
        ("path: delivered", "path: delivered, keep: 9", {"sinks[0].keep": (3, 9)}),
        ("description: for people", "description: for others", {}),
    ],
)
def test_a_decision_of_the_manifest_is_named(before, after, said):
    assert changed("llmcfg.yaml", before, after) == said


def test_layers_that_change_places_are_named():
    swapped = '"tenants/{tenant}", "environments/{environment}"'
    assert {*changed("llmcfg.yaml", '"environments/{environment}", "tenants/{tenant}"', swapped)} == {
        "hierarchy[1]",
        "hierarchy[2]",
    }


def test_what_runs_after_a_delivery_is_a_decision():
    assert changed("consumers/app.yaml", "tenants", "after_apply: reload\ntenants") == {
        "consumers.app": (ABSENT, {"after_apply": "reload"})
    }


def test_who_gets_bundles_shows_by_the_bundles_alone():
    assert changed("consumers/app.yaml", "tenants: [acme]\n", "tenants: [acme]\nshared: true\n") == {}


def test_a_tenant_that_comes_is_named_once_with_all_that_it_is():
    found = changed("llmcfg.yaml", "tenants:\n", "tenants:\n  beta: {region: us, quota: {keys: 3}}\n")
    assert found == {"tenants.beta": (ABSENT, {"region": "us", "quota": {"keys": 3}})}


def test_what_nobody_knows_is_not_compared():
    known = State({}, {}, decisions_of(opened(FILES)))
    assert compare(State({}, {}), known).decisions == ()
