"""Tabs as white space. Inside quoted text, block text and comments they are text; anywhere else YAML readers differ on them."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import ScalarEvent

from llmcfg.documents.screen import first_of, lines_and_columns
from llmcfg.model.findings import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


def find_tabs(text: str) -> list[Problem]:
    """A problem for the first tab of each line on which a tab is white space, up to the first syntax error."""
    if "\t" not in text:
        return []
    places = lines_and_columns(text, _white_tabs(text))
    return first_of(Problem("yaml-tab", "a tab as white space", *place, "use spaces") for place in places)


def _white_tabs(text: str) -> Iterator[int]:
    """Where they are; no part of the text is looked at twice."""
    starts, ends, readable = _text_spans(text)
    offset = text.find("\t")
    while 0 <= offset < readable:
        span = bisect_right(starts, offset) - 1
        end = ends[span] if span >= 0 else 0
        if offset < end:
            offset = text.find("\t", end)
            continue
        if not _is_comment(text[max(text.rfind("\n", 0, offset) + 1, end) : offset]):
            yield offset
        after = text.find("\n", offset)
        offset = text.find("\t", after) if after >= 0 else -1


def _text_spans(text: str) -> tuple[list[int], list[int], int]:
    """Where quoted and block scalars start and end, and how far the text can be read."""
    events: Any = CParser(text)
    starts: list[int] = []
    ends: list[int] = []
    readable = 0
    event: Any
    try:
        while (event := events.get_event()) is not None:
            start, readable = event.start_mark.index, event.end_mark.index
            if isinstance(event, ScalarEvent) and event.style:
                starts.append(start)
                ends.append(readable)
    except YAMLError:
        return starts, ends, readable
    return starts, ends, len(text)


def _is_comment(before: str) -> bool:
    """Whether what stands before on the same line has begun a comment."""
    return before.startswith("#") or " #" in before or "\t#" in before
