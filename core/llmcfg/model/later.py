"""Values that are made when they are first asked for, and once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

K = TypeVar("K")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Later(Generic[T_co]):
    """What makes the value is forgotten when it has. Threads that ask at the same time may each make it, and get what is the same."""

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
        make = self._make
        if make is not None:
            self._made: T_co = make()
            self._make = None
        return self._made


class Each(Mapping[K, T_co]):
    """Values by key, each made when it is first asked for, and once; with `most`, once more where so many others were made since."""

    __slots__ = ("_keys", "_made", "_make", "_most")

    def __init__(self, keys: Iterable[K], make: Callable[[K], T_co], most: int = 0) -> None:
        self._keys = dict.fromkeys(keys)
        self._make = make
        self._most = most
        self._made: dict[K, T_co] = {}

    def __getitem__(self, key: K) -> T_co:
        if key not in self._made:
            if key not in self._keys:
                raise KeyError(key)
            if self._most and len(self._made) >= self._most:
                del self._made[next(iter(self._made))]
            self._made[key] = self._make(key)
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
