"""Walking a commit's tree without recursion: paths, blob ids and sizes out, everything strange as findings.

Nothing is trusted: names and modes by `trees`, depth and number of entries by `limits`, sizes by header before any content is read.
Parsed trees are remembered by their id, so that the next revision costs only what changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.git.objects import UnreadableObject
from llmcfg.git.trees import ParsedTree, Refusal, parse_tree
from llmcfg.limits import BLOB_BYTES, TREE_DEPTH, TREE_ENTRIES
from llmcfg.model.findings import Finding, Origin, Problem, finding_from
from llmcfg.model.snapshot import BlobEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.git.objects import Objects

TREE_BYTES = 32 << 20
_REMEMBERED_TREES = 50_000


class Walked(NamedTuple):
    """`entries` sorted by path; `findings` in the order of files."""

    entries: dict[str, BlobEntry]
    findings: tuple[Finding, ...]


class TreeReader:
    """Reads trees of one repository, with a bounded memory of parsed ones."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._parsed: dict[tuple[str, frozenset[str] | None], ParsedTree] = {}

    def walk(self, tree: str, wanted: frozenset[str] | None = None, prefix: str = "") -> Walked:
        """Every file below `tree`; with `wanted` only these top-level names.

        `prefix` is the way from `tree` to the configuration root, `a/b`; if it is not there, nothing is.
        """
        findings: list[Finding] = []
        root = self.find_folder(tree, prefix, findings)
        entries = {} if root is None else dict(_Walk(self, wanted, findings).run(root))
        return Walked(dict(sorted(entries.items())), tuple(sorted(findings, key=Finding.sort_key)))

    def parse(self, oid: str, wanted: frozenset[str] | None = None) -> ParsedTree:
        """One tree. A tree that cannot be read is one without entries and with that refusal."""
        known = self._parsed.get((oid, wanted))
        if known is None:
            try:
                known = parse_tree(self.objects.read(oid, "tree", TREE_BYTES), wanted)
            except UnreadableObject as error:
                return ParsedTree((), (Refusal("", problem_from(error)),))
            if len(self._parsed) >= _REMEMBERED_TREES:
                self._parsed.clear()
            self._parsed[oid, wanted] = known
        return known

    def find_folder(self, tree: str, prefix: str, findings: list[Finding] | None = None) -> str | None:
        """The tree at `prefix` below `tree`, None if it is not there; what is strange on the way is added to `findings`."""
        for segment in prefix.split("/") if prefix else ():
            parsed = self.parse(tree, frozenset([segment]))
            if findings is not None:
                findings += (finding_from(refusal.problem, f"/{refusal.name}") for refusal in parsed.refusals)
            below = [entry.oid for entry in parsed.entries if entry.is_tree]
            if not below:
                return None
            tree = below[0]
        return tree

    def object_ids(self, tree: str) -> set[str]:
        """The ids of all readable trees and blobs at and below `tree`."""
        found, pending = {tree}, [tree]
        while pending:
            for entry in self.parse(pending.pop()).entries:
                if entry.oid not in found:
                    found.add(entry.oid)
                    if entry.is_tree:
                        pending.append(entry.oid)
        return found


class _Walk:
    """One walk: what is still to do is a list, so depth costs no stack."""

    def __init__(self, reader: TreeReader, wanted: frozenset[str] | None, findings: list[Finding]) -> None:
        self._reader = reader
        self._wanted = wanted
        self._findings = findings
        self._count = 0

    def run(self, root: str) -> Iterator[tuple[str, BlobEntry]]:
        pending = [("", root, 0)]
        while pending:
            folder, oid, depth = pending.pop()
            if depth > TREE_DEPTH:
                self._find(folder, Problem("tree-depth", f"{folder!r} is more than {TREE_DEPTH} directories deep"))
                continue
            parsed = self._reader.parse(oid, None if depth else self._wanted)
            for refusal in parsed.refusals:
                self._find(_join(folder, refusal.name) or ".", refusal.problem)
            self._count += len(parsed.entries)
            if self._count > TREE_ENTRIES:
                self._find(".", Problem("tree-count", f"more than {TREE_ENTRIES:,} files and directories"))
                return
            for entry in parsed.entries:
                path = _join(folder, entry.name)
                if entry.is_tree:
                    pending.append((path, entry.oid, depth + 1))
                elif blob := self._blob(path, entry.oid):
                    yield path, blob

    def _blob(self, path: str, oid: str) -> BlobEntry | None:
        try:
            header = self._reader.objects.header(oid)
        except UnreadableObject as error:
            self._find(path, problem_from(error))
            return None
        if header.kind != "blob":
            self._find(path, Problem("tree-type", f"{path!r} has the mode of a file, but is a {header.kind}"))
            return None
        problem = refuse_size(path, header.size)
        if problem:
            self._find(path, problem)
            return None
        return BlobEntry(path, oid, header.size)

    def _find(self, path: str, problem: Problem) -> None:
        self._findings.append(Finding(problem.rule, problem.message, Origin(path), hint=problem.hint))


def refuse_size(path: str, size: int) -> Problem | None:
    """The finding for a file over the limit."""
    if size <= BLOB_BYTES:
        return None
    message = f"{path!r} has {size:,} bytes; the limit for a file is {BLOB_BYTES:,}"
    return Problem("blob-size", message, hint="split it, or keep it outside the configuration folders")


def problem_from(error: UnreadableObject) -> Problem:
    hints = {
        "object-missing": "fetch it anew; a clone made with --filter lacks objects: clone again without it",
        "object-corrupt": "run git fsck, then clone or fetch anew",
    }
    return Problem(error.rule, error.message, hint=hints.get(error.rule, ""))


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name
