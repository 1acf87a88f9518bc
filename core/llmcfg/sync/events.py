"""What happened, for a log: one event for each thing that changed, and none for a pass that found everything as it was. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.sync.records import EnvironmentRecord, FailureRecord, PassRecord, StatusRecord

Event = dict[str, Any]


def events_of(before: StatusRecord, after: StatusRecord, found: PassRecord) -> Iterator[Event]:
    """In the order of the steps. Each has `event`, and what it concerns."""
    for accepted in found.accepted:
        yield {
            "event": "accepted",
            "ref": accepted.ref,
            "old": accepted.old,
            "new": accepted.new,
            "commits": accepted.commits,
            "signatures": accepted.signatures,
        }
    known = {held.ref: held for held in before.held}
    for held in after.held:
        if known.get(held.ref) != held:
            yield {"event": "held", "ref": held.ref, "code": held.code, "message": held.message, "hint": held.hint}
    for ref in known.keys() - {held.ref for held in after.held}:
        yield {"event": "released", "ref": ref}
    yield from _failure_events({}, before.failure, after.failure)
    earlier = {record.environment: record for record in before.environments}
    fresh = {record.environment: record for record in found.environments}
    for record in after.environments:
        yield from _environment_events(earlier.get(record.environment), record, fresh.get(record.environment))


def _environment_events(
    before: EnvironmentRecord | None, after: EnvironmentRecord, found: EnvironmentRecord | None
) -> Iterator[Event]:
    where = {"environment": after.environment}
    if found is not None and found.moved and found.deployed and found.wanted:
        yield {
            "event": "deployed",
            **where,
            "revision": found.wanted.name,
            "source": found.deployed.source,
            "commit": found.deployed.commit,
        }
    elif before is not None and before.deployed and after.deployed and before.deployed.commit != after.deployed.commit:
        yield {
            "event": "moved",
            **where,
            "source": after.deployed.source,
            "commit": after.deployed.commit,
            "by": after.deployed.by,
        }
    for sink in found.sinks if found else ():
        if sink.written:
            yield {"event": "delivered", **where, "sink": sink.name, "root": sink.root}
    yield from _failure_events(where, before.failure if before else None, after.failure)
    earlier = {sink.name: sink.failure for sink in before.sinks} if before else {}
    for sink in after.sinks:
        yield from _failure_events({**where, "sink": sink.name}, earlier.get(sink.name), sink.failure)
    if (before.suspended if before else None) != after.suspended:
        yield (
            {"event": "suspended", **where, "why": after.suspended}
            if after.suspended is not None
            else {"event": "resumed", **where}
        )


def _failure_events(where: Event, before: FailureRecord | None, after: FailureRecord | None) -> Iterator[Event]:
    """A failure that lasts is told when it begins, when what it says changes, and when it ends."""
    if after is None:
        if before is not None:
            yield {"event": "recovered", **where, "code": before.code, "attempts": before.attempts}
        return
    if before is not None and (before.code, before.message) == (after.code, after.message):
        return
    yield {
        "event": "failed",
        **where,
        "step": str(after.step),
        "kind": str(after.kind),
        "code": after.code,
        "message": after.message,
        "hint": after.hint,
        "nextTry": after.next_try.isoformat() if after.next_try else None,
    }
