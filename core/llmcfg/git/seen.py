"""What was seen of a work tree, as it is remembered: in columns, which are compared with what is there without a step for each file.

A file whose facts are the same has the content that it had. A folder whose facts are the same lists what it listed, as long as nothing
changed that decides which files are ignored. Facts of what had not been left alone for a while are nothing (`filefacts.were_settled`), and
nothing is like them.
"""

from __future__ import annotations

import struct
from itertools import starmap
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from llmcfg.model.entries import OID_CHARS, split_oids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmcfg.filefacts import Facts

_PACKED: Final = struct.Struct("=qqQQ")
FACTS_BYTES: Final = _PACKED.size
UNSETTLED: Final = bytes(FACTS_BYTES)
_FIELDS: Final = 4
_CHANGE_TIMES: Final = (0, 1)
_SIZE: Final = 3
_NUL, _BETWEEN = b"\0", b"/"  # no name holds them


class Named(NamedTuple):
    """A name in a folder, of a file (`f`), a folder (`d`), a link (`l`) or anything else (`o`), and whether it is looked at."""

    name: bytes
    kind: str
    is_read: bool


class Seen(msgspec.Struct, array_like=True, frozen=True):
    """`deciding` are the files beside those that are read which decide what these are; None stands for one that is not there.

    `folders` and `listings` are in one order, and so are `files`, which are sorted, and `oids`; each has its facts. In what is `whole`
    nothing was found amiss and nothing is missing: it is the work tree as long as it has the same shape.
    """

    deciding: dict[str, tuple[int, int, int, int] | None]
    folders: str
    folder_facts: bytes
    listings: bytes
    files: str
    file_facts: bytes
    oids: str
    is_whole: bool

    @property
    def folder_paths(self) -> list[str]:
        """The top, whose path is empty, is among them in what is whole."""
        return self.folders.split("\0") if self.folder_facts else []

    @property
    def folder_listings(self) -> list[bytes]:
        return self.listings.split(_NUL) if self.folder_facts else []

    @property
    def file_paths(self) -> list[str]:
        return self.files.split("\0") if self.oids else []

    @property
    def file_oids(self) -> list[str]:
        return split_oids(self.oids)


_DECODER: Final = msgspec.msgpack.Decoder(Seen)


def parse_seen(content: bytes | None) -> Seen | None:
    """What `encode_seen` gave; None for anything else."""
    try:
        seen = None if content is None else _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return seen if seen is not None and _fits(seen) else None


def encode_seen(seen: Seen) -> bytes:
    return msgspec.msgpack.encode(seen)


def packed(facts: Iterable[Facts]) -> bytes:
    """Raises struct.error for times beyond the year 2262."""
    return b"".join(starmap(_PACKED.pack, facts))


def unpacked(facts: bytes) -> Iterator[Facts]:
    return _PACKED.iter_unpack(facts)


def sizes_of(facts: bytes) -> Sequence[int]:
    return memoryview(facts).cast("q")[_SIZE::_FIELDS]


def newest_of(seen: Seen) -> int:
    """The last time that anything changed."""
    columns = [memoryview(facts).cast("q") for facts in (seen.folder_facts, seen.file_facts)]
    times = [column[field::_FIELDS] for column in columns for field in _CHANGE_TIMES]
    deciding = [max(facts[:2]) for facts in seen.deciding.values() if facts is not None]
    return max([*(max(column) for column in times if len(column)), *deciding], default=0)


def place_of(root: str, folder: str) -> str:
    return f"{root}/{folder}" if folder else root


def facts_by_place(root: str, seen: Seen) -> dict[str, Facts]:
    """Of everything that is there."""
    folders = zip([place_of(root, folder) for folder in seen.folder_paths], unpacked(seen.folder_facts), strict=True)
    files = zip([f"{root}/{path}" for path in seen.file_paths], unpacked(seen.file_facts), strict=True)
    deciding = {path: facts for path, facts in seen.deciding.items() if facts is not None}
    return {**dict(folders), **dict(files), **deciding}


def settled_or_nothing(facts: Facts, *, is_settled: bool) -> bytes:
    return _PACKED.pack(*facts) if is_settled else UNSETTLED


def write_listing(names: Iterable[Named]) -> bytes:
    return _BETWEEN.join([(kind if is_read else kind.upper()).encode() + name for name, kind, is_read in names])


def read_listing(listing: bytes) -> list[Named]:
    marked = listing.split(_BETWEEN) if listing else []
    return [Named(each[1:], each[:1].decode().lower(), each[:1].islower()) for each in marked]


def _fits(seen: Seen) -> bool:
    """Whether the columns have the lengths that go together."""
    folders, files = len(seen.folder_facts) // FACTS_BYTES, len(seen.oids) // OID_CHARS
    lists = [(seen.folders.count("\0"), folders), (seen.listings.count(_NUL), folders), (seen.files.count("\0"), files)]
    return (
        len(seen.folder_facts) == folders * FACTS_BYTES
        and len(seen.oids) == files * OID_CHARS
        and len(seen.file_facts) == files * FACTS_BYTES
        and all(separators == max(count - 1, 0) for separators, count in lists)
    )
