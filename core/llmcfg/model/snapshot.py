"""What a Git tree or a work tree looks like to the pipeline: paths and blob ids first, bytes only when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime


class BlobEntry(NamedTuple):
    """A regular file: its path from the configuration root with `/`, its Git blob id (40 hex), its size in bytes."""

    path: str
    oid: str
    size: int


class ChangedFile(NamedTuple):
    """A file that differs, with its blob on both sides; None where there is no such file."""

    path: str
    before: str | None
    after: str | None


class Revision(NamedTuple):
    """A commit and the ref or text it was reached by."""

    commit: str
    name: str

    @property
    def short(self) -> str:
        return self.commit[:10]


class CommitFacts(NamedTuple):
    """What a commit says of itself. None of it is an identity: anybody can write any author."""

    commit: str
    author: str
    email: str
    when: datetime
    subject: str
    trailers: tuple[tuple[str, str], ...] = ()
    parents: tuple[str, ...] = ()


class LineBlame(NamedTuple):
    """The commit that last wrote a line; `commit` is None for a line that is not committed yet."""

    commit: str | None
    author: str
    when: datetime | None
    subject: str
