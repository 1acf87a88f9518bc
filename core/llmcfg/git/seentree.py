"""The files of a commit as an earlier process read them, and the facts of the folders that Git keeps objects in.

What an object is, and how large, hangs on its id. Only whether it is still there may change, and that shows in those folders: what lies in
one whose facts are as they were was not lost. A tree in which anything is strange is not remembered. This loads no libgit2.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec

from llmcfg.filefacts import Facts, facts_of, were_settled
from llmcfg.model.entries import OID_CHARS, Entries, in_columns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llmcfg.model.snapshot import BlobEntry

_SIZE: Final = "q"
_SIZE_BYTES: Final = struct.calcsize(f"={_SIZE}")
_T = TypeVar("_T")


class Below(NamedTuple):
    """Which files of a commit are a configuration: those in the folder `prefix`, below names in it that are `wanted`."""

    prefix: str
    wanted: frozenset[str]


class ReadTree(msgspec.Struct, array_like=True, frozen=True):
    """What was read of a commit without finding anything: files in columns, and `folders` as `Walked` has them."""

    commit: str
    prefix: str
    wanted: list[str]
    paths: str
    oids: str
    sizes: bytes
    folders: dict[str, str]

    @property
    def entries(self) -> Entries:
        return Entries(self.paths.split("\0") if self.oids else [], self.oids, memoryview(self.sizes).cast(_SIZE))

    def is_of(self, commit: str, below: Below) -> bool:
        return (self.commit, self.prefix, self.wanted) == (commit, below.prefix, sorted(below.wanted))


class SeenTree(NamedTuple):
    """What one look leaves to the next: a tree, and the facts of the folders of objects. None where it was left so already."""

    tree: bytes | None = None
    objects: bytes | None = None


_DECODER: Final = msgspec.msgpack.Decoder(ReadTree)
_FACTS: Final = msgspec.msgpack.Decoder(dict[str, Facts])


class EarlierTree:
    """What was `seen` of the repository in `git_dir`, which is looked at now, at `now_ns`.

    `changed` are the names of the folders of objects that may have lost something since.
    """

    def __init__(self, seen: SeenTree, git_dir: Path, now_ns: int) -> None:
        self.git_dir = git_dir
        self.read = _parse_read(seen.tree)
        there, known = _facts_below(git_dir / "objects"), _decoded(_FACTS, seen.objects) or {}
        self.changed = {name for name in {*there, *known} if there.get(name) != known.get(name)}
        self._settled = {name: facts for name, facts in there.items() if were_settled(facts, now_ns)}

    def find(self, commit: str, below: Below) -> Entries | None:
        """The files of a commit, where these are what was read and nothing of them can have been lost."""
        read = self.read
        return None if read is None or self.changed or not read.is_of(commit, below) else read.entries

    def objects(self) -> bytes | None:
        """For the next look; None where that is known. What changed lately may change again without a trace."""
        return msgspec.msgpack.encode(self._settled) if self.changed else None


def encode_read(commit: str, below: Below, entries: Mapping[str, BlobEntry], folders: dict[str, str]) -> bytes:
    files, wanted = in_columns(entries), sorted(below.wanted)
    sizes = struct.pack(f"={len(files.sizes)}{_SIZE}", *files.sizes)
    return msgspec.msgpack.encode(
        ReadTree(commit, below.prefix, wanted, "\0".join(files.paths), files.oids, sizes, folders)
    )


def _parse_read(content: bytes | None) -> ReadTree | None:
    """What `encode_read` gave; None for anything else."""
    read = _decoded(_DECODER, content)
    return read if read is not None and _fits(read) else None


def _fits(read: ReadTree) -> bool:
    """Whether the columns have the lengths that go together."""
    files = len(read.oids) // OID_CHARS
    lengths = len(read.oids), len(read.sizes), read.paths.count("\0")
    return lengths == (files * OID_CHARS, files * _SIZE_BYTES, max(files - 1, 0))


def _facts_below(objects: Path) -> dict[str, Facts]:
    """Of the folders that objects lie in."""
    with os.scandir(objects) as found:
        return {each.name: facts_of(each.stat()) for each in found if each.is_dir()}


def _decoded(decoder: msgspec.msgpack.Decoder[_T], content: bytes | None) -> _T | None:
    try:
        return None if content is None else decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
