"""`llmcfg fmt` normalises layout: values and comments stay, and doing it again changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from documents.strategies_of_values import documents
from llmcfg.documents.layout import normalise_layout
from llmcfg.documents.loader import load_document
from llmcfg.documents.writer import write_yaml
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.change import comments_of
from llmcfg.secrets.sops.model import FileType


def normal(text):
    return normalise_layout(text.encode()).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1  \n", "a: 1\n"),
        ("a: 1", "a: 1\n"),
        ("\n\n# head\n\n\n\na: 1\n\n\n", "# head\n\na: 1\n"),
        (
            "a:    1   # why  \nb:\n  -   x\n  -   k: 1\n      z: 2\n",
            "a: 1   # why\nb:\n  - x\n  -   k: 1\n      z: 2\n",
        ),
        ("a:   {x:   1,  z: 2}\n", "a: {x:   1,  z: 2}\n"),
        ("a:   !append   [x]\n", "a: !append   [x]\n"),
        ("a: 1\r\n\r\n\r\nb:  2 \r\n", "a: 1\r\n\r\nb: 2\r\n"),
        ("\ufeffa:  1\n", "\ufeffa: 1\n"),
    ],
)
def test_layout_becomes_normal(before, after):
    assert normal(before) == after
    assert normal(after) == after


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  x  \n\n\n\n  z\nb: 1\n",
        "a: |+\n  x\n\n\n",
        'a: "one  \n\n\n  two"\nb: 1\n',
        "a: >-\n  folded  \n\n\n  text\n",
    ],
)
def test_text_of_several_lines_is_left_as_it_is(text):
    assert normal(text) == text


@pytest.mark.parametrize("text", ["a: [  \n", "a:  no \n", "- 1  \n", "a:  1\na:  2 \n"])
def test_what_is_not_sound_is_left_as_it_is(text):
    assert normal(text) == text


def comments(content):
    return [text.strip() for document in stores.parse_plain(content, FileType.YAML) for text in comments_of(document)]


@st.composite
def careless(draw):
    """A document as somebody in a hurry leaves it: spaces and empty lines too many, and comments anywhere between entries."""
    lines = write_yaml(draw(documents)).split("\n")
    result = []
    for line in lines:
        result += draw(st.sampled_from([[], [], [], [""], ["", "", ""], ["# note  ", ""]]))
        wide = line.replace(": ", ":   ", 1) if draw(st.booleans()) else line
        result.append(wide + draw(st.sampled_from(["", "", " ", "   ", "  # said "])))
    return "\n".join(result).encode("utf-8", "surrogatepass")


@settings(max_examples=200, deadline=None)
@given(careless())
def test_values_and_comments_stay_and_once_is_enough(content):
    before = load_document(content).document
    laid = normalise_layout(content)
    assert normalise_layout(laid) == laid
    if before is None:
        assert laid == content
        return
    after = load_document(laid).document
    assert after is not None
    assert json.encode(after.value) == json.encode(before.value)
    assert comments(laid) == comments(content)
