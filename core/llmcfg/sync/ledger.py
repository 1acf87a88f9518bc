"""What one pass found, entered into what was known before: since when, how often in a row, and when to try again. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.model.failure import FailureKind
from llmcfg.sync.backoff import pause
from llmcfg.sync.records import EnvironmentRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from random import Random

    from llmcfg.sync.records import FailureRecord, PassRecord, SinkRecord, StatusRecord

SUSPENDED: Final = "suspended"
_GRAVITY: Final = (FailureKind.STALLED, FailureKind.RETRY, FailureKind.WAITING)


def enter(
    before: StatusRecord,
    found: PassRecord,
    now: datetime,
    random: Random,
    *,
    poll_seconds: float,
    suspended: Mapping[str, str],
) -> StatusRecord:
    """The new status. Environments that were not looked at keep what was known of them; `suspended` says which, and why."""
    known = {record.environment: record for record in before.environments}
    fresh = {
        record.environment: _environment(known.get(record.environment), record, now, random, poll_seconds)
        for record in found.environments
    }
    gone = known.keys() - fresh.keys() - suspended.keys() if found.is_complete else set[str]()
    named = [name for name in dict.fromkeys([*known, *fresh, *suspended]) if name not in gone]
    environments = [fresh.get(name) or known.get(name) or _unknown(name) for name in named]
    failure = _failure(before.failure, found.failure, now, random, poll_seconds)
    return msgspec.structs.replace(
        before,
        at=now,
        fetched=before.fetched if found.failure else now,
        failure=failure,
        held=found.held if found.failure is None or found.held else before.held,
        environments=tuple(_suspend(record, suspended, now) for record in environments),
    )


def next_try(status: StatusRecord, now: datetime) -> datetime | None:
    """The earliest time to come at which a pass is to try something again; slow sinks are tried by whoever looks after them."""
    failures = [status.failure]
    for record in status.environments:
        failures += [record.failure, *(sink.failure for sink in record.sinks if not sink.slow)]
    times = [failure.next_try for failure in failures if failure is not None and failure.next_try is not None]
    return min((time for time in times if time > now), default=None)


def with_lanes(
    record: EnvironmentRecord, lanes: Mapping[str, SinkRecord], now: datetime | None = None
) -> EnvironmentRecord:
    """The environment with its slow sinks as they are. With `now`, its state is said anew."""
    sinks = [sink for sink in record.sinks if not sink.slow]
    after = msgspec.structs.replace(record, sinks=(*sinks, *(lanes[name] for name in sorted(lanes))))
    return after if now is None or record.suspended is not None else _with_state(record, after, now)


def failures_of(status: StatusRecord, environments: Iterable[str]) -> list[FailureRecord]:
    """What is wrong with the fetch and these environments."""
    chosen = [record for record in status.environments if record.environment in set(environments)]
    found = [status.failure, *(failure for record in chosen for failure in _failures(record))]
    return [failure for failure in found if failure is not None]


def _environment(
    before: EnvironmentRecord | None, found: EnvironmentRecord, now: datetime, random: Random, poll_seconds: float
) -> EnvironmentRecord:
    sinks = {sink.name: sink for sink in before.sinks} if before else {}
    after = msgspec.structs.replace(
        found,
        failure=_failure(before.failure if before else None, found.failure, now, random, poll_seconds),
        sinks=tuple(_sink(sinks.get(sink.name), sink, now, random, poll_seconds) for sink in found.sinks),
    )
    return _with_state(before, after, now)


def _with_state(before: EnvironmentRecord | None, after: EnvironmentRecord, now: datetime) -> EnvironmentRecord:
    """`current`, or the gravest of what is wrong; and since when that holds for what runs."""
    kinds = {failure.kind for failure in _failures(after)}
    gravest = next((kind for kind in _GRAVITY if kind in kinds), None)
    state = str(gravest) if gravest else "current" if after.deployed else "never deployed"
    is_same = before is not None and before.state == state and _runs(before) == _runs(after)
    return msgspec.structs.replace(after, state=state, since=before.since if before and is_same else now)


def _sink(
    before: SinkRecord | None, found: SinkRecord, now: datetime, random: Random, poll_seconds: float
) -> SinkRecord:
    failure = _failure(before.failure if before else None, found.failure, now, random, poll_seconds)
    return msgspec.structs.replace(found, failure=failure)


def _failure(
    before: FailureRecord | None, found: FailureRecord | None, now: datetime, random: Random, poll_seconds: float
) -> FailureRecord | None:
    """The same failure again is one that lasts."""
    if found is None or found.at is not None:  # stamped by whoever looks after it
        return found
    is_same = before is not None and (before.step, before.code) == (found.step, found.code)
    attempts = before.attempts + 1 if before and is_same else 1
    wait = {
        FailureKind.RETRY: pause(attempts, random),
        FailureKind.WAITING: poll_seconds if found.wait_seconds is None else found.wait_seconds,
        FailureKind.STALLED: None,
    }[found.kind]
    return msgspec.structs.replace(
        found,
        at=before.at if before and is_same else now,
        attempts=attempts,
        next_try=None if wait is None else now + timedelta(seconds=wait),
    )


def _failures(record: EnvironmentRecord) -> list[FailureRecord]:
    return [failure for failure in (record.failure, *(sink.failure for sink in record.sinks)) if failure is not None]


def _runs(record: EnvironmentRecord) -> str | None:
    return record.deployed.commit if record.deployed else None


def _suspend(record: EnvironmentRecord, suspended: Mapping[str, str], now: datetime) -> EnvironmentRecord:
    """Its failures are not tried again while it is left alone."""
    why = suspended.get(record.environment)
    if why is None:
        return msgspec.structs.replace(record, suspended=None)
    since = record.since if record.state == SUSPENDED else now
    return msgspec.structs.replace(record, suspended=why, state=SUSPENDED, since=since, failure=None, sinks=())


def _unknown(name: str) -> EnvironmentRecord:
    return EnvironmentRecord(name)
