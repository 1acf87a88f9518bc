"""Versions of the root of trust: all of them on a ref of the repository, and the newest that this machine took over in a file of its own.

The ref is a claim like any other: whoever can push may write anything there, and only what follows the version that was taken over counts.
The first version is trusted because somebody says so: it is made here, or pinned from a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from llmcfg.audit.unrecorded import Unrecorded
from llmcfg.disk import atomic_write, make_folders
from llmcfg.errors import ConflictError, IntegrityError, UsageError
from llmcfg.model.act import Act
from llmcfg.signing.roots import read_root, read_root_file
from llmcfg.sync.demand import KEPT, REF
from llmcfg.trust import root as roots
from llmcfg.trust.failure import SignatureError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from llmcfg.ports import AuditLog
    from llmcfg.trust.root import Root

FOLLOW: Final = "trust.follow"
_SUFFIX: Final = ".root.json"


class TrustRef(Protocol):
    """The ref, in a repository."""

    def target(self, ref: str) -> str | None: ...

    def read_file(self, commit: str, path: str) -> bytes | None: ...

    def read_tree(self, commit: str) -> Mapping[str, bytes]: ...

    def keep_files(self, ref: str, files: Mapping[str, bytes], *, expected: str | None, message: str) -> str: ...


class RootStore:
    """Of one repository. `folder` belongs to this machine alone; `given` is a file that pins a version, such as the settings name.

    `audit` opens what records that a newer version is taken over.
    """

    def __init__(
        self, repository: TrustRef, folder: Path, given: Path | None = None, audit: Callable[[], AuditLog] = Unrecorded
    ) -> None:
        self._repository = repository
        self._file = folder / KEPT
        self._given = given
        self._audit = audit

    def pinned(self) -> Root | None:
        """The newest version that was taken over, or None where nothing was ever trusted. Raises IntegrityError, NotFoundError."""
        held = read_root(self._file) if self._file.exists() else None
        if self._given is None:
            return held
        given = read_root(self._given)
        is_kept = held is not None and held.repository == given.repository and held.version > given.version
        return held if is_kept else given

    def current(self, commit: str | None = None) -> Root | None:
        """The newest version that follows what was taken over, and is now; `commit` is where the versions are, else the ref says it.

        Raises IntegrityError for a version there that does not follow; what was taken over stays.
        """
        trusted = self.pinned()
        commit = commit or self._repository.target(REF)
        if trusted is None or commit is None:
            return trusted
        newest: bytes | None = None
        try:
            while (content := self._repository.read_file(commit, _name(trusted.version + 1))) is not None:
                trusted = roots.next_root(trusted, content)
                newest = content
        except SignatureError as error:
            raise IntegrityError(
                f"version {trusted.version + 1} of the root of trust, on {REF}, does not count: {error.reason}",
                hint="whoever wrote it had not enough keys of the root; llmcfg trust show says what counts",
                code=error.code,
            ) from None
        if newest is not None:
            facts = {"version": str(trusted.version), "digest": trusted.digest}
            with self._audit().acting(Act(FOLLOW, facts=facts)):
                self._keep(newest)
        return trusted

    def _keep(self, content: bytes) -> None:
        """Raises StorageError: what a machine cannot keep it would not hold others to."""
        make_folders(self._file.parent)
        atomic_write(self._file, roots.pinnable(content), mode=0o600)

    def pin(self, content: bytes, digest: str = "") -> Root:
        """Trust this version from now on, if it is the one with this digest where that is given.

        Raises UsageError for what is no root or another one, ConflictError where another repository's is trusted.
        """
        try:
            root = roots.first_root(content)
        except SignatureError as error:
            raise UsageError(
                f"that is no root of trust: {error.reason}", hint="llmcfg trust export writes one"
            ) from None
        if digest and digest != root.digest:
            raise UsageError(
                f"that root of trust has the digest sha256:{root.digest}",
                hint="ask who gave you the digest for the file too",
            )
        held = self.pinned()
        if held is not None and held.repository != root.repository:
            raise ConflictError(
                f"this clone trusts the root of the repository {held.repository[:8]}, and this is that of {root.repository[:8]}",
                hint=f"if that is meant, remove {self._file} first",
            )
        if held is None or root.version > held.version:
            self._keep(content)
        return root

    def publish(self, content: bytes) -> Root:
        """Put a version on the ref, after those before it, and take it over. Raises ConflictError, IntegrityError."""
        held, at = self.current(), self._repository.target(REF)
        if held is None and at is not None:
            raise ConflictError(
                f"{REF} holds a root of trust that this clone does not trust", hint="llmcfg trust pin takes it over"
            )
        try:
            root = roots.first_root(content) if held is None else roots.next_root(held, content)
        except SignatureError as error:
            raise IntegrityError(f"the new version does not count: {error.reason}", code=error.code) from None
        make_folders(self._file.parent)
        files = dict(self._repository.read_tree(at)) if at else {}
        files[_name(root.version)] = content
        message = f"trust: version {root.version}\n\nDigest: sha256:{root.digest}\n"
        self._repository.keep_files(REF, files, expected=at, message=message)
        self._keep(content)
        return root

    def versions(self, last: int) -> dict[int, bytes]:
        """The versions on the ref up to this one, by number, with all their signatures: for readers that pinned an earlier one."""
        at = self._repository.target(REF)
        found = (
            (version, self._repository.read_file(at, _name(version)) if at else None) for version in range(1, last + 1)
        )
        return {version: content for version, content in found if content is not None}

    def envelope(self) -> bytes | None:
        """The newest version that was taken over, for another machine to pin; None where nothing was ever trusted."""
        if self.current() is None:
            return None
        return read_root_file(self._given if self._given and not self._file.exists() else self._file)


def _name(version: int) -> str:
    return f"{version}{_SUFFIX}"
