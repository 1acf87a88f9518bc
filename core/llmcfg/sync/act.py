"""Carrying out a plan: commit to the deployed ref, then deliver to the sinks. Rollback goes the same way with an older tree.

The ref moves first and by compare-and-swap: it is the truth. A sink that fails afterwards is made good by applying again. Nothing is
delivered for a state that the ref has left by then.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.errors import ConflictError, LlmcfgError, NotFoundError, PartlyAppliedError
from llmcfg.model.progress import UNWATCHED
from llmcfg.model.snapshot import Revision
from llmcfg.pipeline.checked import learn_written
from llmcfg.pipeline.deployedstate import deployed_state
from llmcfg.pipeline.diff import compare
from llmcfg.pipeline.sealing import seal_all
from llmcfg.pipeline.stored import read_head
from llmcfg.sync.deliveries import aim, deliver, find_sinks, join_sinks, observe
from llmcfg.sync.deployed import (
    Deployed,
    commit_message,
    deployed_files,
    deployed_history,
    deployed_ref,
    find_deployed,
    next_stamp,
    read_deployed,
    stamp_anew,
)
from llmcfg.sync.plan import read_state, refuse_frozen, refuse_gated, refuse_quarantined
from llmcfg.sync.signed import Source, read_signatures, sign, without_signatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.model.files import Files
    from llmcfg.model.impact import Difference
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.memo import Memo
    from llmcfg.ports import Repository
    from llmcfg.secrets.held import SecretReader
    from llmcfg.sync.deliveries import Delivery, MakeSink
    from llmcfg.sync.plan import Plan
    from llmcfg.sync.signed import Publisher


@dataclass(frozen=True, slots=True)
class Applied:
    """What happened: the new commit of the deployed ref (None if it already was right), and the sinks that were written."""

    environment: str
    commit: str | None
    delivered: tuple[str, ...]

    @property
    def is_nothing(self) -> bool:
        return self.commit is None and not self.delivered


def apply(
    plan: Plan,
    repository: Repository,
    reader: SecretReader,
    *,
    actor: str,
    lift_quarantine: bool = False,
    during_freeze: str = "",
    publisher: Publisher | None = None,
    unsigned: bool = False,
) -> Applied:
    """Do what the plan says. `reader` opens the secret files that are needed to seal; nothing is written before all of it is sealed.

    `during_freeze` is why it is done although the environment is frozen; the commit says it. What was signed before has to be signed again,
    by `publisher`, unless `unsigned` says that it shall not be.

    Raises FindingsError for a change that a gate refuses, FrozenError, ConflictError when the revision is quarantined or another apply was
    first with something else, NotAuthorisedError without a key that is needed, and PartlyAppliedError when a sink could not be written.
    """
    if not lift_quarantine:
        refuse_quarantined(plan)
    if plan.draft is None:
        tip = plan.expected.commit if plan.expected else None
        return Applied(plan.environment, None, _deliver(repository, plan.environment, tip, plan.deliveries))
    refuse_gated(plan)
    if not during_freeze:
        refuse_frozen(plan)
    files = sign(
        plan.draft.files(seal_all(plan.draft, reader)),
        Source(plan.draft.configuration.snapshot),
        read_signatures(repository, plan.expected),
        publisher,
        unsigned=unsigned,
    )
    settled = _commit_plan(plan, files, repository, actor, during_freeze, publisher)
    if settled.is_new:
        _remember(files, repository, settled.tip, plan.draft.configuration.memo)
    deliveries = tuple(aim(delivery.sink, settled.files, delivery.seen) for delivery in plan.deliveries)
    delivered = _deliver(repository, plan.environment, settled.tip, deliveries)
    return Applied(plan.environment, settled.tip if settled.is_new else None, delivered)


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """From what an environment runs to an earlier state of it."""

    environment: str
    current: Deployed
    target: Deployed
    files: Files
    source: Source
    difference: Difference
    deliveries: tuple[Delivery, ...]
    protected: bool
    memo: Memo


def plan_rollback(
    repository: Repository,
    open_at: Callable[[Revision], Configuration],
    environment: str,
    to: str | None,
    make_sink: MakeSink,
) -> RollbackPlan:
    """The way back to `to`, or to the last state with other content. Raises NotFoundError if there is none.

    The sinks are those of the state that is gone back to, and those that the current one delivered to.
    """
    current = read_deployed(repository, environment)
    if current is None:
        raise NotFoundError(
            f"nothing was ever deployed to {environment}", hint=f"deploy: llmcfg apply -e {environment}"
        )
    target = find_deployed(repository, environment, to) if to else _previous(repository, current)
    configurations = [open_at(Revision(target.source, target.source[:10]))]
    memo = configurations[0].memo
    there = read_state(repository, current, environment, memo)
    files = deployed_files(repository, target)
    after = deployed_state(files, memo)
    if target.root != current.root:
        files = stamp_anew(without_signatures(files), next_stamp(repository, current))
    elif not there.damage:
        files = there.stored.files
    with suppress(LlmcfgError):  # what is left may be the trouble that is left behind
        configurations.append(open_at(Revision(current.source, current.source[:10])))
    sinks = find_sinks(configurations[0], environment)
    for other in configurations[1:]:
        sinks = join_sinks(find_sinks(other, environment), sinks)
    return RollbackPlan(
        environment=environment,
        current=current,
        target=target,
        files=files,
        source=Source(configurations[0].snapshot),
        difference=compare(there.state, after),
        deliveries=observe(sinks, environment, files, make_sink),
        protected=any(known.manifest.environments[environment].protected for known in configurations),
        memo=memo,
    )


def rollback(
    plan: RollbackPlan,
    repository: Repository,
    *,
    actor: str,
    publisher: Publisher | None = None,
    unsigned: bool = False,
) -> Applied:
    """A new commit with the older tree, and a quarantine for the revision that is left and for its content. Signs as `apply`."""
    current, target = plan.current, plan.target
    commit, deliveries = None, plan.deliveries
    if target.root != current.root:
        files = sign(plan.files, plan.source, read_signatures(repository, current), publisher, unsigned=unsigned)
        deliveries = tuple(aim(delivery.sink, files, delivery.seen) for delivery in deliveries)
        message = commit_message(
            f"roll {plan.environment} back to {target.source[:10]}",
            source=target.source,
            actor=actor,
            quarantined={*current.quarantined, current.source} - {target.source},
            quarantined_roots={*current.quarantined_roots, current.root} - {target.root, ""},
            rolled_back_from=current.source,
        )
        commit = repository.commit_files(
            deployed_ref(plan.environment),
            files,
            expected=current.commit,
            message=message,
            progress=plan.memo.progress,
        )
        _remember(files, repository, commit, plan.memo)
    return Applied(
        plan.environment, commit, _deliver(repository, plan.environment, commit or current.commit, deliveries)
    )


def _remember(files: Files, repository: Repository, commit: str, memo: Memo) -> None:
    """So that the next look at what was deployed reads none of it."""
    learn_written(read_head(files.top), files, repository.read_files(commit), memo)


class _Settled(NamedTuple):
    """The tip of the deployed ref, with the files of the plan: committed here, or by another replica that was first."""

    tip: str
    files: Files
    is_new: bool


def _commit_plan(
    plan: Plan,
    files: Files,
    repository: Repository,
    actor: str,
    during_freeze: str,
    publisher: Publisher | None,
) -> _Settled:
    count = len(plan.affected)
    subject = (
        f"deploy {plan.revision.short} to {plan.environment}: {count} {'bundle' if count == 1 else 'bundles'} changed"
    )
    before = plan.expected
    message = commit_message(
        subject,
        source=plan.revision.commit,
        actor=actor,
        quarantined=(before.quarantined if before else frozenset()) - {plan.revision.commit},
        quarantined_roots=(before.quarantined_roots if before else frozenset()) - {plan.root},
        during_freeze=during_freeze if plan.frozen else "",
    )
    expected, ref = before.commit if before else None, deployed_ref(plan.environment)
    progress = plan.draft.configuration.memo.progress if plan.draft else UNWATCHED
    try:
        commit = repository.commit_files(ref, files, expected=expected, message=message, progress=progress)
    except ConflictError:
        settled = _settled_by_another(plan, repository, publisher)
        if settled is None:
            raise
        return settled
    return _Settled(commit, files, is_new=True)


def _settled_by_another(plan: Plan, repository: Repository, publisher: Publisher | None) -> _Settled | None:
    """What the replica deployed that was first, if it is the same: its sealed files have other bytes, and the root is one."""
    now = read_deployed(repository, plan.environment)
    there = read_state(repository, now, plan.environment, plan.draft.configuration.memo if plan.draft else None)
    if now is None or now.root != plan.root or there.damage:
        return None
    files = there.stored.files
    return _Settled(now.commit, files, is_new=False) if publisher is None or publisher.covers(files) else None


def _previous(repository: Repository, current: Deployed) -> Deployed:
    for deployed in deployed_history(repository, current.environment):
        if deployed.root not in ("", current.root) and not (
            deployed.source in current.quarantined or deployed.root in current.quarantined_roots
        ):
            return deployed
    raise NotFoundError(
        f"{current.environment} has no earlier state to go back to",
        hint=f"see what it ran: llmcfg history -e {current.environment} --deployed",
    )


def _deliver(
    repository: Repository, environment: str, tip: str | None, deliveries: tuple[Delivery, ...]
) -> tuple[str, ...]:
    """Write the sinks that differ, for as long as the deployed ref is at `tip`."""
    waiting = [delivery for delivery in deliveries if delivery.state != "current"]
    done = deliver(waiting, lambda: refuse_if_moved(repository, environment, tip))
    if done.failed:
        said = "; ".join(f"{delivery.sink.name}: {error.message}" for delivery, error in done.failed)
        first = done.failed[0][1]
        raise PartlyAppliedError(
            f"deployed/{environment} is right, but not every sink could be written: {said}",
            hint=first.hint or f"mend the cause and run llmcfg apply -e {environment} again",
        ) from first
    return tuple(delivery.sink.name for delivery in done.written)


def refuse_if_moved(repository: Repository, environment: str, tip: str | None) -> None:
    """Raises ConflictError unless the deployed ref is at `tip`."""
    now = repository.read_ref(deployed_ref(environment))
    if now != tip:
        raise ConflictError(
            f"deployed/{environment} moved from {(tip or 'nothing')[:10]} to {(now or 'nothing')[:10]} while it was being delivered",
            hint=f"sinks may hold either: llmcfg status shows it, llmcfg apply -e {environment} settles it",
        )
