"""`llmcfg sync`: keep environments at what they track."""

from __future__ import annotations

import os
import random
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg_cli.console import has_colour, note, out, progress, table_width
from llmcfg_cli.declared import option
from llmcfg_cli.options import OUTPUT, DeliverTo, Directory, Environments, Quiet, SettingsFile, StateDir

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.daemon.session import Session
    from llmcfg.daemon.state import StateFolder
    from llmcfg.model.settings import Settings
    from llmcfg.sync.events import Event
    from llmcfg.sync.records import StatusRecord

INTERRUPTED = 130


def run(
    directory: Directory = Path(),
    settings_file: SettingsFile = None,
    once: Annotated[bool, option("--once", help="Make one pass and end.", show_default=False)] = False,
    remote: Annotated[
        str | None,
        option("--remote", metavar="URL", help="The repository to follow.", show_default="the local one"),
    ] = None,
    branch: Annotated[
        str | None,
        option("--branch", metavar="NAME", help="The branch whose manifest counts.", show_default="the main one"),
    ] = None,
    deployed: Annotated[
        Literal["remote", "local"] | None,
        option("--deployed", help="Where the deployed branches live.", show_default="remote"),
    ] = None,
    state: StateDir = None,
    environments: Environments = None,
    deliver_to: DeliverTo = None,
    poll: Annotated[
        float | None,
        option("--poll", metavar="SECONDS", min=1, help="Between passes when nothing happens.", show_default="60"),
    ] = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    quiet: Quiet = False,
) -> int:
    """Bring every environment to what it tracks, deliver it, and go on doing so.

    A pass fetches and verifies, and for each environment builds, observes, plans, acts and records. What goes wrong is told with its
    kind: stalled needs a person, waiting and retry go on by themselves; the last good state stays where it is. With --once the exit code
    is that of the failure which most needs a person.
    """
    from llmcfg.daemon.session import find_state, open_session
    from llmcfg_cli.settings import read_settings, surroundings, with_options

    def settings() -> Settings:
        return with_options(
            read_settings(settings_file),
            remote=remote,
            branch=branch,
            state=state,
            deliver_to=deliver_to,
            deployed=deployed,
            environments=environments,
            poll=poll,
        )

    chosen = settings()
    folder = find_state(directory, chosen)
    with folder.own():
        if once:
            return _once(open_session(directory, chosen, folder, surroundings()), output, quiet=quiet)
        return _follow(chosen, folder, directory.resolve(), settings, quiet=quiet)


def _follow(
    settings: Settings, state: StateFolder, directory: Path, reload: Callable[[], Settings], *, quiet: bool
) -> int:
    """Until a signal ends it: 0 when a supervisor ends it, 130 when somebody at the keyboard does."""
    import asyncio

    from llmcfg.clock import now
    from llmcfg.daemon.supervisor import Outside, Supervisor
    from llmcfg.notify import notifier_of
    from llmcfg_cli.settings import surroundings

    outside = Outside(
        directory=directory,
        surroundings=surroundings(),
        failpoints=os.environ.get("LLMCFG_FAILPOINTS", ""),
        notifier=notifier_of(os.environ, os.getpid()),
        now=now,
        random=random.Random(),
        log=lambda event: write_event(event, now(), quiet=quiet),
        reload=reload,
    )
    ended = asyncio.run(Supervisor(settings, state, outside).run())
    return INTERRUPTED if ended is signal.SIGINT else 0


def _once(session: Session, output: Literal["table", "json"], *, quiet: bool) -> int:
    from llmcfg.clock import now
    from llmcfg.daemon.session import pass_once
    from llmcfg.secrets.held import read_with
    from llmcfg.sync.failures import gravest
    from llmcfg.sync.ledger import failures_of
    from llmcfg_cli.identities import own_identities

    label = "syncing"

    def tell(step: object, environment: str) -> None:
        nonlocal label
        label = f"{environment} {step}" if environment else str(step)

    with progress(lambda: label, session.workspace.memo.progress, quiet=quiet):
        status, events = pass_once(
            session, session.workspace.sink, read_with(own_identities), tell, now, random.Random(), os.getpid()
        )
    for event in events:
        write_event(event, now(), quiet=quiet)
    show_status(status, output)
    chosen = session.settings.environments or [record.environment for record in status.environments]
    return gravest(failure.exit_code for failure in failures_of(status, chosen))


def show_status(status: StatusRecord, output: Literal["table", "json"]) -> None:
    from llmcfg.clock import now
    from llmcfg.sync.records import to_builtins
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.sync import view_status

    if output == "json":
        payload = to_builtins(status)
        out(to_json("SyncStatus", {key: value for key, value in payload.items() if key not in ("apiVersion", "kind")}))
    else:
        out(view_status(status, now(), colour=has_colour(), width=table_width()))


def write_event(event: Event, at: datetime, *, quiet: bool = False) -> None:
    """On stderr: a line of words on a terminal, a line of JSON anywhere else."""
    from llmcfg_cli.views.sync import event_line

    is_human = sys.stderr.isatty()
    stamped = event if is_human else {"at": at.isoformat(timespec="milliseconds"), **event}
    note(event_line(stamped, is_human=is_human), quiet=quiet)
