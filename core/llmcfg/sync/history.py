"""What changed when: the commits at which an effective value changed, and what each commit changed in effect."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from llmcfg import limits
from llmcfg.errors import FindingsError, NotFoundError, UnknownKeyError
from llmcfg.model.change import ABSENT
from llmcfg.model.difference import differ
from llmcfg.model.progress import UNWATCHED
from llmcfg.model.snapshot import Revision
from llmcfg.pipeline.readsets import narrowed_by_reads
from llmcfg.sync.effects import NOT_REMEMBERED, Effects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.change import Side
    from llmcfg.model.progress import Progress
    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Path
    from llmcfg.ports import Repository
    from llmcfg.sync.effects import OpenAt, Remembered


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A commit that changed the effective value of a key. Without `is_known` nobody can tell what it was before."""

    facts: CommitFacts
    before: Side
    after: Side
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class CommitChange:
    """A commit and how many values it changed in effect; None when one of its sides cannot be built."""

    facts: CommitFacts
    values: int | None


def key_history(
    repository: Repository,
    open_at: OpenAt,
    start: Revision,
    scope: Scope,
    path: Path,
    *,
    after: str | None = None,
    progress: Progress = UNWATCHED,
) -> Iterator[KeyChange]:
    """The commits of the first-parent history at which the value changed, newest first; with `after` those that came after that commit.

    A commit that cannot be built is passed over: the next older value that can be told counts as what was before. A commit from before
    there was a manifest has no value. Raises NotFoundError at the end when `after` was not met.
    """
    newer: tuple[CommitFacts, Side] | None = None
    count = unreadable = 0
    commits = islice(repository.history(start.commit), limits.HISTORY_COMMITS)
    for facts in progress.over("looking at commits", commits):
        count += 1
        value = _value(open_at, facts.commit, scope, path)
        if isinstance(value, FindingsError):
            unreadable += 1
            continue
        if newer is not None and differ(value, newer[1]):
            yield KeyChange(newer[0], value, newer[1])
        newer, unreadable = (facts, value), 0
        if facts.commit == after:
            return
    if after is not None:
        raise NotFoundError(
            f"{after[:10]} is no commit that can be read on the first-parent history of {start.name}",
            hint="name a commit of it; llmcfg history lists them",
        )
    if newer is not None and newer[1] is not ABSENT and count < limits.HISTORY_COMMITS:
        yield KeyChange(newer[0], ABSENT, newer[1], is_known=not unreadable)


def commit_history(
    repository: Repository,
    open_at: OpenAt,
    start: Revision,
    environment: str | None,
    remembered: Remembered = NOT_REMEMBERED,
) -> Iterator[CommitChange]:
    """Every commit of the first-parent history, newest first, with how many values it changed in effect.

    Raises NotFoundError where a shallow clone ends, after its oldest commit, of which nobody can tell what it changed.
    """
    effects = Effects(open_at, environment, remembered)
    commits = islice(repository.history(start.commit), limits.HISTORY_COMMITS)
    newer = next(commits, None)
    while newer is not None:
        try:
            older = next(commits, None)
        except NotFoundError:
            yield CommitChange(newer, None)
            raise
        yield CommitChange(newer, effects.values(older, newer))
        newer = older


def _value(open_at: OpenAt, commit: str, scope: Scope, path: Path) -> Side | FindingsError:
    try:
        configuration = open_at(Revision(commit, commit[:10]))
        if scope.environment not in configuration.manifest.environments:
            return ABSENT
        if scope.tenant is not None and scope.tenant not in configuration.manifest.tenants:
            return ABSENT
        return narrowed_by_reads(configuration).readable(scope).value_at(path)
    except UnknownKeyError:
        return ABSENT
    except FindingsError as error:
        return ABSENT if {finding.rule_id for finding in error.findings} == {"manifest-missing"} else error
