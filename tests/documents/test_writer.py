"""Writing YAML."""

from __future__ import annotations

import io

import pytest
from hypothesis import example, given, settings
from msgspec import json
from ruamel.yaml import YAML

from documents.strategies_of_values import documents
from llmcfg.documents.loader import load_document
from llmcfg.documents.writer import format_scalar, write_yaml
from llmcfg.errors import UsageError
from llmcfg.model.value import MergeTag, Tagged


@settings(max_examples=300, deadline=None)
@given(documents)
@example({"a": " x\ny\n", "b": "x\n\n\n", "c": [[], [[1]], {}], "d": 5e-324, "e": "\tx\ny"})
def test_what_is_written_loads_as_the_same_value(value):
    text = write_yaml(value)
    loaded = load_document(text.encode())
    assert loaded.document is not None, (text, loaded.problems)
    assert json.encode(loaded.document.value) == json.encode(value)
    assert write_yaml(loaded.document.value) == text


@settings(max_examples=100, deadline=None)
@given(documents)
def test_what_is_written_is_the_same_to_another_reader(value):
    assert json.encode(YAML(typ="safe", pure=True).load(io.StringIO(write_yaml(value)))) == json.encode(value)


def test_the_layout_is_block_style_with_literal_text():
    value = {
        "name": "openai",
        "models": [{"id": "gpt-4", "tags": ["a", "no"]}, []],
        "prompt": "Hi\n\nyou\n",
        "url": "https://x.y/v1",
    }
    assert write_yaml(value) == (
        "name: openai\nmodels:\n  - id: gpt-4\n    tags:\n      - a\n      - \"no\"\n  - []\nprompt: |\n  Hi\n\n  you\n"
        "url: https://x.y/v1\n"
    )  # fmt: skip


def test_merge_tags_are_written_and_loaded_back():
    value = {"a": Tagged(MergeTag.APPEND, [1]), "b": Tagged(MergeTag.DELETE, None), "c": Tagged(MergeTag.REPLACE, {})}
    loaded = load_document(write_yaml(value).encode())
    assert loaded.document is not None
    assert loaded.document.value == value


@pytest.mark.parametrize("value", [2**60, float("nan"), float("inf"), 1e30])
def test_a_number_that_no_document_may_hold_is_refused(value):
    with pytest.raises(UsageError, match=r"JSON"):
        format_scalar(value)
