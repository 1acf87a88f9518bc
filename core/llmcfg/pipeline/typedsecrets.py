"""References to secrets as bundles hold them: typed, so that a reader tells them from text (docs/spec/bundle.md, "Typed secrets")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.model.reference import ReferenceKind, find_references, is_whole, secret_reference
from llmcfg.model.scalartext import scalar_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.bundlefile.sealed import SealedValue
    from llmcfg.model.value import Value


def to_typed(value: Value) -> Value:
    """The value with secret references in their typed form: `{"$secret": name}`, or `{"$text": [...]}` inside a longer text."""
    if isinstance(value, dict):
        return {key: to_typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_typed(item) for item in value]
    return _typed(value) if isinstance(value, str) and "{{" in value else value


def from_typed(value: Any) -> Value:
    """The inverse of `to_typed`, for bundles that are read back."""
    if isinstance(value, dict):
        if value.keys() == {"$secret"}:
            return secret_reference(value["$secret"])
        if value.keys() == {"$text"}:
            return "".join(
                part if isinstance(part, str) else secret_reference(part["$secret"]) for part in value["$text"]
            )
        return {key: from_typed(item) for key, item in value.items()}
    return [from_typed(item) for item in value] if isinstance(value, list) else value


class BinaryInTextError(Exception):
    """A text would hold bytes."""

    def __init__(self, use: str) -> None:
        super().__init__(use)
        self.use = use


def fill_secrets(value: Any, values: Mapping[str, SealedValue]) -> Any:
    """The value with the values of secrets in the place of references: with their types, or as part of a text.

    Raises BinaryInTextError.
    """
    if isinstance(value, dict):
        return {key: fill_secrets(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_secrets(item, values) for item in value]
    return _filled(value, values) if isinstance(value, str) and "{{" in value else value


def _filled(text: str, values: Mapping[str, SealedValue]) -> SealedValue:
    parts: list[str] = []
    end = 0
    for reference in find_references(text):
        if reference.kind is not ReferenceKind.SECRET:
            continue
        value = values[reference.name]
        if is_whole(text, reference):
            return value
        if isinstance(value, bytes):
            raise BinaryInTextError(reference.name)
        parts += (text[end : reference.start], scalar_text(value))
        end = reference.end
    return "".join(parts) + text[end:]


def _typed(text: str) -> Value:
    references = [reference for reference in find_references(text) if reference.kind is ReferenceKind.SECRET]
    if not references:
        return text
    if is_whole(text, references[0]):
        return {"$secret": references[0].name}
    parts: list[Value] = []
    end = 0
    for reference in references:
        parts += [*([text[end : reference.start]] if reference.start > end else []), {"$secret": reference.name}]
        end = reference.end
    return {"$text": [*parts, *([text[end:]] if end < len(text) else [])]}
