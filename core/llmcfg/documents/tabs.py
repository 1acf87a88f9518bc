"""Tabs as white space. Inside quoted text, block text and comments they are text; anywhere else YAML readers differ on them."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import ScalarEvent

from llmcfg.documents.screen import line_and_column
from llmcfg.model.findings import Problem


def find_tabs(text: str) -> list[Problem]:
    """A problem for the first tab of each line on which a tab is white space, up to the first syntax error."""
    if "\t" not in text:
        return []
    starts, ends, readable = _text_spans(text)
    problems: dict[int, Problem] = {}
    offset = text.find("\t")
    while 0 <= offset < readable:
        span = bisect_right(starts, offset) - 1
        begin = max(text.rfind("\n", 0, offset) + 1, ends[span] if span >= 0 else 0)
        if (span < 0 or offset >= ends[span]) and not _is_comment(text[begin:offset]):
            line, column = line_and_column(text, offset)
            problems.setdefault(line, Problem("yaml-tab", "a tab as white space", line, column, "use spaces"))
        offset = text.find("\t", offset + 1)
    return list(problems.values())


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
