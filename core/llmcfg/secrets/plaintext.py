"""Secrets in plain text, as problems at their lines. What was found is never in a problem.

A comment on the same line or the line before, `llmcfg:allow plaintext: why it is no secret`, lets one pass; without a reason it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.model.findings import Problem
from llmcfg.regex import regex
from llmcfg.secrets.named import find_named
from llmcfg.secrets.shapes import find_shapes

if TYPE_CHECKING:
    import re

    from llmcfg.secrets.shapes import Found

RULE: Final = "secret-plaintext"
IN_CONFIGURATION: Final = "revoke it, put a new one into a file under secrets/ and write {{secret:name}} here"
_ALLOW: Final = regex(rb"llmcfg:allow plaintext(?::[ \t]*([^\s\"'*/>-]))?")
_OPENING: Final = 8  # characters that open a comment: `<!--`, `"//":`


def find_plaintext(content: bytes, *, by_name: bool, hint: str = IN_CONFIGURATION) -> tuple[Problem, ...]:
    """A problem for each place in a file that looks like a secret; `by_name`: also for what only its name and its randomness tell."""
    return tuple(
        problem for found in find_secrets(content, by_name=by_name) if (problem := _problem(content, found, hint))
    )


def find_secrets(content: bytes, *, by_name: bool) -> list[Found]:
    """The places themselves, in order. A shape counts before a name."""
    shaped = find_shapes(content)
    named = [
        found
        for found in (find_named(content) if by_name else ())
        if not any(shape.start < found.end and found.start < shape.end for shape in shaped)
    ]
    return sorted([*shaped, *named], key=lambda found: found.start)


def masked(text: str) -> str:
    """A line without what looks like a secret in it."""
    content = text.encode("utf-8", "surrogatepass")  # whatever a line holds comes back
    for found in reversed(find_secrets(content, by_name=True)):
        content = content[: found.start] + b"********" + content[found.end :]
    return content.decode("utf-8", "surrogatepass")


def _problem(content: bytes, found: Found, hint: str) -> Problem | None:
    start = content.rfind(b"\n", 0, found.start) + 1
    allowed = _allowance(content, start, found)
    if allowed is not None and allowed[1] is not None:
        return None
    without = "" if allowed is None else "; the comment that allows it gives no reason"
    column = len(content[start : found.start].decode("utf-8", "replace").removeprefix("\ufeff")) + 1
    return Problem(RULE, f"this looks like {found.what}{without}", content.count(b"\n", 0, start) + 1, column, hint)


def _allowance(content: bytes, line_start: int, found: Found) -> re.Match[bytes] | None:
    """The comment on the line of a secret, or on the line before, if that has nothing else than a comment."""
    line_end = content.find(b"\n", found.end)
    here = _ALLOW.search(content, line_start, line_end if line_end >= 0 else len(content))
    if here is not None:
        return here
    before = content.rfind(b"\n", 0, max(line_start - 1, 0)) + 1
    above = _ALLOW.search(content, before, line_start)
    return above if above and len(content[before : above.start()].strip()) <= _OPENING else None
