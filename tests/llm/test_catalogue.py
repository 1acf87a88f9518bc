"""The catalogue: models are found by the names that consumers write, and what a source drops is not lost."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import UsageError
from llmcfg.llm.catalogue.catalogue import Catalogue
from llmcfg.llm.catalogue.derive import head_of, laid_over, read_litellm
from llmcfg.llm.catalogue.model import CatalogueModel
from llmcfg.llm.catalogue.shipped import SHIPPED, shipped_catalogue
from llmcfg.llm.catalogue.text import open_catalogue, read_model, write_catalogue

DAY = date(2026, 11, 25)
PRICES = {
    "sample_spec": {"mode": "what fields mean"},
    "gpt-4": {
        "litellm_provider": "openai", "mode": "chat", "max_input_tokens": 8192, "max_output_tokens": "4096",
        "input_cost_per_token": 3e-05, "output_cost_per_token": 6e-05, "deprecation_date": "2026-10-23",
        "supports_function_calling": True, "supports_vision": False,
    },
    "claude-sonnet-5": {"litellm_provider": "anthropic", "mode": "chat", "supports_sampling_params": False},
}  # fmt: skip


def prices(**models: dict[str, object]) -> bytes:
    return json.dumps(models).encode()


@pytest.mark.parametrize(
    ("provider", "upstream", "found"),
    [
        ("", "gpt-4", "gpt-4"),
        ("openai", "gpt-4", "gpt-4"),
        ("", "openai/gpt-4", "gpt-4"),
        ("azure_openai", "gpt-4", "azure/gpt-4"),
        ("azure_openai", "eu/gpt-6.1-sol", "azure/eu/gpt-6.1-sol"),
        ("gemini", "gemini-3.8-flash", "gemini/gemini-3.8-flash"),
        ("vertex", "claude-3-5-sonnet@20240620", "vertex_ai/claude-3-5-sonnet@20240620"),
        ("bedrock", "eu.anthropic.claude-sonnet-4-6", "eu.anthropic.claude-sonnet-4-6"),
        ("bedrock", "converse/anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-haiku-20240307-v1:0"),
        ("", "bedrock/eu-central-1/anthropic.claude-v1", "bedrock/eu-central-1/anthropic.claude-v1"),
        ("openrouter", "openai/gpt-4:free", "openrouter/openai/gpt-4"),
        ("ollama_chat", "llama3.1", "ollama/llama3.1"),
    ],
)
def test_a_model_is_found_by_the_name_that_a_consumer_writes(provider: str, upstream: str, found: str) -> None:
    model = shipped_catalogue().find(provider, upstream)
    assert model is not None
    assert model.id == found


@pytest.mark.parametrize(("provider", "upstream"), [("anthropic", "gpt-4"), ("", "gpt-4-of-nobody"), ("groq", "gpt-4")])
def test_a_name_without_a_vendor_counts_for_its_own_vendor_alone(provider: str, upstream: str) -> None:
    assert shipped_catalogue().find(provider, upstream) is None


def test_facts_of_a_model_are_read_from_the_price_file() -> None:
    model = read_litellm(json.dumps(PRICES).encode(), "prices.json")["gpt-4"]
    assert model == CatalogueModel(
        "gpt-4",
        "openai",
        "chat",
        8192,
        4096,
        30,
        60,
        None,
        date(2026, 10, 23),
        frozenset({"tools"}),
        frozenset({"vision"}),
    )


def test_what_explains_the_price_file_is_no_model_of_it() -> None:
    assert read_litellm(json.dumps(PRICES).encode(), "prices.json").keys() == {"gpt-4", "claude-sonnet-5"}


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"a": 1}', b'{"a": {}}', b"{}", b"\xff"])
def test_a_file_of_another_form_is_refused_with_the_name_of_the_right_one(content: bytes) -> None:
    with pytest.raises(UsageError) as raised:
        read_litellm(content, "other.json")
    assert "other.json" in str(raised.value)
    assert "model_prices_and_context_window_backup.json" in raised.value.hint


def test_a_model_that_the_source_drops_is_kept_with_the_version_that_had_it_last() -> None:
    first = read_litellm(prices(a={"litellm_provider": "x"}, b={"litellm_provider": "x"}), "1")
    second = read_litellm(prices(b={"litellm_provider": "x"}), "2")
    once = laid_over(second, first.values(), "1.0")
    twice = laid_over(second, once, "2.0")
    assert [(model.id, model.gone_after) for model in twice] == [("a", "1.0"), ("b", "")]


def test_a_model_that_comes_back_is_there_again() -> None:
    fresh = read_litellm(prices(a={"litellm_provider": "x"}), "3")
    assert laid_over(fresh, [CatalogueModel("a", gone_after="1.0")], "2.0") == [CatalogueModel("a", "x")]


def test_a_model_is_retired_after_its_last_day_or_when_its_source_has_dropped_it() -> None:
    last = CatalogueModel("a", retires=DAY)
    assert not last.is_retired(DAY)
    assert last.is_retired(date(2026, 11, 26))
    assert CatalogueModel("b", gone_after="1.0").is_retired(DAY)
    assert not CatalogueModel("c", retires=date(2027, 1, 1), gone_after="1.0").is_retired(DAY)


words = st.text(
    st.characters(codec="ascii", categories=["L", "N", "P"], exclude_characters='"\\'), min_size=1, max_size=12
)
abilities = st.frozensets(st.sampled_from(["tools", "vision", "json_schema", "reasoning"]))
models = st.fixed_dictionaries(
    {
        "id": words,
        "provider": words,
        "mode": words,
        "context": st.none() | st.integers(1, 10**7),
        "price_in": st.none() | st.floats(0, 1000),
        "retires": st.none() | st.dates(),
        "supports": abilities,
        "lacks": abilities,
        "takes_sampling": st.booleans(),
        "efforts": st.lists(words, max_size=3).map(tuple),
        "gone_after": st.just("") | words,
    }
).map(lambda said: CatalogueModel(**said))


@given(st.lists(models, unique_by=lambda model: model.id))
def test_a_catalogue_that_is_written_is_read_as_it_was(known: list[CatalogueModel]) -> None:
    text = write_catalogue(head_of(b"", "1.0", DAY), known)
    assert json.loads(text)["kind"] == "Catalogue"
    opened = open_catalogue(text, "catalogue")
    assert {key: read_model(line) for key, line in opened.lines.items()} == {model.id: model for model in known}
    assert write_catalogue(opened.head, map(read_model, opened.lines.values())) == text


@pytest.mark.parametrize(
    "text", ["", "{}", '{"kind": "Diff", "models": [\n]}', '{"kind": "Catalogue", "models": [\n]}']
)
def test_a_text_that_is_no_catalogue_is_refused_with_the_command_that_writes_one(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        Catalogue(text, "catalogue/models.json")
    assert "catalogue/models.json is not a catalogue" in str(raised.value)
    assert "llmcfg catalogue update" in raised.value.hint


def test_the_shipped_catalogue_is_written_as_the_command_writes_one_and_holds_the_licence_of_its_source() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    catalogue = Catalogue(text)
    assert write_catalogue(catalogue.head, catalogue) == text
    assert "Copyright (c) 2023 Berri AI" in catalogue.head.notice
    assert "The above copyright notice and this permission notice shall be included in all" in catalogue.head.notice
    assert sum(bool(model.gone_after) for model in catalogue) > 600
