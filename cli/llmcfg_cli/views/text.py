"""Text for a terminal: colour, width, and data that cannot act as more than data.

Rule: whatever comes from a repository, the command line or another program goes through `visible` (or JSON), so that no escape
sequence, line break or invisible character of it reaches the terminal, and no line of it is a command for the runner of a CI job. There
is no markup language, so `[red]` is just text.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from llmcfg.regex import regex

if TYPE_CHECKING:
    import re

_UNSAFE: Final = regex(
    "[\\x00-\\x08\\x0a-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff]"
)
_FOR_RUNNER: Final = regex(r"##\[|^\s*::(?=[\w-]+(?:\s[^:]*)?::)")
"""What GitHub's runner takes for a command in the log of a job: the old form anywhere, the new one where a line begins."""
_LEAD: Final = 24  # how much of what two long texts share is shown before they differ
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\b": "\\b", "\x1b": "\\x1b"}


class Style(StrEnum):
    """SGR parameters."""

    BOLD = "1"
    DIM = "2"
    RED = "1;31"
    GREEN = "32"
    YELLOW = "1;33"
    BLUE = "1;34"
    CYAN = "36"


def visible(data: str) -> str:
    """`data` on one line with control, invisible and direction-changing characters written as escapes. Tabs become a space.

    So is the first character of what a runner would take for a command.
    """
    text = _UNSAFE.sub(_escape, data).replace("\t", " ")
    return _FOR_RUNNER.sub(_disarm, text) if "##[" in text or "::" in text else text


def visible_lines(data: str) -> str:
    """The same for text of several lines, which stay lines."""
    return "\n".join(visible(line) for line in data.split("\n"))


def exact_lines(data: str) -> str:
    """Text that programs read too: as `visible_lines`, but with all that a runner may take for a command."""
    return "\n".join(_UNSAFE.sub(_escape, line).replace("\t", " ") for line in data.split("\n"))


def paint(text: str, style: Style, colour: bool) -> str:
    return f"\x1b[{style.value}m{text}\x1b[0m" if colour and text else text


def display_width(text: str) -> int:
    """Columns of a terminal that `text` takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def clip(text: str, width: int) -> str:
    """`text` in at most `width` columns, ended by `…` where something was left out."""
    if display_width(text) <= width:
        return text
    if text.isascii():
        return text[: max(0, width - 1)] + "…"[:width]
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"[:width]


def clip_pair(before: str, after: str, width: int) -> tuple[str, str]:
    """Two texts in at most `width` columns each, begun late enough to show the first place at which they differ."""
    is_long = max(display_width(before), display_width(after)) > width
    shared = next((at for at, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), 0)
    start = max(0, shared - _LEAD) if is_long else 0
    lead = "…" if start else ""
    return clip(lead + before[start:], width), clip(lead + after[start:], width)


def pad(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def plural(count: int, noun: str) -> str:
    """`1 error`, `3 errors`, `0 errors`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _disarm(match: re.Match[str]) -> str:
    start = match[0].rstrip(":#[")
    return f"{start}\\x{ord(match[0][len(start)]):02x}{match[0][len(start) + 1 :]}"
