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
    from collections.abc import Collection, Iterable, Mapping

    from llmcfg.git.objects import Objects

TREE_BYTES = 32 << 20
_REMEMBERED_TREES = 50_000


class Walked(NamedTuple):
    """`entries` sorted by path; `findings` in the order of files; `folders` are the trees of those that were read, by path."""

    entries: Mapping[str, BlobEntry]
    findings: tuple[Finding, ...]
    folders: dict[str, str]


class _Folder(NamedTuple):
    """One directory at one path: its own files, the directories below with their trees, and what was refused."""

    files: dict[str, BlobEntry]
    folders: list[tuple[str, str]]
    findings: list[Finding]


class TreeReader:
    """Reads trees of one repository, with a bounded memory of what it read."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._parsed: dict[tuple[str, frozenset[str] | None], ParsedTree] = {}
        self._folders: dict[tuple[str, str, frozenset[str] | None], _Folder] = {}

    def walk(
        self,
        tree: str,
        wanted: frozenset[str] | None = None,
        prefix: str = "",
        *,
        depth: int = TREE_DEPTH,
        count: int = TREE_ENTRIES,
    ) -> Walked:
        """Every file below `tree`; with `wanted` only these top-level names.

        `prefix` is the way from `tree` to the configuration root, `a/b`; if it is not there, nothing is. `depth` and `count` are limits.
        """
        entries: dict[str, BlobEntry] = {}
        findings: list[Finding] = []
        root = self.find_folder(tree, prefix, findings)
        pending = [] if root is None else [("", root)]
        folders: dict[str, str] = {}
        seen = 0
        while pending:
            path, oid = pending.pop()
            if path.count("/") >= depth:
                findings.append(too_deep(path))
                continue
            folders[path] = oid
            folder = self.list_folder(path, oid, None if path else wanted)
            entries |= folder.files
            findings += folder.findings
            pending += folder.folders
            seen += len(folder.files) + len(folder.folders)
            if seen > count:
                findings.append(too_many())
                break
        return Walked(dict(sorted(entries.items())), tuple(sorted(findings, key=Finding.sort_key)), folders)

    def list_folder(self, path: str, oid: str, wanted: frozenset[str] | None) -> _Folder:
        """The folder of this tree at this path. Remembered if nothing was refused, so that what a later fetch mends is seen."""
        known = self._folders.get((path, oid, wanted))
        if known is not None:
            return known
        parsed = self.parse(oid, wanted)
        start = f"{path}/" if path else ""
        folder = _Folder(
            {}, [], [finding_from(it, start + name if name else path or ".") for name, it in parsed.refusals]
        )
        for entry in parsed.entries:
            if entry.is_tree:
                folder.folders.append((start + entry.name, entry.oid))
                continue
            found = self._blob(start + entry.name, entry.oid)
            if isinstance(found, BlobEntry):
                folder.files[found.path] = found
            else:
                folder.findings.append(finding_from(found, start + entry.name))
        if not folder.findings:
            if len(self._folders) >= _REMEMBERED_TREES:
                self._folders.clear()
            self._folders[path, oid, wanted] = folder
        return folder

    def _blob(self, path: str, oid: str) -> BlobEntry | Problem:
        try:
            header = self.objects.header(oid)
        except UnreadableObject as error:
            return problem_from(error)
        if header.kind != "blob":
            return Problem(
                "tree-type", f"{path!r} has the mode of a file, but is a {header.kind}", hint="commit it anew with git"
            )
        return refuse_size(path, header.size) or BlobEntry(path, oid, header.size)

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

    def has_all(self, oids: Iterable[str]) -> bool:
        """Whether all of these objects are there and can be read."""
        try:
            for oid in oids:
                self.objects.header(oid)
        except UnreadableObject:
            return False
        return True

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

    def object_ids(self, tree: str, known: Collection[str] = ()) -> set[str]:
        """The ids of all readable trees and blobs at and below `tree`, without what is below those that are known."""
        found, pending = {tree, *known}, [tree]
        while pending:
            for entry in self.parse(pending.pop()).entries:
                if entry.oid not in found:
                    found.add(entry.oid)
                    if entry.is_tree:
                        pending.append(entry.oid)
        return found


def too_deep(folder: str) -> Finding:
    shown = folder if len(folder) <= 80 else f"{folder[:79]}…"
    hint = "no layout of configuration needs that"
    return Finding("tree-depth", f"'{shown}' is more than {TREE_DEPTH} directories deep", Origin(folder), hint=hint)


def too_many() -> Finding:
    message = f"more than {TREE_ENTRIES:,} files and directories; the rest was not read"
    return Finding("tree-count", message, Origin("."), hint="split the repository")


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
    return Problem(error.rule, error.message, hint=hints.get(error.rule, "commit it anew with git"))
