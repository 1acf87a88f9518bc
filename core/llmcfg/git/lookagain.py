"""Another look at a work tree that was seen before: what is there is compared with what was seen, and only what changed is read.

It answers only where all of the work tree has the shape that it had: the same folders, in which lie the same names of the same kind, and
the same lists of what Git ignores. Then what is a file of the configuration is what it was, and nobody has to be asked what Git ignores.
For everything else, and for whatever is strange, a walk says what is there (`worktree`). This loads neither libgit2 nor what walks.
"""

from __future__ import annotations

import os
import struct
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from llmcfg.filefacts import FIELDS, facts_of, were_settled
from llmcfg.git.contents import Contents
from llmcfg.git.regular import read_regular
from llmcfg.git.seen import (
    FACTS_BYTES,
    UNSETTLED,
    Seen,
    encode_seen,
    facts_by_place,
    newest_of,
    packed,
    place_of,
    read_listing,
    sizes_of,
    unpacked,
)
from llmcfg.git.worksnapshot import WorkTreeSnapshot
from llmcfg.model.entries import OID_CHARS, Entries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmcfg.filefacts import Facts

_FACTS_OF: Final[Callable[[os.stat_result], Facts]] = attrgetter(*FIELDS)  # in C, for thousands of files
_BLOCK: Final = 64 * FACTS_BYTES
_OUTDATED: Final = 16
"""Files and folders that changed; looking at these again costs less than to write down all of them anew each time."""


class _Changed(NamedTuple):
    """What is no longer as it was seen, by its place in the columns; and the facts of all, as they are."""

    facts: bytes
    files: dict[int, tuple[Facts, str]]


def look_again(root: str, seen: Seen, now_ns: int) -> WorkTreeSnapshot | None:
    """The work tree at `root` as it is at `now_ns`; None where it has not the shape in which it was seen."""
    try:
        if not seen.is_whole or not lists_hold(seen.deciding):
            return None
        folder_facts = _folders_as_seen(root, seen)
        contents = Contents()
        changed = None if folder_facts is None else _changed_files(root, seen, contents)
    except (OSError, ValueError, struct.error):
        return None
    return (
        None
        if folder_facts is None or changed is None
        else _snapshot(root, seen, folder_facts, changed, contents, now_ns)
    )


def lists_hold(deciding: Mapping[str, Facts | None]) -> bool:
    """Whether the files that decide what a work tree is are as they were."""
    return all(facts_at(path) == facts for path, facts in deciding.items())


def facts_at(path: str) -> Facts | None:
    try:
        return facts_of(os.stat(path))  # noqa: PTH116  # a Path for each would take longer than to ask
    except OSError:
        return None


def listed(place: bytes) -> list[os.DirEntry[bytes]]:
    """What lies in a folder, sorted by name."""
    with os.scandir(place) as found:
        return sorted(found, key=lambda entry: entry.name)


def kind_of(entry: os.DirEntry[bytes]) -> str:
    """As a listing has it; links are not followed."""
    if entry.is_symlink():
        return "l"
    if entry.is_dir(follow_symlinks=False):
        return "d"
    return "f" if entry.is_file(follow_symlinks=False) else "o"


def _folders_as_seen(root: str, seen: Seen) -> bytes | None:
    """Their facts, if each lists what it listed."""
    places = [os.fsencode(place_of(root, folder)) for folder in seen.folder_paths]
    facts = packed(map(_FACTS_OF, map(os.stat, places)))
    differing = _differing(seen.folder_facts, facts)
    listings = seen.folder_listings if differing else []
    for at in differing:
        names = ((entry.name, kind_of(entry)) for entry in listed(places[at]))
        if [*names] != [(name, kind) for name, kind, _ in read_listing(listings[at])]:
            return None
    return facts


def _changed_files(root: str, seen: Seen, contents: Contents) -> _Changed | None:
    """None where a file is no longer one that can be read."""
    paths = seen.file_paths
    places = [f"{root}/{path}" for path in paths]
    facts = packed(map(_FACTS_OF, map(os.lstat, places)))
    changed = {}
    for at in _differing(seen.file_facts, facts):
        of_file, content = read_regular(places[at])
        if not isinstance(content, bytes):
            return None
        changed[at] = of_file, contents.keep(content)
    return _Changed(facts, changed)


def _snapshot(
    root: str, seen: Seen, folder_facts: bytes, changed: _Changed, contents: Contents, now_ns: int
) -> WorkTreeSnapshot:
    paths, oids, facts = seen.file_paths, bytearray(seen.oids.encode()), bytearray(changed.facts)
    for at, (of_file, oid) in changed.files.items():
        _put(oids, OID_CHARS, at, oid.encode())
        _put(facts, FACTS_BYTES, at, packed([of_file]))
    now = Seen(seen.deciding, seen.folders, folder_facts, seen.listings, seen.files, bytes(facts), oids.decode(), True)
    return WorkTreeSnapshot(
        root,
        Entries(paths, now.oids, sizes_of(now.file_facts)),
        (),
        contents,
        stood_on=lambda: facts_by_place(root, now),
        newest_ns=newest_of(now),
        noted=_noted(seen, now, now_ns),
    )


def _noted(seen: Seen, now: Seen, now_ns: int) -> bytes | None:
    """For the next look. What changed lately may change again without a trace, so nothing is known of it."""
    folder_facts, folders = _settled(seen.folder_facts, now.folder_facts, now_ns)
    file_facts, files = _settled(seen.file_facts, now.file_facts, now_ns)
    if folders + files <= _OUTDATED:
        return None
    return encode_seen(replace(now, folder_facts=folder_facts, file_facts=file_facts))


def _settled(before: bytes, now: bytes, now_ns: int) -> tuple[bytes, int]:
    """The facts that are worth keeping, and how many of them are new."""
    differing, kept, count = _differing(before, now), bytearray(now), 0
    for at in differing:
        (facts,) = unpacked(now[at * FACTS_BYTES : (at + 1) * FACTS_BYTES])
        if were_settled(facts, now_ns):
            count += 1
        else:
            _put(kept, FACTS_BYTES, at, UNSETTLED)
    return bytes(kept), count


def _differing(before: bytes, now: bytes) -> list[int]:
    """The places in a column where the facts are others."""
    blocks = (
        []
        if before == now
        else [at for at in range(0, len(now), _BLOCK) if before[at : at + _BLOCK] != now[at : at + _BLOCK]]
    )
    return [
        at // FACTS_BYTES
        for block in blocks
        for at in range(block, min(block + _BLOCK, len(now)), FACTS_BYTES)
        if before[at : at + FACTS_BYTES] != now[at : at + FACTS_BYTES]
    ]


def _put(column: bytearray, width: int, at: int, value: bytes) -> None:
    column[at * width : (at + 1) * width] = value
