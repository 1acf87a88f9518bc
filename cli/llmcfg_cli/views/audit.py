"""Entries of the audit log, and what a check of it found, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmcfg.audit.entry import Entry
    from llmcfg.audit.proof import Grown, Included
    from llmcfg.audit.verify import Checked


def view_entries(entries: Iterable[Entry], output: Literal["table", "json"], *, colour: bool, width: int | None) -> str:
    """Every entry as JSON. In a table, an act that came to an end is one row, and one that did not shows that it was begun."""
    if output == "json":
        return to_json("AuditEntries", {"items": [_whole(entry) for entry in entries]})
    shown = list(entries)
    ended = {entry.correlation for entry in shown if entry.outcome not in ("begun", "noted")}
    rows = [
        (entry.at, entry.act, entry.subject, _where(entry), entry.user, entry.code or entry.outcome, _facts(entry))
        for entry in shown
        if not entry.correlation or entry.correlation not in ended or entry.outcome not in ("begun", "noted")
    ]
    return table(("TIME", "ACT", "SUBJECT", "WHERE", "USER", "OUTCOME", "FACTS"), rows, colour=colour, width=width)


def view_checked(checked: Sequence[Checked], output: Literal["table", "json"], *, colour: bool) -> str:
    if output == "json":
        return to_json("AuditVerdict", {"logs": [_verdict(log) for log in checked]})
    rows = [
        (log.log, f"{log.size - log.first:,}", f"{log.covered:,}", "sound" if not log.problems else "changed")
        for log in checked
    ]
    problems = [
        f"{problem.log}{'' if problem.number is None else f', entry {problem.number}'}: {visible(problem.message)}"
        for log in checked
        for problem in log.problems
    ]
    return "\n".join([table(("LOG", "ENTRIES", "CHECKPOINT", "VERDICT"), rows, colour=colour), *problems])


def view_included(proved: Included, output: Literal["table", "json"]) -> str:
    checkpoint, entry = proved
    if output == "json":
        return to_json("AuditProved", {"log": checkpoint.log, "size": checkpoint.size, "entry": _whole(entry)})
    words = (entry.at, entry.user, entry.act, entry.subject, _where(entry), entry.code or entry.outcome)
    said = visible(" ".join(filter(None, words)))
    return f"entry {entry.number} is among the first {checkpoint.size:,} of {checkpoint.log}: {said}"


def view_grown(proved: Grown, output: Literal["table", "json"]) -> str:
    checkpoint, since = proved
    if output == "json":
        return to_json("AuditProved", {"log": checkpoint.log, "size": checkpoint.size, "since": since.size})
    return f"{checkpoint.log} grew from {since.size:,} entries to {checkpoint.size:,}, and the first of them are what they were"


def _verdict(log: Checked) -> dict[str, object]:
    problems = [{"entry": problem.number, "message": problem.message} for problem in log.problems]
    return {"log": log.log, "first": log.first, "size": log.size, "checkpoint": log.covered, "problems": problems}


def _whole(entry: Entry) -> dict[str, object]:
    import msgspec

    shown: dict[str, object] = msgspec.to_builtins(entry)
    return shown


def _where(entry: Entry) -> str:
    return "/".join(filter(None, (entry.environment, entry.tenant, entry.consumer)))


def _facts(entry: Entry) -> str:
    said = {"revision": entry.revision, **entry.facts}
    return " ".join(f"{name}={text}" for name, text in said.items() if text)
