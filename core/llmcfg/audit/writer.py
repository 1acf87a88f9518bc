"""Appending to a log: in one write, flushed, and only then is the head moved.

What lies beyond the head is what a writer that was killed left: whole entries count, and what is torn is cut off and noted. What is missing
before the head was cut by somebody, and nothing is appended to such a log.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.audit.entry import Said, encode_entry, is_authentic, make_entry, parse_entry, time_text
from llmcfg.audit.retention import due_for_deletion, has_aged
from llmcfg.disk import storage_errors, sync_folder, write_whole
from llmcfg.errors import IntegrityError
from llmcfg.failpoints import failpoint
from llmcfg.limits import AUDIT_SEGMENT_BYTES
from llmcfg.model.act import Act

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from pathlib import Path

    from llmcfg.audit.entry import Who
    from llmcfg.audit.head import Edge, Head
    from llmcfg.audit.log import Log, Segment

BEGIN: Final = "audit.begin"
CUT: Final = "audit.cut"
DELETE: Final = "audit.delete"
_CUT_HINT: Final = "somebody cut the log, or restored an older one: llmcfg audit verify"


def append(log: Log, said: Sequence[Said], who: Who, at: datetime, keep: timedelta) -> Head:
    """Enter these, durably and in one go, and delete what has been kept for long enough.

    Raises LlmcfgError, or OSError as it comes. What came to the disk as a whole by then, before the head that counts it, counts still: the
    next writer takes it over.
    """
    with log.locked():
        writer = Writer(log, who, at)
        for one in said:
            writer.add(one)
        if writer.rolls:
            writer.delete_older(keep)
        writer.flush()
        return writer.head


def note_checkpoint(log: Log, size: int, at: datetime) -> None:
    """Remember that a checkpoint of so many entries is in Git."""
    with log.locked():
        head_file = log.head_file()
        head = head_file.read()
        head_file.write(msgspec.structs.replace(head, turn=head.turn + 1, checkpoint=size, checked_at=time_text(at)))


class Writer:
    """Adds entries to a log that is locked. Nothing is on the disk, and nothing counts, before `flush`."""

    def __init__(self, log: Log, who: Who, at: datetime) -> None:
        self._log, self._who, self._at = log, who, at
        self._key = log.key()
        self._head_file = log.head_file()
        self.head = self._head_file.read()
        self._top = self.head.top
        self._base = self.head.base
        self._lines: list[bytes] = []
        self._deleted: list[Segment] = []
        self.rolls = False
        self._torn = self._recover()
        if not self._torn:  # else this segment is written to once more, over what is torn
            self.rolls = self.rolls or self.head.end >= AUDIT_SEGMENT_BYTES or has_aged(self.head, at)

    def add(self, said: Said) -> None:
        if self._top.size == 0:
            self._add(Said(Act(BEGIN, facts={"id": self.head.id}), "noted"))
        if self._torn:
            cut = {"bytes": str(len(self._torn)), "sha256": hashlib.sha256(self._torn).hexdigest()}
            self._torn = b""
            self._add(Said(Act(CUT, facts=cut), "noted"))
        self._add(said)

    def delete_older(self, keep: timedelta) -> None:
        """Delete the segments whose entries all were that old when the one that ends now was begun, with the next flush.

        An entry says which.
        """
        present = min(self._at, datetime.fromisoformat(self.head.since))
        due = due_for_deletion(self._log, self.head, present - keep)
        if due is None:
            return
        self._base, self._deleted = due.base, due.segments
        facts = {"first": str(self.head.base.size), "last": str(due.base.size - 1), "lastHash": due.base.last}
        self._add(Said(Act(DELETE, facts=facts), "noted"))

    def flush(self) -> None:
        """Put what was added on the disk, then the head. Raises StorageError where it cannot be written.

        What was added counts then only if it came to the disk as a whole, and the head alone was missing.
        """
        content = b"".join(self._lines)
        head = self.head
        segment = self._log.segment(head.top.size if self.rolls else head.segment)
        start = 0 if self.rolls else head.end
        failpoint("audit.before_entries")
        with storage_errors("write", segment.path):
            _write(segment.path, start, content)
        failpoint("audit.after_entries")
        self._move_head(segment.first, start, start + len(content))
        failpoint("audit.after_head")
        self._lines, self.rolls = [], False
        for old in self._deleted:
            old.path.unlink(missing_ok=True)
        if self._deleted:
            sync_folder(segment.path.parent)

    def _add(self, said: Said) -> None:
        entry = make_entry(
            said, self._who, self._at, log=self._log.name, number=self._top.size, previous=self._top.last, key=self._key
        )
        line = encode_entry(entry)
        self._top = self._top.past(line)
        self._lines.append(line + b"\n")

    def _move_head(self, segment: int, start: int, end: int) -> None:
        self.head = msgspec.structs.replace(
            self.head,
            turn=self.head.turn + 1,
            base=self._base,
            top=self._top,
            segment=segment,
            since=self.head.since if start else time_text(self._at),
            end=end,
        )
        self._head_file.write(self.head)

    def _recover(self) -> bytes:
        """Take over what a killed writer left beyond the head. What is torn comes back, and is written over."""
        torn = b""
        head = self.head
        there = {segment.first: segment for segment in self._log.segments()}
        if head.top.size and head.segment not in there:
            raise IntegrityError(f"the segment with entry {head.top.size - 1} is gone", hint=_CUT_HINT)
        places = {head.segment: head.end}
        places.setdefault(head.top.size, 0)  # the next segment, if it was begun
        for first, start in places.items():
            if first not in there:
                continue
            content = _read_from(there[first].path, start)
            adopted, whole = adopt(content, self._top, self._log.name, self._key)
            torn = content[whole:]
            self._top = adopted
            if whole:
                self._move_head(first, start, start + whole)
            self.rolls = first != self.head.segment
        return torn


def adopt(content: bytes, edge: Edge, log: str, key: bytes) -> tuple[Edge, int]:
    """How far whole entries that follow `edge` go in `content`, and how many bytes they take."""
    whole = 0
    while (end := content.find(b"\n", whole)) >= 0:
        line = content[whole:end]
        if why_not_next(line, edge, log, key) is not None:
            break
        edge, whole = edge.past(line), end + 1
    return edge, whole


def why_not_next(line: bytes, edge: Edge, log: str, key: bytes, *, is_known: bool = True) -> str | None:
    """Why a line is not the entry that follows `edge` in this log; None when it is. `is_known` is whether the one before is sound."""
    try:
        entry = parse_entry(line)
    except IntegrityError as error:
        return error.message
    if not is_authentic(entry, key):
        return "it was changed after it was written"
    if entry.log != log:
        return f"it belongs to the log {entry.log}"
    if entry.number != edge.size:
        return f"entry {entry.number} stands in its place"
    if is_known and entry.previous != edge.last:
        return "it does not follow the entry before it"
    return None


def _read_from(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < start:
            raise IntegrityError(f"{path} ends before what the head counts", hint=_CUT_HINT)
        file.seek(start)
        return file.read()


def _write(path: Path, start: int, content: bytes) -> None:
    """Write at `start`, drop what lies beyond, and flush. When it fails, it is as short as before, as far as the disk lets it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        os.ftruncate(descriptor, start)
        os.lseek(descriptor, start, os.SEEK_SET)
        try:
            write_whole(descriptor, content)
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, start)
            raise
    finally:
        os.close(descriptor)
    if start == 0:
        sync_folder(path.parent)
