"""Commits of single files to the branch that is checked out, as the user's own `git commit` makes them: with hooks and signature.

What else is staged or changed stays as it is and is not part of the commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.git.program import Git

_LITERAL: Final = ":(literal)"


def uncommitted(git: Git, files: Iterable[str]) -> tuple[str, ...]:
    """Those of the files, by path from Git's folder, that are not as HEAD has them: changed, staged, or not tracked."""
    return tuple(
        file
        for file in files
        if git.fields("status", "--porcelain", "-z", "--untracked-files=all", "--", _LITERAL + file)
    )


def commit(git: Git, files: Iterable[str], message: str) -> str:
    """Commit these files as they lie, and nothing else. Returns the commit. Raises LlmcfgError with what Git or a hook says."""
    paths = [_LITERAL + file for file in files]
    git.run("commit", "--quiet", "--only", "--message", message, "--", *paths)
    return git.line("rev-parse", "HEAD")
