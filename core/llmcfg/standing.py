"""What an answer about the work tree stands on: the work tree, what Git says about it, and the program that gave the answer."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from llmcfg.cache.engine import changing_files
from llmcfg.cache.stamp import keep_answer
from llmcfg.filefacts import facts_of, were_settled
from llmcfg.git.worktree import WorkTreeSnapshot
from llmcfg.limits import CACHE_STAMPS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llmcfg.filefacts import Facts
    from llmcfg.git.repository import GitRepository
    from llmcfg.ports import Snapshot


def remember(
    root: Path,
    question: str,
    answer: tuple[str, str],
    *,
    repository: GitRepository,
    snapshot: Snapshot,
    program: Path,
    began_ns: int,
) -> None:
    """Stamp an answer below `root`, so that the question is answered at once until something changes.

    `snapshot` is what was asked about, `program` the folder of who asks, and `began_ns` when it began to answer. Only answers about the
    work tree are stamped, and none while anything changed lately: that may change again without a trace.
    """
    if not isinstance(snapshot, WorkTreeSnapshot) or not _were_settled(snapshot.stood_on, began_ns):
        return
    ground = repository.ground()
    if ground is None:
        return
    absent = [str(path) for path in ground if not path.exists()]
    there = ((str(path), path.stat()) for path in ground if path.exists())
    beside = {path: facts_of(found) for path, found in chain(changing_files(program), there)}
    present = {**beside, **snapshot.stood_on}
    if _were_settled(beside, began_ns):
        keep_answer(
            str(root), question, answer,
            of=str(repository.git_dir), present=present, absent=absent, most=CACHE_STAMPS,
        )  # fmt: skip


def _were_settled(facts: Mapping[str, Facts], began_ns: int) -> bool:
    return all(were_settled(each, began_ns) for each in facts.values())
