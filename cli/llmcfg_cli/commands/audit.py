"""`llmcfg audit init|show|export`: who did what here, on record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import UsageError
from llmcfg_cli.auditing import audit_at, begun_audit
from llmcfg_cli.console import has_colour, note, out, out_bytes, table_width
from llmcfg_cli.declared import option
from llmcfg_cli.options import OUTPUT, Directory, Environments, Quiet, Tenants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.audit.entry import Entry

_SINCE = Annotated[
    str | None,
    option("--since", metavar="TIME", help="Not before this time (ISO 8601, UTC).", show_default="the first entry"),
]
_ACT = Annotated[
    str, option("--act", metavar="ACT", help="Only acts like apply, secret or secret.get.", show_default=False)
]
_ACTOR = Annotated[
    str, option("--actor", metavar="TEXT", help="Only by those with this in their name.", show_default=False)
]


def init(
    directory: Directory = Path(),
    key: Annotated[
        Path | None,
        option(
            "--key", metavar="FILE", help="Sign checkpoints with this Ed25519 private key.", show_default="not signed"
        ),
    ] = None,
    keep_days: Annotated[
        int | None,
        option("--keep-days", metavar="DAYS", min=1, help="How long entries are kept.", show_default="365"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Record from now on who does what in this clone, before it is done. Once more, change how it is recorded.

    What cannot be recorded is refused with 5.
    """
    from llmcfg.audit.beginning import begin
    from llmcfg.clock import now

    place = audit_at(directory)
    settings = begin(place.root, place.repository, place.who, now, key=key, keep_days=keep_days)
    signed = "checkpoints are signed" if settings.key else "checkpoints are not signed"
    note(f"acts are recorded in {place.root} and kept for {settings.keep_days} days; {signed}", quiet=quiet)


def show(
    directory: Directory = Path(),
    since: _SINCE = None,
    act: _ACT = "",
    actor: _ACTOR = "",
    environments: Environments = None,
    tenants: Tenants = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
) -> None:
    """Show what was done, by whom, and what came of it, oldest first."""
    from llmcfg_cli.views.audit import view_entries

    entries = _entries(directory, since, act, actor, environments, tenants)
    out(view_entries(entries, output, colour=has_colour(), width=table_width()))


def export(
    directory: Directory = Path(),
    since: _SINCE = None,
    act: _ACT = "",
    actor: _ACTOR = "",
    environments: Environments = None,
    tenants: Tenants = None,
    output: Annotated[Literal["jsonl", "csv"], OUTPUT] = "jsonl",
) -> None:
    """Print entries for other programs, oldest first: as the lines that they are, or as a table for spreadsheets."""
    from llmcfg.audit.exporting import export_entries

    for line in export_entries(_entries(directory, since, act, actor, environments, tenants), output):
        out_bytes(line)


def _entries(
    directory: Path, since: str | None, act: str, actor: str, environments: list[str] | None, tenants: list[str] | None
) -> Iterator[Entry]:
    from llmcfg.audit.reading import Wanted, choose_logs, find_entries

    place, _ = begun_audit(directory)
    wanted = Wanted(_time(since) if since else "", act, actor, tuple(environments or ()))
    return find_entries(choose_logs(place.root, tenants or ()), wanted)


def _time(text: str) -> str:
    """As entries have it. Raises UsageError."""
    from datetime import UTC, datetime

    from llmcfg.audit.entry import time_text

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time", hint="write it as 2026-01-31 or 2026-01-31T09:00Z") from None
    return time_text(found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC))
