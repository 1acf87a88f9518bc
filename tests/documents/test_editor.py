"""Edits change the edited value and nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from documents.strategies_of_values import documents, scalars
from llmcfg.documents.editor import delete_value, set_value
from llmcfg.documents.loader import load_document
from llmcfg.documents.paths import value_at, with_value, without_value
from llmcfg.documents.positions import find_places
from llmcfg.documents.writer import write_yaml
from llmcfg.errors import UnknownKeyError, UsageError

TEXT = """\
# top
name: 'openai'   # quoted
models:
    gpt-4:  # the big one
        max: 8192
        tags: [a, "b"] # flow
        empty:
        note: |
          hello
          world

    # before mini
    mini: {max: 10, x: 1}
routes:
- a
- b: 1
  c: 2   # c
-
  - nested
one:
  only: 1
last: "x"
"""


@pytest.mark.fault("Y18")
@pytest.mark.parametrize(
    ("path", "value", "before", "after"),
    [
        (("name",), "azure", "'openai'   #", "'azure'   #"),
        (("name",), "it's", "'openai'", "'it''s'"),
        (("models", "gpt-4", "max"), "no", "8192", '"no"'),
        (("models", "gpt-4", "empty"), 5, "empty:", "empty: 5"),
        (("models", "gpt-4", "tags", 0), True, '[a, "b"]', '[true, "b"]'),
        (("models", "gpt-4", "tags", 2), "c", '"b"] #', '"b", c] #'),
        (("models", "gpt-4", "note"), "x\ny\n", "hello\n          world", "x\n          y"),
        (("models", "gpt-4", "new"), {"q": [1]}, "world\n", "world\n        new:\n          q:\n            - 1\n"),
        (("models", "mini", "z"), 2, "x: 1}", "x: 1, z: 2}"),
        (("models", "third", "deep"), 1, "x: 1}\n", "x: 1}\n    third:\n      deep: 1\n"),
        (("routes", 3), "d", "- nested\n", "- nested\n- d\n"),
        (("routes", 1, "d"), "e", "# c\n", "# c\n  d: e\n"),
        (("routes", 1, "b"), {"z": 1}, "b: 1", "b:\n    z: 1"),
        (("one",), {}, "one:\n  only: 1", "one: {}"),
        (("last",), ["z"], 'last: "x"', "last:\n  - z"),
        (("fresh",), "v", 'last: "x"\n', 'last: "x"\nfresh: v\n'),
    ],
)
def test_setting_a_value_keeps_every_other_byte(path, value, before, after):
    assert TEXT.count(before) == 1
    expected = TEXT.replace(before, after)
    assert set_value(TEXT.encode(), path, value).decode() == expected
    windows = TEXT.replace("\n", "\r\n").encode()
    assert (
        set_value(b"\xef\xbb\xbf" + windows, path, value) == b"\xef\xbb\xbf" + expected.replace("\n", "\r\n").encode()
    )


@pytest.mark.fault("Y18")
@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (("name",), "name: 'openai'   # quoted\n", ""),
        (("models", "gpt-4", "max"), "        max: 8192\n", ""),
        (("models", "gpt-4", "tags", 0), '[a, "b"]', '["b"]'),
        (("models", "gpt-4", "tags", 1), '[a, "b"]', "[a]"),
        (("models", "mini", "max"), "{max: 10, x: 1}", "{x: 1}"),
        (("routes", 0), "- a\n", ""),
        (("routes", 1, "b"), "b: 1\n  c", "c"),
        (("routes", 1, "c"), "  c: 2   # c\n", ""),
        (("one", "only"), "one:\n  only: 1", "one: {}"),
        (("last",), 'last: "x"\n', ""),
    ],
)
def test_deleting_keeps_every_other_byte(path, before, after):
    assert TEXT.count(before) == 1
    assert delete_value(TEXT.encode(), path).decode() == TEXT.replace(before, after)


def test_setting_what_already_holds_changes_nothing():
    text = b"a: 'x'   # y\n"
    assert set_value(text, ("a",), "x") is text


@pytest.mark.parametrize("path", [("name", "x"), ("routes", 9), ("routes", "b"), ("models", 0)])
def test_a_path_that_does_not_fit_is_refused(path):
    with pytest.raises(UsageError, match=r"not a mapping|not a list|is not there"):
        set_value(TEXT.encode(), path, 1)


def test_editing_through_an_alias_is_refused():
    text = b"a: &x {b: 1}\nc: *x\n"
    for path in [("c", "b"), ("a", "b"), ("a",)]:
        with pytest.raises(UsageError):
            set_value(text, path, 2)
    assert set_value(text, ("c",), 2) == b"a: &x {b: 1}\nc: 2\n"


def test_editing_a_document_with_problems_is_refused():
    with pytest.raises(UsageError, match="problems"):
        set_value(b"a: no\n", ("a",), 1)


def test_deleting_what_is_not_there_is_refused():
    with pytest.raises(UnknownKeyError, match="nope"):
        delete_value(TEXT.encode(), ("nope",))


def test_an_edit_that_no_splice_can_do_goes_through_the_round_trip():
    text = b"a:\n  - - x\n    - w\n  - z\n"
    assert load_document(delete_value(text, ("a", 0, 0))).document.value == {"a": [["w"], "z"]}


@settings(max_examples=200, deadline=None)
@given(documents.filter(bool), scalars, st.randoms(use_true_random=False))
def test_setting_any_scalar_yields_the_value_and_touches_only_its_place(document, scalar, chance: random.Random):
    content = write_yaml(document).encode()
    places = find_places(content)
    path = chance.choice(sorted((path for path in places if path), key=repr))
    try:
        edited = set_value(content, path, scalar)
    except UsageError:
        assert isinstance(value_at(document, path), dict | list)
        return
    assert json.encode(load_document(edited).document.value) == json.encode(with_value(document, path, scalar))
    lines, place = content.splitlines(keepends=True), places[path]
    assert edited.startswith(b"".join(lines[: place.line - 1]))
    assert edited.endswith(b"".join(lines[place.end_line :]).lstrip(b"\n"))  # blank lines may belong to block text


@settings(max_examples=150, deadline=None)
@given(documents.filter(bool), st.randoms(use_true_random=False))
def test_deleting_yields_the_rest(document, chance: random.Random):
    content = write_yaml(document).encode()
    path = chance.choice(sorted((path for path in find_places(content) if path), key=repr))
    try:
        edited = delete_value(content, path)
    except UsageError:
        return
    assert json.encode(load_document(edited).document.value) == json.encode(without_value(document, path))
