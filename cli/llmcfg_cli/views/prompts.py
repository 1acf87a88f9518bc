"""Versions of prompts as text."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from llmcfg.prompts.file import write_prompt_file
from llmcfg_cli.views.text import Style, exact_lines, paint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.prompts.record import Message, Version


def version_text(version: Version) -> str:
    """As a file of the version would say it."""
    fields = {key: value for key, value in version.value.items() if key != "messages"}
    return _shown(write_prompt_file(fields, [(message.role, message.content) for message in version.messages]))


def messages_text(messages: Iterable[Message]) -> str:
    """Each message under a line with its role."""
    return _shown("\n\n".join(f"--- {message.role}\n{message.content.rstrip()}" for message in messages))


def version_diff(before: Version, after: Version, *, colour: bool = False) -> str:
    """A unified diff, empty where the two say the same."""
    one, other = (version_text(version).splitlines() for version in (before, after))
    lines = difflib.unified_diff(one, other, before.number, after.number, lineterm="")
    return "\n".join(paint(line, _STYLES.get(line[:1], Style.DIM), colour and line[:1] in _STYLES) for line in lines)


_STYLES = {"+": Style.GREEN, "-": Style.RED, "@": Style.CYAN}


def _shown(text: str) -> str:
    return exact_lines(text.rstrip("\n"))
