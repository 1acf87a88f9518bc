"""What was made of the objects that were asked for last, by their identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
R = TypeVar("R")


class Recent(Generic[T, R]):
    """Of `most` objects, which are kept with what was made of them, so that no other one takes their id."""

    def __init__(self, make: Callable[[T], R], most: int) -> None:
        self._make = make
        self._most = most
        self._kept: dict[int, tuple[T, R]] = {}

    def of(self, thing: T) -> R:
        known = self._kept.pop(id(thing), None) or (thing, self._make(thing))
        self._kept[id(thing)] = known
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return known[1]
