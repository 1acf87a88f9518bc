"""The configuration files as they lie in the work tree, held to the same rules as a commit's tree.

Symbolic links are never followed, files that Git ignores are left out unless they are tracked, and every file is read once, when the
snapshot is taken, so that later edits do not reach it. A file that an index knows is read when it is asked for, and is held to its id.
"""

from __future__ import annotations

import os
import stat
from functools import cached_property, partial
from typing import TYPE_CHECKING

from llmcfg.errors import ConflictError
from llmcfg.filefacts import facts_of
from llmcfg.git.durable import blob_id
from llmcfg.git.filenames import display_name
from llmcfg.git.trees import find_collisions, refuse_name, submodule
from llmcfg.git.walk import refuse_size, too_deep, too_many
from llmcfg.limits import BLOB_BYTES, TREE_DEPTH, TREE_ENTRIES
from llmcfg.model.findings import Finding, Problem, finding_from
from llmcfg.model.snapshot import BlobEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from llmcfg.filefacts import Facts
    from llmcfg.git.statindex import StatIndex
    from llmcfg.model.snapshot import Revision

_ENTRY: Callable[[Iterable[object]], BlobEntry] = partial(tuple.__new__, BlobEntry)  # in C, for thousands of them
_KEPT_BYTES = 64 << 20  # file content kept in memory; beyond it files are read again and compared


class WorkTreeSnapshot:
    """Taken at construction. `is_ignored` and `is_submodule` say it of a path from `root`.

    `index` knows what was seen earlier, and notes what is seen now.
    """

    def __init__(
        self,
        root: Path,
        wanted: frozenset[str],
        is_ignored: Callable[[str], bool],
        is_submodule: Callable[[str], bool],
        index: StatIndex,
    ) -> None:
        self._root = root
        self._kept: dict[str, bytes] = {}  # what was read, by blob id
        self._kept_bytes = 0
        walk = _Walk(root, wanted, is_ignored, is_submodule, index, self._keep)
        walk.run()
        self._entries = {path: walk.entries[path] for path in sorted(walk.entries)}
        self._findings = tuple(sorted(walk.findings, key=Finding.sort_key))
        self._facts = walk.facts
        self.index = index

    @property
    def stood_on(self) -> Mapping[str, Facts]:
        """The facts, from before they were read, of every folder, every file and every list of ignored files below `root`."""
        return {**self._facts, **self.index.deciding}

    @property
    def revision(self) -> Revision | None:
        return None

    @property
    def label(self) -> str:
        return "work tree"

    @property
    def entries(self) -> Mapping[str, BlobEntry]:
        return self._entries

    @property
    def findings(self) -> Sequence[Finding]:
        return self._findings

    def read(self, oid: str) -> bytes:
        kept = self._kept.get(oid)
        if kept is not None:
            return kept
        path = self._paths[oid]
        try:
            _, content = _read_regular(f"{self._root}/{path}")
        except OSError as error:
            raise _changed(path) from error
        if not isinstance(content, bytes) or blob_id(content) != oid:
            raise _changed(path)
        return content

    @cached_property
    def _paths(self) -> Mapping[str, str]:
        """Where to read what was not kept, by blob id."""
        return {entry.oid: path for path, entry in self._entries.items()}

    def _keep(self, content: bytes) -> str:
        oid = blob_id(content)
        if oid not in self._kept and self._kept_bytes + len(content) <= _KEPT_BYTES:
            self._kept_bytes += len(content)
            self._kept[oid] = content
        return oid


class _Walk:
    def __init__(
        self,
        root: Path,
        wanted: frozenset[str],
        is_ignored: Callable[[str], bool],
        is_submodule: Callable[[str], bool],
        index: StatIndex,
        keep: Callable[[bytes], str],
    ) -> None:
        self._root = root
        self._top = str(root)
        self._index = index
        self._wanted = wanted
        self._is_ignored = is_ignored
        self._is_submodule = is_submodule
        self._keep = keep
        self._count = 0
        self.entries: dict[str, BlobEntry] = {}
        self.findings: list[Finding] = []
        self.facts: dict[str, Facts] = {}

    def run(self) -> None:
        pending = [""]
        while pending:
            folder = pending.pop()
            if folder.count("/") >= TREE_DEPTH:
                self.findings.append(too_deep(folder))
                continue
            names = self._names(folder)
            self._count += len(names)
            if self._count > TREE_ENTRIES:
                names = names[: TREE_ENTRIES - self._count]
                self.findings.append(too_many())
            before = f"{folder}/" if folder else ""
            files = [before + name for name, is_folder in names if not is_folder]
            if not self._take_over(files):
                for path in files:
                    self._read(path)
            if self._count > TREE_ENTRIES:
                return
            pending += [before + name for name, is_folder in reversed(names) if is_folder]

    def _take_over(self, files: Sequence[str]) -> bool:
        """What the index knows of the files of a folder, if all of them are as they were, as in most folders: without a step for each."""
        known = self._index.blob_ids(files)
        if known is None:
            return False
        places = [f"{self._top}/{path}" for path in files]
        facts = [was for was, _ in known]
        try:
            if facts != [*map(facts_of, map(os.lstat, places))]:
                return False
        except OSError:
            return False
        self.facts.update(zip(places, facts, strict=True))
        self._index.note_blobs(files, known)
        blobs = zip(files, [oid for _, oid in known], [was[3] for was in facts], strict=True)
        self.entries.update(zip(files, map(_ENTRY, blobs), strict=True))
        return True

    def _names(self, folder: str) -> Sequence[tuple[str, bool]]:
        """The readable names of one folder, and which are folders themselves; at the top, not all are wanted, so they are listed anew."""
        place, before = f"{self._top}/{folder}" if folder else self._top, len(self.findings)
        try:
            facts = self.facts[place] = facts_of(os.stat(place))  # noqa: PTH116  # for thousands of files, a Path for each is half of the time
        except OSError as error:
            self._find(folder or ".", _unreadable(folder or ".", error))
            return []
        known = self._index.listing(folder, facts) if folder else None
        if known is not None:
            return known
        names = self._list(folder, place)
        if folder and len(self.findings) == before:
            self._index.note_listing(folder, facts, names)
        return names

    def _list(self, folder: str, place: str) -> list[tuple[str, bool]]:
        try:
            with os.scandir(os.fsencode(place)) as found:
                listed = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._find(folder or ".", _unreadable(folder or ".", error))
            return []
        names = [entry.name for entry in listed]
        if b".gitignore" in names:
            self._index.note_deciding(f"{place}/.gitignore")
        if folder and self._is_foreign(folder, names):
            self._find(folder, submodule(folder.rpartition("/")[2]))
            return []
        collisions = find_collisions(names, None if folder else self._wanted)
        readable = []
        for entry in listed:
            shown = display_name(entry.name)
            path = f"{folder}/{shown}" if folder else shown
            if (not folder and shown not in self._wanted) or self._is_left_out(folder, entry):
                continue
            problem = refuse_name(entry.name) or collisions.get(entry.name) or _refuse_kind(entry)
            if problem:
                self._find(path, problem)
            else:
                readable.append((shown, entry.is_dir(follow_symlinks=False)))
        return readable

    def _is_foreign(self, folder: str, names: Sequence[bytes]) -> bool:
        """Whether the folder is a repository of its own; one that was not fetched is an empty folder."""
        if b".git" in names:
            own = self._root / folder / ".git"
            return own.is_file() or (own / "HEAD").is_file()
        return not names and self._is_submodule(folder)

    def _is_left_out(self, folder: str, entry: os.DirEntry[bytes]) -> bool:
        try:
            name = entry.name.decode()
        except UnicodeDecodeError:
            return False  # no pattern can name it
        path = f"{folder}/{name}" if folder else name
        return self._is_ignored(f"{path}/" if entry.is_dir(follow_symlinks=False) else path)

    def _read(self, path: str) -> None:
        place = f"{self._top}/{path}"
        try:
            facts = self.facts[place] = facts_of(os.lstat(place))
            oid = self._index.blob_id(path, facts)
            read = _read_regular(place) if oid is None else None
        except OSError as error:
            self._find(path, _unreadable(path, error))
            return
        if oid is not None:
            self.entries[path] = BlobEntry(path, oid, facts[3])
        if read is not None:
            self.facts[place], content = read
            self._take(path, self.facts[place], content)

    def _take(self, path: str, facts: Facts, content: bytes | int) -> None:
        if isinstance(content, int):
            problem = refuse_size(path, content) or Problem(
                "tree-mode", f"{path!r} is not a regular file", hint="remove it"
            )
            self._find(path, problem)
        else:
            oid = self._keep(content)
            self.entries[path] = BlobEntry(path, oid, len(content))
            self._index.note_blob(path, facts, oid)

    def _find(self, path: str, problem: Problem) -> None:
        self.findings.append(finding_from(problem, path))


def _refuse_kind(entry: os.DirEntry[bytes]) -> Problem | None:
    shown = display_name(entry.name)
    if entry.is_symlink():
        message = f"'{shown}' is a symbolic link; it is not followed"
        return Problem("tree-mode", message, hint="put the file itself in its place")
    if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False):
        return None
    return Problem("tree-mode", f"'{shown}' is neither a file nor a directory", hint="remove it")


def _read_regular(path: str) -> tuple[Facts, bytes | int]:
    """Its facts, and the content; or the size, of a file that is too large; or 0, of what is no regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return facts_of(found), 0
        if found.st_size > BLOB_BYTES:
            return facts_of(found), found.st_size
        content = file.read(found.st_size + 1)  # a larger figure would be allocated at once
    return facts_of(found), content if len(content) <= BLOB_BYTES else len(content)


def _unreadable(path: str, error: OSError) -> Problem:
    message = f"{path!r} cannot be read: {error.strerror or error}"
    return Problem("object-missing", message, hint="mend its permissions or remove it")


def _changed(path: str) -> ConflictError:
    return ConflictError(f"{path} changed while it was being read", hint="run the command again")
