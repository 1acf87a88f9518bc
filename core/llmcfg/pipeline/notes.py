"""What one resolution finds wrong, each thing once and at its place, and how much it may still expand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg import limits
from llmcfg.model.findings import Problem
from llmcfg.model.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmcfg.model.value import Path, Value

_MOST_SUGGESTIONS: Final = 50
"""Of one document: comparing names is slow, and nobody reads on."""


class Notes:
    """`place` is where problems go: the path of a value in the document, and the text in it that they are about."""

    def __init__(self) -> None:
        self.place: Path = ()
        self.written = ""
        self._problems: dict[tuple[Path, str, str, str], Problem] = {}
        self._suggestions = 0
        self._bytes = limits.RESOLVED_BYTES
        self._expansions = limits.EXTENDS_COUNT
        self._kept: list[Value] = []
        self._measured: dict[int, tuple[int, int]] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._problems.values())

    def __len__(self) -> int:
        return len(self._problems)

    def add(self, rule: str, message: str, hint: str = "") -> None:
        self.report(Problem(rule, message, hint=hint, path=self.place, written=self.written))

    def report(self, problem: Problem) -> None:
        key = (problem.path or (), problem.rule, problem.message, problem.written)
        self._problems.setdefault(key, problem)

    @property
    def has_suggestions(self) -> bool:
        return self._suggestions < _MOST_SUGGESTIONS

    def suggest(
        self,
        word: str,
        known: Callable[[], Iterable[str]],
        otherwise: str = "",
        *,
        write: Callable[[str], str] = str,
    ) -> str:
        """A did-you-mean hint; the known words are only asked for while hints are still given."""
        self._suggestions += 1
        if self._suggestions > _MOST_SUGGESTIONS:
            return otherwise
        return did_you_mean(word, known(), otherwise, write=write)

    # -- limits

    @property
    def is_spent(self) -> bool:
        return self._bytes < 0 or self._expansions < 0

    def spend(self, value: Value, name: str) -> bool:
        """Whether what a reference adds may still be added."""
        if self.is_spent:
            return False
        self._bytes -= self.measure(value)[0]
        if self._bytes < 0:
            self.add("reference-limit", f"references expand past {limits.RESOLVED_BYTES >> 20} MiB at {name!r}",
                     "refer to smaller parts, or split the document")  # fmt: skip
        return not self.is_spent

    def spend_expansion(self) -> bool:
        """Whether one more pattern may still be laid."""
        if self.is_spent:
            return False
        self._expansions -= 1
        if self._expansions < 0:
            self.add("reference-limit", f"this document extends patterns more than {limits.EXTENDS_COUNT} times",
                     "patterns that extend several others multiply: lay fewer of them")  # fmt: skip
        return not self.is_spent

    def measure(self, value: Value) -> tuple[int, int]:
        """About how many bytes a value takes when written, and how deep it is nested. Shared parts are looked at once."""
        self._kept.append(value)  # so that no other value takes its id
        return self._measure(value)

    def _measure(self, value: Value) -> tuple[int, int]:
        if not isinstance(value, dict | list):
            return (len(value) + 2 if isinstance(value, str) else 5), 0
        known = self._measured.get(id(value))
        if known is None:
            items = value.values() if isinstance(value, dict) else value
            parts = [self._measure(item) for item in items]
            keys = sum(len(key) + 3 for key in value) if isinstance(value, dict) else 0
            known = (sum(size for size, _ in parts) + keys + 2, max((depth for _, depth in parts), default=0) + 1)
            self._measured[id(value)] = known
        return known
