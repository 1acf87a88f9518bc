"""An entry moves with its comments and layout, and nothing else does."""

from __future__ import annotations

import pytest

from llmcfg.documents.loader import load_document
from llmcfg.documents.relocate import as_document, put_in, rename_key, take_out
from llmcfg.errors import UsageError

LIMITS = b"""\
# Limits of all.

# How fast.
chat: # of people
  # Requests a minute.
  rpm: 5 # agreed in May
  tpm: 9
other: 1
"""


def moved(content, path, target, new):
    taken, left = take_out(content, path)
    return (left or b"").decode(), put_in(target, new, taken).decode()


def test_an_entry_moves_with_the_comments_that_belong_to_it():
    left, put = moved(LIMITS, ("chat", "rpm"), b"a: 1\n", ("rate",))
    assert left == "# Limits of all.\n\n# How fast.\nchat: # of people\n  tpm: 9\nother: 1\n"
    assert put == "a: 1\n# Requests a minute.\nrate: 5 # agreed in May\n"


def test_a_mapping_is_indented_as_where_it_goes():
    left, put = moved(LIMITS, ("chat",), b"deep:\n    er:\n        x: 1\n", ("deep", "er", "chat"))
    assert left == "# Limits of all.\n\nother: 1\n"
    assert put == (
        "deep:\n    er:\n        x: 1\n        # How fast.\n        chat: # of people\n          # Requests a minute.\n"
        "          rpm: 5 # agreed in May\n          tpm: 9\n"
    )


def test_mappings_that_are_missing_are_made_and_emptied_ones_go():
    left, put = moved(
        b"a:\n  b:\n    # why\n    c: |\n      text\n      more\nz: 1\n", ("a", "b", "c"), None, ("x", "k")
    )
    assert left == "z: 1\n"
    assert put == "x:\n  # why\n  k: |\n    text\n    more\n"


def test_a_document_of_which_nothing_is_left_goes_and_its_comments_move_along():
    content = b"# Head.\n\na:\n  # Of c.\n  c: 1\n# Foot.\n"
    taken, left = take_out(content, ("a", "c"))
    assert left is None
    assert put_in(None, ("m",), taken) == b"# Head.\n# Of c.\n# Foot.\nm: 1\n"


def test_tags_move_along():
    left, put = moved(b"l: !append [1]\nm: !replace\n  a: 1\nk: 1\n", ("m",), b"x: 1\n", ("m",))
    assert (left, put) == ("l: !append [1]\nk: 1\n", "x: 1\nm: !replace\n  a: 1\n")


def test_values_in_braces_move_without_touching_other_bytes():
    left, put = moved(b"a: {b: 1,  c: 2} # both\n", ("a", "b"), b"x: {k: 1}\n", ("x", "z"))
    assert (left, put) == ("a: {c: 2} # both\n", "x: {k: 1, z: 1}\n")


def test_line_ends_and_the_byte_order_mark_stay():
    taken, left = take_out(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n", ("b",))
    assert left == b"\xef\xbb\xbfa: 1\r\n"
    assert put_in(b"x: 1\n", ("b",), taken) == b"x: 1\nb:\n  c: 2\n"
    assert put_in(b"x: 1\r\n", ("b",), taken) == b"x: 1\r\nb:\r\n  c: 2\r\n"


def test_a_key_is_renamed_where_it_stands():
    assert rename_key(LIMITS, ("chat", "rpm"), "per minute") == LIMITS.replace(b"rpm:", b"per minute:")
    assert rename_key(b"{a: {b: 1}, c: 2}\n", ("a", "b"), "yes") == b'{a: {"yes": 1}, c: 2}\n'
    assert rename_key(b"a: !replace {b: 1}\n", ("a", "b"), "c") == b"a: !replace {c: 1}\n"


@pytest.mark.parametrize(
    ("content", "path", "target", "new"),
    [
        (b"a: {b: 1} # why\nc: 1\n", ("a", "b"), None, ("x",)),  # the comment is of what goes
        (b"a:  # why\n  b: 1\nc: 1\n", ("a", "b"), None, ("x",)),
        (b"# why\na: 1\nb: 2\n", ("a",), b"x: {k: 1}\n", ("x", "z")),  # there is no line for it in braces
        (b"a: &one 1\nb: *one\n", ("a",), None, ("x",)),
        (b"a: 1\nb: 2\n", ("a",), b"x: text\n", ("x", "k")),
        (b"a: [\n", ("a",), None, ("x",)),
    ],
    ids=["comment in line", "comment of a mapping", "braces", "anchor", "scalar in the way", "broken"],
)
def test_what_would_lose_something_is_refused(content, path, target, new):
    with pytest.raises(UsageError):
        moved(content, path, target, new)


@pytest.mark.parametrize(
    ("content", "document"),
    [
        (LIMITS, "# How fast.\n# of people\n# Requests a minute.\nrpm: 5 # agreed in May\ntpm: 9\n"),
        (b"chat: {rpm: 5}\nb: 1\n", "{rpm: 5}\n"),
        (b"b: 1\nchat:\n    rpm: |\n        text\n", "rpm: |\n    text\n"),
        (b"{b: 1, chat: {rpm: 5}}\n", "rpm: 5\n"),
    ],
)
def test_a_mapping_becomes_a_document(content, document):
    taken, _ = take_out(content, ("chat",))
    made = as_document(taken, ("chat",))
    assert made.decode() == document
    assert load_document(made).document.value == taken.value
