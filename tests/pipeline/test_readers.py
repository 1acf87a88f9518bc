"""Who reads a key: by selection, by reference, by pattern, and by what took it from there."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.errors import FindingsError, UnknownKeyError
from llmcfg.model.keypath import parse_key_path
from llmcfg.pipeline.build import build
from llmcfg.pipeline.readers import find_readers
from support.written import CONSUMER, opened

MANIFEST = (
    "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: test\nenvironments: {dev: {}, prod: {}}\n"
    "tenants: {acme: {}, beta: {}}\n"
)
POLICY = "package policies.{name}\n\ndeny contains input.config.{reads} if input.config.{reads} > 9\n"


def consumer(*select, more=""):
    return f"{CONSUMER.replace('[.]', json.dumps(select))}{more}"


def readers(key, **files):
    configuration = opened({"llmcfg.yaml": MANIFEST, **files})
    return find_readers(configuration, parse_key_path(key), configuration.scopes)


def takers(found):
    return {taker.key: (taker.kind, taker.written, str(taker.origin)) for taker in found.takers}


def selections(found):
    return {(reader.consumer, reader.select, reader.key) for reader in found.consumers}


def test_a_consumer_reads_what_it_selects_in_whole_in_part_and_from_above():
    found = readers(
        "limits.chat",
        **{
            "base/limits.yaml": "chat: {rpm: 5, tpm: 9}\nother: 1\n",
            "consumers/whole.yaml": consumer("limits"),
            "consumers/part.yaml": consumer("limits.chat.rpm"),
            "consumers/same.yaml": consumer("limits.chat"),
            "consumers/beside.yaml": consumer("limits.other"),
        },
    )
    assert {(reader.consumer, reader.select) for reader in found.consumers} == {
        ("part", "limits.chat.rpm"),
        ("same", "limits.chat"),
        ("whole", "limits"),
    }
    assert found.targets == (
        *("dev/_shared/part", "dev/_shared/same", "dev/_shared/whole"),
        *("prod/_shared/part", "prod/_shared/same", "prod/_shared/whole"),
    )


def test_references_are_followed_to_where_the_value_comes_to_stand():
    found = readers(
        "a.host",
        **{
            "base/a.yaml": "host: h\nport: 1\n",
            "base/b.yaml": 'url: "https://{{config:a.host}}/"\nall: "{{config:a}}"\nport: "{{config:a.port}}"\n',
            "base/c.yaml": 'up: "{{config:b.url}}"\n',
            "consumers/reads.yaml": consumer("c"),
        },
    )
    assert takers(found) == {
        "b.url": ("config", "a.host", "base/b.yaml:1:1"),
        "b.all.host": ("config", "a", "base/b.yaml:2:1"),
        "c.up": ("config", "b.url", "base/c.yaml:1:1"),
    }
    assert selections(found) == {("reads", "c", "c.up")}


def test_patterns_give_what_the_mapping_does_not_say_itself():
    found = readers(
        "patterns.chat.limits.rpm",
        **{
            "base/patterns.yaml": "chat: {limits: {rpm: 5, tpm: 9}}\nfast: {$extends: patterns.chat}\n",
            "base/own.yaml": "$extends: patterns.fast\nlimits: {rpm: 7}\n",
            "base/some.yaml": "$extends: [patterns.fast]\nlimits: {tpm: 7}\n",
            "base/none.yaml": "$extends: patterns.chat\nlimits: !replace {tpm: 7}\n",
        },
    )
    assert takers(found) == {
        "patterns.fast.limits.rpm": ("extends", "patterns.chat", "base/patterns.yaml:2:8"),
        "some.limits.rpm": ("extends", "patterns.fast", "base/some.yaml:1:12"),
    }
    assert found.targets == ()


def test_each_place_says_for_which_scopes_it_holds():
    found = readers(
        "a.x",
        **{
            "base/a.yaml": "x: 1\n",
            "tenants/acme/b.yaml": 'z: "{{config:a.x}}"\n',
            "tenants/beta/environments/prod/b.yaml": 'z: "{{config:a.x}}"\n',
            "consumers/app.yaml": consumer("b", more="tenants: [acme, beta]\n"),
        },
    )
    assert [(str(taker.origin), taker.scopes) for taker in found.takers] == [
        ("tenants/acme/b.yaml:1:1", ("dev/acme", "prod/acme")),
        ("tenants/beta/environments/prod/b.yaml:1:1", ("prod/beta",)),
    ]
    assert found.targets == ("dev/acme/app", "prod/acme/app", "prod/beta/app")


def test_rendered_files_and_policies_that_see_the_key_are_named():
    found = readers(
        "limits.rpm",
        **{
            "base/limits.yaml": "rpm: 1\n",
            "base/other.yaml": "rpm: 1\n",
            "templates/app.env.j2": "RPM={{ config.limits.rpm }}\n",
            "consumers/app.yaml": consumer(
                "limits", more="outputs: [{path: app.env, template: templates/app.env.j2}]\n"
            ),
            "policies/looks.rego": POLICY.format(name="looks", reads="limits.rpm"),
            "policies/elsewhere.rego": POLICY.format(name="elsewhere", reads="other.rpm"),
        },
    )
    assert [(file.consumer, file.path, file.template) for file in found.files] == [
        ("app", "app.env", "templates/app.env.j2")
    ]
    assert found.policies == ("policies/looks.rego",)


def test_a_key_that_nobody_reads_is_read_by_nobody():
    found = readers("a.x", **{"base/a.yaml": "x: 1\n", "base/b.yaml": "x: 1\n", "consumers/app.yaml": consumer("b")})
    assert found.is_empty
    assert found.scopes == ("dev", "dev/acme", "dev/beta", "prod", "prod/acme", "prod/beta")


def test_a_folder_of_documents_is_a_key_too():
    found = readers("a", **{"base/a/one.yaml": "x: 1\n", "consumers/app.yaml": consumer("a.one.x")})
    assert selections(found) == {("app", "a.one.x", "a")}


def test_a_key_that_is_nowhere_is_refused_with_the_nearest():
    with pytest.raises(UnknownKeyError, match=r"the configuration has no key a\.hots") as refused:
        readers("a.hots", **{"base/a.yaml": "host: 1\n"})
    assert refused.value.hint == "did you mean 'a.host'?"


def test_what_cannot_be_followed_is_refused():
    circle = {"base/a.yaml": 'x: "{{config:b.x}}"\nz: 1\n', "base/b.yaml": 'x: "{{config:a.x}}"\n'}
    with pytest.raises(FindingsError, match="circles"):
        readers("a.z", **circle)
    with pytest.raises(FindingsError):
        readers("a.z", **{"base/a.yaml": "z: 1\n", "base/b.yaml": "x: [\n"})
    with pytest.raises(FindingsError):
        readers("a.z", **{"base/a.yaml": "z: 1\n", "consumers/app.yaml": "select: [\n"})


TO_A = ["{{config:a}}", "{{config:a.k}}", "{{config:a.m}}", "x {{config:a.m.n}}"]
TO_B = ["{{config:b.k}}", "{{config:b.m}}", "{{config:b}}"]


def document(references, *patterns):
    values = st.sampled_from([1, *references]) | st.fixed_dictionaries(
        {}, optional={"n": st.sampled_from([2, *references])}
    )
    said = st.dictionaries(st.sampled_from("kmp"), values, max_size=3)
    extended = st.fixed_dictionaries({}, optional={"$extends": st.sampled_from(patterns)} if patterns else {})
    return st.builds(lambda one, other: json.dumps({**one, **other}), extended, said)


repositories = st.fixed_dictionaries(
    {
        "base/b.yaml": document(TO_A, "a", "a.m"),
        "base/c.yaml": document([*TO_A, *TO_B], "a", "b", "b.m"),
        "consumers/one.yaml": st.sampled_from(["b", "c", "c.m", "a.m.n"]).map(
            lambda select: consumer(select, more="tenants: [acme]\nshared: true\n")
        ),
    },
    optional={
        "tenants/acme/b.yaml": document(TO_A),
        "environments/prod/c.yaml": document([*TO_A, *TO_B]),
        "environments/prod/a.yaml": st.just("k: 5\n"),
    },
)


def bundles(files):
    configuration = opened({"llmcfg.yaml": MANIFEST, **files})
    built = build(configuration, configuration.targets)
    return {
        str(target): {name: part.content for name, part in built.bundles[target].parts.items()}
        for target in built.bundles
    }


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(repositories, st.sampled_from(["a.k", "a.m.n"]))
def test_whatever_a_change_of_the_key_reaches_is_among_its_readers(files, key) -> None:
    before, after = ({"base/a.yaml": json.dumps({"k": k, "m": {"n": n}}), **files} for k, n in
                     ((1, 1), (2, 1) if key == "a.k" else (1, 2)))  # fmt: skip
    old, new = bundles(before), bundles(after)
    changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
    assert changed <= set(readers(key, **before).targets)
