"""The three versions of one thing that a merge is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
U = TypeVar("U")


class Versions(NamedTuple, Generic[T]):
    """Where both sides came from, and what each made of it. Of a file, an empty base says that it was not there."""

    base: T
    ours: T
    theirs: T

    @property
    def settled(self) -> T | None:
        """The merge, where at most one side changed anything."""
        if self.theirs in (self.base, self.ours):
            return self.ours
        return self.theirs if self.ours == self.base else None

    def of(self, side: Literal["ours", "theirs"]) -> T:
        return self.ours if side == "ours" else self.theirs

    def map(self, function: Callable[[T], U]) -> Versions[U]:
        return Versions(function(self.base), function(self.ours), function(self.theirs))


class TextMerge(NamedTuple):
    """`content` holds conflict markers unless it is clean."""

    content: bytes
    is_clean: bool


class MergeText(Protocol):
    """Merges lines, as `git merge-file`."""

    def __call__(self, versions: Versions[bytes], /) -> TextMerge: ...
