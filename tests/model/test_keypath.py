"""Key paths: one text for each path, and a clear refusal of everything else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmcfg.errors import UsageError
from llmcfg.model.keypath import KeyPathError, format_key_path, parse_key_path

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PATHS = st.lists(TEXTS | st.integers(0, 10**9 - 1), max_size=5).map(tuple)


@pytest.mark.fault("Y21")
@given(PATHS)
@example(())
@example(("",))
@example((".",))
@example(("a", "", 0))
@example((0, "a"))
@example(('"', "\\", "\n", "a.b", "[0]"))
def test_what_is_formatted_is_parsed_back(path):
    assert parse_key_path(format_key_path(path)) == path


@given(st.text(max_size=12) | st.text('ab."[]0\\', max_size=12))
def test_any_text_is_a_path_or_refused_with_a_column(text):
    try:
        path = parse_key_path(text)
    except KeyPathError as error:
        assert "column" in error.message
        assert error.hint
    else:
        assert parse_key_path(format_key_path(path)) == path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (".", ()),
        ("a", ("a",)),
        ('llm_providers.openai.models."gpt-4.1".max_tokens', ("llm_providers", "openai", "models", "gpt-4.1", "max_tokens")),
        ("a[0].b[12]", ("a", 0, "b", 12)),
        ('"\\u00e9"', ("é",)),
    ],
)  # fmt: skip
def test_paths_are_written_as_in_toml_and_yq(text, path):
    assert parse_key_path(text) == path


@pytest.mark.parametrize(
    "text",
    ["", "a.", ".a", "a..b", "a b", "a[", "a[x]", "a[-1]", "a[01]", "a[٣]", "a[0]b", '"a', '"a"b', "é", '"\\ud800"', '"\\x"', "a.[0]"],
)  # fmt: skip
def test_what_is_no_path_is_refused(text):
    with pytest.raises(UsageError, match=r"is no key path"):
        parse_key_path(text)


def test_the_message_of_a_long_text_stays_short():
    with pytest.raises(KeyPathError) as caught:
        parse_key_path("a" * 100_000 + " ")
    assert len(caught.value.message) < 300
