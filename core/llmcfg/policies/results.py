"""What a policy gives: a set of texts, or of mappings with `message`, and if it likes `hint`, and what it is about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.errors import UsageError
from llmcfg.model.keypath import parse_key_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path

_MESSAGE: Final = 500


class Violation(NamedTuple):
    """`key` is the full path that it is about, or `decision` that of a decision, or `file` a file; empty where it names none."""

    message: str
    key: Path = ()
    hint: str = ""
    decision: Path = ()
    file: str = ""


def read_results(value: Any) -> Iterator[Violation]:
    """Whatever is given counts: what cannot be read as it should be is a violation that says so."""
    if not isinstance(value, list):
        yield Violation(f"it gives {_short(value)} and not a set")
        return
    for item in value:
        yield _violation(item)


def _violation(item: Any) -> Violation:
    if isinstance(item, str):
        return Violation(_line(item))
    if not isinstance(item, dict):
        return Violation(f"it gives {_short(item)}, which is neither a text nor a mapping with message")
    message = item.get("message", item.get("msg"))
    hint, file = item.get("hint"), item.get("file")
    said = _line(message) if isinstance(message, str) else f"it gives {_short(item)} without a message"
    return Violation(
        said,
        _key(item.get("key")),
        _line(hint) if isinstance(hint, str) else "",
        _key(item.get("decision")),
        file if isinstance(file, str) else "",
    )


def _key(said: Any) -> Path:
    """A key path as text, or as a list of its steps. One that is none counts as not said: the violation stands."""
    if isinstance(said, list) and all(isinstance(step, str | int) and not isinstance(step, bool) for step in said):
        return tuple(said)
    try:
        return parse_key_path(said) if isinstance(said, str) else ()
    except UsageError:
        return ()


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MESSAGE else line[: _MESSAGE - 1] + "…"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:59] + "…"
