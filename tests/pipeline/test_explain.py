"""Explaining: every layer that spoke, in order, and what the value is made from."""

from __future__ import annotations

import pytest

from golden.bundles import PROJECT, read_folder
from llmcfg.errors import UnknownKeyError
from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import parse_key_path
from llmcfg.model.target import Scope
from llmcfg.model.value import walk_leaves
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.explain import explain
from llmcfg.pipeline.memo import Memo
from support.written import MANIFEST, WrittenSnapshot, opened

TENANTS = MANIFEST + "tenants: {acme: {variables: {cost: '7'}}}\nvariables: {cost: '1'}\n"


def explained(files, key, scope=("prod", None)):
    return explain(opened({"llmcfg.yaml": TENANTS, **files}), Scope(*scope), parse_key_path(key))


def layers(explanation):
    """`layer tag value`, the winner with `=>`."""
    return [
        ("=> " if said.wins else "") + " ".join(filter(None, [said.layer, said.tag, repr(said.value)]))
        for said in explanation.statements
    ]


def links(explanation):
    return [f"{link.kind} {link.name} {link.origin}" for link in explanation.links]


def test_every_layer_that_says_something_is_there_in_order_and_the_last_wins():
    found = explained(
        {
            "base/a.yaml": "other: 1\nx: 1\n",
            "environments/dev/a.yaml": "x: 2\n",
            "environments/prod/a.yaml": "other: 2\n",
            "tenants/acme/a.yaml": "\n\nx: 3\n",
            "tenants/acme/environments/prod/a.yaml": "x: 4\n",
        },
        "a.x",
        ("prod", "acme"),
    )

    assert layers(found) == ["base 1", "tenants/acme 3", "=> tenants/acme/environments/prod 4"]
    assert [str(said.origin) for said in found.statements] == [
        "base/a.yaml:2:1",
        "tenants/acme/a.yaml:1:1",
        "tenants/acme/environments/prod/a.yaml:1:1",
    ]
    assert found.value == 4


def test_an_overlay_that_repeats_a_value_is_the_one_that_says_it():
    found = explained({"base/a.yaml": "x: 1\n", "environments/prod/a.yaml": "x: 1\n"}, "a.x")

    assert layers(found) == ["base 1", "=> environments/prod 1"]


def test_tags_are_named_and_do_not_stand_in_values():
    files = {
        "base/a.yaml": "m: {one: 1, two: 2, list: [1]}\n",
        "environments/prod/a.yaml": "m: {one: !delete , list: !append [2], two: !replace {x: !append [1]}}\n",
    }
    assert layers(explained(files, "a.m")) == [
        "base {'one': 1, 'two': 2, 'list': [1]}",
        "=> environments/prod {'one': '!delete', 'list': [2], 'two': {'x': [1]}}",
    ]
    assert layers(explained(files, "a.m.list")) == ["base [1]", "=> environments/prod !append [2]"]
    assert layers(explained(files, "a.m.two.x"))[-1] == "=> environments/prod !append [1]"


def test_a_deleted_key_has_a_history_and_no_value():
    found = explained({"base/a.yaml": "x: 1\nv: 1\n", "environments/prod/a.yaml": "x: !delete\n"}, "a.x")

    assert found.value is ABSENT
    assert layers(found) == ["base 1", "environments/prod !delete None"]


def test_a_key_inside_a_deleted_mapping_has_a_history_too():
    found = explained({"base/a.yaml": "m: {x: 1}\nv: 1\n", "environments/prod/a.yaml": "m: !delete\n"}, "a.m.x")

    assert found.value is ABSENT
    assert [said.path for said in found.statements] == [("a", "m", "x"), ("a", "m")]


def test_a_mapping_that_replaces_hides_what_is_beneath():
    files = {"base/a.yaml": "m: {x: 1, keep: 1}\n", "environments/prod/a.yaml": "m: !replace {v: 2}\n"}

    assert explained(files, "a.m.x").value is ABSENT
    assert layers(explained(files, "a.m.v")) == ["=> environments/prod 2"]


@pytest.mark.parametrize("key", ["a.y2", "a.x.deep", "b", "a.list[2]", "a.list.x", "a[0]", "nowhere.at.all"])
def test_a_key_that_no_layer_ever_set_is_unknown(key):
    with pytest.raises(UnknownKeyError):
        explained({"base/a.yaml": "x: 1\nlist: [1, 2]\n"}, key)


def test_an_unknown_key_names_a_near_one():
    with pytest.raises(UnknownKeyError) as caught:
        explained({"base/a.yaml": "timeout: 1\n"}, "a.timeoutt")
    assert "a.timeout" in caught.value.hint


def test_a_folder_of_documents_and_the_whole_are_values_without_a_history():
    files = {"base/models/one.yaml": "x: 1\n", "base/models/two.yaml": "x: 2\n"}

    assert explained(files, "models").value == {"one": {"x": 1}, "two": {"x": 2}}
    assert explained(files, "models").statements == ()
    assert explained(files, ".").value == {"models": {"one": {"x": 1}, "two": {"x": 2}}}


# items of lists


def test_an_item_of_a_list_is_found_where_it_was_written():
    files = {
        "base/a.yaml": "list: [b1, b2]\n",
        "environments/prod/a.yaml": "list: !append [e1]\n",
        "tenants/acme/a.yaml": "list: !prepend [t1, t2]\n",
    }
    scope = ("prod", "acme")
    assert explained(files, "a.list", scope).value == ["t1", "t2", "b1", "b2", "e1"]
    for index, layer in enumerate(["tenants/acme", "tenants/acme", "base", "base", "environments/prod"]):
        found = explained(files, f"a.list[{index}]", scope)
        assert layers(found) == [f"=> {layer} {found.value!r}"]


def test_an_item_of_a_replaced_list_keeps_what_stood_at_its_place():
    files = {"base/a.yaml": "list: [1, 2]\n", "environments/prod/a.yaml": "list: [3]\n"}

    assert layers(explained(files, "a.list[0]")) == ["base 1", "=> environments/prod 3"]


def with_rule(rule, base, overlay):
    head = '{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"list": '
    schema = head + '{"type": "array", "x-llmcfg-merge": ' + rule + "}}}"
    return {
        "llmcfg.yaml": TENANTS + "schemas: [{documents: a, schema: schemas/a.json}]\n",
        "schemas/a.json": schema,
        "base/a.yaml": base,
        "environments/prod/a.yaml": overlay,
    }


def test_items_that_are_matched_by_a_key_are_followed_to_their_own_place():
    files = with_rule(
        '{"by": "name"}',
        "list: [{name: one, x: 1}, {name: two, x: 2}]\n",
        "list: [{name: new, x: 9}, {name: two, x: 3}]\n",
    )
    assert explained(files, "a.list").value == [
        {"name": "one", "x": 1},
        {"name": "two", "x": 3},
        {"name": "new", "x": 9},
    ]
    assert layers(explained(files, "a.list[0].x")) == ["=> base 1"]
    assert layers(explained(files, "a.list[1].x")) == ["base 2", "=> environments/prod 3"]
    assert layers(explained(files, "a.list[2].x")) == ["=> environments/prod 9"]
    assert str(explained(files, "a.list[1].x").statements[-1].origin) == "environments/prod/a.yaml:1:39"


def test_items_of_lists_that_grow_by_rule_are_followed():
    for rule in ('"append"', '"unique"'):
        files = with_rule(rule, "list: [1, 2]\n", "list: [3]\n")
        assert layers(explained(files, "a.list[1]")) == ["=> base 2"]
        assert layers(explained(files, "a.list[2]")) == ["=> environments/prod 3"]
    files = with_rule('"unique"', "list: [1, 2]\n", "list: [2, 3]\n")
    assert layers(explained(files, "a.list[2]")) == ["=> environments/prod 3"]


# patterns and references


PATTERNS = {
    "base/patterns.yaml": """
        chat:
          limits: {rpm: 1, tpm: '{{param:tpm}}'}
          stop: [a]
        slow:
          $extends: patterns.chat
          $with: {tpm: '{{param:tpm}}'}
          wait: 5
    """,
    "base/a.yaml": """
        m:
          $extends: patterns.slow
          $with: {tpm: 7}
          limits: {rpm: 2}
          stop: !append [b]
    """,
}


def test_a_key_that_only_a_pattern_sets_is_explained_by_the_pattern():
    found = explained(PATTERNS, "a.m.wait")

    assert (found.value, found.statements) == (5, ())
    assert links(found)[0] == "extends patterns.slow base/patterns.yaml:7:3"


def test_a_pattern_of_a_pattern_is_followed():
    found = explained(PATTERNS, "a.m.limits.tpm")

    assert found.value == 7
    assert links(found) == [
        "extends patterns.slow base/patterns.yaml:4:1",
        "extends patterns.chat base/patterns.yaml:2:20",
        "param tpm None",
    ]


def test_what_a_layer_sets_over_a_pattern_wins():
    found = explained(PATTERNS, "a.m.limits.rpm")

    assert layers(found) == ["=> base 2"]
    assert links(found)[0].startswith("extends patterns.slow")


def test_items_that_a_pattern_gives_have_no_statement_and_the_others_do():
    assert explained(PATTERNS, "a.m.stop").value == ["a", "b"]
    assert layers(explained(PATTERNS, "a.m.stop[0]")) == []
    assert layers(explained(PATTERNS, "a.m.stop[1]")) == ["=> base 'b'"]


def test_references_are_followed_to_where_each_is_defined():
    found = explained(
        {
            "base/a.yaml": "url: 'https://{{config:b.host}}/{{var:cost}}'\n",
            "base/b.yaml": "host: '{{config:c.deep.host}}'\n",
            "base/c.yaml": "deep:\n  host: 'h-{{secret:key}}'\n",
            "base/secrets/k.yaml": "key: ENC[AES256_GCM,data:x]\nsops: {}\n",
        },
        "a.url",
        ("prod", "acme"),
    )

    assert found.value == "https://h-{{secret:key}}/7"
    assert found.written == "https://{{config:b.host}}/{{var:cost}}"
    assert links(found) == [
        "config b.host base/b.yaml:1:1",
        "config c.deep.host base/c.yaml:2:3",
        "secret key base/secrets/k.yaml:1:1",
        "var cost llmcfg.yaml:5:30",
    ]


def test_references_in_a_cycle_end():
    found = explained({"base/a.yaml": "x: '{{config:a.v}}'\nv: '{{config:a.x}}'\n"}, "a.x")

    assert [link.name for link in found.links] == ["a.v", "a.x"]


def test_what_wins_in_sample_repo_is_the_value():
    """Every key of one tenant: a plain value that a layer wrote is the effective one, and what no layer wrote is from a pattern."""
    configuration = Configuration(WrittenSnapshot(read_folder(PROJECT / "sample-repo")), Memo())
    scope = Scope("prod", "meridian-retail")
    looked_at = 0
    for path, value in walk_leaves(configuration.effective(scope).tree()):
        found = explain(configuration, scope, path)
        assert found.value == value
        assert [said.wins for said in found.statements] == [False] * (len(found.statements) - 1) + [True] * bool(
            found.statements
        )
        if found.statements and found.statements[-1].path == path and "{{" not in str(found.written):
            assert found.statements[-1].value == value
            looked_at += 1
        elif not found.statements:
            assert any(link.kind in ("extends", "config", "param") for link in found.links)
    assert looked_at > 300
