"""`.env` files as programs read them: `NAME=value`, `export`, comments, quotes, values of several lines.

Rules: a bare value ends at ` #` or at the end of its line; in single quotes only `\\\\` and `\\'` are escapes, in double quotes also `\\n`
and the others of Python, and as in a shell `\\$` and ``\\` ``. `$` stands for itself: nothing is looked up. CRLF counts as a line break.
Problems name the line and never a value. (SOPS has its own, simpler form of such files: `sops/dotenvstore`.)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_BLANK: Final = re.compile(r"[^\S\n]*+(?:#[^\n]*+)?(?:\n|\Z)")
_HEAD: Final = re.compile(r"[^\S\n]*+(?:export[^\S\n]++)?([^\s=#'\"]++)[^\S\n]*+=[^\S\n]*+")
_SINGLE: Final = re.compile(r"'((?:[^'\\]|\\.)*+)'", re.DOTALL)
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_BARE: Final = re.compile(r"[^\n]*+")
_BARE_COMMENT: Final = re.compile(r"(?:\A|\s)#.*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES: Final = {
    "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "$": "$", "`": "`",
}  # fmt: skip
_IN_SINGLE: Final = re.compile(r"\\([\\'])")
_IN_DOUBLE: Final = re.compile(r"\\([\\'\"abfnrtv$`])")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@%+,=^-]+")
_TO_ESCAPE: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$", "`": "\\`", "\r": "\\r"})


class Variable(NamedTuple):
    name: str
    value: str
    line: int

    def __repr__(self) -> str:
        return f"Variable({self.name!r}, …, line {self.line})"


class LineProblem(NamedTuple):
    line: int
    message: str


class EnvFile(NamedTuple):
    variables: tuple[Variable, ...]
    problems: tuple[LineProblem, ...]


def parse_env(text: str) -> EnvFile:
    """The variables of a file and what is wrong with it, both in order. What follows a quote that is never closed is not read."""
    reader = _Reader(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    while reader.at < len(reader.text):
        reader.line()
    return EnvFile(tuple(reader.variables.values()), tuple(reader.problems))


def write_env(variables: Iterable[tuple[str, str]]) -> str:
    """A file that `parse_env` reads back to the same, and in which a shell finds nothing to run or to look up.

    Shells and dotenv libraries read it too. Where a value holds `'` or a backslash beside `$` or a backtick, it is written as for a shell,
    and a library that does not know `\\$` keeps the backslash.
    """
    return "".join(f"{name}={_quoted(value)}\n" for name, value in variables)


def environment_names(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of secrets by the variable that each becomes: `openai.api-key` is OPENAI_API_KEY. Several may become one."""
    found: dict[str, list[str]] = {}
    for name in names:
        variable = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
        found.setdefault(f"_{variable}" if variable[:1].isdigit() else variable, []).append(name)
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.variables: dict[str, Variable] = {}
        self.problems: list[LineProblem] = []
        self._counted, self._line = 0, 1

    def line(self) -> None:
        """Read on behind the next line, or behind the value that begins in it."""
        blank = _BLANK.match(self.text, self.at)
        if blank:
            self.at = blank.end()
            return
        number = self._number()
        head = _HEAD.match(self.text, self.at)
        if head is None:
            self._problem(number, "this is neither NAME=value nor a comment")
            self._skip_line()
            return
        self.at = head.end()
        value = self._value(number)
        if value is not None:
            self._add(head[1], value, number)

    def _value(self, number: int) -> str | None:
        quote = self.text[self.at : self.at + 1]
        if quote not in ("'", '"'):
            bare = _BARE.match(self.text, self.at)
            self._skip_line()
            return _BARE_COMMENT.sub("", bare[0]).rstrip() if bare else ""
        match = (_SINGLE if quote == "'" else _DOUBLE).match(self.text, self.at)
        if match is None:
            self._problem(number, "the quote that opens here is never closed")
            self.at = len(self.text)
            return None
        self.at = match.end()
        rest = _BLANK.match(self.text, self.at)
        if rest is None:
            self._problem(number, "something follows the closing quote")
            self._skip_line()
            return None
        self.at = rest.end()
        escapes = _IN_SINGLE if quote == "'" else _IN_DOUBLE
        return escapes.sub(lambda escape: _ESCAPES[escape[1]], match[1])

    def _add(self, name: str, value: str, number: int) -> None:
        if not _NAME.fullmatch(name):
            self._problem(number, "the name is not made of letters, digits and _")
        elif "\0" in value:
            self._problem(number, f"the value of {name} holds a NUL")
        elif name in self.variables:
            self._problem(number, f"{name} is set in line {self.variables[name].line} already")
        else:
            self.variables[name] = Variable(name, value, number)

    def _problem(self, number: int, message: str) -> None:
        self.problems.append(LineProblem(number, message))

    def _skip_line(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end + 1

    def _number(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line


def _quoted(value: str) -> str:
    if not value or _PLAIN.fullmatch(value):
        return value
    if not re.search(r"['\\\r]", value):
        return f"'{value}'"
    return f'"{value.translate(_TO_ESCAPE)}"'
