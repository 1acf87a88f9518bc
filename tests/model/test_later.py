"""Values that are made when they are asked for."""

from __future__ import annotations

import pytest

from llmcfg.model.later import Each


def made_of(keys, most=0):
    made = []

    def make(key):
        made.append(key)
        return key.upper()

    return Each(keys, make, most), made


def test_each_value_is_made_once_when_it_is_asked_for():
    each, made = made_of("abc")
    assert (len(each), [*each], "a" in each, made) == (3, ["a", "b", "c"], True, [])
    assert [each["b"], each["b"], made] == ["B", "B", ["b"]]
    with pytest.raises(KeyError):
        each["d"]


def test_no_more_than_the_most_are_kept():
    each, made = made_of("abc", most=2)
    assert [each[key] for key in "aabcb"] == ["A", "A", "B", "C", "B"]
    assert made == ["a", "b", "c"]
    assert each["a"] == "A"
    assert made == ["a", "b", "c", "a"]
