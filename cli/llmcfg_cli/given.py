"""YAML files that are given on the command line and are not of the repository: they may hold what nobody else may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read_given(file: Path, hint: str) -> Mapping[str, Any]:
    """The mapping in a YAML or JSON file. Raises UsageError, which says the place and the rule, and nothing of the content."""
    from llmcfg.documents.loader import load_document

    document, problems = load_document(file.read_bytes())
    if document is None:
        first = problems[0]
        raise UsageError(f"{file}, line {first.line} cannot be read ({first.rule})", hint=hint)
    return document.value
