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
from llmcfg.pipeline.diff import State, compare, contents_of
from llmcfg.pipeline.reach import find_reach_of_values, unlike_scopes
from llmcfg.pipeline.readsets import find_read_sets, narrowed_by_reads, read_sets_of
from llmcfg.sync.effects import NOT_REMEMBERED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from llmcfg.model.change import Side
    from llmcfg.model.impact import Difference
    from llmcfg.model.progress import Progress
    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.reach import Reach
    from llmcfg.pipeline.readsets import ReadSets
    from llmcfg.ports import Repository
    from llmcfg.sync.effects import Effects

    OpenAt = Callable[[Revision], Configuration]


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
    effects: Effects = NOT_REMEMBERED,
) -> Iterator[CommitChange]:
    """Every commit of the first-parent history, newest first, with how many values it changed in effect.

    Raises NotFoundError where a shallow clone ends, after its oldest commit, of which nobody can tell what it changed.
    """
    looking = _Looking(open_at, environment, effects)
    commits = islice(repository.history(start.commit), limits.HISTORY_COMMITS)
    newer = next(commits, None)
    while newer is not None:
        try:
            older = next(commits, None)
        except NotFoundError:
            yield CommitChange(newer, None)
            raise
        yield CommitChange(newer, looking.values(older, newer))
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


class _Looking:
    """Compares commits with those before them.

    What one changed is looked for as far as it can reach, by what documents asked of one another in a configuration that was looked at
    whole: the one that is remembered, then the last one that was compared.
    """

    def __init__(self, open_at: OpenAt, environment: str | None, effects: Effects) -> None:
        self._open_at = open_at
        self._environment = environment
        self._effects = effects
        self._reads: ReadSets | None = None

    def values(self, older: CommitFacts | None, newer: CommitFacts) -> int | None:
        """Against nothing for the first commit of all; None too for the last that is looked at."""
        if older is None and newer.parents:
            return None
        pair = older.commit if older is not None else None, newer.commit, self._environment
        known = self._effects.find(*pair)
        if known is not None:
            return known
        try:
            sides = [self._open(facts) for facts in (older, newer) if facts is not None]
            values = len(self._difference(sides).values)
        except FindingsError:
            return None
        if not any(side.snapshot.findings for side in sides):
            self._effects.keep(*pair, values)
        return values

    def _difference(self, sides: Sequence[Configuration]) -> Difference:
        """Between these two, or from nothing to the only one."""
        *earlier, after = sides
        if not earlier:
            return compare(State({}, {}), self._state(after, after.scopes))
        (before,) = earlier
        reads = self._reads or find_read_sets(after.memo.disk)
        reach = None if reads is None else find_reach_of_values(reads, before, after)
        if reads is None or reach is None:
            states, reads = [self._state(side, side.scopes) for side in (before, after)], None
        else:
            states = self._reached(before.narrowed(reach.settled), after.narrowed(reach.settled), reach)
        if not before.snapshot.findings:
            self._reads = read_sets_of(before, reads)
        return compare(*states)

    def _reached(self, before: Configuration, after: Configuration, reach: Reach) -> list[State]:
        sides = before, after
        scopes = [*unlike_scopes(sides, self._chosen(reach.scopes), reach.names)]
        return [self._state(side, scopes, reach) for side in sides]

    def _state(self, configuration: Configuration, scopes: Iterable[Scope], reach: Reach | None = None) -> State:
        """The scopes' values only: what bundles hold follows from them."""
        chosen = self._chosen(scopes)
        configuration.prepare(chosen)
        for scope in chosen:
            configuration.readable(scope)
        return State(contents_of(configuration, chosen, reach), {})

    def _chosen(self, scopes: Iterable[Scope]) -> list[Scope]:
        return [scope for scope in scopes if self._environment in (None, scope.environment)]

    def _open(self, facts: CommitFacts) -> Configuration:
        return self._open_at(Revision(facts.commit, facts.commit[:10]))
