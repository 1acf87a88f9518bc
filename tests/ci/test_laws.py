"""No change of the effective configuration is missing from a review, and none is invented: against every leaf, rendered file, secret and
recipient of every target, and every decision of the manifest."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.canonical import canonical_json
from llmcfg.ci.base import Base
from llmcfg.ci.review import review
from llmcfg.model.keypath import format_key_path
from llmcfg.model.value import walk_leaves
from llmcfg.pipeline.build import build
from llmcfg.pipeline.memo import Memo
from llmcfg.wiring import Workspace
from support.sealed import NAMES, sealed
from support.written import CONSUMER, MANIFEST, WrittenRepository, opened

INHERITING = MANIFEST.replace("dev: {}, prod: {}", "dev: {}, prod: {inherits: dev, protected: true}")
MANIFESTS = (
    INHERITING + "tenants: {acme: {}, beta: {parent: acme}}\nvariables: {v: one}\n",
    INHERITING + "tenants: {acme: {region: eu}, beta: {}}\nvariables: {v: two}\n",
    MANIFEST + "tenants: {acme: {}}\nschemas: [{documents: '*', schema: schemas/s.json}]\n",
    MANIFEST + "tenants: {acme: {}}\nsinks: [{directory: {path: out}}]\n"
    "hierarchy: [base, 'tenants/{tenant}', 'environments/{environment}']\n",
)
SELECTING_A = "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [a]\n"
CONSUMERS = (
    CONSUMER + 'tenants: "*"\nshared: true\n',
    SELECTING_A + 'tenants: "*"\n',
    SELECTING_A + "environments: [prod]\n",
    SELECTING_A + "outputs: [{template: templates/t.j2, path: t.txt}]\nshared: true\n",
    CONSUMER + f"recipients: [{NAMES[0]}]\n",
    CONSUMER + f"recipients: [{', '.join(NAMES)}]\nafter_apply: reload\n",
)
TEMPLATES = ("{{ config.a.k | default('none') }}\n", "{{ tenant }} {{ variables.v | default('') }}\n")
SCHEMAS = ("{}\n", '{"properties": {"k": {"x-llmcfg-merge": "append"}}, "additionalProperties": true}\n')
SECRETS = tuple(sealed(f"one: {value}\ntwo: same\n") for value in ("x", "y"))
OTHERS = {
    "templates/t.j2": TEMPLATES,
    "schemas/s.json": SCHEMAS,
    "base/secrets/s.yaml": SECRETS,
    "base/prompts/support/hello.yaml": ("title: One\ncurrent: 1\n", "title: Two\ncurrent: 1\n"),
    "policies/limits.yaml": ("apiVersion: llmcfg.dev/v1\nkind: ChangeLimits\nsteps: [{keys: [a], by: 1}]\n",),
}
LAYERS = (
    "base",
    "environments/dev",
    "environments/prod",
    "tenants/acme",
    "tenants/acme/environments/prod",
    "tenants/beta",
)
PLACES = [f"{layer}/{document}.yaml" for layer in LAYERS for document in ("a", "b", "x/c")]
leaves = st.sampled_from(
    [
        1,
        2,
        1.5,
        True,
        "1",
        "text",
        None,
        [],
        {},
        [1, 2],
        [1, {"k": 2}],
        "{{config:a.k}}",
        "{{var:v}}",
        "{{secret:one}}",
        "{{secret:two}}",
    ]
)
values = st.dictionaries(
    st.sampled_from("kl"), leaves | st.dictionaries(st.sampled_from("mk"), leaves, max_size=2), max_size=2
)
documents = values.map(lambda value: json.dumps(value) + "\n") | st.just('{"k": !append [3], "l": !delete }\n')
others = st.fixed_dictionaries({}, optional={path: st.sampled_from(texts) for path, texts in OTHERS.items()})
repositories = st.builds(
    lambda manifest, one, two, files, others: {
        "llmcfg.yaml": manifest,
        "consumers/one.yaml": one,
        **({"consumers/two.yaml": two} if two else {}),
        "base/a.yaml": "{k: 0}\n",
        "templates/t.j2": TEMPLATES[0],
        "schemas/s.json": SCHEMAS[0],
        **files,
        **others,
    },
    st.sampled_from(MANIFESTS),
    st.sampled_from(CONSUMERS),
    st.none() | st.sampled_from(CONSUMERS),
    st.dictionaries(st.sampled_from(PLACES), documents, max_size=5),
    others,
)
changes = st.dictionaries(st.sampled_from(PLACES), documents | st.none(), max_size=3)
other_changes = st.fixed_dictionaries(
    {}, optional={path: st.sampled_from((*texts, None)) for path, texts in OTHERS.items()}
)


class Brute(NamedTuple):
    """One side, looked at whole: leaves by scope and bundle, all else of each bundle by its name, what cannot be built, decisions."""

    leaves: dict[str, dict[str, bytes]]
    rest: dict[str, dict[str, object]]
    broken: set[str]
    decisions: object


def effective(files):
    """All that there is of every scope and of every bundle that can be built."""
    configuration = opened(files, Memo())
    built = build(configuration, configuration.targets)
    found = {
        str(scope): leaves_of({name: one.value for name, one in configuration.effective(scope).documents.items()})
        for scope in configuration.scopes
    }
    for target in built.bundles:
        found[str(target)] = leaves_of({name: one.value for name, one in built.selections[target].documents.items()})
    rest = {str(target): rest_of(bundle) for target, bundle in built.bundles.items()}
    broken = {str(target) for target in configuration.targets} - {str(target) for target in built.bundles}
    return Brute(found, rest, broken, decided(configuration))


def rest_of(bundle):
    """Rendered files, secrets and recipients by a name for each."""
    files = {
        f"file {path.removeprefix('files/')}": part.sha256
        for path, part in bundle.parts.items()
        if path.startswith("files/")
    }
    secrets = {f"secret {name}": lock for name, lock in bundle.secrets.items()}
    return {**files, **secrets, **{f"recipient {name}": True for name in bundle.recipients}}


def decided(configuration):
    """What the manifest and consumers say beside values, by our own reading of them."""
    manifest = configuration.manifest
    environments = {name: (one.inherits, one.protected, one.track) for name, one in manifest.environments.items()}
    tenants = {name: (one.parent, one.region, one.quota, one.recipients) for name, one in manifest.tenants.items()}
    hooks = {one.name: (one.sinks, one.after_apply) for one in configuration.consumers if one.sinks or one.after_apply}
    return environments, tenants, manifest.hierarchy, manifest.sinks, hooks


def reported_rest(difference):
    """What a review says of everything but leaves: names by bundle."""
    said = {}
    named = [(f"file {one.path}", one.targets) for one in difference.files]
    named += [(f"secret {one.name}", one.targets) for one in difference.secrets]
    named += [(f"recipient {one.recipient}", one.targets) for one in difference.recipients]
    for name, targets in named:
        for target in targets:
            said.setdefault(target, set()).add(name)
    return said


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


def differing(before, after, broken):
    """What differs between two sides for each name, but for what cannot be built."""
    found = {}
    for name in {*before, *after} - broken:
        left, right = before.get(name, {}), after.get(name, {})
        keys = {key for key in {*left, *right} if left.get(key) != right.get(key)}
        pairs = {key: (left.get(key), right.get(key)) for key in keys if not _is_emptied(key, left, right)}
        if pairs:
            found[name] = pairs
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(repositories, st.data())
def test_a_review_says_what_differs_and_nothing_else(before, data) -> None:
    changed = st.builds(lambda one, two: {**before, **one, **two}, changes, other_changes)
    moved = st.sampled_from([path for path in before if path.startswith(("base/", "tenants/", "environments/"))]).map(
        lambda path: {**before, path: None, f"{path.rpartition('/')[0]}/moved.yaml": before[path]}
    )
    after = {
        path: text for path, text in data.draw(st.one_of(repositories, changed, moved)).items() if text is not None
    }
    with TemporaryDirectory() as folder:
        made = WrittenRepository(Path(folder))
        made.commit(before)
        made.commit({**dict.fromkeys(before), **after})
        workspace = Workspace(made.path)
        base = Base(workspace.resolve("HEAD~1").commit, "as told")
        found = review(workspace, base, workspace.resolve("HEAD"), as_of=date(2026, 11, 25))

    old, new = effective(before), effective(after)
    broken = old.broken | new.broken
    differ, rest = differing(old.leaves, new.leaves, broken), differing(old.rest, new.rest, broken)
    assert reported(found) == differ
    assert reported_rest(found.difference) == {name: {*pairs} for name, pairs in rest.items()}
    targets = {name for name in {*differ, *rest} if name.count("/") == 2}
    assert targets <= set(found.difference.affected)
    assert bool(found.difference.decisions) == (old.decisions != new.decisions)
    came = {*new.rest} - {*old.rest} - broken
    assert came == set(found.difference.targets_added)
    judges = {path for path in {*before, *after} if path.startswith(("policies/", "schemas/"))}
    others = {path for path in judges if before.get(path) != after.get(path)}
    assert others == {guard.path for guard in found.guards} - {"llmcfg.yaml"}
    if broken:
        assert any("bundles that cannot be built are left out" in text for text in found.unseen)
