"""How long entries are kept. A segment goes as a whole, once its last entry is old enough; it spans a month at most.

How old an entry is, is told from the segment that comes to its end, and not from the clock alone: one that is far ahead for a while would
else take the whole log with it.

What goes is recorded first, by an entry and by the head, which keeps what the rest is verified from. A crash between that and the deletion
leaves files that no longer count, which the next deletion removes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.audit.entry import parse_entry

if TYPE_CHECKING:
    from llmcfg.audit.head import Edge, Head
    from llmcfg.audit.log import Log, Segment

_SPAN: Final = timedelta(days=31)


class Due(NamedTuple):
    """What may go, and the edge that the rest begins at."""

    base: Edge
    segments: list[Segment]


def has_aged(head: Head, now: datetime) -> bool:
    """Whether the segment that is written to was begun so long ago that another is due.

    One begun as far in the future, by a clock that was set back since, would else not end before that time.
    """
    return bool(head.end) and abs(now - datetime.fromisoformat(head.since)) >= _SPAN


def due_for_deletion(log: Log, head: Head, than: datetime) -> Due | None:
    """The oldest segments whose entries are all older than a time; None where there is none. The next segment is about to be begun."""
    base = head.base
    segments: list[Segment] = []
    for segment in log.segments():
        if segment.first >= head.top.size:  # begun by a writer that was killed
            break
        if segment.first < head.base.size:  # left by a deletion that was killed
            segments.append(segment)
            continue
        edge, last = base, b""
        for line in segment.lines():
            last = line.removesuffix(b"\n")
            edge = edge.past(last)
        if not last or datetime.fromisoformat(parse_entry(last).at) >= than:
            break
        base = edge
        segments.append(segment)
    return Due(base, segments) if base.size > head.base.size else None
