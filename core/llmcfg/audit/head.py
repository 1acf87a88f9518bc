"""The head of a log: how far it goes, kept apart from its entries so that entries cut from the end are missed.

It has two places in one file, written in turn, each flushed before the other is touched: a crash in the middle of a write leaves the one
before. It is written after the entries that it counts are on the disk, so a log is never shorter than its head says.
"""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.audit.merkle import Frontier, leaf_hash
from llmcfg.canonical import canonical_json
from llmcfg.disk import storage_errors
from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

_PLACE: Final = 8192
_PLACES: Final = 2


class Edge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place between two entries: how many come before it, the leaf hash of the last of them, and their Merkle peaks, in hex."""

    size: int = 0
    last: str = ""
    peaks: tuple[str, ...] = ()

    @property
    def frontier(self) -> Frontier:
        return Frontier(self.size, tuple(map(bytes.fromhex, self.peaks)))

    def past(self, line: bytes) -> Edge:
        """The place behind one more line."""
        leaf = leaf_hash(line)
        grown = self.frontier.append(leaf)
        return Edge(grown.size, leaf.hex(), tuple(peak.hex() for peak in grown.peaks))


NO_EDGE: Final = Edge()


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log with this `id` has the entries from `base` on and before `top`. `turn` counts writes of the head.

    The last entry lies in `segment`, which was begun at the time `since`, and ends at `end`. `checkpoint` is how many entries the last
    checkpoint in Git covers, and `checked_at` when it was made.
    """

    log: str
    id: str
    turn: int = 0
    base: Edge = NO_EDGE
    top: Edge = NO_EDGE
    segment: int = 0
    since: str = ""
    end: int = 0
    checkpoint: int = 0
    checked_at: str = ""


class HeadFile:
    """Reads and writes the head of one log under its key."""

    def __init__(self, path: Path, log: str, key: bytes) -> None:
        self._path = path
        self._log = log
        self._key = hmac.digest(key, b"llmcfg audit head", "sha256")

    def read(self) -> Head:
        """The newer of the places that are whole. Raises IntegrityError where none is, OSError as it comes."""
        found = [head for head in self.places() if head is not None]
        if not found:
            raise IntegrityError(
                f"{self._path} is not what llmcfg wrote there", hint="llmcfg audit verify shows what else changed"
            )
        return max(found, key=lambda head: head.turn)

    def places(self) -> list[Head | None]:
        """Both places; None for one that is not as it was written."""
        content = self._path.read_bytes()
        return [self._parse(content[at : at + _PLACE]) for at in range(0, _PLACE * _PLACES, _PLACE)]

    def create(self, id_: str) -> bytes:
        """The first content of the file, with an empty log in both places."""
        return b"".join(self._place(Head(self._log, id_, turn)) for turn in range(_PLACES))

    def write(self, head: Head) -> None:
        """Put the next head in the place of the older one, flushed. Raises StorageError."""
        with storage_errors("write", self._path):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                os.pwrite(descriptor, self._place(head), head.turn % _PLACES * _PLACE)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _place(self, head: Head) -> bytes:
        said = canonical_json(msgspec.to_builtins(head))
        mac = hmac.digest(self._key, said, "sha256").hex().encode()
        return (mac + b" " + said).ljust(_PLACE - 1) + b"\n"

    def _parse(self, place: bytes) -> Head | None:
        mac, _, said = place.removesuffix(b"\n").rstrip(b" ").partition(b" ")
        if len(place) != _PLACE or not hmac.compare_digest(mac, hmac.digest(self._key, said, "sha256").hex().encode()):
            return None
        head = msgspec.json.decode(said, type=Head)
        return head if head.log == self._log and self._place(head) == place else None
