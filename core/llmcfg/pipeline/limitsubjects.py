"""What of a change the limits are asked about, one by one: keys, what is decided otherwise, and what judges changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.keypath import format_key_path
from llmcfg.model.proposal import scope_of_target
from llmcfg.pipeline.keyplaces import find_place, place_decision, place_file
from llmcfg.pipeline.layers import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from llmcfg.model.change import Change
    from llmcfg.model.findings import Finding, Problem
    from llmcfg.model.impact import ValueChange
    from llmcfg.model.proposal import Decision, GuardChange, Proposal
    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.policies.changelimits import Part, Where


class Subject(NamedTuple):
    """One thing that changes. `reach` has the scopes that it concerns, by their environment; a guard has no `change`."""

    part: Part
    path: Path
    name: str
    change: Change | None
    reach: Mapping[str, Sequence[str]]
    locate: Callable[[Problem, list[str]], Finding]

    def held(self, where: Where) -> list[str]:
        """The environments in which a limit holds for it."""
        return [name for name in self.reach if where.holds(name, self.part, self.path)]


def subjects_of(configuration: Configuration, proposal: Proposal, environments: Collection[str]) -> Iterator[Subject]:
    """Of the change that leads to this configuration, as far as it concerns these environments."""
    for each in proposal.leaves:
        yield _key(configuration, each)
    for decision in proposal.decisions:
        yield _decision(configuration, decision, environments)
    for guard in proposal.guards:
        yield _guard(configuration, guard, environments)


def _key(configuration: Configuration, each: ValueChange) -> Subject:
    path = each.change.path
    reach: dict[str, list[str]] = {}
    for scope in dict.fromkeys([*each.scopes, *map(scope_of_target, each.targets)]):
        reach.setdefault(scope.split("/", 1)[0], []).append(scope)

    def locate(problem: Problem, scopes: list[str]) -> Finding:
        return _place_key(configuration, path, problem, scopes)

    return Subject("keys", path, format_key_path(path), each.change, reach, locate)


def _place_key(configuration: Configuration, path: Path, problem: Problem, scopes: list[str]) -> Finding:
    """At the key, or the nearest around one that is gone, in the first scope that has the change."""
    known = {str(scope): scope for scope in configuration.scopes}
    scope = next((known[name] for name in scopes if name in known), None)
    found = find_place(configuration, scope, path, problem, scopes) if scope else None
    return found or place_file(configuration, MANIFEST, problem, scopes)


def _decision(configuration: Configuration, decision: Decision, environments: Collection[str]) -> Subject:
    """The end of an environment concerns it, too."""
    change, about = decision
    ended = [str(change.path[1])] if change.path[0] == "environments" and about is None else []
    reach = {name: [name] for name in (*ended, *environments) if about in (None, name)}

    def locate(problem: Problem, scopes: list[str]) -> Finding:
        return place_decision(configuration, change.path, problem, scopes)

    return Subject("decisions", change.path, format_key_path(change.path), change, reach, locate)


def _guard(configuration: Configuration, guard: GuardChange, environments: Collection[str]) -> Subject:
    def locate(problem: Problem, scopes: list[str]) -> Finding:
        return place_file(configuration, guard.path, problem, scopes)

    reach = {name: [name] for name in environments}
    return Subject("guards", tuple(guard.path.split("/")), guard.path, None, reach, locate)
