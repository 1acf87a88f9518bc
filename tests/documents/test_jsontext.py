"""Edits of JSON: what they mean, and that every other byte stays."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.documents.jsontext import behind, without, written_at
from llmcfg.documents.paths import value_at, with_value, without_value
from llmcfg.errors import UsageError

TEXT = '{ "a": {"x": 1, "y": [1, 2]},\n  "b": {},\n\t"c": [ "p" ] }\n'


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (("a", "x"), '"x": 1, ', ""),
        (("a", "y"), ', "y": [1, 2]', ""),
        (("c", 0), ' "p" ', ""),
        (("a",), '"a": {"x": 1, "y": [1, 2]},\n  ', ""),
        (("c",), ',\n\t"c": [ "p" ]', ""),
    ],
)
def test_what_goes_takes_its_comma_along(path, before, after):
    assert without(TEXT, path) == TEXT.replace(before, after)


@pytest.mark.parametrize(
    ("path", "key", "before", "after"),
    [
        (("a",), "z", "[1, 2]}", '[1, 2], "z": {"q": 2}}'),
        (("b",), "z", "{}", '{"z": {"q": 2}}'),
        ((), "z", '[ "p" ]', '[ "p" ],\n\t"z": {"q": 2}'),
        (("c",), None, '"p"', '"p", {"q": 2}'),
    ],
)
def test_what_comes_is_laid_out_as_what_is_before_it(path, key, before, after):
    assert behind(TEXT, path, '{"q": 2}', key) == TEXT.replace(before, after)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), JSON, min_size=1, max_size=4), JSON, st.sampled_from([None, 2]), st.data())
def test_edits_mean_what_they_say_or_are_refused(value, added, indent, data):
    text = json.dumps(value, indent=indent)
    key = data.draw(st.sampled_from(sorted(value)))
    try:
        assert json.loads(written_at(text, (key,))) == value[key]
        assert json.loads(without(text, (key,))) == without_value(value, (key,))
        assert json.loads(behind(text, (), json.dumps(added), "new key")) == with_value(value, ("new key",), added)
    except UsageError as error:
        assert re.search("touching other bytes", error.message)
    assert value_at(value, (key,)) == json.loads(text)[key]
