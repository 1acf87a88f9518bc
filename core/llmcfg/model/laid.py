"""A mapping laid over another one, which it shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from llmcfg.model.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView, Iterator, Sequence, ValuesView

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
R = TypeVar("R")
_KEPT: Final = 16
"""Layers that others lie on: base, an environment, the ancestors of a tenant."""


class Laid(Mapping[str, T_co]):
    """What lies `below`, but for what is said anew: `own`. In the order of names.

    A thousand that are laid over the same one cost what they say themselves. Neither mapping may change afterwards.
    """

    __slots__ = ("_names", "_owners", "below", "own")

    def __init__(self, own: Mapping[str, T_co], below: Laid[T_co] | None = None) -> None:
        self.own = own
        self.below = below if below else None
        self._names: Sequence[str] | None = None
        self._owners: dict[str, Mapping[str, T_co]] | None = None

    @property
    def names(self) -> Sequence[str]:
        """All names, sorted. Who adds none has the same object as the one below."""
        if self._names is None:
            below = self.below
            added = [name for name in self.own if below is None or name not in below]
            self._names = below.names if below is not None and not added else sorted([*(below or ()), *added])
        return self._names

    def __getitem__(self, name: str) -> T_co:
        here: Laid[T_co] | None = self
        while here is not None:
            if name in here.own:
                return here.own[name]
            here = here.below
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        here: Laid[T_co] | None = self
        while here is not None:
            if name in here.own:
                return True
            here = here.below
        return False

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __bool__(self) -> bool:
        return self.below is not None or bool(self.own)

    def items(self) -> ItemsView[str, T_co]:
        return dict(zip(self.names, self.in_order(), strict=True)).items()

    def values(self) -> ValuesView[T_co]:
        return dict(zip(self.names, self.in_order(), strict=True)).values()

    def in_order(self) -> list[T_co]:
        """All values in the order of names, which are looked for in all layers at once."""
        owners = self._who_owns()
        return [owners[name][name] for name in self.names]

    def _who_owns(self) -> dict[str, Mapping[str, T_co]]:
        """By name, the mapping that says it. Kept by who has others laid over it, of whom there are few."""
        below = self.below
        if below is not None and below._owners is None:
            below._owners = below._who_owns()
        return {**(below._owners or {} if below is not None else {}), **dict.fromkeys(self.own, self.own)}

    def differing(self, other: Laid[Any]) -> set[str]:
        """The names under which the two do not hold the same object. Layers that both lie on are not looked into."""
        mine, theirs = [*self.layers()], [*other.layers()]
        while mine and theirs and mine[-1] is theirs[-1]:
            mine.pop()
            theirs.pop()
        names = {name for layer in (*mine, *theirs) for name in layer.own}
        return {name for name in names if self.get(name) is not other.get(name)}

    def layers(self) -> Iterator[Laid[T_co]]:
        """This one, and those beneath it."""
        here: Laid[T_co] | None = self
        while here is not None:
            yield here
            here = here.below


class OfLayers(Generic[T, R]):
    """What is made of a mapping, layer by layer: of what a layer says, over what was made of those beneath it.

    Kept for the layers that were asked for last, which are those that many lie on.
    """

    def __init__(self, make: Callable[[Mapping[str, T], R], R], nothing: R) -> None:
        self._make = make
        self._nothing = nothing
        self._kept: Recent[Laid[T], R] = Recent(self.of, _KEPT)

    def of(self, laid: Laid[T]) -> R:
        return self._make(laid.own, self.beneath(laid.below)) if laid.own else self.beneath(laid.below)

    def beneath(self, layer: Laid[T] | None) -> R:
        """The same, of a layer that others lie on."""
        return self._nothing if layer is None else self._kept.of(layer)
