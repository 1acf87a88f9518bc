"""Regular expressions as states, matched by following all ways at once: in time of states times characters, whatever the pattern."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Test: TypeAlias = Callable[[str], bool]

WORD: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Char(NamedTuple):
    test: Test


class Assert(NamedTuple):
    kind: str  # ^ $ (of a line), A z (of the text), b B


class Split(NamedTuple):
    """Go on at each of these as well."""

    ways: list[int]


State: TypeAlias = "Char | Assert | Split"


@dataclass(slots=True)
class Pattern:
    """A compiled expression. `search` says whether it matches anywhere in the text."""

    source: str
    states: list[State] = field(repr=False)

    def search(self, text: str) -> bool:
        active: set[int] = set()
        for at in range(len(text) + 1):
            closed: set[int] = set()
            if self._close({*active, 0}, text, at, closed):
                return True
            active = {
                state + 1
                for state in closed
                if at < len(text) and isinstance(found := self.states[state], Char) and found.test(text[at])
            }
        return False

    def _close(self, pending: set[int], text: str, at: int, closed: set[int]) -> bool:
        """Follow what takes no character. Whether the end is reached."""
        stack = list(pending)
        while stack:
            state = stack.pop()
            if state in closed:
                continue
            closed.add(state)
            if state == len(self.states):
                return True
            found = self.states[state]
            if isinstance(found, Split):
                stack.extend(found.ways)
            elif isinstance(found, Assert) and _holds(found.kind, text, at):
                stack.append(state + 1)
        return False


def _shift(states: Iterable[State], by: int) -> list[State]:
    return [Split([way + by for way in state.ways]) if isinstance(state, Split) else state for state in states]


def join(left: list[State], right: list[State]) -> list[State]:
    return [*left, *_shift(right, len(left))]


def either(parts: list[list[State]]) -> list[State]:
    """A split to each part; behind each, a jump to the end."""
    total = 1 + sum(len(part) + 1 for part in parts)
    states: list[State] = [Split([])]
    starts: list[int] = []
    for part in parts:
        starts.append(len(states))
        states = [*join(states, part), Split([total])]
    states[0] = Split(starts)
    return states


def repeat(part: list[State], low: int, high: int | None) -> list[State]:
    states: list[State] = []
    for _ in range(low):
        states = join(states, part)
    if high is None:
        start = len(states)
        return [*join([*states, Split([start + 1, start + len(part) + 2])], part), Split([start])]
    for _ in range(high - low):
        start = len(states)
        states = join([*states, Split([start + 1, start + len(part) + 1])], part)
    return states


def _holds(kind: str, text: str, at: int) -> bool:
    match kind:
        case "A":
            return at == 0
        case "z":
            return at == len(text)
        case "^":
            return at == 0 or text[at - 1] == "\n"
        case "$":
            return at == len(text) or text[at] == "\n"
    before = at > 0 and text[at - 1] in WORD
    behind = at < len(text) and text[at] in WORD
    return (before != behind) is (kind == "b")
