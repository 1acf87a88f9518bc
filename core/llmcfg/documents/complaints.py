"""What the loader has to say about a text: problems from events, in words, with their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yaml.error import MarkedYAMLError

from llmcfg.documents.keys import RESERVED_KEYS
from llmcfg.documents.nodes import find_first_keys
from llmcfg.documents.scalars import Trap, quoted, resolve_plain
from llmcfg.documents.screen import line_and_column, too_many, why_not_a_key
from llmcfg.limits import DOCUMENT_DEPTH, DOCUMENT_PROBLEMS
from llmcfg.model.findings import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yaml import YAMLError


class StopError(Exception):
    """The rest of the text is not worth reading."""


class Complaints:
    """Collects the problems of one text, and raises StopError when there are too many."""

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._duplicates: list[tuple[int, int]] = []  # index of the problem, offset of the second key
        self._unusable = 0

    def add(self, rule: str, message: str, event: Any, hint: str = "") -> None:
        start, end = event.start_mark, event.end_mark
        length = max(1, end.column - start.column) if end.line == start.line else 1
        self.at(rule, message, start.line + 1, start.column + 1, hint, length)

    def at(self, rule: str, message: str, line: int, column: int, hint: str = "", length: int = 1) -> None:
        if len(self.problems) == DOCUMENT_PROBLEMS:
            self.problems.append(too_many(line, column))
            raise StopError
        self.problems.append(Problem(rule, message, line, column, hint, length=length))

    def in_text_order(self, others: Sequence[Problem]) -> tuple[Problem, ...]:
        """These and `others`, with the place of the first key in each message about a duplicate."""
        if self._duplicates:
            firsts = find_first_keys(self._text, self._duplicates[-1][1])
            for index, offset in self._duplicates:
                line, _ = firsts[offset]
                problem = self.problems[index]
                self.problems[index] = problem._replace(message=f"{problem.message}, first on line {line}")
        if not self.problems and not others:
            return ()
        by_place = {(problem.rule, problem.line, problem.column): problem for problem in (*others, *self.problems)}
        return tuple(sorted(by_place.values(), key=lambda problem: (problem.line, problem.column)))

    def unusable_key(self) -> str:
        """A stand-in under which the value of a bad key can be read on, distinct from every real key."""
        self._unusable += 1
        return f"\0{self._unusable}"

    def duplicate(self, event: Any) -> None:
        self.add("yaml-duplicate", f"duplicate key {_shown(event.value)}", event, "remove one of the two")
        self._duplicates.append((len(self.problems) - 1, event.start_mark.index))

    def key(self, event: Any) -> None:
        """A scalar that cannot be a key."""
        key: str = event.value
        if key == "<<":
            hint = "use $extends: path.of.pattern, or write the keys out"
            self.add("yaml-merge-key", "merge key <<", event, hint)
        elif key in RESERVED_KEYS:
            self.add("key-reserved", f"key {key} is reserved for bundles", event, "choose another name")
        elif event.implicit[0] and resolve_plain(key) != key:
            self._plain_key(event)
        else:
            hint = "choose a short, visible name"
            self.add("key-name", f"key {_shown(key)} cannot be used: {why_not_a_key(key)}", event, hint)

    def _plain_key(self, event: Any) -> None:
        key, value = event.value, resolve_plain(event.value)
        if isinstance(value, Trap) and value.rule == "yaml-ambiguous":
            self.add(value.rule, f"key {value.message.removeprefix('plain ')}", event, f"quote it: {quoted(key)}:")
        elif not key:
            self.add("yaml-key-type", "a key is missing before the colon", event, "write the key")
        else:
            kind = {bool: "a boolean", type(None): "null"}.get(type(value), "a number")
            self.add("yaml-key-type", f"key {_shown(key)} is {kind}", event, f"quote it: {quoted(key[:40])}:")

    def complex_key(self, event: Any) -> None:
        """A mapping or list where a key should be; most often a template's braces without quotes."""
        index = event.start_mark.index
        if index and self._text[index - 1 : index + 1] == "{{":
            line, column = line_and_column(self._text, index - 1)
            end = self._text.find("\n", index)
            end = self._text.find("}}", index, end if end > 0 else len(self._text))
            example = self._text[index - 1 : end + 2] if end > 0 else "{{ … }}"
            message = "braces without quotes are a mapping, not a reference"
            self.at("yaml-key-type", message, line, column, f"quote it: {quoted(example)}", max(1, end + 3 - index))
        else:
            self.add("yaml-key-type", "a mapping or list as a key", event, "keys are strings")

    def syntax(self, error: YAMLError) -> None:
        """What libyaml could not read, with the rule and the next step that its place suggests."""
        if not isinstance(error, MarkedYAMLError):
            self.at("yaml-character", "a character that YAML does not allow", 1, 1, "remove it")
            return
        mark: Any = error.problem_mark or error.context_mark
        problem, context = error.problem or "", error.context or ""
        if "end of stream" in problem and error.context_mark is not None:
            mark = error.context_mark
        line_text = self._line(mark.line)
        rule, hint = _classify(problem, context, line_text, line_text[mark.column : mark.column + 1])
        message = problem
        if context:
            began: Any = error.context_mark
            where = f" that began on line {began.line + 1}" if began is not None and began.line != mark.line else ""
            message = f"{problem} {context}{where}"
        if rule == "yaml-depth":  # libyaml has a limit of its own for brackets, and looks ahead
            message = f"nested deeper than {DOCUMENT_DEPTH} levels"
        self.at(rule, message, mark.line + 1, mark.column + 1, hint)

    def _line(self, number: int) -> str:
        lines = self._text.split("\n", number + 1)
        return lines[number] if number < len(lines) else ""


def _classify(problem: str, context: str, line: str, char: str) -> tuple[str, str]:
    indent = line[: len(line) - len(line.lstrip())]
    if char == "\t" or "\t" in indent or "tab" in problem:
        return "yaml-tab", "use spaces"
    if "directive" in problem + context or "incompatible YAML" in problem:
        return "yaml-directive", "remove it: documents are YAML 1.2 and need no directive"
    if "Unicode" in problem:
        return "yaml-character", "write the character itself; surrogates are not characters"
    if "nesting depth" in problem:
        return "yaml-depth", "flatten it"
    if "undefined tag handle" in problem:
        return "yaml-tag", "remove it; the only tags are !append, !prepend, !delete and !replace"
    if "{{" in line:
        return "yaml-syntax", 'text with braces needs quotes: "{{secret:name}}"'
    if "quoted scalar" in context:
        return "yaml-syntax", "close the quote, and write a quote inside it twice ('') or escaped (\\\")"
    if "mapping values are not allowed" in problem:
        return "yaml-syntax", "quote a value that holds a colon and a space, or fix the indentation"
    if char in "@`%":
        return "yaml-syntax", f"quote a value that begins with {char}" if char else "the text ends too early"
    return "yaml-syntax", "check the indentation, brackets and quotes here and on the line before"


def _shown(key: str) -> str:
    return quoted(key if len(key) <= 40 else key[:37] + "...")
