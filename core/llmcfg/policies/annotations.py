"""Annotations: a comment block `# METADATA` with YAML in it, before a rule or the package (OPA's documentation, "Annotations").

Read of it: `title`, `description`, and under `custom` the `id`, `severity` and `hint` of the findings. The rest is for other readers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.documents.loader import load_document
from llmcfg.model.findings import Problem
from llmcfg.model.rules import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmcfg.policies.tokens import Comment

_BEGIN: Final = "# METADATA"
_ID: Final = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


class Annotation(NamedTuple):
    """What an author says of a policy; empty texts for what is not said."""

    id: str = ""
    title: str = ""
    description: str = ""
    hint: str = ""
    severity: Severity | None = None

    @property
    def is_something(self) -> bool:
        return any(self)


NO_ANNOTATION: Final = Annotation()


class Annotations:
    """The annotations of a module by the line that follows each."""

    def __init__(self, by_line: dict[int, Annotation], problems: tuple[Problem, ...]) -> None:
        self._by_line = by_line
        self.problems = problems

    def before(self, line: int) -> Annotation:
        return self._by_line.get(line, NO_ANNOTATION)


def read_annotations(comments: Sequence[Comment]) -> Annotations:
    by_line: dict[int, Annotation] = {}
    problems: list[Problem] = []
    for block in _blocks(comments):
        said = "\n".join(comment.text[1:].removeprefix(" ") for comment in block[1:])
        document, wrong = load_document(said.encode() + b"\n")
        first = block[0].line
        if document is None or wrong:
            problems += [_problem(each.message, first + each.line, each.column + 2, each.hint) for each in wrong[:1]]
            continue
        annotation, wrongs = _annotation(document.value)
        problems += [_problem(message, first, 1) for message in wrongs]
        by_line[block[-1].line + 1] = annotation
    return Annotations(by_line, tuple(problems))


def _blocks(comments: Iterable[Comment]) -> Iterator[list[Comment]]:
    block: list[Comment] = []
    for comment in comments:
        follows = block and comment.is_own_line and comment.line == block[-1].line + 1
        if block and not follows:
            yield block
            block = []
        if block or (comment.is_own_line and comment.text.rstrip() == _BEGIN):
            block.append(comment)
    if block:
        yield block


def _annotation(said: dict[str, Any]) -> tuple[Annotation, list[str]]:
    custom = said.get("custom", {})
    if not isinstance(custom, dict):
        return NO_ANNOTATION, ["custom is a mapping: custom: {id: …, severity: …}"]
    texts = {"title": said.get("title", ""), "description": said.get("description", "")}
    texts |= {name: custom.get(name, "") for name in ("id", "hint")}
    wrong = [f"{name} is a text" for name, text in texts.items() if not isinstance(text, str)]
    if wrong:
        return NO_ANNOTATION, wrong
    if texts["id"] and not _ID.fullmatch(texts["id"]):
        wrong.append(f"the id {texts['id']!r} is not of lower-case letters, digits, hyphens and dots")
    severity = custom.get("severity")
    known = severity is None or (isinstance(severity, str) and severity in [*Severity])
    if not known:
        wrong.append(f"the severity {severity!r} is none of error, warning, note")
    return Annotation(severity=Severity(severity) if severity and known else None, **texts), wrong


def _problem(message: str, line: int, column: int, hint: str = "") -> Problem:
    return Problem("policy-metadata", message, line, column, hint=hint or "see docs/policies.md for what a policy says")
