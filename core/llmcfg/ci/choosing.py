"""A comparison of some environments, tenants and consumers only: what of each side takes part, and what could not be built of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from llmcfg.errors import NotFoundError
from llmcfg.model.later import Each
from llmcfg.model.suggest import did_you_mean
from llmcfg.model.target import SHARED
from llmcfg.pipeline.build import build
from llmcfg.pipeline.diff import State, deployed_state, state_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from llmcfg.model.target import Scope, Target
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration
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


def chosen_side(configuration: Configuration, chosen: Chosen, *, with_scopes: bool = True) -> ChosenSide:
    """Without scopes it can be compared with what is deployed. Raises FindingsError for what cannot be read."""
    configuration.require_consumers()
    targets = [target for target in configuration.targets if chosen.keeps(target)]
    scopes = [scope for scope in configuration.scopes if chosen.keeps_scope(scope)]
    for scope in configuration.memo.progress.over("composing scopes", scopes):
        configuration.readable(scope)
    built = build(configuration, targets)
    state = state_of(configuration, built, with_scopes=with_scopes)
    kept = replace(
        state,
        scopes={str(scope): state.scopes[str(scope)] for scope in scopes if with_scopes},
        decisions=None if state.decisions is None else chosen.decisions(state.decisions),
    )
    return ChosenSide(kept, frozenset(targets) - built.bundles.keys())


def deployed_side(workspace: Workspace, configuration: Configuration, chosen: Chosen) -> ChosenSide:
    """What is deployed to the environments that are chosen. Raises IntegrityError for a deployed branch that is damaged."""
    from llmcfg.sync.deployed import deployed_files, read_deployed  # two revisions are compared without it

    states: dict[Target, State] = {}
    for environment in chosen.environments or configuration.manifest.environments:
        files = deployed_files(workspace.repository, read_deployed(workspace.repository, environment))
        state = deployed_state(files, workspace.memo)
        states.update(dict.fromkeys(filter(chosen.keeps, state.targets), state))
    targets = Each(states, lambda target: states[target].targets[target])
    manifests = {target: state.manifests[target] for target, state in states.items()}
    return ChosenSide(State({}, targets, manifests=manifests))
