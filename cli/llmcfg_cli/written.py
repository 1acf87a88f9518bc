"""A value as somebody writes it on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from llmcfg.model.value import Value


def parse_value(text: str, *, string: bool = False) -> Value:
    """YAML on one line, or with `string` the text itself. Raises UsageError when it is no value."""
    from llmcfg.documents.loader import load_document

    if string:
        return text
    document, problems = load_document(f"value: {text}\n".encode())
    if document is None:
        first = problems[0]
        raise UsageError(
            f"{text!r} is no value: {first.message}", hint=first.hint or "write it as YAML, or add --string"
        )
    if set(document.value) != {"value"}:
        raise UsageError(f"{text!r} is more than one value", hint="write it as YAML on one line, or add --string")
    return document.value["value"]
