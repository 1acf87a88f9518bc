"""The files of a snapshot in columns, from which each is made when somebody asks for it: of thousands, few are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.model.snapshot import BlobEntry

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView, Iterable, Iterator, Sequence, ValuesView

OID_CHARS: Final = 40
_BLOCK: Final = 64 * OID_CHARS
_ENTRY: Callable[[Iterable[object]], BlobEntry] = partial(tuple.__new__, BlobEntry)  # in C, for thousands of them


class Entries(Mapping[str, BlobEntry]):
    """`paths` are sorted; `oids` are the ids of all of them in this order, one after the other, and `sizes` their bytes."""

    __slots__ = ("_all", "oids", "paths", "sizes")

    def __init__(self, paths: Sequence[str], oids: str, sizes: Sequence[int]) -> None:
        self.paths = paths
        self.oids = oids
        self.sizes = sizes
        self._all: dict[str, BlobEntry] | None = None

    def __getitem__(self, path: str) -> BlobEntry:
        if self._all is not None:
            return self._all[path]
        at = bisect_left(self.paths, path)
        if at == len(self.paths) or self.paths[at] != path:
            raise KeyError(path)
        return BlobEntry(path, self.oids[at * OID_CHARS : (at + 1) * OID_CHARS], self.sizes[at])

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def items(self) -> ItemsView[str, BlobEntry]:
        return self._whole().items()

    def values(self) -> ValuesView[BlobEntry]:
        return self._whole().values()

    def path_of(self, oid: str) -> str | None:
        """A path where a blob lies; None where there is none."""
        at = self.oids.find(oid) if len(oid) == OID_CHARS else -1
        while at % OID_CHARS and at >= 0:
            at = self.oids.find(oid, at + 1)
        return None if at < 0 else self.paths[at // OID_CHARS]

    def _whole(self) -> dict[str, BlobEntry]:
        if self._all is None:
            columns = zip(self.paths, split_oids(self.oids), self.sizes, strict=True)
            self._all = dict(zip(self.paths, map(_ENTRY, columns), strict=True))
        return self._all


def split_oids(oids: str) -> list[str]:
    """The ids that stand one after the other."""
    return [oids[at : at + OID_CHARS] for at in range(0, len(oids), OID_CHARS)]


def in_columns(entries: Mapping[str, BlobEntry]) -> Entries:
    """Files that are sorted by path."""
    if isinstance(entries, Entries):
        return entries
    files = entries.values()
    return Entries([*entries], "".join([entry.oid for entry in files]), [entry.size for entry in files])


class FileIds(NamedTuple):
    """The ids of all files by path, in columns: two of them are compared without a step for each file."""

    paths: str
    oids: str

    def has(self, path: str) -> bool:
        return f"\0{path}\0" in f"\0{self.paths}\0"

    def differing(self, other: FileIds) -> frozenset[str]:
        """The paths of files that came, went or changed."""
        if self.paths == other.paths:
            paths = self.paths.split("\0")
            return frozenset(paths[at] for at in _differing(self.oids, other.oids))
        before, after = {*self._pairs()}, {*other._pairs()}
        return frozenset(path for path, _ in before ^ after)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        return zip(self.paths.split("\0"), split_oids(self.oids), strict=False)


def file_ids(entries: Mapping[str, BlobEntry]) -> FileIds:
    files = in_columns(entries)
    return FileIds("\0".join(files.paths), files.oids)


def _differing(before: str, after: str) -> Iterator[int]:
    """The places of the ids that are others."""
    for block in range(0, len(after) if before != after else 0, _BLOCK):
        if before[block : block + _BLOCK] != after[block : block + _BLOCK]:
            for at in range(block, min(block + _BLOCK, len(after)), OID_CHARS):
                if before[at : at + OID_CHARS] != after[at : at + OID_CHARS]:
                    yield at // OID_CHARS
