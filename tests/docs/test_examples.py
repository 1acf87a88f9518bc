"""Examples in the pages are what they look like: YAML that loads, manifests and consumers that are valid, JSON that parses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llmcfg.documents.loader import load_document
from llmcfg.pipeline.shape import shape_problems

from .pages import PROJECT, SPEC, Block, blocks, pages

if TYPE_CHECKING:
    from pathlib import Path

SHAPES = {
    "Repository": "manifest.schema.json",
    "Consumer": "consumer.schema.json",
    "Sync": "sync.schema.json",
    "Rotations": "rotations.schema.json",
}


def examples(kind: str) -> list[object]:
    """Every block of this kind with its page; rules have their own tests, since their examples are wrong on purpose."""
    return [
        pytest.param(block, id=f"{page.relative_to(PROJECT)}:{block.line}")
        for page in pages()
        if page not in (SPEC / "rules.md", SPEC / "llm-rules.md") and page.parent.name != "rules"
        for block in blocks(page)
        if block.kind == kind
    ]


@pytest.mark.parametrize("block", examples("yaml"))
def test_yaml_loads_and_is_of_the_kind_that_it_says(block: Block) -> None:
    document, problems = load_document(block.text.encode())
    assert problems == ()
    assert document is not None
    if "kind" in document.value:
        assert document.value["apiVersion"] == "llmcfg.dev/v1"
        assert shape_problems(SHAPES[str(document.value["kind"])], document.value, "manifest-invalid") == []


@pytest.mark.parametrize("block", examples("json"))
def test_json_parses(block: Block) -> None:
    json.loads(block.text)


def test_manifest_and_consumer_are_both_shown() -> None:
    shown = "".join(block.text for block in blocks(SPEC / "repository.md") if block.kind == "yaml")
    assert all(f"kind: {kind}" in shown for kind in ("Repository", "Consumer"))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_block_says_what_it_is_or_is_plain_text(page: Path) -> None:
    known = {"", "text", "yaml", "json", "sh", "toml", "python", "dockerfile", "console", "diff"}
    assert {block.kind.split(" ")[0] for block in blocks(page)} <= known
