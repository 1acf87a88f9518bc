"""Many new objects as one pack, with its index (gitformat-pack, version 2). Pure.

Objects that stand in the same place of many bundles resemble each other, so each is told as a delta of one that was told whole: never of
another delta, so that none takes longer to read than two objects. A pack holds the base of each of its deltas, as Git demands.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections import deque
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.git.deltas import Base
from llmcfg.model.progress import UNWATCHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmcfg.git.newobjects import NewObject
    from llmcfg.model.progress import Progress

_KINDS: Final = {b"commit": 1, b"tree": 2, b"blob": 3, b"tag": 4}
_DELTA: Final = 6  # its base is named by how far before it lies
_BASES: Final = 4  # of one place: consumers differ there, and what is encoded may be shifted
_LEAST: Final = 64
_MOST: Final = 256 << 10
_HALF, _GOOD_ENOUGH = 2, 8  # a delta is to have no more than this part of what it stands for


class Pack(NamedTuple):
    """`name` says which objects are in it; their order is that of places."""

    name: str
    content: bytes
    idx: bytes


class _Told(NamedTuple):
    """An object as a pack has it. `base` is the number of the object that it is a delta of."""

    oid: str
    kind: int
    content: bytes
    base: int | None = None


def make_pack(objects: Sequence[NewObject], progress: Progress = UNWATCHED) -> Pack:
    """`objects` are each there once, and in all under two gigabytes."""
    done = progress.counter("packing objects", len(objects))
    told: list[_Told] = []
    for each in _told(objects):
        told.append(each)
        done()
    content = bytearray(b"PACK" + struct.pack(">II", 2, len(told)))
    places: list[int] = []
    for each in told:
        places.append(len(content))
        if each.base is None:
            content += _header(each.kind, len(each.content))
        else:
            content += _header(_DELTA, len(each.content)) + _distance(places[-1] - places[each.base])
        content += zlib.compress(each.content)
    ends = [*places[1:], len(content)]
    sums = [zlib.crc32(memoryview(content)[start:end]) for start, end in zip(places, ends, strict=True)]
    of_pack = _sha1(content)
    order = sorted(range(len(told)), key=lambda number: told[number].oid)
    named = [bytes.fromhex(told[number].oid) for number in order]
    idx = _index(named, [sums[number] for number in order], [places[number] for number in order], of_pack)
    return Pack(of_pack.hex(), bytes(content + of_pack), idx)


def _told(objects: Iterable[NewObject]) -> Iterator[_Told]:
    """The like are told one after another, so that the blocks of only some bases are known at a time."""
    count = 0
    for _, alike in sorted(_by_place(objects).items()):
        bases: deque[tuple[int, Base]] = deque(maxlen=_BASES)
        for made in alike:
            word, _, content = made.whole.partition(b" ")
            content = content[content.index(b"\0") + 1 :]
            kind = _KINDS[word]
            found = _nearest(bases, content) if _LEAST <= len(content) <= _MOST else None
            if found is not None:
                yield _Told(made.oid, kind, found[1], found[0])
            else:
                yield _Told(made.oid, kind, content)
                if len(alike) > 1 and _LEAST <= len(content) <= _MOST:
                    bases.appendleft((count, Base(content)))
            count += 1


def _by_place(objects: Iterable[NewObject]) -> dict[tuple[bytes, str], list[NewObject]]:
    """A delta and its base are of one kind."""
    found: dict[tuple[bytes, str], list[NewObject]] = {}
    for made in objects:
        found.setdefault((made.whole[:4], made.place), []).append(made)
    return found


def _nearest(bases: Iterable[tuple[int, Base]], content: bytes) -> tuple[int, bytes] | None:
    """The number of the base that tells the most of this content, with the delta."""
    best: tuple[int, bytes] | None = None
    most = len(content) // _HALF
    for number, base in bases:
        delta = base.delta(content, most)
        if delta is not None and (best is None or len(delta) < len(best[1])):
            best, most = (number, delta), min(most, len(delta))
            if len(delta) * _GOOD_ENOUGH <= len(content):
                break
    return best


def _header(kind: int, size: int) -> bytes:
    first, size = kind << 4 | size & 0x0F, size >> 4
    made = bytearray()
    while size:
        made.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    made.append(first)
    return bytes(made)


def _distance(number: int) -> bytes:
    """Seven bits a byte, the most significant first, each but the last less by one than it is."""
    made = [number & 0x7F]
    while number := number >> 7:
        number -= 1
        made.append(number & 0x7F | 0x80)
    return bytes(reversed(made))


def _index(named: Sequence[bytes], sums: Sequence[int], places: Sequence[int], of_pack: bytes) -> bytes:
    counts = [0] * 256
    for name in named:
        counts[name[0]] += 1
    index = b"\377tOc" + struct.pack(">I256I", 2, *accumulate(counts)) + b"".join(named)
    index += struct.pack(f">{len(sums)}I{len(places)}I", *sums, *places) + of_pack
    return index + _sha1(index)


def _sha1(content: bytes | bytearray) -> bytes:
    return hashlib.sha1(content, usedforsecurity=False).digest()
