"""A comparison of some environments, tenants and consumers only: what of each side takes part, and what could not be built of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from llmcfg.errors import NotFoundError
from llmcfg.model.later import Each
from llmcfg.model.suggest import did_you_mean
from llmcfg.model.target import SHARED
from llmcfg.pipeline.build import build
from llmcfg.pipeline.diff import State, state_of
from llmcfg.pipeline.reach import find_reach
from llmcfg.pipeline.readsets import keep_if_outdated

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from llmcfg.model.target import Scope, Target
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.reach import Reach
    from llmcfg.wiring import Workspace


class Chosen(NamedTuple):
    """Names to keep; an empty one keeps all. A name need not exist on both sides: tenants and consumers come and go."""

    environments: Collection[str] = ()
    tenants: Collection[str] = ()
    consumers: Collection[str] = ()

    def keeps(self, target: Target) -> bool:
        return (
            (not self.environments or target.environment in self.environments)
            and (not self.tenants or (target.tenant or SHARED) in self.tenants)
            and (not self.consumers or target.consumer in self.consumers)
        )

    def keeps_scope(self, scope: Scope) -> bool:
        return (
            not self.consumers
            and (not self.environments or scope.environment in self.environments)
            and (not self.tenants or (scope.tenant or SHARED) in self.tenants)
        )

    def check(self, sides: Sequence[Configuration]) -> None:
        """Raises NotFoundError for a name that no side knows."""
        for what, names, known in (
            ("environment", self.environments, {name for side in sides for name in side.manifest.environments}),
            ("tenant", self.tenants, {SHARED} | {name for side in sides for name in side.manifest.tenants}),
            ("consumer", self.consumers, {consumer.name for side in sides for consumer in side.consumers}),
        ):
            for name in names:
                if name not in known:
                    raise NotFoundError(f"there is no {what} {name!r}", hint=did_you_mean(name, known))

    def decisions(self, decisions: Mapping[str, Value]) -> Mapping[str, Value]:
        """Those about what is kept, and those that are about all."""
        return {part: _named(value, getattr(self, part, ())) for part, value in decisions.items()}


def _named(decided: Value, names: Collection[str]) -> Value:
    if not names or not isinstance(decided, dict):
        return decided
    return {name: value for name, value in decided.items() if name in names}


class ChosenSide(NamedTuple):
    """One side of the comparison, and the targets whose bundle has errors."""

    state: State
    broken: frozenset[Target] = frozenset()

    def without(self, targets: Collection[Target]) -> State:
        """What only a comparison of some targets asks for is not made for all."""
        kept = (target for target in self.state.targets if target not in targets)
        return replace(self.state, targets=Each(kept, self.state.targets.__getitem__))


def chosen_sides(before: Configuration, after: Configuration, chosen: Chosen) -> tuple[ChosenSide, ChosenSide]:
    """Both sides, to be compared with one another. Where it is known how far a change reaches, nothing else is looked at.

    Raises FindingsError for what cannot be read.
    """
    reach = find_reach(before, after)
    if reach is None:
        sides = chosen_side(before, chosen), chosen_side(after, chosen)
        if not any(chosen):
            keep_if_outdated(after, sides[1].state.targets)
        return sides
    return reached_sides(before, after, chosen, reach)


def reached_sides(
    before: Configuration, after: Configuration, chosen: Chosen, reach: Reach
) -> tuple[ChosenSide, ChosenSide]:
    """The same of what a change can reach."""
    reached = [side.narrowed(reach.settled) for side in (before, after)]
    earlier, later = (chosen_side(side, chosen, reach=reach) for side in reached)
    if _locks(earlier.state) != _locks(later.state):
        wider = reach.with_linked()  # where one document uses a secret no more, another one may
        earlier, later = (chosen_side(side, chosen, reach=wider) for side in reached)
    return earlier, later


def chosen_side(
    configuration: Configuration, chosen: Chosen, *, with_scopes: bool = True, reach: Reach | None = None
) -> ChosenSide:
    """Without scopes it can be compared with what is deployed; with `reach`, with the other side of that.

    Raises FindingsError for what cannot be read.
    """
    configuration.require_consumers()
    targets = [target for target in (reach or configuration).targets if chosen.keeps(target)]
    scopes = [scope for scope in (reach or configuration).scopes if chosen.keeps_scope(scope)]
    for scope in configuration.memo.progress.over("composing scopes", scopes):
        configuration.readable(scope)
    built = build(configuration, targets, reach.names if reach is not None else None)
    state = state_of(configuration, built, with_scopes=with_scopes, reach=reach)
    kept = replace(
        state,
        scopes={str(scope): state.scopes[str(scope)] for scope in scopes if with_scopes},
        decisions=None if state.decisions is None else chosen.decisions(state.decisions),
    )
    return ChosenSide(kept, frozenset(targets) - built.bundles.keys())


def _locks(state: State) -> dict[Target, Mapping[str, str]]:
    return {target: bundle.secrets for target, bundle in state.targets.items()}


def deployed_side(workspace: Workspace, configuration: Configuration, chosen: Chosen) -> ChosenSide:
    """What is deployed to the environments that are chosen. Raises IntegrityError for a deployed branch that is damaged."""
    from llmcfg.pipeline.deployedstate import deployed_state  # two revisions are compared without these
    from llmcfg.sync.deployed import deployed_files, read_deployed

    states: dict[Target, State] = {}
    for environment in chosen.environments or configuration.manifest.environments:
        files = deployed_files(workspace.repository, read_deployed(workspace.repository, environment))
        state = deployed_state(files, workspace.memo)
        states.update(dict.fromkeys(filter(chosen.keeps, state.targets), state))
    targets = Each(states, lambda target: states[target].targets[target])
    manifests = {target: state.manifests[target] for target, state in states.items()}
    return ChosenSide(State({}, targets, manifests=manifests))
