"""What sync knows and does, as text: a table of environments, and one line for an event."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import plural, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from llmcfg.sinks.acknowledgements import Heard
    from llmcfg.sync.events import Event
    from llmcfg.sync.records import EnvironmentRecord, FailureRecord, StatusRecord

_DATA: Final = frozenset(["event", "environment", "at"])
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def view_status(status: StatusRecord, now: datetime, *, colour: bool = False, width: int | None = None) -> str:
    """The environments, and beneath them what concerns all of them."""
    rows = [
        (
            record.environment,
            record.state,
            _wanted(record),
            _deployed(record),
            _ago(record.since, now),
            _details(record, now),
        )
        for record in status.environments
    ]
    lines = [
        table(("ENVIRONMENT", "STATE", "WANTED", "DEPLOYED", "SINCE", "DETAILS"), rows, colour=colour, width=width)
    ]
    if status.failure:
        lines.append(f"fetch: {_failure(status.failure, now)}")
    lines += [f"held: {visible(held.message)}" for held in status.held]
    return "\n".join(line for line in lines if line)


def view_acknowledgements(heard: Mapping[str, Sequence[Heard]]) -> str:
    """What programs refused, and how many took what is current; nothing where none said anything."""
    lines = []
    for environment, said in heard.items():
        counts = Counter(one.verdict for one in said)
        if counts:
            shown = ", ".join(
                f"{counts[verdict]} {verdict}" for verdict in ("accepted", "refused", "behind") if counts[verdict]
            )
            lines.append(f"{environment}: programs: {shown}")
        lines += [
            visible(f"{environment}: {one.bundle} {one.instance} refuses it: {one.reason or 'it does not say why'}")
            for one in said
            if one.verdict == "refused"
        ]
    return "\n".join(lines)


def event_line(event: Event, *, is_human: bool) -> str:
    """One line of JSON for programs; words for people."""
    if not is_human:
        return json.dumps(event, ensure_ascii=True, sort_keys=False)
    where = f"{event['environment']}: " if "environment" in event else ""
    said = event.get("message") or " ".join(
        f"{key} {value}" for key, value in event.items() if key not in _DATA and value is not None
    )
    return visible(f"{where}{event['event']} {said}")


def _wanted(record: EnvironmentRecord) -> str:
    return f"{record.wanted.name} {record.wanted.commit[:10]}" if record.wanted else "-"


def _deployed(record: EnvironmentRecord) -> str:
    return f"{record.deployed.source[:10]} {record.deployed.when:%Y-%m-%d %H:%M}" if record.deployed else "-"


def _details(record: EnvironmentRecord, now: datetime) -> str:
    parts = [record.suspended] if record.suspended else []
    parts += [_failure(record.failure, now)] if record.failure else []
    parts += [_failure(sink.failure, now) for sink in record.sinks if sink.failure]
    if record.deployed and record.deployed.rolled_back_from:
        parts.append(f"rolled back from {record.deployed.rolled_back_from[:10]}")
    return "; ".join(parts)


def _failure(failure: FailureRecord, now: datetime) -> str:
    tries = f", {plural(failure.attempts, 'attempt')}" if failure.attempts > 1 else ""
    next_try = f", next try in {_span(failure.next_try - now)}" if failure.next_try else ""
    return visible(f"{failure.step} {failure.kind}{tries}{next_try}: {failure.message}")


def _ago(since: datetime | None, now: datetime) -> str:
    return _span(now - since) if since else "-"


def _span(span: timedelta) -> str:
    """A length of time in its two largest units."""
    rest, parts = max(int(span.total_seconds()), 0), []
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
