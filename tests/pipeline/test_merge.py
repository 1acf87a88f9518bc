"""The laws of laying one mapping over another."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.model.merge import MergeRule
from llmcfg.model.value import MergeTag, Tagged
from llmcfg.pipeline.merge import merge, same
from llmcfg.pipeline.tags import DELETED, has_tags, settle

KEYS = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.5, "x", "y"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
MAPPINGS = st.dictionaries(KEYS, VALUES, max_size=4)
LISTS = st.lists(SCALARS, max_size=3)


def tagged(inner):
    return (
        LISTS.map(lambda items: Tagged(MergeTag.APPEND, items))
        | LISTS.map(lambda items: Tagged(MergeTag.PREPEND, items))
        | st.just(Tagged(MergeTag.DELETE, None))
        | inner.map(lambda value: Tagged(MergeTag.REPLACE, value))
    )


OVERLAYS = st.recursive(
    st.dictionaries(KEYS, VALUES | tagged(VALUES), max_size=4),
    lambda inner: st.dictionaries(KEYS, inner | VALUES | tagged(inner), max_size=4),
    max_leaves=6,
)

# Every key has one kind, so that nothing replaces a mapping or a list by something else.
ONE_KIND = st.recursive(
    st.fixed_dictionaries({}, optional={"s": SCALARS.filter(lambda x: x is not None), "l": LISTS}),
    lambda inner: st.fixed_dictionaries({}, optional={"s": st.integers(0, 2), "l": LISTS, "m": inner, "n": inner}),
    max_leaves=6,
)
# The same with tags of the kinds that fit.
ONE_KIND_TAGGED = st.recursive(
    st.fixed_dictionaries({}, optional={"s": st.integers(0, 2), "l": LISTS | tagged(LISTS)}),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "s": st.integers(0, 2) | st.just(Tagged(MergeTag.DELETE, None)),
            "l": LISTS | tagged(LISTS),
            "m": inner | st.just(Tagged(MergeTag.DELETE, None)) | inner.map(lambda m: Tagged(MergeTag.REPLACE, m)),
        },
    ),
    max_leaves=6,
)


def ignore(_problem):
    pass


def laid(*layers, rules=None):
    """The layers laid together, and what was reported as (rule, path)."""
    problems = []
    result = layers[0]
    for layer in layers[1:]:
        result = merge(
            result,
            layer,
            lambda problem: problems.append((problem.rule, problem.path)),
            lambda path: (rules or {}).get(path),
        )
    return result, problems


def effective(*layers):
    return settle(laid(*layers)[0], ignore)


@given(MAPPINGS)
def test_an_empty_overlay_changes_nothing_and_is_said_so(below):
    result, problems = laid(below, {})
    assert result is below
    assert problems == [("overlay-no-effect", ())]


@given(MAPPINGS)
def test_a_copy_of_what_lies_beneath_changes_nothing_and_is_said_once(below):
    result, problems = laid(below, copy.deepcopy(below))
    assert result is below
    assert problems == [("overlay-no-effect", ())]


@given(OVERLAYS, OVERLAYS)
def test_nothing_is_changed_in_place(below, above):
    before = copy.deepcopy((below, above))
    merge(below, above, ignore)
    assert same(list(before), [below, above])


@given(MAPPINGS, OVERLAYS)
def test_what_did_not_change_is_shared(below, above):
    result, _ = laid(below, above)
    for key in below.keys() - above.keys():
        assert result[key] is below[key]
    for key in below.keys() & result.keys():
        if same(below[key], result[key]):
            assert result[key] is below[key]
    if same(below, result):
        assert result is below


@given(MAPPINGS, MAPPINGS)
def test_without_tags_the_overlay_wins_every_leaf(below, above):
    def check(result, said):
        for key, value in said.items():
            if isinstance(value, dict) and isinstance(result[key], dict):
                check(result[key], value)
            else:
                assert same(result[key], value)

    check(laid(below, above)[0], above)


@settings(max_examples=300)
@given(ONE_KIND, ONE_KIND, ONE_KIND)
def test_laying_is_associative_where_kinds_agree(a, b, c):
    one = laid(laid(a, b)[0], c)[0]
    other = laid(a, laid(b, c)[0])[0]
    assert same(one, other)


@settings(max_examples=300)
@given(ONE_KIND_TAGGED, ONE_KIND_TAGGED, ONE_KIND_TAGGED)
def test_laying_over_a_pattern_is_associative_with_tags_too(pattern, below, above):
    """Layers are laid together first, and the pattern beneath them afterwards; the author cannot tell."""
    pattern = settle(pattern, ignore)
    one_after_the_other = effective(laid(pattern, below)[0], above)
    pattern_last = effective(pattern, laid({**below, "$extends": "p"}, above)[0])
    assert pattern_last.pop("$extends") == "p"
    assert same(one_after_the_other, pattern_last)


@given(MAPPINGS, st.lists(LISTS, max_size=4))
def test_appends_and_prepends_fold_in_order(below, additions):
    base = {**below, "l": ["base"]}
    layers = [{"l": Tagged(tag, items)} for items in additions for tag in (MergeTag.APPEND, MergeTag.PREPEND)]
    expected = ["base"]
    for items in additions:
        expected = [*items, *expected, *items]
    assert effective(base, *layers)["l"] == expected
    assert effective({"$extends": "p"}, *layers).get("l", []) == [
        *(item for items in reversed(additions) for item in items),
        *(item for items in additions for item in items),
    ]


@given(OVERLAYS, OVERLAYS)
def test_what_is_settled_has_no_tags_and_every_lost_one_is_reported(below, above):
    value, _ = laid(below, above)
    lost = []
    settled = settle(value, lost.append)
    assert not has_tags(settled)
    assert has_tags(value) or (settled is value and lost == [])
    assert {problem.rule for problem in lost} <= {"merge-append-missing", "merge-delete-missing"}


@pytest.mark.parametrize(
    ("below", "above", "result"),
    [
        ({"a": [1]}, {"a": Tagged(MergeTag.APPEND, [2])}, {"a": [1, 2]}),
        ({"a": [1]}, {"a": Tagged(MergeTag.PREPEND, [2])}, {"a": [2, 1]}),
        ({"a": None}, {"a": Tagged(MergeTag.APPEND, [2])}, {"a": [2]}),
        ({"a": 1, "b": 2}, {"a": Tagged(MergeTag.DELETE, None)}, {"b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": Tagged(MergeTag.REPLACE, {"d": 3})}, {"a": {"d": 3}}),
        ({"a": {"b": 1}}, {"a": Tagged(MergeTag.REPLACE, "text")}, {"a": "text"}),
        ({"a": "text"}, {"a": Tagged(MergeTag.REPLACE, [1])}, {"a": [1]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {"a": "1"}, {"a": "1"}),
        ({"a": 1}, {"a": True}, {"a": True}),
        ({"a": "{{config:x}}"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_a_change_that_is_meant_is_no_finding(below, above, result):
    merged, problems = laid(below, above)
    assert same(merged, result)
    assert problems == []


@pytest.mark.parametrize(
    ("below", "above"),
    [
        ({"a": {"b": 1}}, {"a": "text"}),
        ({"a": "text"}, {"a": {"b": 1}}),
        ({"a": [1]}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": [1]}),
        ({"a": 1}, {"a": [1]}),
        ({"a": {"b": 1}}, {"a": Tagged(MergeTag.APPEND, [1])}),
        ({"a": "text {{config:x}}"}, {"a": {"b": 1}}),
    ],
)
def test_a_change_of_kind_is_reported_at_the_value(below, above):
    assert laid(below, above)[1] == [("merge-kind", ("a",))]


def test_idle_parts_are_reported_at_their_topmost_mapping():
    below = {"a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": [1]}
    above = {"a": {"b": {"c": 1, "d": 2}, "e": 4}, "f": [1]}
    assert laid(below, above)[1] == [("overlay-no-effect", ("a", "b")), ("overlay-no-effect", ("f",))]


def test_a_replace_of_the_same_value_and_an_empty_append_are_idle():
    below = {"a": {"b": 1}, "c": [1], "d": 1}
    above = {"a": Tagged(MergeTag.REPLACE, {"b": 1}), "c": Tagged(MergeTag.APPEND, []), "d": 2}
    assert laid(below, above)[1] == [("overlay-no-effect", ("a",)), ("overlay-no-effect", ("c",))]


def test_a_mapping_over_a_replaced_one_merges_with_it():
    layers = {"x": 1}, {"a": Tagged(MergeTag.REPLACE, {"b": 1, "c": 2})}, {"a": {"b": 5}}
    assert effective(*layers) == {"x": 1, "a": {"b": 5, "c": 2}}


def test_a_list_extended_over_a_replaced_one_keeps_both():
    layers = {"x": 1}, {"a": Tagged(MergeTag.REPLACE, [1])}, {"a": Tagged(MergeTag.APPEND, [2])}
    assert effective(*layers) == {"x": 1, "a": [1, 2]}


def test_what_a_deletion_removed_does_not_shine_through_from_a_pattern():
    below = {"$extends": "p", "a": 1}
    merged, problems = laid(below, {"a": Tagged(MergeTag.DELETE, None)})
    assert merged == {"$extends": "p", "a": DELETED}
    assert problems == []
    lost = []
    assert settle(merged, lost.append) == {"$extends": "p"}
    assert lost == []
    del merged["$extends"]
    assert laid({"a": 7, "b": 8}, merged)[0] == {"b": 8}


def test_a_tag_without_anything_beneath_is_reported_with_its_path():
    lost = []
    settle({"m": {"a": Tagged(MergeTag.DELETE, None), "b": Tagged(MergeTag.PREPEND, [1])}}, lost.append)
    assert [(problem.rule, problem.path) for problem in lost] == [
        ("merge-delete-missing", ("m", "a")),
        ("merge-append-missing", ("m", "b")),
    ]


RULES = {
    ("append",): MergeRule("append"),
    ("unique",): MergeRule("unique"),
    ("by",): MergeRule("by", "name"),
    ("whole",): MergeRule("replace"),
}


@given(LISTS, LISTS)
def test_the_rule_append_joins_lists(old, new):
    assert laid({"append": old}, {"append": new}, rules=RULES)[0]["append"] == [*old, *new]


@given(LISTS, LISTS)
def test_the_rule_unique_adds_what_is_not_there_yet(old, new):
    result = laid({"unique": old}, {"unique": new}, rules=RULES)[0]["unique"]
    assert same(result[: len(old)], old)
    added = result[len(old) :]
    assert all(any(same(item, known) for known in result) for item in new)
    assert not any(same(item, other) for index, item in enumerate(added) for other in [*old, *added[:index]])


def test_the_rule_by_merges_items_of_one_name_in_place():
    old = [{"name": "a", "rpm": 1, "tpm": 2}, {"name": "b"}]
    new = [{"name": "b", "rpm": 3}, {"name": "c"}, {"name": "a", "rpm": 9}]
    result, problems = laid({"by": old}, {"by": new}, rules=RULES)
    assert result["by"] == [{"name": "a", "rpm": 9, "tpm": 2}, {"name": "b", "rpm": 3}, {"name": "c"}]
    assert problems == []


def test_the_rule_by_takes_integers_and_tells_them_from_texts():
    old = [{"name": 1, "a": 1}, {"name": "1", "a": 2}]
    result, _ = laid({"by": old}, {"by": [{"name": 1, "b": 3}]}, rules=RULES)
    assert result["by"] == [{"name": 1, "a": 1, "b": 3}, {"name": "1", "a": 2}]


@pytest.mark.parametrize("item", [{"rpm": 1}, "text", {"name": True}, {"name": ["x"]}, None])
def test_the_rule_by_reports_an_item_without_a_name(item):
    result, problems = laid({"by": [{"name": "a"}]}, {"by": [{"name": "a", "x": 1}, item]}, rules=RULES)
    assert problems == [("merge-list-key", ("by", 1))]
    assert same(result["by"], [{"name": "a", "x": 1}, item])


def test_the_rule_replace_takes_a_mapping_whole():
    assert laid({"whole": {"a": 1}}, {"whole": {"b": 2}}, rules=RULES) == ({"whole": {"b": 2}}, [])
    below = {"whole": {"a": 1}}
    assert laid(below, {"whole": {"a": 1}}, rules=RULES) == (below, [("overlay-no-effect", ())])


def test_many_unique_items_are_not_compared_with_one_another():
    items = [{"id": number} for number in range(20_000)]
    assert len(laid({"unique": items}, {"unique": [*items, {"id": -1}]}, rules=RULES)[0]["unique"]) == 20_001
