"""Laws of the difference between two values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmcfg.canonical import canonical_json
from llmcfg.model.change import ABSENT, Change
from llmcfg.model.difference import apply_changes, diff_values, differ, spread
from llmcfg.model.value import MergeTag, Tagged

keys = st.sampled_from("abcde")
scalars = st.sampled_from([None, True, False, 0, 1, 1.0, 2.5, "", "1", "text"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
mappings = st.dictionaries(keys, values, max_size=4)


@given(values)
def test_nothing_differs_from_itself(value):
    assert not differ(value, value)
    assert list(diff_values(value, apply_changes(value, []))) == []


@given(mappings, mappings)
def test_the_changes_lead_from_one_value_to_the_other(before, after):
    assert canonical_json(apply_changes(before, diff_values(before, after))) == canonical_json(after)


@given(mappings, mappings)
def test_the_way_back_is_the_way_there_turned_round(before, after):
    there = {(change.path, repr(change.before), repr(change.after)) for change in diff_values(before, after)}
    back = {(change.path, repr(change.after), repr(change.before)) for change in diff_values(after, before)}

    assert {path for path, _, _ in there} == {path for path, _, _ in back}
    assert len(there) == len(back)


@given(values, values)
def test_values_differ_exactly_when_their_canonical_bytes_do(before, after):
    assert differ(before, after) == (canonical_json(before) != canonical_json(after))


EQUAL_TO_PYTHON = [[0, 0.0, -0.0, False], [1, 1.0, True]]


@given(
    st.recursive(
        st.sampled_from([*range(3), True, False, "1", None]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=25,
    ),
    st.data(),
)
def test_what_only_python_takes_for_equal_is_told_apart_however_deep_it_lies(before, data):
    def lookalike(value):
        if isinstance(value, dict):
            return {key: lookalike(item) for key, item in value.items()}
        if isinstance(value, list):
            return [lookalike(item) for item in value]
        return data.draw(st.sampled_from(next((same for same in EQUAL_TO_PYTHON if value in same), [value])))

    after = lookalike(before)
    assert before == after
    assert differ(before, after) == (canonical_json(before) != canonical_json(after))
    assert canonical_json(apply_changes(before, diff_values(before, after))) == canonical_json(after)


@given(mappings, mappings)
def test_no_change_lies_inside_another(before, after):
    paths = [change.path for change in diff_values(before, after)]

    assert not any(one != other and other[: len(one)] == one for one in paths for other in paths)


@given(mappings, mappings)
def test_spreading_gives_leaves_and_loses_nothing(before, after):
    changes = list(diff_values(before, after))
    leaves = [leaf for change in changes for leaf in spread(change)]

    assert all(not isinstance(leaf.after, dict) or not leaf.after for leaf in leaves if leaf.before is ABSENT)
    added = [leaf for leaf in leaves if leaf.before is ABSENT]
    assert all(differ(_at(after, leaf.path), leaf.after) is False for leaf in added)


def _at(value, path):
    for step in path:
        value = value[step]
    return value


def test_absent_is_not_null():
    assert list(diff_values({"a": None}, {})) == [Change(("a",), None, ABSENT)]
    assert list(diff_values({}, {"a": None})) == [Change(("a",), ABSENT, None)]


def test_a_value_with_a_merge_tag_is_no_list_of_its_parts():
    tagged = Tagged(MergeTag.APPEND, ["x"])
    assert [*diff_values({"a": tagged}, {"a": Tagged(MergeTag.APPEND, ["x"])})] == []
    assert [*diff_values({"a": tagged}, {"a": ["!append", ["x"]]})] == [Change(("a",), tagged, ["!append", ["x"]])]


def test_numbers_that_have_no_encoding_and_halves_of_characters_are_compared_too():
    assert [*diff_values({"a": 1 << 70, "b": "\ud800"}, {"a": 1 << 70, "b": "\ud800"})] == []
    assert [*diff_values([1 << 70], [(1 << 70) + 1])] == [Change((0,), 1 << 70, (1 << 70) + 1)]


def test_lists_of_one_length_are_compared_item_by_item():
    assert list(diff_values([1, [2]], [1, [3]])) == [Change((1, 0), 2, 3)]
    assert list(diff_values([1], [1, 2])) == [Change((), [1], [1, 2])]
