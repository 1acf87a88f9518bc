"""A value that is made when it is first asked for, and once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Later(Generic[T]):
    """What makes the value is forgotten when it has."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make

    @classmethod
    def of(cls, value: T) -> Later[T]:
        """One that was made already."""
        there = cls.__new__(cls)
        there._make, there._made = None, value
        return there

    def get(self) -> T:
        if self._make is not None:
            self._made: T = self._make()
            self._make = None
        return self._made
