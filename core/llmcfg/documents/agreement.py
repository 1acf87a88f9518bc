"""The second opinion: a document counts only if an independent parser reads the same value.

It catches what libyaml is lenient about. It runs only on text that the loader has accepted, because the second parser
may not survive deep nesting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.canonical import are_alike
from llmcfg.documents.positions import find_places_in, nearest_place
from llmcfg.documents.scalars import resolve_plain
from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path
from llmcfg.model.value import Tagged
from llmcfg.regex import regex

if TYPE_CHECKING:
    from llmcfg.model.value import Path, Value


def find_disagreement(text: str, value: dict[str, Value], *, has_tags: bool) -> Problem | None:
    """The first thing that the second parser reads differently, or refuses; None when both agree."""
    import yaml_rs

    try:
        other = yaml_rs.loads(text, parse_datetime=False)
    except ValueError as error:
        return _refusal(str(error))
    if not has_tags and are_alike(value, other):
        return None
    path = _first_difference(value, other)
    if path is None:
        return None
    place = nearest_place(find_places_in(text), path)
    message = f"YAML readers disagree about {format_key_path(path)}"
    return Problem("yaml-disagree", message, place.value_line, place.value_column, _HINT)


def _refusal(complaint: str) -> Problem:
    place = _PLACE.search(complaint)
    line, column = (int(place[1]), int(place[2])) if place else (0, 0)
    reason = complaint.rstrip().rsplit("\n", 1)[-1]
    return Problem("yaml-disagree", f"a second YAML reader refuses the document: {reason[:200]}", line, column, _HINT)


def _first_difference(value: Value, other: object, path: Path = ()) -> Path | None:
    if isinstance(value, Tagged):
        if isinstance(value.value, dict | list):
            return _first_difference(value.value, other, path)
        # The second parser takes a scalar after a tag that it does not know for text.
        known = resolve_plain(other) if isinstance(other, str) else other
        return None if value.value in (None, other) or _is_same_scalar(value.value, known) else path
    if isinstance(value, dict) and isinstance(other, dict):
        if value.keys() != other.keys():
            return path
        pairs: list[tuple[str | int, Value, object]] = [(key, value[key], other[key]) for key in value]
    elif isinstance(value, list) and isinstance(other, list):
        if len(value) != len(other):
            return path
        pairs = [(index, *both) for index, both in enumerate(zip(value, other, strict=True))]
    else:
        return None if _is_same_scalar(value, other) else path
    for step, ours, theirs in pairs:
        difference = _first_difference(ours, theirs, (*path, step))
        if difference is not None:
            return difference
    return None


def _is_same_scalar(value: Value, other: object) -> bool:
    """Equal with types, but the loader reads `2.0` as the integer 2, as RFC 8785 writes it."""
    if type(value) is int and type(other) is float:
        return other == value
    return type(value) is type(other) and value == other


_PLACE: Final = regex(r"line (\d+), column (\d+)")
_HINT: Final = "write it more simply: quote the text, or put each key on a line of its own"
