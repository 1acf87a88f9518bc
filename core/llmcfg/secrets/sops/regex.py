"""Regular expressions in the syntax of Go (RE2), since the rules of a SOPS file are written for it.

They are matched by following all ways at once, so no pattern can take longer than its length times that of the text: patterns come from
files that others wrote. Not supported, and refused by name: `\\C`, `\\p{Script}` and class intersections that Go has not either.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.regexstates import WORD, Assert, Char, Pattern, either, join, repeat

if TYPE_CHECKING:
    from llmcfg.secrets.sops.regexstates import State, Test

_LONGEST: Final = 2000
_STATES: Final = 20_000
_REPEATS: Final = 1000
_DIGIT: Final = frozenset("0123456789")
_SPACE: Final = frozenset("\t\n\f\r ")
_PERL: Final = {"d": _DIGIT, "w": WORD, "s": _SPACE}
_CONTROLS: Final = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_POSIX: Final = {
    "alnum": WORD - {"_"},
    "alpha": WORD - {"_"} - _DIGIT,
    "ascii": frozenset(map(chr, range(128))),
    "blank": frozenset("\t "),
    "cntrl": frozenset(map(chr, [*range(32), 127])),
    "digit": _DIGIT,
    "graph": frozenset(map(chr, range(33, 127))),
    "lower": frozenset("abcdefghijklmnopqrstuvwxyz"),
    "print": frozenset(map(chr, range(32, 127))),
    "punct": frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    "space": frozenset("\t\n\v\f\r "),
    "upper": frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "word": WORD,
    "xdigit": frozenset("0123456789abcdefABCDEF"),
}


@dataclass(slots=True)
class _Flags:
    ignore_case: bool = False
    lines: bool = False
    dot_all: bool = False


@lru_cache(maxsize=64)
def compile_pattern(source: str) -> Pattern:
    """Raises UsageError that says what Go's regular expressions do not allow."""
    if len(source) > _LONGEST:
        raise _refused(source, "it is too long")
    parser = _Parser(_unquoted(source))
    try:
        states = parser.alternatives(_Flags(), depth=0)
    except IndexError:
        raise _refused(source, "it ends too early") from None
    if parser.at != len(parser.source):
        raise _refused(source, "a ) has no (")
    return Pattern(source, states)


class _Parser:
    """From text to states. Each part is a list of states that ends where the next part begins; jumps are absolute after joining."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0

    def alternatives(self, flags: _Flags, depth: int) -> list[State]:
        if depth > 100:
            raise _refused(self.source, "it is nested too deeply")
        parts = [self._sequence(flags, depth)]
        while self._next() == "|":
            self.at += 1
            parts.append(self._sequence(flags, depth))
        return parts[0] if len(parts) == 1 else either(parts)

    def _sequence(self, flags: _Flags, depth: int) -> list[State]:
        states: list[State] = []
        while self._next() not in ("", "|", ")"):
            part = self._repeated(self._atom(flags, depth))
            states = join(states, part)
            if len(states) > _STATES:
                raise _refused(self.source, "it repeats too much")
        return states

    def _repeated(self, part: list[State]) -> list[State]:
        repeats = 0
        while bounds := self._bounds():
            repeats += 1
            if repeats > 1:
                raise _refused(self.source, "it repeats a repetition")
            low, high = bounds
            if len(part) * max(low, high or 0, 1) > _STATES:
                raise _refused(self.source, "it repeats too much")
            part = repeat(part, low, high)
        return part

    def _bounds(self) -> tuple[int, int | None] | None:
        char = self._next()
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(char)
        if simple:
            self.at += 1
        elif char == "{" and (end := self.source.find("}", self.at)) > 0:
            low, comma, high = self.source[self.at + 1 : end].partition(",")
            if not low.isascii() or not low.isdigit() or (high and not (high.isascii() and high.isdigit())):
                return None
            simple = (int(low), (int(high) if high else None) if comma else int(low))
            if max(simple[0], simple[1] or 0) > _REPEATS or (simple[1] is not None and simple[1] < simple[0]):
                raise _refused(self.source, "a repetition has wrong bounds")
            self.at = end + 1
        if simple and self._next() == "?":
            self.at += 1  # lazy: the same for whether it matches
        return simple

    def _is_repetition(self) -> bool:
        """Whether the `{` that was just taken begins a repetition; if not, it is a character."""
        at = self.at
        self.at -= 1
        found = self._bounds() is not None
        self.at = at
        return found

    def _atom(self, flags: _Flags, depth: int) -> list[State]:
        char = self._take()
        match char:
            case "(":
                return self._group(flags, depth)
            case "[":
                return [Char(self._class(flags))]
            case ".":
                return [Char((lambda _: True) if flags.dot_all else (lambda char: char != "\n"))]
            case "^":
                return [Assert("^" if flags.lines else "A")]
            case "$":
                return [Assert("$" if flags.lines else "z")]
            case "\\":
                return self._escape(flags)
            case "{" if self._is_repetition():
                raise _refused(self.source, "nothing stands before a repetition")
            case "*" | "+" | "?":
                raise _refused(self.source, f"nothing stands before {char}")
        return [_literal(char, flags)]

    def _group(self, flags: _Flags, depth: int) -> list[State]:
        inner = _Flags(flags.ignore_case, flags.lines, flags.dot_all)
        if self._next() == "?":
            self.at += 1
            if self.source.startswith(("P<", "<"), self.at):
                end = self.source.index(">", self.at) if ">" in self.source[self.at :] else -1
                name = self.source[self.at :].partition("<")[2].partition(">")[0]
                if end < 0 or not name.replace("_", "a").isalnum():
                    raise _refused(self.source, "Go has no such group")
                self.at = end + 1
            elif self._set_flags(flags, inner):
                if self._bounds():
                    raise _refused(self.source, "nothing stands before a repetition")
                return []
        states = self.alternatives(inner, depth + 1)
        if self._take() != ")":
            raise _refused(self.source, "a ( is not closed")
        return states

    def _set_flags(self, outer: _Flags, inner: _Flags) -> bool:
        """`(?i)` for the rest of the group that it stands in, `(?i:…)` for its own. Whether it was the first."""
        value = True
        changes: list[tuple[str, bool]] = []
        names = {"i": "ignore_case", "m": "lines", "s": "dot_all"}
        while (char := self._take()) not in (":", ")"):
            if char == "-" and value:
                value = False
            elif char in names:
                changes.append((names[char], value))
            elif char != "U":  # which end of a match is preferred is the same for whether there is one
                raise _refused(self.source, "Go has no such group")
        for name, wanted in changes:
            setattr(outer if char == ")" else inner, name, wanted)
        return char == ")"

    def _escape(self, flags: _Flags) -> list[State]:
        char = self._take()
        if char in "AzbB":
            return [Assert(char)]
        known = self._escaped_class(char)
        if known is not None:
            return [Char(known)]
        return [_literal(self._escaped_char(char), flags)]

    def _escaped_class(self, char: str) -> Test | None:
        if char.lower() in _PERL and char.isascii():
            members = _PERL[char.lower()]
            return members.__contains__ if char.islower() else (lambda one: one not in members)
        if char in "pP":
            return self._unicode_class(is_negated=char == "P")
        return None

    def _unicode_class(self, *, is_negated: bool) -> Test:
        name = self._take()
        if name == "{":
            end = self.source.find("}", self.at)
            name, self.at = self.source[self.at : end], end + 1
            if end < 0:
                raise _refused(self.source, "a { is not closed")
        if name.startswith("^"):
            name, is_negated = name[1:], not is_negated
        if name != "Any" and (len(name) > 2 or name[:1] not in "LMNPSZC"):
            raise _refused(self.source, f"the class {name!r} is not supported")
        prefix = "" if name == "Any" else name
        return lambda one: unicodedata.category(one).startswith(prefix) is not is_negated

    def _escaped_char(self, char: str) -> str:
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "x":
            return self._hexadecimal()
        if char in "01234567":
            digits = char
            while len(digits) < 3 and self._next() and self._next() in "01234567":
                digits += self._take()
            if char != "0" and len(digits) < 3:
                raise _refused(self.source, "Go has no back-references")
            return chr(int(digits, 8))
        if char.isascii() and char.isalnum():
            raise _refused(self.source, f"Go has no \\{char}")
        return char

    def _hexadecimal(self) -> str:
        if self._next() == "{":
            end = self.source.find("}", self.at)
            digits, self.at = self.source[self.at + 1 : max(end, 0)], end + 1
        else:
            digits, self.at = self.source[self.at : self.at + 2], self.at + 2
        try:
            return chr(int(digits, 16))
        except (ValueError, OverflowError):
            raise _refused(self.source, "a \\x is not followed by the number of a character") from None

    def _class(self, flags: _Flags) -> Test:
        is_negated = self._next() == "^"
        self.at += is_negated
        tests: list[Test] = []
        is_first = True
        while self._next() != "]" or is_first:
            is_first = False
            tests.append(self._class_part(flags))
        self.at += 1
        if is_negated:
            return lambda one: not any(test(one) for test in tests)
        return lambda one: any(test(one) for test in tests)

    def _class_part(self, flags: _Flags) -> Test:
        if self.source.startswith("[:", self.at) and (end := self.source.find(":]", self.at)) > 0:
            name = self.source[self.at + 2 : end]
            self.at = end + 2
            members = _POSIX.get(name.removeprefix("^"))
            if members is None:
                raise _refused(self.source, f"there is no class {name!r}")
            test = _fold(members.__contains__, flags)
            return (lambda one: not test(one)) if name.startswith("^") else test
        first = self._take()
        if first == "\\":
            escaped = self._take()
            known = self._escaped_class(escaped)
            if known is not None:
                return known
            first = self._escaped_char(escaped)
        last = first
        if self._next() == "-" and self.source[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            last = self._take()
            last = self._escaped_char(self._take()) if last == "\\" else last
            if last < first:
                raise _refused(self.source, "a range ends before it starts")
        return _fold(lambda one: first <= one <= last, flags)

    def _next(self) -> str:
        return self.source[self.at : self.at + 1]

    def _take(self) -> str:
        char = self.source[self.at]
        self.at += 1
        return char


def _unquoted(source: str) -> str:
    """The same without `\\Q…\\E`, which quotes."""
    parts: list[str] = []
    at = 0
    while at < len(source):
        if source.startswith("\\Q", at):
            quoted, _, _ = source[at + 2 :].partition("\\E")
            parts += (char if char.isalnum() or not char.isascii() else "\\" + char for char in quoted)
            at += len(quoted) + 4
            continue
        width = 2 if source[at] == "\\" else 1
        parts.append(source[at : at + width])
        at += width
    return "".join(parts)


def _literal(char: str, flags: _Flags) -> Char:
    return Char(_fold(char.__eq__, flags))


def _fold(test: Test, flags: _Flags) -> Test:
    if not flags.ignore_case:
        return test
    return lambda one: any(test(form) for form in (one, one.lower(), one.upper(), one.casefold()) if len(form) == 1)


def _refused(source: str, why: str) -> UsageError:
    return UsageError(
        f"the regular expression {source[:80]!r} cannot be used: {why}", hint="write it in the syntax of Go (RE2)"
    )
