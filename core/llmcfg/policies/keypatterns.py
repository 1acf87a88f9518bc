"""Patterns over key paths: `budgets.**`, `llm_providers.*.models."gpt-4.1".rpm`. And over files: `policies/**`.

A step is a glob (`*` stands for any characters of one step), a quoted step stands for itself, and `**` for any number of steps. The items
of a list are steps too: their index.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.value import Path

_STEP: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z0-9_*?-]+')


class Step(NamedTuple):
    text: str
    is_literal: bool


KeyPattern = tuple[Step, ...]


def parse_key_pattern(text: str) -> KeyPattern:
    """Raises UsageError for text that is none."""
    steps: list[Step] = []
    at = 0
    while at < len(text) or not steps:
        match = _STEP.match(text, at)
        if match is None or (match.end() < len(text) and text[match.end()] != ".") or text.endswith("."):
            raise UsageError(
                f"{text[:100]!r} is no pattern of keys (column {at + 1})",
                hint='write it as budgets.** or llm_providers.*.models."gpt-4.1".rpm',
            )
        is_quoted = match[0].startswith('"')
        steps.append(Step(json.loads(match[0]) if is_quoted else match[0], is_quoted))
        at = match.end() + 1
    return tuple(steps)


def parse_file_pattern(text: str) -> KeyPattern:
    """Over the steps of a file's path from the root of the configuration."""
    return tuple(Step(step, is_literal=False) for step in text.strip("/").split("/"))


def covers(pattern: KeyPattern, path: Path) -> bool:
    """Whether the pattern means this key, or something around it that it is a part of."""
    return _covers(pattern, [str(step) for step in path])


def begins(pattern: KeyPattern, key: str) -> bool:
    """Whether the pattern can mean something in this key."""
    return pattern[0].text == "**" or _fits(pattern[0], key)


def _covers(pattern: Sequence[Step], path: Sequence[str]) -> bool:
    if not pattern:
        return True
    if pattern[0].text == "**" and not pattern[0].is_literal:
        return any(_covers(pattern[1:], path[skipped:]) for skipped in range(len(path) + 1))
    return bool(path) and _fits(pattern[0], path[0]) and _covers(pattern[1:], path[1:])


def _fits(step: Step, key: str) -> bool:
    return step.text == key if step.is_literal else fnmatchcase(key, step.text)
