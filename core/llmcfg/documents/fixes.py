"""Rewrites ambiguous scalars so that every reader takes them alike; comments and layout stay.

The rule, whatever reader the author had in mind: what only some readers take for a number, boolean, null or date is text, so it gets
double quotes (`no`, `010`, `0x1F`, `1_000`, `12:30`, `2024-01-02`); a number with an exponent is written as a decimal (`1e3` becomes
`1000.0`), and negative zero loses its sign. A key that is not a string gets quotes. Numbers with no exact JSON form stay as they are,
since quotes would change their kind: people decide. Not for SOPS files, whose checksum covers the values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from llmcfg.documents.nodes import iterate_scalars
from llmcfg.documents.scalars import Trap, quoted, resolve_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml.events import ScalarEvent


def fix_ambiguous(content: bytes) -> bytes:
    """`content` with its ambiguous scalars rewritten, up to the first syntax error; unchanged if it is not UTF-8."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content
    bare = text.removeprefix("\ufeff")
    parts = [text[: len(text) - len(bare)]]
    at = 0
    for start, end, replacement in _rewrites(bare):
        parts += (bare[at:start], replacement)
        at = end
    return "".join([*parts, bare[at:]]).encode("utf-8")


def _rewrites(text: str) -> Iterator[tuple[int, int, str]]:
    for event, is_key in iterate_scalars(text):
        replacement = _rewritten(event, is_key=is_key)
        if replacement is None:
            continue
        start_mark, end_mark = cast("Any", event.start_mark), cast("Any", event.end_mark)
        end = end_mark.index
        start = start_mark.index if event.anchor is None else end - len(event.value)
        if event.anchor is None or text[start:end] == event.value:
            yield start, end, replacement


def _rewritten(event: ScalarEvent, *, is_key: bool) -> str | None:
    """What to write instead of a plain, untagged scalar; None to leave it."""
    text: str = event.value
    implicit: Any = event.implicit
    if not implicit[0] or not text or text == "<<":
        return None
    value = resolve_plain(text)
    if is_key:
        return None if value == text else quoted(text)
    if not isinstance(value, Trap) or (value.rule != "yaml-ambiguous" and not value.rewrite.startswith("0")):
        return None
    return value.rewrite
