"""Who last wrote which line, for commits and for the work tree."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from llmcfg.git.libgit2 import pygit2
from llmcfg.model.snapshot import LineBlame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.git.history import History

_UNCOMMITTED = LineBlame(None, "", None, "")


def blame_lines(
    git: pygit2.Repository,
    history: History,
    tip: str | None,
    path: str,
    lines: Sequence[int],
    current: bytes | None = None,
) -> Mapping[int, LineBlame]:
    """Blame of these lines (from 1) of the file as `tip` has it; with `current`, of that content, where lines may be uncommitted.

    Lines that the file does not have are left out.
    """
    committed = _content(git, tip, path)
    shown = committed if current is None else current
    wanted = [line for line in lines if 1 <= line <= len(_lines(shown or b""))]
    if committed is None or tip is None:
        return dict.fromkeys(wanted, _UNCOMMITTED)
    if current is None:
        return _committed(git, history, tip, path, wanted)
    origin = _origins(committed, current)
    blamed = _committed(git, history, tip, path, [origin[line] for line in wanted if line in origin])
    return {line: blamed.get(origin.get(line, 0), _UNCOMMITTED) for line in wanted}


def _content(git: pygit2.Repository, tip: str | None, path: str) -> bytes | None:
    if tip is None:
        return None
    try:
        found = git[tip].peel(pygit2.Tree)[path]
    except (KeyError, pygit2.GitError):
        return None
    return found.data if isinstance(found, pygit2.Blob) else None


def _lines(content: bytes) -> list[bytes]:
    """Lines as Git counts them: a lone carriage return ends none."""
    lines = content.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _origins(committed: bytes, current: bytes) -> dict[int, int]:
    """Line of the current file to the line of the committed one that it is."""
    matcher = difflib.SequenceMatcher(None, _lines(committed), _lines(current), autojunk=False)
    return {
        block.b + offset + 1: block.a + offset + 1
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }


def _committed(
    git: pygit2.Repository, history: History, tip: str, path: str, lines: Sequence[int]
) -> dict[int, LineBlame]:
    if not lines:
        return {}
    blamed = {}
    for hunk in git.blame(path, newest_commit=tip, min_line=min(lines), max_line=max(lines)):
        start = hunk.final_start_line_number
        found = None
        for line in lines:
            if start <= line < start + hunk.lines_in_hunk:
                if found is None:
                    facts = history.facts(str(hunk.final_commit_id))
                    found = LineBlame(facts.commit, facts.author, facts.when, facts.subject)
                blamed[line] = found
    return blamed
