"""References in strings: `{{secret:name}}`, `{{config:key.path}}`, `{{var:name}}`, and `{{param:name}}` in patterns.

Any other `{{ … }}` belongs to somebody else (a prompt's own variables) and passes through untouched (docs/spec/references.md).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple


class ReferenceKind(StrEnum):
    SECRET = "secret"
    CONFIG = "config"
    VARIABLE = "var"
    PARAMETER = "param"


class Reference(NamedTuple):
    """One reference; `start` and `end` are its offsets in the string that holds it."""

    kind: ReferenceKind
    name: str
    start: int
    end: int


_REFERENCE = re.compile(r"\{\{[ \t]*(secret|config|var|param):[ \t]*((?:\"(?:[^\"\\]|\\.)*\"|[^{}\"])*?)[ \t]*\}\}")
_LOOKS_LIKE = re.compile(r"\{\{[ \t]*(secret|config|var|param)[ \t]*:")


def find_references(text: str) -> list[Reference]:
    """All references in `text`, in order."""
    if "{{" not in text:
        return []
    return [
        Reference(ReferenceKind(match[1]), match[2], match.start(), match.end()) for match in _REFERENCE.finditer(text)
    ]


def find_malformed_reference(text: str) -> int | None:
    """The offset of the first `{{secret:` and the like that never becomes a reference; None if all do."""
    if "{{" not in text:
        return None
    starts = {match.start() for match in _REFERENCE.finditer(text)}
    for match in _LOOKS_LIKE.finditer(text):
        if match.start() not in starts:
            return match.start()
    return None


def is_whole(text: str, reference: Reference) -> bool:
    """Whether the string is this one reference and nothing else, so that it takes the value with its type."""
    return reference.start == 0 and reference.end == len(text)


def secret_reference(name: str) -> str:
    """The canonical text of a reference to a secret."""
    return "{{secret:" + name + "}}"


def swap_name_case(name: str) -> str:
    """OPENAI_API_KEY, as an environment variable is called, for openai_api_key, as a secret is called, and the other way round.

    A name of mixed case or without letters stays, so that doing it twice gives back every name.
    """
    if name.isupper():
        return name.lower()
    return name.upper() if name.islower() else name
