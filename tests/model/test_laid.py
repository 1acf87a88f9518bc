"""Mappings laid over one another: they read as one that was written over, and share what they do not say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.model.laid import Laid
from llmcfg.model.made import Made

LAYERS = st.lists(st.dictionaries(st.sampled_from("abcde/"), st.none() | st.integers(), max_size=4), max_size=4)


def laid(layers):
    top = Laid({})
    for own in layers:
        top = Laid(own, top)
    return top


@given(LAYERS)
def test_laid_layers_read_as_one_mapping_in_the_order_of_names(layers):
    written_over = {}
    for own in layers:
        written_over.update(own)
    top = laid(layers)
    assert list(top.items()) == sorted(written_over.items(), key=lambda item: item[0])
    assert list(top.values()) == top.in_order() == [written_over[name] for name in sorted(written_over)]
    assert len(top) == len(written_over)
    assert bool(top) == bool(written_over)
    assert {name for name in "abcde/x" if name in top} == written_over.keys()
    assert {name: top.get(name, "absent") for name in "abx"} == {
        name: written_over.get(name, "absent") for name in "abx"
    }


def test_what_adds_no_name_shares_the_names_of_the_one_below():
    below = Laid({"a": 1, "b": 2})
    assert Laid({"b": 3}, below).names is below.names
    assert Laid({"c": 3}, below).names == ["a", "b", "c"]


def test_a_name_that_no_layer_has_is_missing():
    with pytest.raises(KeyError):
        laid([{"a": 1}, {"b": 2}])["c"]


def test_values_that_nobody_asked_for_are_not_made_to_be_listed():
    def make(name):
        assert name == "b", f"{name} lies under another"
        return 2

    below = Laid(Made({"a": None, "b": None}, make))
    assert [Laid({"a": 3}, below).in_order() for _ in range(2)] == [[3, 2], [3, 2]]
