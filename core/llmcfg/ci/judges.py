"""Files that judge changes, as values: so that two branches are compared in them key by key, where the file has keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmcfg.documents.loader import load_document
from llmcfg.model.change import ABSENT
from llmcfg.model.difference import diff_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.ci.meetings import Changes
    from llmcfg.model.change import Side
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration


def judging(configuration: Configuration | None, file: str) -> Side:
    """What a file says; absent where it is not."""
    entry = configuration.snapshot.entries.get(file) if configuration else None
    if configuration is None or entry is None:
        return ABSENT
    return read_as_value(file, configuration.snapshot.read(entry.oid))


def read_as_value(file: str, content: bytes) -> Value:
    """YAML or JSON, by the name of the file, as its value; anything else as its text."""
    text = content.decode("utf-8", "replace")
    if file.endswith(".json"):
        return _json(text)
    document = load_document(content).document if file.endswith((".yaml", ".yml")) else None
    return text if document is None else document.value


def judging_changes(before: Configuration | None, after: Configuration | None, files: Iterable[str]) -> Changes:
    return {
        (file, change.path): change
        for file in files
        for change in diff_values(judging(before, file), judging(after, file))
    }


def _json(text: str) -> Value:
    try:
        read: Value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return read
