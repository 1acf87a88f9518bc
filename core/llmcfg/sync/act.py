"""Carrying out a plan: commit to the deployed ref, then deliver to the sinks. Rollback goes the same way with an older tree.

The ref moves first and by compare-and-swap: it is the truth. A sink that fails afterwards is made good by applying again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmcfg.errors import LlmcfgError, NotFoundError, PartlyAppliedError
from llmcfg.sync.deployed import (
    Deployed,
    commit_message,
    deployed_files,
    deployed_history,
    deployed_ref,
    find_deployed,
    read_deployed,
)
from llmcfg.sync.plan import observe, refuse_quarantined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import Repository
    from llmcfg.sync.plan import Delivery, MakeSink, Plan


@dataclass(frozen=True, slots=True)
class Applied:
    """What happened: the new commit of the deployed ref (None if it already was right), and the sinks that were written."""

    environment: str
    commit: str | None
    delivered: tuple[str, ...]

    @property
    def is_nothing(self) -> bool:
        return self.commit is None and not self.delivered


def apply(plan: Plan, repository: Repository, *, actor: str, lift_quarantine: bool = False) -> Applied:
    """Do what the plan says. Raises ConflictError when the revision is quarantined or another apply was first.

    Raises PartlyAppliedError when the ref moved but a sink could not be written.
    """
    if not lift_quarantine:
        refuse_quarantined(plan)
    quarantined = (plan.expected.quarantined if plan.expected else frozenset()) - {plan.revision.commit}
    commit = None
    if plan.moves_ref:
        count = len(plan.difference.affected)
        subject = f"deploy {plan.revision.short} to {plan.environment}: {count} {'bundle' if count == 1 else 'bundles'} changed"
        commit = repository.commit_files(
            deployed_ref(plan.environment),
            plan.files,
            expected=plan.expected.commit if plan.expected else None,
            message=commit_message(subject, source=plan.revision.commit, actor=actor, quarantined=quarantined),
        )
    return Applied(plan.environment, commit, _deliver(plan.environment, plan.deliveries))


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """From what an environment runs to an earlier state of it."""

    environment: str
    current: Deployed
    target: Deployed
    files: Mapping[str, bytes]
    deliveries: tuple[Delivery, ...]


def plan_rollback(
    repository: Repository, configuration: Configuration, environment: str, to: str | None, make_sink: MakeSink
) -> RollbackPlan:
    """The way back to `to`, or to the last state with other content. Raises NotFoundError if there is none."""
    current = read_deployed(repository, environment)
    if current is None:
        raise NotFoundError(
            f"nothing was ever deployed to {environment}", hint=f"deploy: llmcfg apply -e {environment}"
        )
    target = find_deployed(repository, environment, to) if to else _previous(repository, current)
    files = deployed_files(repository, target)
    return RollbackPlan(environment, current, target, files, observe(configuration, environment, files, make_sink))


def rollback(plan: RollbackPlan, repository: Repository, *, actor: str) -> Applied:
    """A new commit with the older tree, and a quarantine for the revision that is left."""
    current, target = plan.current, plan.target
    commit = None
    if target.root != current.root:
        quarantined = {*current.quarantined, current.source} - {target.source}
        message = commit_message(
            f"roll {plan.environment} back to {target.source[:10]}",
            source=target.source,
            actor=actor,
            quarantined=quarantined,
            rolled_back_from=current.source,
        )
        commit = repository.commit_files(
            deployed_ref(plan.environment), plan.files, expected=current.commit, message=message
        )
    return Applied(plan.environment, commit, _deliver(plan.environment, plan.deliveries))


def _previous(repository: Repository, current: Deployed) -> Deployed:
    for deployed in deployed_history(repository, current.environment):
        if deployed.root != current.root and deployed.source not in current.quarantined:
            return deployed
    raise NotFoundError(
        f"{current.environment} has no earlier state to go back to",
        hint=f"see what it ran: llmcfg log -e {current.environment} --deployed",
    )


def _deliver(environment: str, deliveries: tuple[Delivery, ...]) -> tuple[str, ...]:
    delivered: list[str] = []
    failed: list[tuple[str, LlmcfgError]] = []
    for delivery in deliveries:
        if delivery.state == "current":
            continue
        try:
            delivery.sink.deliver(delivery.root, delivery.files)
            delivered.append(delivery.sink.name)
        except LlmcfgError as error:
            failed.append((delivery.sink.name, error))
    if failed:
        said = "; ".join(f"{name}: {error.message}" for name, error in failed)
        raise PartlyAppliedError(
            f"deployed/{environment} moved, but not every sink was written: {said}",
            hint=failed[0][1].hint or f"mend the cause and run llmcfg apply -e {environment} again",
        ) from failed[0][1]
    return tuple(delivered)
