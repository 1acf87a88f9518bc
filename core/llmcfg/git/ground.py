"""What Git's answers about a work tree stand on, beside the work tree: whether it is a repository, what it ignores, what it tracks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmcfg.git.libgit2 import pygit2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.git.opening import Opened

_IGNORED: Final = "core.excludesfile"
_SETTINGS: Final = {
    pygit2.enums.ConfigLevel.PROGRAMDATA: ("config",),
    pygit2.enums.ConfigLevel.SYSTEM: ("gitconfig",),
    pygit2.enums.ConfigLevel.XDG: ("config", "ignore"),
    pygit2.enums.ConfigLevel.GLOBAL: (".gitconfig",),
}
_OWN: Final = ("commondir", "config.worktree")
_MOVING: Final = ("HEAD", "index")  # with every commit
_REFS: Final = ("packed-refs", "reftable", "shallow")
_COMMON: Final = ("config", "info/exclude", "info/grafts", "shallow", "objects/info/alternates")


def ground_of(opened: Opened) -> Sequence[Path] | None:
    """Files and folders, there or not; None where settings lead on to files that are not named here."""
    deciding = deciding_of(opened)
    return None if deciding is None else [*deciding, *(Path(opened.git.path, name) for name in _MOVING)]


def index_of(opened: Opened) -> Path:
    """What says which files are tracked."""
    return Path(opened.git.path, "index")


def deciding_of(opened: Opened) -> Sequence[Path] | None:
    """The same without what changes with every commit: whether the repository can be opened, and what is ignored if nothing is tracked."""
    own = Path(opened.git.path)
    named = [entry.name.lower() for entry in opened.git.config]
    if (
        opened.root is None
        or not _lies_around(opened)
        or any(name.startswith(("include.", "includeif.")) for name in named)
    ):
        return None
    found = [*_around(opened.root, opened.prefix), *_settings_files()]
    found += (own / name for name in _OWN)
    found += (opened.git_dir / name for name in _COMMON)
    if _IGNORED in named:
        file = _file_at_home(opened.git.config[_IGNORED] or "")
        return [*found, file] if file.is_absolute() else None
    return found


def refs_ground_of(opened: Opened) -> Iterator[Path]:
    """The files and folders that say where refs point and where history ends, there or not."""
    for git_dir in {Path(opened.git.path), opened.git_dir}:
        yield from (git_dir / name for name in _REFS)
        for folder, _, names in os.walk(git_dir / "refs"):
            yield from (Path(folder), *(Path(folder, name) for name in names))


def _lies_around(opened: Opened) -> bool:
    """Whether the work tree is where its repository was found: settings may name another one."""
    top = Path(str(opened.root).removesuffix(f"/{opened.prefix}")) if opened.prefix else opened.root
    return opened.git.workdir is not None and Path(opened.git.workdir).resolve() == top


def _file_at_home(written: str) -> Path:
    """A path as Git reads it, where `~` is the folder of the user's settings."""
    home = pygit2.settings.search_path[pygit2.enums.ConfigLevel.GLOBAL]
    return Path(home, written[2:]) if written.startswith("~/") else Path(written)


def _around(root: Path, prefix: str) -> Iterator[Path]:
    """Every folder from above the configuration to the top of the work tree, with the list of what it ignores."""
    folder = root
    for _ in prefix.split("/") if prefix else ():
        folder = folder.parent
        yield from (folder, folder / ".gitignore")
    if (folder / ".git").is_file():  # of a linked work tree; as a folder it changes with every commit
        yield folder / ".git"


def _settings_files() -> Iterator[Path]:
    for level, names in _SETTINGS.items():
        for folder in filter(None, pygit2.settings.search_path[level].split(os.pathsep)):
            yield from (Path(folder, name) for name in names)
