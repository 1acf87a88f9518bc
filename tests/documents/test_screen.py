"""Places in a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmcfg.documents.screen import line_and_column, lines_and_columns

texts = st.text(alphabet="ab\n\r\té", max_size=40)


@given(texts, st.data())
def test_the_places_of_many_characters_are_the_places_of_each(text: str, data: st.DataObject) -> None:
    indexes = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    assert list(lines_and_columns(text, indexes)) == [line_and_column(text, index) for index in indexes]


@given(texts, st.data())
def test_a_place_counts_line_feeds_before_it_and_characters_after_the_last_one(text: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(text)))
    lines = text[:index].split("\n")
    assert line_and_column(text, index) == (len(lines), len(lines[-1]) + 1)
