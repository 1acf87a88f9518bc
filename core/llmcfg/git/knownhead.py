"""HEAD as an earlier process read it, without libgit2: which commit it is, said by plain files, and what was seen of that commit.

Whatever is not written as Git writes it, lies elsewhere (a linked work tree) or was not seen is for libgit2 to say.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from llmcfg.git.newobjects import blob_id
from llmcfg.git.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from llmcfg.model.entries import Entries
    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import Revision

_SYMBOLIC: Final = "ref: "
_HEADS: Final = "refs/heads/"
_ID_CHARS: Final = 40
_HEX: Final = frozenset("0123456789abcdef")
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+/#")


class KnownSnapshot:
    """HEAD, whose files are known. Content that lies in the work tree at `root` is read there; `stored` reads any other."""

    label = "HEAD"
    findings: Sequence[Finding] = ()

    def __init__(self, revision: Revision, entries: Entries, root: Path, stored: Callable[[str], bytes]) -> None:
        self.revision = revision
        self.entries = entries
        self._root = root
        self._stored = stored

    def read(self, oid: str) -> bytes:
        path = self.entries.path_of(oid)
        content = None if path is None else _content_at(self._root / path)
        return content if content is not None and blob_id(content) == oid else self._stored(oid)


def commit_of_head(git_dir: Path) -> str | None:
    """The commit of HEAD, or of the branch that it stands for; None where that is not plain."""
    head = _line_of(git_dir / "HEAD")
    if head is None or not head.startswith(_SYMBOLIC + _HEADS):
        return _id_in(head)
    ref = head.removeprefix(_SYMBOLIC)
    if not _is_plain(ref):
        return None
    loose = git_dir / ref
    return _id_in(_line_of(loose)) if os.path.lexists(loose) else _packed_id(git_dir / "packed-refs", ref)


def _packed_id(file: Path, ref: str) -> str | None:
    """What a file of packed refs says of one, if all of it is in order: readers search it by halves."""
    content = _content_at(file) or b""
    try:
        header, *lines, end = content.decode("ascii").split("\n")
    except ValueError:
        return None
    named = [line.partition(" ") for line in lines if not line.startswith("^")]
    names = [name for _, _, name in named]
    in_order = (
        " sorted " in header and not end and names == sorted({*names}) and all(_id_in(oid) for oid, _, _ in named)
    )
    return next((oid for oid, _, name in named if name == ref), None) if in_order else None


def _line_of(file: Path) -> str | None:
    """What a file holds that is one line of ASCII."""
    content = _content_at(file)
    if content is None or not content.isascii() or not content.endswith(b"\n"):
        return None
    line = content[:-1].decode("ascii")
    return line if line.isprintable() else None


def _content_at(file: Path) -> bytes | None:
    """Of a regular file; None where there is none, or one that is too large."""
    try:
        _, content = read_regular(str(file))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, bytes) else None


def _id_in(line: str | None) -> str | None:
    return line if line is not None and len(line) == _ID_CHARS and _HEX.issuperset(line) else None


def _is_plain(ref: str) -> bool:
    """Whether Git lets a branch have this name, and no reader of refs could take it for another one."""
    parts = ref.split("/")
    return _PLAIN.issuperset(ref) and not any(
        part.startswith((".", "-")) or part.endswith((".", ".lock")) or ".." in part or not part for part in parts
    )
