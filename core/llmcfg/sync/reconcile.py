"""Closing the gap of one environment, in steps: what it should run moves its deployed ref or fails to; its sinks follow the ref anyway.

build -> observe -> plan -> act       of what is wanted
                             `-> follow    of what is deployed, whatever came of the above
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.errors import LlmcfgError
from llmcfg.failpoints import failpoint
from llmcfg.model.act import Act
from llmcfg.model.failure import Failure, FailureKind, Step
from llmcfg.model.snapshot import Revision
from llmcfg.pipeline.stored import read_stored
from llmcfg.sync.act import apply, refuse_if_moved
from llmcfg.sync.building import build_environment
from llmcfg.sync.deliveries import deliver, find_sinks, observe
from llmcfg.sync.deployed import deployed_files, read_deployed
from llmcfg.sync.failures import failure_from
from llmcfg.sync.plan import (
    compare_environment,
    nobody,
    observe_environment,
    refuse_frozen,
    refuse_gated,
    refuse_quarantined,
    stored_by,
)
from llmcfg.sync.recorded import DEPLOY

if TYPE_CHECKING:
    from datetime import datetime

    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import AuditLog, Repository
    from llmcfg.secrets.held import SecretReader
    from llmcfg.sync.deliveries import Delivery, MakeSink
    from llmcfg.sync.deployed import Deployed
    from llmcfg.sync.plan import Plan, SignerOf
    from llmcfg.sync.signed import Publisher

Tell = Callable[[Step, str], None]  # a step that begins, and of which environment; empty for the repository's own


@dataclass(frozen=True, slots=True)
class Doors:
    """What reconciling needs of the outside. `make_sink` gives None for sinks that somebody else delivers to.

    `reader` opens the secret files of what is to be sealed. `audit` has an entry before a deployed ref moves. `publisher` reads who
    signs; None where nobody does. `signer_of` says who signed a commit.
    """

    repository: Repository
    wanted: Callable[[str], Configuration]
    open_at: Callable[[Revision], Configuration]
    make_sink: MakeSink
    reader: SecretReader
    actor: str
    now: Callable[[], datetime]
    audit: AuditLog
    publisher: Callable[[], Publisher | None] = lambda: None
    signer_of: SignerOf = nobody


class SinkOutcome(NamedTuple):
    """A sink as it was found, and what came of delivering to it, if that was due."""

    delivery: Delivery
    is_written: bool
    failure: Failure | None = None


class Reconciled(NamedTuple):
    """How an environment stands after the attempt. `moved` says that its deployed ref did; `failure` why not as it should."""

    environment: str
    wanted: Revision | None
    deployed: Deployed | None
    moved: bool
    failure: Failure | None
    sinks: tuple[SinkOutcome, ...]

    @property
    def failures(self) -> tuple[Failure, ...]:
        return tuple(failure for failure in (self.failure, *(sink.failure for sink in self.sinks)) if failure)


class _Moved(NamedTuple):
    wanted: Revision | None
    moved: bool
    failure: Failure | None
    deliveries: tuple[Delivery, ...] | None  # observed on the way, against what is deployed now


def reconcile(environment: str, doors: Doors, tell: Tell) -> Reconciled:
    """Bring one environment to what it tracks, and its sinks to what it runs. What goes wrong is part of the answer."""
    moved = _move(environment, doors, tell)
    deployed, failure, sinks = None, moved.failure, tuple[SinkOutcome, ...]()
    try:
        deployed = read_deployed(doors.repository, environment)
        if deployed is not None:
            deliveries = moved.deliveries
            if deliveries is None:
                deliveries = observe_deployed(deployed, doors)
            sinks = _follow(deployed, deliveries, doors)
    except (LlmcfgError, OSError) as error:
        failure = failure or failure_from(error, Step.ACT)
    return Reconciled(environment, moved.wanted, deployed, moved.moved, failure, sinks)


def observe_deployed(deployed: Deployed, doors: Doors) -> tuple[Delivery, ...]:
    """What the sinks should hold of what is deployed, and do hold. Raises IntegrityError for bundles that are not what was written."""
    configuration = doors.open_at(Revision(deployed.source, deployed.source[:10]))
    files = deployed_files(doors.repository, deployed)
    read_stored(files, configuration.memo)
    return observe(find_sinks(configuration, deployed.environment), deployed.environment, files, doors.make_sink)


def _move(environment: str, doors: Doors, tell: Tell) -> _Moved:
    """Build what is wanted and put it on the deployed ref."""
    wanted, step = None, Step.BUILD
    try:
        tell(step, environment)
        failpoint("build.before")
        configuration = doors.wanted(environment)
        wanted = configuration.snapshot.revision
        stored = stored_by(doors.repository, environment, configuration.memo)
        built = build_environment(configuration, environment, stored)
        step = Step.OBSERVE
        tell(step, environment)
        failpoint("observe.before")
        publisher = doors.publisher()
        observed = observe_environment(built, doors.repository, doors.make_sink, publisher, doors.signer_of)
        step = Step.PLAN
        tell(step, environment)
        plan = compare_environment(built, observed, doors.now())
        refuse_quarantined(plan)
        step = Step.ACT
        tell(step, environment)
        failpoint("act.before")
        if plan.draft is None:
            refuse_gated(plan)  # what is deployed stays, and where it goes may be decided otherwise
            return _Moved(wanted, False, None, plan.deliveries)
        moved = _deploy(plan, doors, publisher)
        failpoint("act.after_commit")
        return _Moved(wanted, moved, None, None)
    except (LlmcfgError, OSError) as error:
        return _Moved(wanted, False, failure_from(error, step), None)


def _deploy(plan: Plan, doors: Doors, publisher: Publisher | None) -> bool:
    """Whether the deployed ref moved; its sinks come later. What a gate refuses was not begun."""
    refuse_gated(plan)
    refuse_frozen(plan)
    facts = {"source": plan.revision.commit, "root": plan.root}
    with doors.audit.acting(Act(DEPLOY, "", plan.environment, revision=plan.revision.name, facts=facts)) as account:
        applied = apply(
            replace(plan, deliveries=()), doors.repository, doors.reader, actor=doors.actor, publisher=publisher
        )
        if applied.commit is not None:
            account.note(commit=applied.commit)
    return applied.commit is not None


def _follow(deployed: Deployed, deliveries: tuple[Delivery, ...], doors: Doors) -> tuple[SinkOutcome, ...]:
    """Deliver what is due, for as long as the deployed ref stays where it is."""
    due = [delivery for delivery in deliveries if delivery.is_due]
    failpoint("act.before_sinks")
    done = deliver(due, lambda: refuse_if_moved(doors.repository, deployed.environment, deployed.commit))
    failpoint("act.after_sinks")
    written = {id(delivery) for delivery in done.written}
    failed = {id(delivery): failure_from(error, Step.ACT) for delivery, error in done.failed}
    return tuple(
        SinkOutcome(delivery, id(delivery) in written, failed.get(id(delivery), _drift(delivery)))
        for delivery in deliveries
    )


def _drift(delivery: Delivery) -> Failure | None:
    """Drift that is only to be reported stalls: it is for a person to settle."""
    if not delivery.has_drifted or delivery.mends:
        return None
    count = len(delivery.differing)
    return Failure(
        Step.OBSERVE,
        FailureKind.STALLED,
        "drift",
        f"{delivery.sink.name} differs in {count} {'file' if count == 1 else 'files'} from what was delivered",
        "llmcfg apply mends it",
        exit_code=3,
    )
