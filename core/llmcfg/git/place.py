"""Where a configuration lies in a work tree, as far as files and folders say it: without libgit2, which says it of everything else.

A repository that was opened and refused for nothing can be opened again, as long as nothing changed that decides over that. Who owns it is
looked at each time.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from llmcfg.filefacts import were_settled
from llmcfg.git.filenames import MANIFEST
from llmcfg.git.lookagain import facts_at, lists_hold

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from llmcfg.filefacts import Facts

_DECODER = msgspec.msgpack.Decoder(dict[str, tuple[int, int, int, int] | None])


class Place(NamedTuple):
    """`root` is the folder with the manifest, and `prefix` the way to it from the top of the work tree."""

    git_dir: Path
    root: Path
    prefix: str


def own_place(folder: Path) -> Place | None:
    """Of a configuration in a work tree of whoever asks, whose repository is the folder `.git` in it; None for everything else."""
    folder = folder.resolve()
    top = find_work_tree(folder)
    root = find_root(folder, top) if top is not None and folder.is_dir() and _is_plain_and_own(top) else None
    return None if top is None or root is None else Place(top / ".git", root, way_to(root, top))


def find_work_tree(folder: Path) -> Path | None:
    """The top of the one that a folder lies in."""
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)


def find_root(folder: Path, top: Path) -> Path | None:
    """The nearest folder with a manifest, from `folder` up to the top of the work tree."""
    for above in (folder, *folder.parents):
        if (above / MANIFEST).is_file():
            return above
        if above == top:
            break
    return None


def way_to(root: Path, top: Path) -> str:
    return "" if root == top else root.relative_to(top).as_posix()


def whose_settings() -> str:
    """What libgit2 asks this process for to find the settings of its user."""
    return repr((os.getuid(), os.geteuid(), os.environ.get("HOME"), os.environ.get("XDG_CONFIG_HOME")))


def note_opened(ground: Iterable[Path] | None, opened_ns: int) -> bytes | None:
    """What was there when a repository was opened, at `opened_ns`; None where not all is known, or something changed lately."""
    if ground is None:
        return None
    facts: dict[str, Facts | None] = {str(path): facts_at(str(path)) for path in ground}
    are_settled = all(each is None or were_settled(each, opened_ns) for each in facts.values())
    return msgspec.msgpack.encode(facts) if are_settled else None


def can_be_opened(noted: bytes | None) -> bool:
    """Whether what was noted when the repository was opened is as it was; False where that is not known."""
    return noted is not None and lists_hold(_DECODER.decode(noted))


def _is_plain_and_own(top: Path) -> bool:
    git_dir = top / ".git"
    try:
        facts = [top.lstat(), git_dir.lstat()]
    except OSError:
        return False
    is_own = all(stat.S_ISDIR(each.st_mode) and each.st_uid == os.geteuid() for each in facts)
    is_whole = (git_dir / "HEAD").is_file() and (git_dir / "objects").is_dir() and (git_dir / "refs").is_dir()
    return is_own and is_whole and not (git_dir / "commondir").exists()
