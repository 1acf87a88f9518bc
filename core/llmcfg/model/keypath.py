"""Key paths: `llm_providers.openai.models."gpt-4.1".max_tokens`.

Written as in TOML and yq: a key of letters, digits, `_` and `-` stands bare, any other key is a JSON string; a sequence index is
`[3]`. `parse_key_path(format_key_path(p)) == p` for every path.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmcfg.errors import UsageError
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.value import Path

_BARE = regex(r"[A-Za-z0-9_-]+")
_INDEX = regex(r"\[(0|[1-9][0-9]{0,8})\]")
_QUOTED = regex(r'"(?:[^"\\]|\\.)*"')


class KeyPathError(UsageError, ValueError):
    """The text is no key path; the message says where it stops being one."""


def format_key_path(path: Sequence[str | int]) -> str:
    """The one way that a path is written in output, findings and configuration; the empty path is `.`."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            bare = _BARE.fullmatch(step) is not None
            parts.append(("." if parts else "") + (step if bare else json.dumps(step, ensure_ascii=False)))
    return "".join(parts) or "."


def is_related(one: Path, other: Path) -> bool:
    """Whether the one path is the other, lies in it, or around it."""
    return all(step == beside for step, beside in zip(one, other, strict=False))


def parse_key_path(text: str) -> Path:
    """The path that `text` names. Raises KeyPathError with the column of the mistake."""
    if text == ".":
        return ()
    path: list[str | int] = []
    at = 0
    while at < len(text) or not path:
        if text[at : at + 1] == "[":
            index = _INDEX.match(text, at)
            if index is None:
                raise _error(text, at, "an index is written [0]")
            path.append(int(index[1]))
            at = index.end()
            continue
        if path:
            if text[at] != ".":
                raise _error(text, at, "steps are separated by a dot")
            at += 1
        key, at = _read_key(text, at)
        path.append(key)
    return tuple(path)


def _read_key(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] == '"':
        quoted = _QUOTED.match(text, at)
        if quoted is None:
            raise _error(text, at, "the quote is not closed")
        try:
            key = str(json.loads(quoted[0]))
            key.encode("utf-8")  # a lone surrogate is in no document, and cannot be printed
        except ValueError:
            raise _error(text, at, "the quoted key is not a JSON string") from None
        return key, quoted.end()
    bare = _BARE.match(text, at)
    if bare is None:
        raise _error(text, at, "a key is missing here, or needs double quotes")
    return bare[0], bare.end()


def _shorten(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"


def _error(text: str, at: int, what: str) -> KeyPathError:
    return KeyPathError(
        f"{_shorten(text)!r} is no key path: {what} (column {at + 1})",
        hint='write it as llm_providers.openai.models."gpt-4.1".max_tokens',
    )
