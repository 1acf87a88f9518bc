"""Reading refs: full names only, every lookup fresh, damage told from absence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import IntegrityError
from llmcfg.git.commits import parse_tag
from llmcfg.git.libgit2 import pygit2
from llmcfg.git.objects import UnreadableObject
from llmcfg.limits import COMMIT_MESSAGE_BYTES

if TYPE_CHECKING:
    from llmcfg.git.objects import Objects

_SYMBOLIC_STEPS = 5
_TAG_STEPS = 16
COMMIT_BYTES = COMMIT_MESSAGE_BYTES + (64 << 10)


class Refs:
    """The refs of one repository."""

    def __init__(self, git: pygit2.Repository, objects: Objects) -> None:
        self._git = git
        self._objects = objects

    def target(self, name: str) -> str | None:
        """The object that a full ref name points at, through symbolic refs; None if there is none. Raises IntegrityError."""
        for _ in range(_SYMBOLIC_STEPS):
            try:
                reference = self._git.lookup_reference(name)
            except (KeyError, ValueError):
                return None
            except pygit2.GitError as error:
                raise IntegrityError(
                    f"the ref {name} is damaged: {str(error).removeprefix(f'{name}: ')}",
                    hint=f"see git reflog {name} for its last value, then git update-ref {name} <commit>",
                ) from None
            if reference.type != pygit2.enums.ReferenceType.SYMBOLIC:
                return str(reference.target)
            name = str(reference.target)
        raise IntegrityError(f"the ref {name} points at itself", hint="git symbolic-ref sets what it points at")

    def symbolic_target(self, name: str) -> str | None:
        """The ref that `name` stands for, such as the branch of HEAD; None if it is not symbolic."""
        try:
            reference = self._git.lookup_reference(name)
        except (KeyError, ValueError, pygit2.GitError):
            return None
        return str(reference.target) if reference.type == pygit2.enums.ReferenceType.SYMBOLIC else None

    def commit(self, name: str) -> str | None:
        """The commit that a full ref name leads to, through tags; None if there is no such ref. Raises IntegrityError."""
        target = self.target(name)
        return None if target is None else self.peel(name, target)

    def names(self, prefix: str) -> list[str]:
        """Full names that begin with `prefix`, sorted; names that are not UTF-8 are left out."""
        return sorted(
            raw.decode()
            for raw in self._git.raw_listall_references()
            if raw.startswith(prefix.encode()) and _is_utf8(raw)
        )

    def commits(self, prefix: str) -> dict[str, str]:
        """Name (without `prefix`) to commit of every sound ref that begins with `prefix`; damaged ones are left out."""
        found = {}
        for name in self.names(prefix):
            try:
                commit = self.commit(name)
            except IntegrityError:
                continue
            if commit is not None:
                found[name.removeprefix(prefix)] = commit
        return found

    def raw(self, oid: str) -> tuple[str, bytes]:
        """Kind and content of a commit or tag object. Raises IntegrityError."""
        try:
            kind = self._objects.header(oid).kind
            if kind in ("commit", "tag"):
                return kind, self._objects.read(oid, kind, COMMIT_BYTES)
        except UnreadableObject as error:
            raise IntegrityError(
                f"object {oid[:10]} cannot be read: {error.message}", hint="git fetch it anew"
            ) from None
        raise IntegrityError(f"object {oid[:10]} is a {kind}, not a commit or tag", hint="tag a commit instead")

    def peel(self, name: str, oid: str) -> str:
        """The commit that an object leads to under a full ref name. Raises IntegrityError."""
        shown = name
        for step in range(_TAG_STEPS):
            try:
                kind = self._objects.header(oid).kind
                if kind == "commit":
                    return oid
                if kind != "tag":
                    raise IntegrityError(f"{shown} names a {kind}, not a commit", hint="tag a commit instead")
                tag = parse_tag(oid, self._objects.read(oid, "tag", COMMIT_BYTES))
            except UnreadableObject as error:
                raise IntegrityError(f"{shown} cannot be read: {error.message}", hint="git fetch it anew") from None
            if step == 0 and name.startswith("refs/tags/") and tag.name != name.removeprefix("refs/tags/"):
                raise IntegrityError(
                    f"{shown} holds the tag object of {tag.name!r}", hint="somebody renamed a tag; make it anew"
                )
            oid = tag.object
        raise IntegrityError(f"{shown} is a tag of more than {_TAG_STEPS} tags", hint="tag the commit itself")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
