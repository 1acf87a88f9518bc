"""Hints that name what there is."""

from __future__ import annotations

from llmcfg.model.suggest import there_are


def test_some_of_many_names_are_said():
    assert there_are("abc") == "there are: a, b, c"
    assert there_are("abcdefghi") == "there are: a, b, c, d, e, f, g, h, …"
    assert there_are([]) == "there are none"
