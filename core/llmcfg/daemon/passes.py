"""A pass: fetch and verify, then every environment by itself. What goes wrong with one is written down, and the others go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from llmcfg.clock import now
from llmcfg.daemon.upstream import Followed
from llmcfg.errors import HeldError, LlmcfgError
from llmcfg.failpoints import failpoint
from llmcfg.model.failure import Failure, FailureKind, Step
from llmcfg.sync.beats import beat
from llmcfg.sync.failures import failure_from
from llmcfg.sync.reconcile import Doors, Reconciled, reconcile
from llmcfg.sync.recorded import SteadyLog, recorded, refusals_of
from llmcfg.sync.records import (
    AcceptedRecord,
    EnvironmentRecord,
    PassRecord,
    SinkRecord,
    deployed_record,
    failure_record,
    held_record,
    revision_record,
    sink_record,
)
from llmcfg.sync.shielded import shielded

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.daemon.upstream import Upstream
    from llmcfg.model.failure import Held
    from llmcfg.ports import AuditLog
    from llmcfg.secrets.held import SecretReader
    from llmcfg.sync.deliveries import MakeSink
    from llmcfg.sync.reconcile import SinkOutcome, Tell
    from llmcfg.sync.signed import Publisher
    from llmcfg.wiring import Workspace


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of one pass. `environments` are the only ones to look at, if any are named; `suspended` are left alone.

    `allowed` are refs to accept at an object although they would be held.
    """

    environments: tuple[str, ...] = ()
    suspended: frozenset[str] = frozenset()
    allowed: Mapping[str, str] = field(default_factory=dict)


def make_pass(
    workspace: Workspace,
    upstream: Upstream | None,
    make_sink: MakeSink,
    reader: SecretReader,
    request: Request,
    tell: Tell,
    audit: SteadyLog,
) -> PassRecord:
    """Never raises for what a person or time can mend; that is in the record. Where no act can be put on record, none is done.

    `audit` is that of the passes before, if there were any.
    """
    try:
        audit.keep_up()
    except (LlmcfgError, OSError) as error:
        return PassRecord(failure_record(failure_from(error, Step.RECORD)))
    found = _Pass(workspace, upstream, recorded(make_sink, audit), reader, tell, audit).make(request)
    try:
        audit.refuse_only(refusals_of(found))
    except (LlmcfgError, OSError) as error:
        return replace(found, failure=found.failure or failure_record(failure_from(error, Step.RECORD)))
    return found


@dataclass(frozen=True, slots=True)
class _Pass:
    """What a pass is made with."""

    workspace: Workspace
    upstream: Upstream | None
    make_sink: MakeSink
    reader: SecretReader
    tell: Tell
    audit: AuditLog

    def make(self, request: Request) -> PassRecord:
        found = self._follow(self.upstream, request) if self.upstream is not None else _NOTHING_FOLLOWED
        failure = found if isinstance(found, Failure) else None
        followed = _NOTHING_FOLLOWED if isinstance(found, Failure) else found
        try:
            known = tuple(self.workspace.configuration("HEAD").manifest.environments)
        except (LlmcfgError, OSError) as error:
            # Where nothing was ever accepted, what is held is why.
            failure = failure or (_stalled(followed.held[0]) if followed.held else failure_from(error, Step.BUILD))
            known = ()
        chosen = [name for name in request.environments or known if name not in request.suspended]
        environments = [self._reconcile(name) for name in chosen]
        self.tell(Step.RECORD, "")
        failpoint("record.before")
        return PassRecord(
            failure_record(failure) if failure else None,
            tuple(AcceptedRecord(*accepted) for accepted in followed.accepted),
            tuple(map(held_record, followed.held)),
            tuple(environment_record(_note_held(one, self.upstream, followed)) for one in environments),
            is_complete=bool(known) and not request.environments,
        )

    def _follow(self, upstream: Upstream, request: Request) -> Followed | Failure:
        step = Step.FETCH

        def note(at: Step, environment: str) -> None:
            nonlocal step
            step = at
            self.tell(at, environment)

        try:
            return upstream.follow(request.allowed, note)
        except (LlmcfgError, OSError) as error:
            return failure_from(error, step)

    def _reconcile(self, name: str) -> Reconciled:
        publisher = cache(self.workspace.publisher)
        doors = Doors(
            repository=self.workspace.repository,
            wanted=lambda environment: self.workspace.wanted(environment, None),
            open_at=self.workspace.configuration_at,
            signer_of=self.workspace.signer_of,
            make_sink=shielded(self.make_sink),
            reader=self.reader,
            actor=self.workspace.repository.identity,
            now=now,
            audit=self.audit,
            publisher=publisher,
        )
        return _beaten(reconcile(name, doors, self.tell), publisher)


_NOTHING_FOLLOWED = Followed((), ())


def _beaten(found: Reconciled, find_publisher: Callable[[], Publisher | None]) -> Reconciled:
    """The same, after a heartbeat for what runs. Without one consumers only know less, so it stands behind any other failure."""
    if found.deployed is None or not found.deployed.sequence:
        return found
    folders = [outcome.delivery.sink.folder for outcome in found.sinks]
    try:
        publisher = find_publisher()
        if publisher is not None:
            beat(publisher, found.deployed, [folder for folder in folders if folder is not None])
    except (LlmcfgError, OSError) as error:
        return found._replace(failure=found.failure or failure_from(error, Step.ACT))
    return found


def _note_held(found: Reconciled, upstream: Upstream | None, followed: Followed) -> Reconciled:
    """An environment whose branch or tag is held does not run what its remote says, which is for a person to settle."""
    if found.failure is not None or upstream is None or not followed.held:
        return found
    held = followed.concerning(upstream.interest([found.environment]))
    if held is None:
        return found
    return found._replace(failure=_stalled(held))


def _stalled(held: Held) -> Failure:
    return Failure(Step.VERIFY, FailureKind.STALLED, held.code, held.message, held.hint, HeldError.exit_code)


def environment_record(found: Reconciled) -> EnvironmentRecord:
    return EnvironmentRecord(
        environment=found.environment,
        wanted=revision_record(found.wanted),
        deployed=deployed_record(found.deployed),
        moved=found.moved,
        failure=failure_record(found.failure) if found.failure else None,
        sinks=tuple(_sink(outcome) for outcome in found.sinks),
    )


def _sink(outcome: SinkOutcome) -> SinkRecord:
    failure = failure_record(outcome.failure, outcome.delivery.sink.name) if outcome.failure else None
    return sink_record(outcome.delivery, failure, is_written=outcome.is_written)
