"""The pre-commit hook: a small script that lets llmcfg look at what is staged.

A hook that somebody else wrote is never changed, and a folder of hooks outside of the repository, which other repositories may share,
is never written to. Both are told with the line to add.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from llmcfg.disk import atomic_write, make_folders

if TYPE_CHECKING:
    from llmcfg.git.program import Git

State: TypeAlias = Literal["ours", "missing", "foreign", "calls us", "elsewhere"]
LINE: Final = 'llmcfg secret scan --staged --quiet ${GIT_INDEX_FILE:+--index "$GIT_INDEX_FILE"} || exit 1'
_SCRIPT: Final = """\
#!/bin/sh
# Refuses secrets in plain text. Made by llmcfg hooks install; llmcfg hooks uninstall removes it.
llmcfg=PROGRAM
command -v "$llmcfg" > /dev/null || llmcfg=llmcfg
if ! command -v "$llmcfg" > /dev/null; then
	echo 'error: llmcfg is not found, so nobody looked whether a secret is staged' >&2
	echo 'hint: install it, or remove this hook: rm "$(git rev-parse --git-path hooks)/pre-commit"' >&2
	exit 1
fi
exec "$llmcfg" secret scan --staged --quiet ${GIT_INDEX_FILE:+--index "$GIT_INDEX_FILE"}
"""
_OURS: Final = re.compile(re.escape(_SCRIPT).replace("PROGRAM", "[^\n]+").encode())
_CALL: Final = re.compile(rb"^[^#\n]*llmcfg[^#\n]* secret scan\b", re.MULTILINE)


class Hook(NamedTuple):
    path: Path
    state: State


def find_hook(git: Git) -> Hook:
    folder = Path(git.folder, git.line("rev-parse", "--git-path", "hooks"))
    path = folder / "pre-commit"
    content = path.read_bytes() if path.is_file() else None
    if content is not None:
        state: State = "foreign" if _CALL.search(content) is None else "calls us"
        return Hook(path, "ours" if _OURS.fullmatch(content) else state)
    return Hook(path, "missing" if _is_within(git, folder) else "elsewhere")


def write_hook(git: Git, program: str) -> Hook:
    """Make the hook, or point ours at another path of llmcfg. Gives what was there before."""
    hook = find_hook(git)
    script = _SCRIPT.replace("PROGRAM", shlex.quote(program)).encode()
    if hook.state == "missing" or (hook.state == "ours" and hook.path.read_bytes() != script):
        make_folders(hook.path.parent)
        atomic_write(hook.path, script, mode=0o777)
        return hook._replace(state="missing")
    return hook


def remove_hook(git: Git) -> bool:
    """Whether there was one that is as we wrote it."""
    hook = find_hook(git)
    if hook.state == "ours":
        hook.path.unlink()
    return hook.state == "ours"


def _is_within(git: Git, folder: Path) -> bool:
    """Whether a folder of hooks belongs to this repository alone."""
    homes = [Path(git.folder, git.line("rev-parse", where)) for where in ("--show-toplevel", "--git-common-dir")]
    return any(folder.resolve().is_relative_to(home.resolve()) for home in homes)
