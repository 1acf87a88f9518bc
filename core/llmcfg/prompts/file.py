"""A version of a prompt as a file: YAML between `---` lines, then its messages.

Each message stands under a line `--- system`, `--- user` or `--- assistant`. A body without such lines is one message of the user. Empty
lines around a message are not part of it. A line of a message that would begin another one is written with a backslash before it. The
file's value is that of the YAML, with `messages`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.documents.loader import Document, Loaded, load_document
from llmcfg.documents.positions import Place, find_places
from llmcfg.documents.screen import screen
from llmcfg.errors import UsageError
from llmcfg.model.findings import Problem
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmcfg.model.value import Path, Value

SUFFIX: Final = ".md"
ROLES: Final = ("system", "user", "assistant")
_FENCE: Final = "---"
_MESSAGE: Final = regex(r"--- (system|user|assistant)[ \t]*")
_ESCAPED: Final = regex(r"\\+--- (?:system|user|assistant)[ \t]*")
_HEAD: Final = regex(r"\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_HINT: Final = "begin with a line ---, then YAML, then a line ---, then the messages"


class _Message(NamedTuple):
    """`first` and `last` are the numbers of its lines, from 1; `line` is that of its head."""

    role: str
    lines: tuple[str, ...]
    line: int
    first: int
    last: int

    @property
    def content(self) -> str:
        return "\n".join(line[1:] if _ESCAPED.fullmatch(line) else line for line in self.lines)


class _Parts(NamedTuple):
    """The YAML with the line it begins at, and the messages."""

    head: str
    messages: tuple[_Message, ...]
    problem: Problem | None = None


def is_prompt_file(path: str) -> bool:
    """Whether a file is a version of a prompt: `prompts/…/versions/2.0.0.md`, at the top or in a layer."""
    *folders, name = path.split("/")
    return name.endswith(SUFFIX) and len(folders) > 2 and folders[-1] == "versions" and "prompts" in folders[:-2]


def load_prompt_file(content: bytes) -> Loaded:
    """The document that a file holds, or every problem with its place."""
    screened = screen(content)
    if screened.text is None:
        return Loaded(None, screened.problems)
    parts = _split(screened.text)
    if parts.problem is not None:
        return Loaded(None, (*screened.problems, parts.problem))
    document, found = load_document(parts.head.encode())
    problems = [problem._replace(line=problem.line + 1) if problem.line else problem for problem in found]
    problems += [problem for problem in screened.problems if problem not in problems]
    if document is None:
        return Loaded(None, tuple(problems))
    if "messages" in document.value:
        twice = Problem(
            "prompt-file",
            "messages stand in the YAML and below it",
            path=("messages",),
            hint="write them below it alone",
        )
        return Loaded(None, (*problems, twice))
    messages: list[Value] = [{"role": message.role, "content": message.content} for message in parts.messages]
    return Loaded(Document({**document.value, "messages": messages}, document.has_tags), tuple(problems))


def find_prompt_places(content: bytes) -> Mapping[Path, Place]:
    """The place of every path, as `find_places` gives them for YAML."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    parts = _split(text)
    places: dict[Path, Place] = {
        path: place._replace(line=place.line + 1, value_line=place.value_line + 1, end_line=place.end_line + 1)
        for path, place in find_places(parts.head.encode()).items()
    }
    places[()] = Place(1, 1, 1, 1, 1, 1)
    for index, message in enumerate(parts.messages):
        width = len(message.lines[-1]) if message.lines else 0
        body = Place(message.first, 1, message.first, 1, message.last, width + 1)
        places["messages", index] = body._replace(line=message.line)
        places["messages", index, "role"] = body._replace(
            line=message.line, value_line=message.line, end_line=message.line
        )
        places["messages", index, "content"] = body
    if parts.messages:
        places.setdefault(("messages",), places["messages", 0])
    return places


def write_prompt_file(value: Mapping[str, Value], messages: Iterable[tuple[str, str]]) -> str:
    """The file that holds these fields and messages."""
    from llmcfg.documents.writer import write_yaml

    lines = [_FENCE, *write_yaml(dict(value)).splitlines(), _FENCE]
    for role, content in messages:
        lines += [f"{_FENCE} {role}", *map(_escape, content.strip("\n").split("\n")), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def edit_head(content: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    """The file with its YAML edited; all other bytes stay. Raises UsageError for one without."""
    text = content.decode("utf-8")
    match = _HEAD.match(text)
    if match is None:
        raise UsageError("a file without YAML at its top cannot be edited", hint="mend what llmcfg validate says first")
    return (text[: match.start(1)] + edit(match[1].encode()).decode() + text[match.end(1) :]).encode()


def _escape(line: str) -> str:
    return f"\\{line}" if _MESSAGE.fullmatch(line) or _ESCAPED.fullmatch(line) else line


def _split(text: str) -> _Parts:
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if lines[0].rstrip() != _FENCE:
        return _Parts(
            "", (), Problem("prompt-file", "the file does not begin with YAML between --- lines", 1, 1, _HINT)
        )
    end = next((at for at in range(1, len(lines)) if lines[at].rstrip() == _FENCE), None)
    if end is None:
        return _Parts("", (), Problem("prompt-file", "the YAML at the top is never closed", 1, 1, _HINT))
    head = "\n".join(lines[1:end]) + "\n"
    messages = tuple(_messages(lines, end + 1))
    stray = next((message for message in messages if not message.role), None)
    if stray is not None:
        hint = "write it below a line such as --- user"
        return _Parts(head, (), Problem("prompt-file", "text before the first message", stray.first, 1, hint))
    if not messages:
        return _Parts(
            head,
            (),
            Problem("prompt-file", "there is no message", end + 1, 1, "write the text below the second line ---"),
        )
    return _Parts(head, messages)


def _messages(lines: list[str], start: int) -> list[_Message]:
    heads = [(at, match[1]) for at in range(start, len(lines)) if (match := _MESSAGE.fullmatch(lines[at]))]
    if not heads:
        whole = _message("user", lines, start - 1, len(lines))
        return [whole] if whole.lines else []
    before = _message("", lines, start - 1, heads[0][0])
    ends = [at for at, _ in heads[1:]] + [len(lines)]
    found = [_message(role, lines, at, end) for (at, role), end in zip(heads, ends, strict=True)]
    return [before, *found] if before.lines else found


def _message(role: str, lines: list[str], head: int, end: int) -> _Message:
    """The lines after `head` and before `end`, without empty ones around them."""
    first, last = head + 1, end
    while first < last and not lines[first].strip():
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    return _Message(role, tuple(lines[first:last]), head + 1, first + 1, max(last, first + 1))
