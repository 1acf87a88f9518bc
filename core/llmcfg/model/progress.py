"""Long work that is watched: what is being done now, and how much of it.

The thread that works counts. Another one may ask at any time, and learns what was so a moment ago.
"""

from __future__ import annotations

from contextlib import contextmanager
from operator import length_hint
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
_WORTH_TELLING: Final = 10  # items of a count within another one; fewer are over before anybody has read it


class Progress:
    """Counts while it is watched, and costs nothing otherwise. As text, the counts that are going on, the innermost last."""

    def __init__(self) -> None:
        self._is_watched = False
        self._now: _Count | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        self._is_watched = True
        try:
            yield
        finally:
            self._is_watched = False

    def over(self, doing: str, items: Iterable[T]) -> Iterable[T]:
        """The items, counted as they are gone through. What is done to one of them may have a count of its own meanwhile."""
        return self._counted(doing, items) if self._is_watched else items

    def counter(self, doing: str, total: int) -> Callable[[], object]:
        """The same for work that only says when one more is done: what it is to call then."""
        turns = iter(self.over(doing, range(total)))
        next(turns, None)
        return lambda: next(turns, None)

    def _counted(self, doing: str, items: Iterable[T]) -> Iterator[T]:
        around, total = self._now, length_hint(items)
        if around is not None and 0 < total < _WORTH_TELLING:
            yield from items
            return
        count = self._now = _Count(doing, total, around)
        try:
            for item in items:
                yield item
                count.done += 1
        finally:
            self._now = around

    def __str__(self) -> str:
        return str(self._now or "")


UNWATCHED: Final = Progress()
"""For work that nobody can watch. It is never to be watched."""


class _Count:
    __slots__ = ("around", "doing", "done", "total")

    def __init__(self, doing: str, total: int, around: _Count | None) -> None:
        self.doing = doing
        self.done = 0
        self.total = total
        self.around = around

    def __str__(self) -> str:
        before = f"{self.around}, " if self.around else ""
        of = f" of {self.total:,}" if self.total else ""
        return f"{before}{self.doing} {self.done:,}{of}"
