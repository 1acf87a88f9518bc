"""The strict reader of one raw tree object: bytes in, entries and refusals out. Pure.

Git's own readers accept duplicate and unsorted entries, any mode and any name, and differ on what they then mean. Here such an entry is
refused with a reason, and the others stay readable.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.git.filenames import display_name, why_never_a_name, why_not_a_file_name
from llmcfg.model.findings import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_OID_BYTES = 20
_KINDS = {b"100644": False, b"100755": False, b"40000": True}
_WRITTEN = {False: b"100644", True: b"40000"}
_DIRECTORY_MODES = (b"40000", b"040000")
_MODE_MEANS = {b"120000": "a symbolic link", b"160000": "a submodule"}


class TreeEntry(NamedTuple):
    name: str
    is_tree: bool
    oid: str


class Refusal(NamedTuple):
    """An entry that is not read. `name` is for display; empty when the tree itself is damaged."""

    name: str
    problem: Problem


class ParsedTree(NamedTuple):
    entries: tuple[TreeEntry, ...]
    refusals: tuple[Refusal, ...]


class _Raw(NamedTuple):
    mode: bytes
    name: bytes
    oid: str


def format_tree(entries: Iterable[TreeEntry]) -> bytes:
    """A tree object as Git writes it: a folder is sorted as if its name ended in `/`."""
    lines = [
        (f"{name}/" if is_tree else name, b"%b %b\0%b" % (_WRITTEN[is_tree], name.encode(), bytes.fromhex(oid)))
        for name, is_tree, oid in entries
    ]
    return b"".join(line for _, line in sorted(lines))


def parse_tree(raw: bytes, wanted: frozenset[str] | None = None) -> ParsedTree:
    """The readable entries of a tree object, in Git's order.

    With `wanted`, only entries of these names are read; the others must merely be in order and have names that no system misreads.
    """
    items, is_whole = _split(raw)
    damage = Problem(
        "object-corrupt", "the tree object is cut short or malformed", hint="run git fsck, then fetch anew"
    )
    refusals = [] if is_whole else [Refusal("", damage)]
    kept, misplaced = _in_order(items)
    refusals += misplaced
    collisions = find_collisions([item.name for item in kept], wanted)
    readable = []
    for item in kept:
        problem = _refuse(item, wanted) or collisions.get(item.name)
        if problem:
            refusals.append(Refusal(display_name(item.name), problem))
        elif wanted is None or item.name.decode("utf-8", "replace") in wanted:
            readable.append(TreeEntry(item.name.decode("ascii"), _KINDS[item.mode], item.oid))
    return ParsedTree(tuple(readable), tuple(refusals))


def find_collisions(names: Iterable[bytes], wanted: frozenset[str] | None = None) -> dict[bytes, Problem]:
    """Names that differ but are one on a file system that folds case or normalises, all but the first, each with its finding.

    With `wanted`, only collisions with one of these names count.
    """
    folded: dict[str, bytes] = {}
    collisions = {}
    counting = None if wanted is None else {_fold(name.encode()) for name in wanted}
    for name in names:
        key = _fold(name)
        first = folded.setdefault(key, name)
        if first != name and (counting is None or key in counting):
            message = f"'{display_name(name)}' and '{display_name(first)}' are one name on some systems"
            collisions[name] = Problem("tree-collision", message, hint="rename one of the two")
    return collisions


def refuse_name(name: bytes) -> Problem | None:
    """The finding for a name that must not stand inside a configuration folder."""
    reason = why_not_a_file_name(name)
    if reason is None:
        return None
    return Problem("tree-name", f"the name '{display_name(name)}' is refused: {reason}", hint="rename it with git mv")


def submodule(shown: str) -> Problem:
    return _not_followed(shown, _MODE_MEANS[b"160000"])


def _split(raw: bytes) -> tuple[list[_Raw], bool]:
    """The entries as they stand, and whether that is all: False when the rest is malformed."""
    items: list[_Raw] = []
    at, end = 0, len(raw)
    while at < end:
        space = raw.find(b" ", at, at + 8)
        nul = raw.find(b"\0", space + 1)
        stop = nul + 1 + _OID_BYTES
        if space <= at or nul < 0 or stop > end:
            return items, False
        items.append(_Raw(raw[at:space], raw[space + 1 : nul], raw[nul + 1 : stop].hex()))
        at = stop
    return items, True


def _in_order(items: Sequence[_Raw]) -> tuple[list[_Raw], list[Refusal]]:
    """The entries that stand once and in Git's order (a directory sorts as if its name ended in `/`), and refusals of the others."""
    counts = Counter(item.name for item in items)
    kept = []
    refusals: dict[bytes, Refusal] = {}
    last = b""
    for item in items:
        key = item.name + b"/" if item.mode in _DIRECTORY_MODES else item.name
        if counts[item.name] > 1:
            refusals[item.name] = _out_of_order(item.name, f"stands {counts[item.name]} times in one directory")
        elif key < last:
            refusals[item.name] = _out_of_order(item.name, "is not in Git's order")
        else:
            kept.append(item)
        last = max(last, key)
    return kept, list(refusals.values())


def _out_of_order(name: bytes, what: str) -> Refusal:
    shown = display_name(name)
    hint = "git did not write this tree; commit the directory anew"
    return Refusal(shown, Problem("tree-order", f"'{shown}' {what}", hint=hint))


def _refuse(item: _Raw, wanted: frozenset[str] | None) -> Problem | None:
    if wanted is not None and item.name.decode("utf-8", "replace") not in wanted:
        reason = why_never_a_name(item.name)
        return None if reason is None else refuse_name(item.name)
    return refuse_name(item.name) or _refuse_mode(item)


def _refuse_mode(item: _Raw) -> Problem | None:
    if item.mode in _KINDS:
        return None
    shown, means = display_name(item.name), _MODE_MEANS.get(item.mode)
    if means:
        return _not_followed(shown, means)
    return Problem(
        "tree-mode",
        f"'{shown}' has mode {display_name(item.mode)}; files have 100644 or 100755, directories 40000",
        hint="commit it anew with git",
    )


def _not_followed(shown: str, means: str) -> Problem:
    what = "files themselves" if means == "a submodule" else "file itself"
    return Problem("tree-mode", f"'{shown}' is {means}; it is not followed", hint=f"put the {what} in its place")


def _fold(name: bytes) -> str:
    if name.isascii():
        return name.decode("ascii").lower()
    return unicodedata.normalize("NFKC", name.decode("utf-8", "surrogateescape")).casefold()
