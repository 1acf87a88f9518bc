"""Finding and opening the Git repository of a configuration folder, and refusing the ones that could mislead.

`GIT_*` variables are not read. Refused are: repositories of another owner, formats that libgit2 cannot read (sha256, reftable), and objects
borrowed from elsewhere (alternates), since they may be another tenant's.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from llmcfg.disk import make_folders, storage_errors, sync_folder
from llmcfg.errors import IntegrityError, LlmcfgError, NotAuthorisedError, NotFoundError, UsageError
from llmcfg.git.filenames import MANIFEST
from llmcfg.git.libgit2 import pygit2
from llmcfg.git.place import find_root, find_work_tree, way_to

pygit2.settings.enable_fsync_gitdir(True)  # without it libgit2 flushes nothing, and a power cut loses commits

LIBGIT2_VERSION = pygit2.LIBGIT2_VERSION


class Opened(NamedTuple):
    """`root` is the folder with the manifest, None in a bare repository; `prefix` is the way to it from the top of the Git tree."""

    git: pygit2.Repository
    git_dir: Path  # the common one, where objects and branches are, also for a linked work tree
    root: Path | None
    prefix: str


def open_git(folder: Path, prefix: str = "") -> Opened:
    """Open the repository that holds `folder`. Raises NotFoundError, UsageError, NotAuthorisedError, IntegrityError.

    `prefix` is the way to the manifest in a bare repository; in any other it is found.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise NotFoundError(f"{folder} is not a directory", hint="name the folder that holds llmcfg.yaml with -C")
    top = find_work_tree(folder)
    if top is None:
        if not _is_bare(folder):
            way_in = "git init && git add . && git commit" if (folder / MANIFEST).is_file() else "llmcfg init"
            raise NotFoundError(f"{folder} is not in a Git repository", hint=f"make one here: {way_in}")
        return Opened(_open(folder), folder, None, prefix)
    git = _open(top)
    root = find_root(folder, top)
    if root is None:
        raise NotFoundError(f"{folder} holds no {MANIFEST}", hint="run llmcfg init, or name its folder with -C")
    return Opened(git, _common_folder(Path(git.path)), root, way_to(root, top))


def make_bare(folder: Path) -> None:
    """A bare repository without templates, hooks or collection of garbage, unless one is there. It appears whole or not at all."""
    if folder.exists():
        return
    import shutil

    aside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    with storage_errors("make", folder):
        git = pygit2.init_repository(str(aside), bare=True, template_path=os.devnull, initial_head="refs/heads/-unborn")
        git.config["gc.auto"] = 0
        git.free()
        for name in ("objects/pack", "objects/info", "refs/heads", "refs/tags", ""):
            make_folders(aside / name)
            sync_folder(aside / name)
        aside.rename(folder)
        sync_folder(folder.parent)


def tracked_paths(git: pygit2.Repository) -> list[str]:
    """The paths in the index, read anew. Raises IntegrityError when it is damaged."""
    try:
        git.index.read(force=True)
        return [entry.path for entry in git.index]
    except (pygit2.GitError, UnicodeDecodeError, OSError) as error:
        raise IntegrityError(
            f"the index of {git.path} is damaged: {error}", hint="rm .git/index, then git reset writes it anew"
        ) from None


def _is_bare(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def _open(folder: Path) -> pygit2.Repository:
    try:
        git = pygit2.Repository(str(folder), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except (pygit2.GitError, ValueError, KeyError) as error:
        raise _why_not_opened(folder, str(error)) from None
    git_dir = _common_folder(Path(git.path))
    alternates = git_dir / "objects" / "info" / "alternates"
    if alternates.is_file() and alternates.stat().st_size:
        raise UsageError(
            f"{folder} borrows objects from another repository ({alternates})",
            hint=f"make it whole: git repack -a -d && rm {alternates}",
        )
    return git


def _why_not_opened(folder: Path, reason: str) -> LlmcfgError:
    if "not owned by" in reason:
        return NotAuthorisedError(
            f"{folder} belongs to another user", hint=f"git config --global --add safe.directory {folder}"
        )
    unsupported = re.search(r"unsupported extension name (\S+)|unknown object format '(\w+)'|version (\d+)", reason)
    if unsupported:
        what = next(group for group in unsupported.groups() if group)
        return UsageError(
            f"{folder} uses a repository format that llmcfg cannot read: {what}",
            hint="make a new repository with git init --object-format=sha1 --ref-format=files and push to it",
        )
    reason = reason.removeprefix(f"{folder}: ")
    return IntegrityError(f"the Git repository of {folder} cannot be opened: {reason}", hint="git fsck says more")


def _common_folder(git_dir: Path) -> Path:
    """A linked work tree has a folder of its own that names the common one."""
    pointer = git_dir / "commondir"
    return (git_dir / pointer.read_text().strip()).resolve() if pointer.is_file() else git_dir.resolve()
