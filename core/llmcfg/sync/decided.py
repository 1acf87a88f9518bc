"""What is decided otherwise since the commit that is deployed, which files that judge changes are others, and who did that.

No bundle shows it, and it moves no deployed ref: between what is deployed and what is wanted may lie the commits of several people. Each
is asked about what it changed last, along first parents. What was undone in between counts for nobody. A commit that follows one whose
manifest cannot be read decided everything. Where the history does not say it, nobody did: then the author is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from llmcfg.errors import FindingsError, NotFoundError
from llmcfg.model.findings import Problem
from llmcfg.model.impact import Difference
from llmcfg.model.keypath import is_related
from llmcfg.model.proposal import Proposal, environment_of
from llmcfg.model.snapshot import Revision
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.decisions import changed_decisions, decisions_of
from llmcfg.pipeline.guards import guards_between
from llmcfg.pipeline.keyplaces import place_file
from llmcfg.pipeline.layers import CONSUMERS, MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from llmcfg.model.change import Change
    from llmcfg.model.findings import Finding
    from llmcfg.model.proposal import GuardChange
    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.ports import Repository


class Who(NamedTuple):
    """Whose commit it is: the address that it names, and who signed it, where somebody checks that."""

    author: str | None = None
    signer: str | None = None


NOBODY: Final = Who()
AskWho: TypeAlias = "Callable[[CommitFacts], Who]"


@dataclass(frozen=True, slots=True)
class Decided:
    """What differs, as proposals by who changed it last; or why nobody can say."""

    proposals: tuple[Proposal, ...] = ()
    unknown: tuple[Finding, ...] = ()


@dataclass(slots=True)
class _Open:
    """What nobody is known for yet."""

    decisions: list[Change]
    guards: list[GuardChange]
    found: dict[Who, tuple[list[Change], list[GuardChange]]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.decisions or self.guards)

    def give(self, who: Who, decisions: Collection[Change], guards: Collection[GuardChange]) -> None:
        mine = self.found.setdefault(who, ([], []))
        mine[0].extend(decisions)
        mine[1].extend(guards)
        self.decisions = [change for change in self.decisions if change not in decisions]
        self.guards = [guard for guard in self.guards if guard not in guards]


def decided_since(
    configuration: Configuration, environment: str, repository: Repository, source: str, who: AskWho
) -> Decided:
    """For an environment, from the commit `source` to that of the configuration."""
    try:
        before = _opened(repository, source, configuration)
    except NotFoundError:
        problem = Problem("policy-failed", f"{environment} runs commit {source[:10]}, which is not here, so nobody can say what "
                          "is decided otherwise since", hint="fetch more of the history: git fetch --unshallow")  # fmt: skip
        return Decided(unknown=(place_file(configuration, MANIFEST, problem, [environment]),))
    still = _Open(
        [each for each in _decided(before, configuration) if environment_of(each) in (None, environment)],
        [*guards_between(before, configuration)],
    )
    revision = configuration.snapshot.revision
    if revision is not None and not still.is_empty:
        _find_authors(still, repository, configuration, (source, revision.commit), who)
    return Decided(
        tuple(
            Proposal(Difference(decisions=tuple(decisions)), who.author, who.signer, guards=tuple(guards))
            for who, (decisions, guards) in still.found.items()
            if decisions or guards
        )
    )


def _find_authors(
    still: _Open, repository: Repository, configuration: Configuration, between: tuple[str, str], ask: AskWho
) -> None:
    source, start = between
    try:
        for facts in repository.history(start):
            if facts.commit == source or not facts.parents or still.is_empty:
                break
            changed = {file.path for file in repository.changed_files(facts.parents[0], facts.commit)}
            touched: list[Change] = []
            if any(path == MANIFEST or path.startswith(CONSUMERS) for path in changed):
                touched = [*_touched(still, repository, configuration, facts.parents[0], facts.commit)]
            guards = [guard for guard in still.guards if guard.path in changed]
            if touched or guards:
                still.give(ask(facts), touched, guards)
    except NotFoundError:
        pass  # the history ends here
    still.give(NOBODY, still.decisions, still.guards)


def _touched(
    still: _Open, repository: Repository, configuration: Configuration, older: str, newer: str
) -> Iterator[Change]:
    """What of that which is still open a commit decided."""
    before, after = (_opened(repository, commit, configuration) for commit in (older, newer))
    if before is None or after is None:
        yield from still.decisions
        return
    paths = [change.path for change in _decided(before, after)]
    yield from (change for change in still.decisions if any(is_related(change.path, path) for path in paths))


def _opened(repository: Repository, commit: str, like: Configuration) -> Configuration | None:
    """None for a manifest that cannot be built from."""
    try:
        return Configuration(repository.snapshot(Revision(commit, commit[:10])), like.memo)
    except FindingsError:
        return None


def _decided(before: Configuration | None, after: Configuration) -> tuple[Change, ...]:
    return changed_decisions(decisions_of(before) if before else {}, decisions_of(after))
