"""`llmcfg audit init|show|verify|export`: who did what here, on record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmcfg.errors import IntegrityError, NotFoundError, UsageError
from llmcfg_cli.console import has_colour, note, out, out_bytes, table_width
from llmcfg_cli.options import OUTPUT, Directory, Environments, Quiet, Tenants
from llmcfg_cli.views.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.audit.entry import Entry
    from llmcfg.wiring import AuditPlace

_SINCE = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="Not before this time (ISO 8601, UTC).", show_default="the first entry"
    ),
]
_ACT = Annotated[
    str, typer.Option("--act", metavar="ACT", help="Only acts like apply, secret or secret.get.", show_default=False)
]
_ACTOR = Annotated[
    str, typer.Option("--actor", metavar="TEXT", help="Only by those with this in their name.", show_default=False)
]


def init(
    directory: Directory = Path(),
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", help="Sign checkpoints with this Ed25519 private key.", show_default="not signed"
        ),
    ] = None,
    keep_days: Annotated[
        int | None,
        typer.Option("--keep-days", metavar="DAYS", min=1, help="How long entries are kept.", show_default="365"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Record from now on who does what in this clone, before it is done. Once more, change how it is recorded.

    What cannot be recorded is refused with 5.
    """
    from llmcfg.audit.beginning import begin
    from llmcfg.clock import now

    place = _place(directory)
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


def verify(
    directory: Directory = Path(), output: Annotated[Literal["table", "json"], OUTPUT] = "table", quiet: Quiet = False
) -> None:
    """Check every entry of every log, their order, and that the logs go as far as their checkpoints in Git.

    Exits with 10 when something was changed, cut or put in the place of something older, and names the entry.
    """
    from llmcfg.audit.verify import check_logs
    from llmcfg_cli.views.audit import view_checked

    place = _begun(directory)
    checked = check_logs(place.root, place.repository)
    if not quiet or output == "json":
        out(view_checked(checked, output, colour=has_colour()))
    count = sum(len(log.problems) for log in checked)
    if count:
        raise IntegrityError(
            f"the audit log is not as it was written: {plural(count, 'problem')}",
            hint="keep it as it is, and compare it with a backup",
        )


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

    place = _begun(directory)
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


def _begun(directory: Path) -> AuditPlace:
    from llmcfg.audit.settings import read_audit_settings

    place = _place(directory)
    if read_audit_settings(place.root) is None:
        raise NotFoundError(f"nothing is recorded in {place.repository}", hint="begin with llmcfg audit init")
    return place


def _place(directory: Path) -> AuditPlace:
    from llmcfg.git.repository import open_repository
    from llmcfg.wiring import audit_place

    return audit_place(open_repository(directory))
