"""The short way through regular documents: what it reads is what the events say, without anything to complain about."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import json

from llmcfg.documents.loader import load_document, load_events
from llmcfg.documents.regular import read_regular
from llmcfg.documents.screen import screen

SAMPLE = Path(__file__).resolve().parents[2] / "sample-repo"

REGULAR = {
    "a: b\nc: 1\nd: 0.5\ne: true\nf: ~\ng:\nh: -7\n": {
        "a": "b", "c": 1, "d": 0.5, "e": True, "f": None, "g": None, "h": -7,
    },
    "---\n# first\na:   b c  # why\n\n  # in between\nc: d": {"a": "b c", "c": "d"},
    "url: https://x.example/v1#top\nnote: a, b [c] {d}\n": {"url": "https://x.example/v1#top", "note": "a, b [c] {d}"},
    "a: \"x: # y\"\nb: 'no'\n\"c d\": ''\n": {"a": "x: # y", "b": "no", "c d": ""},
    "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n": {"a": {"b": {"c": 1}, "d": 2}, "e": 3},
    "a:\n- x\n- u: 1\n  z: 2\n-   w\nb:\n  - 1\n": {"a": ["x", {"u": 1, "z": 2}, "w"], "b": [1]},
    "a:\n  - b:\n      - 1\n    c:\n    - 2\n  - d\n": {"a": [{"b": [1], "c": [2]}, "d"]},
    "a: []\nb: {}\nc: [x, -1, \"y z\", two words]\nd: {e: 1, f: \"g: h\", $i: null}\n": {
        "a": [], "b": {}, "c": ["x", -1, "y z", "two words"], "d": {"e": 1, "f": "g: h", "$i": None},
    },
    "a: |\n  one\n\n   two \n\nb: |- # stripped\n    x\nc:\n- |\n k\n- d: |\n    m\n": {
        "a": "one\n\n two \n", "b": "x", "c": ["k\n", {"d": "m\n"}],
    },
    "a: >\n  one\n  two\n\n\n  three\nb: >-\n  four\n": {"a": "one two\n\nthree\n", "b": "four"},
    "a: Grüße 😀\n": {"a": "Grüße 😀"},
}  # fmt: skip
IRREGULAR = [
    "", "# nothing\n", "- a\n", "a\n", "a: b: c\n", "a: b\n c\n", "a: b\n  c: d\n", "a:\n  b: 1\n c: 2\n", "a: no\n",
    "a: 1e3\n", "a: [no]\n", "a: {b: 010}\n", "a: 1\na: 2\n", "a: {b: 1, b: 2}\n", "1: a\n", "<<: a\n",
    "$secret: a\n", '"": a\n', "a: &x b\n", "a: *x\n", "a: !append [b]\n", 'a: "\\n"\n', "a: 'it''s'\n", "a: [[b]]\n",
    "a: {b: {c: 1}}\n", "a: |\n", "a: |\n\n  \n", "a: |\n    x\n  y\n", "a: |\n  x\n    \n  y\n", "a: |2\n  x\n",
    "a: |+\n  x\n", "a: |\n  x", "a: >\n  x\n   y\n", "a: >\n  x \n  y\n", "a:\tb\n", "a: b\r\n", "a: b\n ",
    "a:\n-\n", "a:\n- b\n c: d\n", "a:\n- b\nc: d\n- e\n", "a: b #c\n  d\n", "? a\n", "a: b\n---\n",
    "%YAML 1.2\n---\na: b\n", "a: \u200b\n", "a: @b\n", "a: `b`\n", "a :b\n", "a: - b\n", "a: ? b\n", "- - a\n",
    "a: |\n  x\n # y\n  z\n", "a:\n  - b\n  c: d\n",
]  # fmt: skip


def events_of(text: str) -> bytes:
    """What is read of its events, without a problem; bytes tell kinds of numbers and the order of keys."""
    document, problems = load_events(text)
    assert document is not None
    assert not problems
    return json.encode(document.value)


@pytest.mark.parametrize("text", REGULAR)
def test_regular_lines_are_read_as_the_events_say(text):
    assert read_regular(text) == REGULAR[text]
    assert events_of(text) == json.encode(REGULAR[text])


@pytest.mark.parametrize("text", IRREGULAR)
def test_what_is_not_regular_is_left_to_the_events(text):
    assert read_regular(text) is None


def test_nesting_near_the_limit_is_left_to_the_events():
    nested = "".join("  " * depth + "a:\n" for depth in range(70))
    assert read_regular(nested) is None
    assert [problem.rule for problem in load_document(nested.encode()).problems] == ["yaml-depth"]


def test_a_long_document_is_read_the_same_way():
    value = {f"key-{number}": {"size": number, "text": "one\ntwo\n"} for number in range(3000)}
    text = "".join(f"{key}:\n  size: {it['size']}\n  text: |\n    one\n    two\n" for key, it in value.items())
    assert read_regular(text) == value
    assert read_regular(text + "odd: !append [x]\n") is None


def test_most_of_the_sample_is_regular():
    documents = [path.read_text() for path in SAMPLE.rglob("*.yaml")]
    assert sum(read_regular(text) is not None for text in documents) > len(documents) / 2


STARTS = ["", "", "  ", "    ", "- ", "  - ", "    - ", "      ", " ", "   "]
NAMES = ["a:", "b:", "c:", "a-b:", '"d e":', "$f:", "1:", "no:", "", "", "a :", "? a:", "x"]
ENDS = [
    "", "", "", " x", " x y", " 1", " -0.5", " .5", " no", " ~", " true", ' "q"', " 'r'", " 'it''s'", ' "\\n"',
    " [a, 1]", " {k: v}", " [a,b]", " {}", " []", " |", " >", " |-", " >-", " |+", " &x 1", " *x", " !append [a]",
    " a: b", " a:b", " # c", " x # c", " x#c", "  x ", " -", " - x", " é", " [", " {{v}}",
]  # fmt: skip
LINES = st.builds("".join, st.tuples(*map(st.sampled_from, (STARTS, NAMES, ENDS)))) | st.sampled_from(["", " ", "---"])


@settings(max_examples=1000)
@given(
    st.builds(
        lambda lines, end: "\n".join(lines) + end, st.lists(LINES, min_size=1, max_size=6), st.sampled_from("\n ")
    )
)
@example("a: |\n  x\n ")
def test_whatever_is_read_the_short_way_is_what_the_events_say_without_complaint(text):
    value = read_regular(text)
    if value is not None:
        assert not screen(text.encode()).problems
        assert events_of(text) == json.encode(value)
