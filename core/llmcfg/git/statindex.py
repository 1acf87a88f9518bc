"""What is known of a work tree while one walks through it, and what is seen of it for the next look: as Git's index does, for files that
nobody added too.

A file whose facts are the same has the content that it had. A folder whose facts are the same lists what it listed, as long as nothing
changed that decides which files are ignored.
"""

from __future__ import annotations

import struct
from functools import cached_property
from typing import TYPE_CHECKING, Final

from llmcfg.filefacts import were_settled
from llmcfg.git.lookagain import facts_at, lists_hold
from llmcfg.git.seen import UNSETTLED, Seen, encode_seen, packed, read_listing, unpacked, write_listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmcfg.filefacts import Facts
    from llmcfg.git.seen import Named

_NEVER: Final = (0, 0, 0, 0)  # the facts of no file


class StatIndex:
    """Made for one look at a work tree, from what was seen in an earlier one. `now_ns` is when it is taken.

    `deciding` are the files beside the work tree that decide what is in it; None where not all are known.
    """

    def __init__(self, seen: Seen | None, deciding: Iterable[str] | None, now_ns: int) -> None:
        self._seen = seen
        self._now_ns = now_ns
        self._is_known = deciding is not None
        self._deciding = {path: facts_at(path) for path in deciding or ()}
        self._folders: dict[str, tuple[Facts, bytes]] = {}
        self._files: dict[str, tuple[Facts, str]] = {}
        before = {} if seen is None else seen.deciding
        self._holds = self._is_known and self._deciding.keys() <= before.keys() and lists_hold(before)
        if self._holds:
            self._deciding.update(before)

    @property
    def deciding(self) -> Mapping[str, Facts]:
        """The facts of the files that decide what is in the work tree, of those that are there."""
        return {path: facts for path, facts in self._deciding.items() if facts is not None}

    def note_deciding(self, path: str) -> None:
        """A list of ignored files. One that is new has a say in every folder below it, and those come later."""
        self._holds = self._holds and path in self._deciding
        self.note_asked(path)

    def note_asked(self, path: str) -> None:
        """A file that is about to be asked what is in the work tree."""
        self._deciding.setdefault(path, facts_at(path))

    def listing(self, folder: str, facts: Facts) -> Sequence[Named] | None:
        known = self._known_folders.get(folder) if self._holds else None
        if known is None or known[0] != facts:
            return None
        self._folders[folder] = known
        return read_listing(known[1])

    def note_listing(self, folder: str, facts: Facts, names: Iterable[Named]) -> None:
        self._folders[folder] = facts, write_listing(names)

    def blob_id(self, path: str, facts: Facts) -> str | None:
        known = self._known_files.get(path)
        if known is None or known[0] != facts:
            return None
        self._files[path] = known
        return known[1]

    def note_blob(self, path: str, facts: Facts, oid: str) -> None:
        self._files[path] = facts, oid

    def noted(self, *, is_sound: bool) -> bytes | None:
        """For the next look; None where that would see nothing else in it than this one did. `is_sound` if nothing was found amiss."""
        if not self._now_ns:
            return None
        files = sorted(self._files.items())
        seen = Seen(
            {path: facts if self._is_settled(facts) else _NEVER for path, facts in self._deciding.items()},
            "\0".join(self._folders),
            self._kept(facts for facts, _ in self._folders.values()),
            b"\0".join([listing for _, listing in self._folders.values()]),
            "\0".join([path for path, _ in files]),
            self._kept(facts for _, (facts, _) in files),
            "".join([oid for _, (_, oid) in files]),
            is_sound and self._is_known,
        )
        return None if seen == self._seen else encode_seen(seen)

    def _kept(self, column: Iterable[Facts]) -> bytes:
        return b"".join([_packed(facts) if self._is_settled(facts) else UNSETTLED for facts in column])

    def _is_settled(self, facts: Facts | None) -> bool:
        """What changed lately may change again without a trace, so nothing is known of it."""
        return facts is None or were_settled(facts, self._now_ns)

    @cached_property
    def _known_folders(self) -> Mapping[str, tuple[Facts, bytes]]:
        seen = self._seen
        return (
            {}
            if seen is None
            else dict(
                zip(seen.folder_paths, zip(unpacked(seen.folder_facts), seen.folder_listings, strict=True), strict=True)
            )
        )

    @cached_property
    def _known_files(self) -> Mapping[str, tuple[Facts, str]]:
        seen = self._seen
        return (
            {}
            if seen is None
            else dict(zip(seen.file_paths, zip(unpacked(seen.file_facts), seen.file_oids, strict=True), strict=True))
        )


def _packed(facts: Facts) -> bytes:
    try:
        return packed([facts])
    except struct.error:
        return UNSETTLED
