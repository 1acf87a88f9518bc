"""The configuration files as they lie in the work tree, held to the same rules as a commit's tree.

Symbolic links are never followed, files that Git ignores are left out unless they are tracked, and every file is read once, when the
snapshot is taken, so that later edits do not reach it. A file that an index knows is read when it is asked for, and is held to its id.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llmcfg.filefacts import facts_of
from llmcfg.git.contents import Contents
from llmcfg.git.filenames import display_name
from llmcfg.git.lookagain import kind_of, listed
from llmcfg.git.regular import read_regular
from llmcfg.git.seen import Named, place_of
from llmcfg.git.trees import find_collisions, refuse_name, submodule
from llmcfg.git.walk import refuse_size, too_deep, too_many
from llmcfg.git.worksnapshot import WorkTreeSnapshot
from llmcfg.limits import TREE_DEPTH, TREE_ENTRIES
from llmcfg.model.findings import Finding, Problem, finding_from
from llmcfg.model.snapshot import BlobEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from llmcfg.filefacts import Facts
    from llmcfg.git.statindex import StatIndex


def walk_work_tree(
    root: Path,
    wanted: frozenset[str],
    is_ignored: Callable[[str], bool],
    is_submodule: Callable[[str], bool],
    index: StatIndex,
) -> WorkTreeSnapshot:
    """What lies in `root` now. `is_ignored` and `is_submodule` say it of a path from there.

    `index` knows what was seen earlier, and notes what is seen now.
    """
    contents = Contents()
    walk = _Walk(root, wanted, is_ignored, is_submodule, index, contents.keep)
    walk.run()
    stood_on = {**walk.facts, **index.deciding}
    return WorkTreeSnapshot(
        str(root),
        {path: walk.entries[path] for path in sorted(walk.entries)},
        tuple(sorted(walk.findings, key=Finding.sort_key)),
        contents,
        stood_on=lambda: stood_on,
        newest_ns=max((max(facts[:2]) for facts in stood_on.values()), default=0),
        noted=index.noted(is_sound=not walk.findings),
    )


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
            names = [each for each in self._names(folder) if each.is_read]
            self._count += len(names)
            if self._count > TREE_ENTRIES:
                names = names[: TREE_ENTRIES - self._count]
                self.findings.append(too_many())
            before = f"{folder}/" if folder else ""
            paths = [(before + name.decode(), kind) for name, kind, _ in names]
            for path, kind in paths:
                if kind != "d":
                    self._read(path)
            if self._count > TREE_ENTRIES:
                return
            pending += [path for path, kind in reversed(paths) if kind == "d"]

    def _names(self, folder: str) -> Sequence[Named]:
        """What one folder holds. The top is listed anew: there, whoever asks says what is wanted."""
        place, before = place_of(self._top, folder), len(self.findings)
        try:
            facts = self.facts[place] = facts_of(os.stat(place))  # noqa: PTH116  # for thousands of files, a Path for each is half of the time
            known = self._index.listing(folder, facts) if folder else None
            names = self._list(folder, place) if known is None else known
        except OSError as error:
            self._find(folder or ".", _unreadable(folder or ".", error))
            return []
        if known is None and len(self.findings) == before:
            self._index.note_listing(folder, facts, names)
        return names

    def _list(self, folder: str, place: str) -> Sequence[Named]:
        found = listed(os.fsencode(place))
        names = [entry.name for entry in found]
        if b".gitignore" in names:
            self._index.note_deciding(f"{place}/.gitignore")
        if folder and self._is_foreign(folder, names):
            self._find(folder, submodule(folder.rpartition("/")[2]))
            return []
        collisions = find_collisions(names, None if folder else self._wanted)
        return [Named(entry.name, kind_of(entry), self._is_read(folder, entry, collisions)) for entry in found]

    def _is_read(self, folder: str, entry: os.DirEntry[bytes], collisions: Mapping[bytes, Problem]) -> bool:
        shown = display_name(entry.name)
        if (not folder and shown not in self._wanted) or self._is_left_out(folder, entry):
            return False
        problem = refuse_name(entry.name) or collisions.get(entry.name) or _refuse_kind(entry)
        if problem:
            self._find(f"{folder}/{shown}" if folder else shown, problem)
        return problem is None

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
            read = read_regular(place) if oid is None else None
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


def _unreadable(path: str, error: OSError) -> Problem:
    message = f"{path!r} cannot be read: {error.strerror or error}"
    return Problem("object-missing", message, hint="mend its permissions or remove it")
