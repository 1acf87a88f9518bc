"""The doors to the outside, as the pipeline and sync see them. Adapters implement these; tests have in-memory ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from llmcfg.model.progress import UNWATCHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from llmcfg.model.act import Account, Act
    from llmcfg.model.files import Files
    from llmcfg.model.findings import Finding
    from llmcfg.model.progress import Progress
    from llmcfg.model.snapshot import BlobEntry, ChangedFile, CommitFacts, LineBlame, Revision


class Snapshot(Protocol):
    """One state of the configuration files. Reading it never checks out and never locks."""

    @property
    def revision(self) -> Revision | None:
        """The commit; None for the work tree."""
        ...

    @property
    def label(self) -> str:
        """What people call it in output: a tag, a branch, a short commit, or `work tree`."""
        ...

    @property
    def entries(self) -> Mapping[str, BlobEntry]:
        """Every readable file by path, sorted by path."""
        ...

    @property
    def findings(self) -> Sequence[Finding]:
        """What the strict tree reader refused (rules tree-*, blob-size, object-*). Refused entries are not in `entries`."""
        ...

    def read(self, oid: str) -> bytes:
        """The bytes of a blob named in `entries`. Raises IntegrityError if the object is missing or damaged."""
        ...


class Repository(Protocol):
    """A Git repository: objects and refs only."""

    def resolve(self, revision: str) -> Revision:
        """The commit that a full or short id, tag, branch, HEAD, `HEAD~2`, or ISO 8601 time names.

        A time means the last commit of HEAD's first-parent history at or before it. Raises UnknownRevisionError.
        """
        ...

    def snapshot(self, revision: Revision) -> Snapshot: ...

    def work_tree(self) -> Snapshot:
        """The files as they lie, uncommitted and untracked ones too, ignored ones not. Raises UsageError in a bare repository."""
        ...

    def head(self) -> Revision | None:
        """The current commit; None in a repository without commits."""
        ...

    def read_ref(self, name: str) -> str | None:
        """The commit that the full ref name points at; None if there is no such ref."""
        ...

    def list_refs(self, prefix: str) -> Mapping[str, str]:
        """Full ref name to commit, for all sound refs that begin with `prefix`."""
        ...

    def facts(self, commit: str) -> CommitFacts: ...

    def changed_files(self, old: str | None, new: str) -> Sequence[ChangedFile]:
        """The configuration files that differ between two commits. Without `old`, every file of `new`."""
        ...

    def history(self, start: str, *, first_parent: bool = True) -> Iterator[CommitFacts]:
        """Commits from `start` to the root, newest first, by ancestry and not by date."""
        ...

    def blame(self, revision: Revision | None, path: str, lines: Sequence[int]) -> Mapping[int, LineBlame]:
        """Who last wrote each of these lines (from 1) of the file; None blames the work tree."""
        ...

    def tags(self) -> Mapping[str, str]:
        """Tag name to the commit it points at, peeled."""
        ...

    def create_tag(self, name: str, commit: str, message: str) -> None:
        """An annotated tag. Raises ConflictError if the name exists for another commit."""
        ...

    def read_tree(self, commit: str) -> Mapping[str, bytes]:
        """Every file of a commit's whole tree, by path: for refs that are small and our own."""
        ...

    def read_files(self, commit: str) -> Files:
        """The bundles that a commit of a deployed ref holds. What is in them is read when something asks for it.

        That raises IntegrityError for what is missing, damaged, or was not written by llmcfg.
        """
        ...

    def read_file(self, commit: str, path: str) -> bytes | None:
        """One file of a commit's whole tree; None if there is no such file. Raises IntegrityError if it is damaged."""
        ...

    def read_blob(self, oid: str) -> bytes:
        """Raises IntegrityError if it is missing, damaged or too large."""
        ...

    def tree_digests(self, commit: str) -> Mapping[str, str]:
        """Path to blob id for every file of a commit's whole tree, without reading blobs."""
        ...

    def commit_files(
        self,
        ref: str,
        files: Mapping[str, bytes],
        *,
        expected: str | None,
        message: str,
        progress: Progress = UNWATCHED,
    ) -> str:
        """Write `files` as the whole tree of a new commit on `ref`, durably, by compare-and-swap. `progress` counts what is written.

        `expected` is the commit that the ref must still point at (None: must not exist). Returns the new commit. Raises
        ConflictError when the ref has moved, PendingError when another process holds its lock, StorageError when the disk refuses;
        after any error the ref was read again, so raising means that it did not move to this commit.
        """
        ...


class Cache(Protocol):
    """What earlier builds made, by the names of results (`pipeline.known`). Dropping it, or any of it, never changes a result."""

    def fact(self, name: bytes, step: str, about: str) -> bytes | None:
        """What was learnt of a result. `step` and `about` say to people what is done again where there is nothing."""
        ...

    def miss(self, step: str, about: str) -> None:
        """Say to people that something is done again, for a reason that lies in `about`."""
        ...

    def learn(self, name: bytes, fact: bytes) -> None: ...

    def content(self, name: bytes) -> bytes | None:
        """The value of a result."""
        ...

    def add(self, name: bytes, content: bytes) -> None: ...

    def keep(self) -> None:
        """Write down what is new. Never fails: what cannot be written is forgotten."""
        ...


class AuditLog(Protocol):
    """Where acts are put on record."""

    def acting(self, act: Act) -> AbstractContextManager[Account]:
        """Record that the act begins, before its body does anything, and what came of it. Raises UnrecordedError."""
        ...

    def note(self, act: Act) -> None:
        """Record an act that has no end of its own, before it happens. Raises UnrecordedError."""
        ...

    def refuse(self, act: Act, code: str) -> None:
        """Record that something is not done, and the code of why. Raises UnrecordedError."""
        ...

    def keep_up(self) -> None:
        """Do what is due although nobody acts. Raises UnrecordedError."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, with its zone."""
        ...


class Sink(Protocol):
    """Where the bundles of one environment are delivered."""

    @property
    def name(self) -> str: ...

    @property
    def folder(self) -> Path | None:
        """Where it lies on this machine; None for what lies elsewhere."""
        ...

    def observe(self) -> Mapping[str, str] | None:
        """Path to SHA-256 (hex) of every file that is really there, read from the bytes; None when nothing was ever delivered."""
        ...

    def deliver(self, root: str, files: Mapping[str, bytes]) -> None:
        """Make `files` current at once: a reader sees all of the old or all of the new. `root` is the digest that names them.

        Raises StorageError, PendingError; a sink with hooks or at the other end of a network also what these raise.
        """
        ...

    def delivered(self) -> str | None:
        """The root of the last delivery that was completed; None when there was none, or nothing is known of it."""
        ...
