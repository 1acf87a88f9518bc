"""What was seen of a work tree, so that the next look reads only what changed: as Git's index does, for files that nobody added too.

A file whose facts are the same has the content that it had. A folder whose facts are the same lists what it listed, as long as nothing
changed that decides which files are ignored. Only what had been left alone for a while is noted (`filefacts.were_settled`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import msgspec

from llmcfg.filefacts import Facts, facts_of, were_settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Listing = list[tuple[str, bool]]  # names, and which are folders


class _Seen(NamedTuple):
    """By path. `deciding` are the files that decide which are ignored; None stands for one that is not there."""

    deciding: dict[str, Facts | None]
    folders: dict[str, tuple[Facts, Listing]]
    files: dict[str, tuple[Facts, str]]


_DECODER: Final = msgspec.msgpack.Decoder(_Seen)


class StatIndex:
    """Made for one look at a work tree, from what `encoded` gave after an earlier one. `now_ns` is when it is taken."""

    def __init__(self, content: bytes | None, deciding: Iterable[str] | None, now_ns: int) -> None:
        self._now_ns = now_ns
        self._known = _decoded(content)
        self._seen = _Seen({path: _facts_at(path) for path in deciding or ()}, {}, {})
        lists_hold = deciding is not None and all(_facts_at(path) == it for path, it in self._known.deciding.items())
        if lists_hold and self._seen.deciding.keys() <= self._known.deciding.keys():
            self._seen.deciding.update(self._known.deciding)
        else:
            self._known.folders.clear()

    @property
    def deciding(self) -> dict[str, Facts]:
        """The facts of the files that decide which are ignored, of those that are there."""
        return {path: facts for path, facts in self._seen.deciding.items() if facts is not None}

    def note_deciding(self, path: str) -> None:
        """A list of ignored files. One that is new has a say in every folder below it, and those come later."""
        self._seen.deciding[path] = _facts_at(path)
        if path not in self._known.deciding:
            self._known.folders.clear()

    def listing(self, folder: str, facts: Facts) -> Listing | None:
        known = self._known.folders.get(folder)
        if known is None or known[0] != facts:
            return None
        self._seen.folders[folder] = known
        return known[1]

    def note_listing(self, folder: str, facts: Facts, names: Sequence[tuple[str, bool]]) -> None:
        if were_settled(facts, self._now_ns):
            self._seen.folders[folder] = facts, [*names]

    def blob_id(self, path: str, facts: Facts) -> str | None:
        known = self._known.files.get(path)
        if known is None or known[0] != facts:
            return None
        self._seen.files[path] = known
        return known[1]

    def blob_ids(self, paths: Sequence[str]) -> Sequence[tuple[Facts, str]] | None:
        """The facts that files had, and the ids of what they held; None where not all are known. Nothing says that they hold it still."""
        known = [self._known.files.get(path) for path in paths]
        return None if None in known else cast("list[tuple[Facts, str]]", known)

    def note_blobs(self, paths: Sequence[str], known: Sequence[tuple[Facts, str]]) -> None:
        """What is known of these files holds."""
        self._seen.files.update(zip(paths, known, strict=True))

    def note_blob(self, path: str, facts: Facts, oid: str) -> None:
        if were_settled(facts, self._now_ns):
            self._seen.files[path] = facts, oid

    def encoded(self) -> bytes | None:
        """For the next look; None where that would see nothing else in it than this one did."""
        return None if self._seen == self._known else msgspec.msgpack.encode(self._seen)


def _decoded(content: bytes | None) -> _Seen:
    try:
        return _Seen({}, {}, {}) if content is None else _DECODER.decode(content)
    except msgspec.MsgspecError:
        return _Seen({}, {}, {})


def _facts_at(path: str) -> Facts | None:
    try:
        return facts_of(os.stat(path))  # noqa: PTH116  # a Path for each would take longer than to ask
    except OSError:
        return None
