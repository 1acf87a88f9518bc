"""A mapping whose values are made when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T_co = TypeVar("T_co", covariant=True)


class Made(Mapping[str, T_co]):
    """Under each of these names that is wanted lies what `make` makes of it, once. Nobody pays for what nobody asks for.

    `names` may not change afterwards, nor may the answers of `is_wanted`. Without it, all are.
    """

    __slots__ = ("_is_wanted", "_made", "_make", "_names", "_wanted")

    def __init__(
        self,
        names: Mapping[str, object],
        make: Callable[[str], T_co],
        is_wanted: Callable[[str], bool] | None = None,
    ) -> None:
        self._make = make
        self._is_wanted: Callable[[str], bool] | None = is_wanted
        self._names: Mapping[str, object] = names
        if isinstance(names, Made) and names._is_wanted is None:
            self._names = names._names  # what is made of what is made is not asked through all of them
        self._made: dict[str, T_co] = {}
        self._wanted: dict[str, bool] = {}  # what was answered

    def __getitem__(self, name: str) -> T_co:
        try:
            return self._made[name]
        except KeyError:
            if name not in self:
                raise
        made = self._made[name] = self._make(name)
        return made

    def __contains__(self, name: object) -> bool:
        return name in self._names and (self._is_wanted is None or self._wants(cast("str", name)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names) if self._is_wanted is None else filter(self._wants, self._names)

    def __len__(self) -> int:
        return len(self._names) if self._is_wanted is None else sum(1 for _ in self)

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    def _wants(self, name: str) -> bool:
        if name not in self._wanted:
            self._wanted[name] = self._is_wanted is None or self._is_wanted(name)
        return self._wanted[name]
