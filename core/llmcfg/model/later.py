"""A value that is made when it is first asked for, and once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Later(Generic[T_co]):
    """What makes the value is forgotten when it has."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], T_co]) -> None:
        self._make: Callable[[], T_co] | None = make

    @staticmethod
    def of(value: T) -> Later[T]:
        """One that was made already."""
        there: Later[T] = Later.__new__(Later)
        there._make, there._made = None, value
        return there

    def get(self) -> T_co:
        if self._make is not None:
            self._made: T_co = self._make()
            self._make = None
        return self._made
