"""Text for a terminal: data stays data, and fits."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg_cli.views.document import json_text, to_json, to_yaml
from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import (
    Style,
    clip,
    display_width,
    exact_lines,
    pad,
    paint,
    plural,
    visible,
    visible_lines,
)

DATA = st.text(st.characters(exclude_categories=[]) | st.sampled_from("\x1b\n\r\t\x9b\u202e\u200b\ufeff\ud800"))


@given(DATA)
def test_visible_text_is_one_line_without_characters_that_act_or_hide(data: str) -> None:
    shown = visible(data)
    assert len(shown.splitlines()) <= 1
    assert not [character for character in shown if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")]
    assert not set(shown) & set("\u202e\u2066\u200b\ufeff")
    assert visible(shown) == shown


@given(DATA)
def test_json_for_a_terminal_is_the_same_value_without_such_characters(data: str) -> None:
    text = json_text({"key": data})
    assert json.loads(text) == {"key": data}
    assert "".join(visible(line) for line in text.splitlines()) == text.replace("\n", "")


def test_what_visible_writes() -> None:
    assert visible("a\x1b[31m\r\nb\tc\x9b\u202e é ☃ [red]") == r"a\x1b[31m\r\nb c\x9b\u202e é ☃ [red]"
    assert visible_lines("a\nb\x07") == "a\nb\\x07"


@pytest.mark.parametrize(("data", "shown"), [
    ("::error file=x::forged", r"\x3a:error file=x::forged"),
    (" \t::set-output name=x::y", r"  \x3a:set-output name=x::y"),
    ("a ###[add-mask]x ##[group]", r"a #\x23#[add-mask]x \x23#[group]"),
])  # fmt: skip
def test_what_a_runner_takes_for_a_command_begins_with_an_escape(data: str, shown: str) -> None:
    assert visible(data) == shown
    assert exact_lines(data) == data.replace("\t", " ")


@pytest.mark.parametrize("data", ["::1", "fe80::1", "::ffff:10.0.0.1", "a ::error::x", "std::string::size", "## [x]"])
def test_what_no_runner_takes_for_a_command_is_shown_as_it_is(data: str) -> None:
    assert visible(data) == data


@given(st.text(), st.integers(1, 40))
def test_clipped_text_fits(text: str, width: int) -> None:
    clipped = clip(visible(text), width)
    assert display_width(clipped) <= width
    assert clipped == visible(text) or clipped.endswith("…")


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("é", 1), ("e\u0301", 1), ("", 0)])
def test_width_counts_columns(text: str, width: int) -> None:
    assert display_width(text) == width
    assert display_width(pad(text, 10)) == 10


def test_paint_is_for_colour_alone() -> None:
    assert paint("x", Style.RED, True) == "\x1b[1;31mx\x1b[0m"
    assert paint("x", Style.RED, False) == "x"


def test_plural() -> None:
    assert [plural(count, "file") for count in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


def test_a_table_aligns_columns_and_shows_data_as_data() -> None:
    text = table(("NAME", "VALUE"), [("a", "1"), ("日本", "[red]\x1b[0m")])
    assert text.splitlines() == ["NAME  VALUE", "a     1", "日本  [red]\\x1b[0m"]


def test_a_table_cuts_its_last_column_to_the_terminal() -> None:
    text = table(("NAME", "VALUE"), [("a", "x" * 100)], width=40)
    assert [display_width(line) for line in text.splitlines()] == [11, 40]


def test_a_table_without_rows_is_nothing() -> None:
    assert table(("NAME",), []) == ""


def test_json_answers_name_their_version_and_kind_first() -> None:
    assert to_json("Findings", {"items": []}).splitlines()[1:3] == [
        '  "apiVersion": "llmcfg.dev/v1",',
        '  "kind": "Findings",',
    ]


def test_yaml_answers_name_their_version_and_kind_first() -> None:
    assert to_yaml("Value", {"value": "no"}).splitlines()[:2] == ["apiVersion: llmcfg.dev/v1", "kind: Value"]
