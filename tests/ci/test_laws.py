"""No change of the effective configuration is missing from a review, and none is invented: against every leaf of every target."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.canonical import canonical_json
from llmcfg.ci.base import Base
from llmcfg.ci.review import review
from llmcfg.model.keypath import format_key_path
from llmcfg.pipeline.build import build
from llmcfg.pipeline.configuration import Memo, walk_leaves
from llmcfg.wiring import Workspace
from support.written import CONSUMER, MANIFEST, WrittenRepository, opened

MANIFESTS = (
    MANIFEST.replace("dev: {}, prod: {}", "dev: {}, prod: {inherits: dev, protected: true}")
    + "tenants: {acme: {}, beta: {parent: acme}}\n",
    MANIFEST + "tenants: {acme: {}}\n",
)
CONSUMERS = (
    CONSUMER + 'tenants: "*"\nshared: true\n',
    'apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [a]\ntenants: "*"\n',
    "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [a]\nenvironments: [prod]\n",
)
LAYERS = (
    "base",
    "environments/dev",
    "environments/prod",
    "tenants/acme",
    "tenants/acme/environments/prod",
    "tenants/beta",
)
PLACES = [f"{layer}/{document}.yaml" for layer in LAYERS for document in ("a", "b", "x/c")]
leaves = st.sampled_from([1, 2, 1.5, True, "1", "text", None, [], {}, [1, 2], [1, {"k": 2}], "{{config:a.k}}"])
values = st.dictionaries(
    st.sampled_from("kl"), leaves | st.dictionaries(st.sampled_from("mk"), leaves, max_size=2), max_size=2
)
documents = values.map(lambda value: json.dumps(value) + "\n") | st.just('{"k": !append [3], "l": !delete }\n')
repositories = st.builds(
    lambda manifest, one, two, files: {
        "llmcfg.yaml": manifest,
        "consumers/one.yaml": one,
        **({"consumers/two.yaml": two} if two else {}),
        "base/a.yaml": "{k: 0}\n",
        **files,
    },
    st.sampled_from(MANIFESTS),
    st.sampled_from(CONSUMERS),
    st.none() | st.sampled_from(CONSUMERS),
    st.dictionaries(st.sampled_from(PLACES), documents, max_size=5),
)


def effective(files):
    """Every leaf of every scope and of every bundle that can be built, by their names."""
    configuration = opened(files, Memo())
    built = build(configuration, configuration.targets)
    found = {
        str(scope): leaves_of({name: one.value for name, one in configuration.effective(scope).documents.items()})
        for scope in configuration.scopes
    }
    for target in built.bundles:
        found[str(target)] = leaves_of({name: one.value for name, one in built.selections[target].documents.items()})
    return found, {str(target) for target in configuration.targets} - {str(target) for target in built.bundles}


def leaves_of(documents):
    return {
        format_key_path((*name.split("/"), *path)): canonical_json(value)
        for name, document in documents.items()
        for path, value in walk_leaves(document)
    }


def reported(found):
    """The leaves that a review says come, go or change, by the scope or bundle that it says it of."""
    said: dict[str, dict[str, tuple[bytes | None, bytes | None]]] = {}
    for value in found.difference.values:
        for name in (*value.scopes, *value.targets):
            path = value.change.path
            sides = []
            for side in (value.change.before, value.change.after):
                is_there = value.change.kind == "changed" or side is not _absent(value.change)
                sides.append(
                    {format_key_path((*path, *inner)): canonical_json(leaf) for inner, leaf in walk_leaves(side)}
                    if is_there
                    else {}
                )
            for key in {*sides[0], *sides[1]}:
                pair = sides[0].get(key), sides[1].get(key)
                if pair[0] != pair[1]:
                    said.setdefault(name, {})[key] = pair
    return said


def _absent(change):
    return change.before if change.kind == "added" else change.after


def _is_emptied(key, left, right):
    """A mapping that has keys on one side and none on the other is said by its keys."""
    empty, other = (left, right) if key in left else (right, left)
    return empty[key] == b"{}" and key not in other and any(name.startswith(f"{key}.") for name in other)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(repositories, st.data())
def test_a_review_says_what_differs_and_nothing_else(before, data) -> None:
    after = data.draw(
        st.one_of(
            repositories,
            st.dictionaries(st.sampled_from(PLACES), documents | st.none(), min_size=1, max_size=3).map(
                lambda changes: {path: text for path, text in {**before, **changes}.items() if text is not None}
            ),
        )
    )
    with TemporaryDirectory() as folder:
        made = WrittenRepository(Path(folder))
        made.commit(before)
        made.commit({**dict.fromkeys(before), **after})
        workspace = Workspace(made.path)
        base = Base(workspace.resolve("HEAD~1").commit, "as told")
        found = review(workspace, base, workspace.resolve("HEAD"), as_of=date(2026, 11, 25))

    (old, old_broken), (new, new_broken) = effective(before), effective(after)
    broken = old_broken | new_broken
    differ: dict[str, dict[str, tuple[bytes | None, bytes | None]]] = {}
    for name in {*old, *new} - broken:
        left, right = old.get(name, {}), new.get(name, {})
        pairs = {key: (left.get(key), right.get(key)) for key in {*left, *right}}
        changed = {key: pair for key, pair in pairs.items() if pair[0] != pair[1] and not _is_emptied(key, left, right)}
        if changed:
            differ[name] = changed
    assert reported(found) == differ
    targets = {name for name in differ if name.count("/") == 2}
    assert targets <= set(found.difference.affected)
    came = {name for name in {*new} - {*old} - broken if name.count("/") == 2}
    assert came == set(found.difference.targets_added)
    if broken:
        assert any("bundles that cannot be built are left out" in text for text in found.unseen)
