"""Reading raw objects: the size is known before the content is, and every failure has its rule.

libgit2 verifies that content hashes to its name. Replace refs and grafts have no effect here, since objects are read by their own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from llmcfg.git.libgit2 import pygit2

if TYPE_CHECKING:
    from collections.abc import Callable

_REMEMBERED_HEADERS = 500_000
_REMEMBERED_BYTES = 64 << 20
T = TypeVar("T")
Kind = Literal["commit", "tree", "blob", "tag"]
_KINDS: dict[int, Kind] = {
    int(pygit2.enums.ObjectType.COMMIT): "commit",
    int(pygit2.enums.ObjectType.TREE): "tree",
    int(pygit2.enums.ObjectType.BLOB): "blob",
    int(pygit2.enums.ObjectType.TAG): "tag",
}


class UnreadableObject(Exception):
    """`rule` is object-missing, object-corrupt, tree-type or blob-size; the message says the object and the reason."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


class Header(NamedTuple):
    kind: Kind
    size: int


class Objects:
    """The object database of one repository. Headers and small contents are remembered, since objects never change."""

    def __init__(self, git: pygit2.Repository) -> None:
        self._git = git
        self._odb = git.odb
        self._headers: dict[str, Header] = {}
        self._contents: dict[str, bytes] = {}
        self._content_bytes = 0

    def reopen(self) -> None:
        """Let go of packs that are gone, which libgit2 keeps open, and find those that took their place."""
        self._git.free()
        self._odb = self._git.odb

    def header(self, oid: str) -> Header:
        """Kind and size, without inflating the content. Raises UnreadableObject."""
        known = self._headers.get(oid)
        if known is None:
            if len(self._headers) >= _REMEMBERED_HEADERS:
                self._headers.clear()
            kind, size = _reading(oid, lambda: self._odb.read_header(oid))
            known = self._headers[oid] = Header(_KINDS[int(kind)], size)
        return known

    def is_stored(self, oid: str) -> bool:
        """Whether the object is there, whatever its content; asked of the disk."""
        return oid in self._odb

    def read(self, oid: str, kind: Kind, limit: int) -> bytes:
        """The content of an object of this kind with at most `limit` bytes. Raises UnreadableObject."""
        header = self.header(oid)
        if header.kind != kind:
            raise UnreadableObject("tree-type", f"object {oid[:10]} is a {header.kind} where a {kind} is expected")
        if header.size > limit:
            message = f"object {oid[:10]} has {header.size:,} bytes; the limit for a {kind} is {limit:,}"
            raise UnreadableObject("tree-count" if kind == "tree" else "blob-size", message)
        known = self._contents.get(oid)
        return _reading(oid, lambda: self._odb.read(oid))[1] if known is None else known

    def read_again(self, oid: str, kind: Kind, limit: int) -> bytes:
        """The same, for what is likely to be asked for once more: the content is remembered."""
        content = self.read(oid, kind, limit)
        if oid not in self._contents:
            if self._content_bytes + len(content) > _REMEMBERED_BYTES:
                self._contents.clear()
                self._content_bytes = 0
            self._contents[oid] = content
            self._content_bytes += len(content)
        return content


def _reading(oid: str, read: Callable[[], tuple[pygit2.enums.ObjectType, T]]) -> tuple[pygit2.enums.ObjectType, T]:
    try:
        return read()
    except KeyError:
        raise UnreadableObject("object-missing", f"object {oid} is missing") from None
    except (pygit2.GitError, ValueError) as error:
        reason = str(error).removeprefix(f"{oid}: ")
        raise UnreadableObject("object-corrupt", f"object {oid} is damaged: {reason}") from None
