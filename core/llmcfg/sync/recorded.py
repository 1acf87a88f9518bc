"""What sync does by itself, on record: its acts before they happen, and once each what it refuses."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

from llmcfg.errors import FrozenError, LlmcfgError
from llmcfg.model.act import Act
from llmcfg.model.failure import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from llmcfg.model.act import Account
    from llmcfg.model.manifest import SinkSpec
    from llmcfg.ports import AuditLog, Sink
    from llmcfg.sync.deliveries import MakeSink
    from llmcfg.sync.records import EnvironmentRecord, FailureRecord, PassRecord

FOLLOW: Final = "sync.follow"
DEPLOY: Final = "sync.deploy"
DELIVER: Final = "sync.deliver"


class Refusal(NamedTuple):
    """What is not done, and the code of why."""

    act: Act
    code: str


class SteadyLog:
    """`ports.AuditLog` for who tries the same thing again and again: a refusal that lasts is entered once, by the code that it has.

    To be kept for as long as the trying goes on.
    """

    def __init__(self, open_audit: Callable[[], AuditLog]) -> None:
        self._open = open_audit
        self._known: dict[tuple[str, str, str], str] = {}

    @contextmanager
    def acting(self, act: Act) -> Iterator[Account]:
        with self._open().acting(act) as account:
            try:
                yield account
            except LlmcfgError as error:
                self._known[_about(act)] = error.code
                raise

    def note(self, act: Act) -> None:
        self._open().note(act)

    def refuse(self, act: Act, code: str) -> None:
        if self._known.get(_about(act)) != code:
            self._open().refuse(act, code)
            self._known[_about(act)] = code

    def keep_up(self) -> None:
        self._open().keep_up()

    def refuse_only(self, refusals: Iterable[Refusal]) -> None:
        """These, all that there are now: what is no longer refused is entered anew when it is again. Raises UnrecordedError."""
        now = [*refusals]
        for refusal in now:
            self.refuse(*refusal)
        self._known = {_about(refusal.act): refusal.code for refusal in now}


def refusals_of(found: PassRecord) -> Iterator[Refusal]:
    """What a pass did not do because it must not. What failed and is tried again is none, nor what is waited for."""
    for held in found.held:
        yield Refusal(Act(FOLLOW, held.ref, facts={"why": held.message}), held.code)
    if _is_refusal(found.failure):
        yield Refusal(Act(FOLLOW, facts={"why": found.failure.message}), found.failure.code)
    for one in found.environments:
        yield from _refusals_in(one)


def _refusals_in(found: EnvironmentRecord) -> Iterator[Refusal]:
    failure = found.failure
    if _is_refusal(failure):
        revision = found.wanted.name if found.wanted else ""
        act = Act(DEPLOY, environment=found.environment, revision=revision, facts={"why": failure.message})
        yield Refusal(act, failure.code)
    for sink in found.sinks:
        if _is_refusal(sink.failure):
            yield Refusal(_delivery(sink.name, found.environment, {"why": sink.failure.message}), sink.failure.code)


def _is_refusal(failure: FailureRecord | None) -> TypeGuard[FailureRecord]:
    return failure is not None and (failure.kind is FailureKind.STALLED or failure.code == FrozenError.code)


class RecordedSink:
    """A sink that is delivered to on record."""

    def __init__(self, sink: Sink, environment: str, audit: AuditLog) -> None:
        self._sink = sink
        self._environment = environment
        self._audit = audit

    @property
    def name(self) -> str:
        return self._sink.name

    @property
    def folder(self) -> Path | None:
        return self._sink.folder

    def observe(self) -> Mapping[str, str] | None:
        return self._sink.observe()

    def deliver(self, root: str, files: Mapping[str, bytes]) -> None:
        with self._audit.acting(_delivery(self.name, self._environment, {"root": root})):
            self._sink.deliver(root, files)

    def delivered(self) -> str | None:
        return self._sink.delivered()


def recorded(make_sink: MakeSink, audit: AuditLog) -> MakeSink:
    """Makes the same sinks, on record."""

    def make(spec: SinkSpec, environment: str) -> Sink | None:
        sink = make_sink(spec, environment)
        return None if sink is None else RecordedSink(sink, environment, audit)

    return make


def _delivery(sink: str, environment: str, facts: Mapping[str, str]) -> Act:
    return Act(DELIVER, sink, environment, facts=facts)


def _about(act: Act) -> tuple[str, str, str]:
    """What is the same of an act each time that it is tried."""
    return act.verb, act.subject, act.environment
