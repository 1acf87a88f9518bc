"""`llmcfg status`: what is deployed, pending and drifted; and what the daemon knows."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from llmcfg.errors import NotFoundError, UsageError
from llmcfg_cli.console import has_colour, note, out, progress, table_width
from llmcfg_cli.declared import option
from llmcfg_cli.options import (
    DIFFERENCES,
    OUTPUT,
    DeliverTo,
    Directory,
    Environments,
    ExitCode,
    Quiet,
    SettingsFile,
    StateDir,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.settings import Settings
    from llmcfg.sinks.acknowledgements import Heard
    from llmcfg.sync.records import StatusRecord
    from llmcfg.sync.status import Status
    from llmcfg.wiring import Workspace

_LOOK_SECONDS = 0.5
_DIFFERING_SHOWN = 5  # paths of a sink
_CLEAR = "\x1b[H\x1b[2J"


def status(
    directory: Directory = Path(),
    environments: Environments = None,
    deliver_to: DeliverTo = None,
    settings_file: SettingsFile = None,
    state: StateDir = None,
    watch: Annotated[
        bool, option("--watch", help="Show it again whenever it changes, until interrupted.", show_default=False)
    ] = False,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    exit_code: ExitCode = False,
    quiet: Quiet = False,
) -> int:
    """Show for each environment what it should run, what it runs, and whether what was delivered is still what was deployed.

    With --state, or settings that name a remote, it shows what `llmcfg sync` knew when it last wrote: failures with their kind and next
    try, what is held, dead letters, and what programs said of their bundles.

    Exits with 10 when a deployed branch was not written by llmcfg or is damaged; with --exit-code, 3 when anything is pending or drifted.
    """
    from llmcfg_cli.settings import read_settings

    settings = read_settings(settings_file)
    if state is not None or settings.state is not None or settings.remote is not None:
        return _known(directory, settings, state, environments, output, is_watching=watch, exit_code=exit_code)
    if watch:
        raise UsageError(
            "--watch shows what a daemon knows", hint="name its folder with --state DIR, or --settings FILE"
        )
    return _live(directory, environments, deliver_to, settings_file, output, exit_code=exit_code, quiet=quiet)


def _known(
    directory: Path,
    settings: Settings,
    state: Path | None,
    environments: list[str] | None,
    output: Literal["table", "json"],
    *,
    is_watching: bool,
    exit_code: bool,
) -> int:
    """What the daemon of a state folder wrote down."""
    from dataclasses import replace

    from llmcfg.daemon.session import find_state

    folder = find_state(directory, replace(settings, state=state.resolve() if state else settings.state))
    shown = ""
    while True:
        text, found = _view(folder.root, folder.owner(), environments, output)
        if text != shown:
            out(f"{_CLEAR if is_watching and sys.stdout.isatty() else ''}{text}")
            sys.stdout.flush()
            shown = text
        if not is_watching:
            break
        time.sleep(_LOOK_SECONDS)
    return DIFFERENCES if exit_code and any(record.state != "current" for record in found.environments) else 0


def _view(
    root: Path, owner: int | None, environments: list[str] | None, output: Literal["table", "json"]
) -> tuple[str, StatusRecord]:
    import msgspec

    from llmcfg.clock import now
    from llmcfg.sinks.acknowledgements import read_acknowledgements
    from llmcfg.sync.records import read_status, to_builtins
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.sync import view_acknowledgements, view_status

    found = read_status(root)
    if found is None:
        raise NotFoundError(
            f"no llmcfg sync has written to {root} yet", hint="start one: llmcfg sync, or llmcfg sync --once"
        )
    chosen = tuple(one for one in found.environments if not environments or one.environment in environments)
    found = msgspec.structs.replace(found, environments=chosen)
    heard = {
        one.environment: [
            said for sink in one.sinks if sink.folder for said in read_acknowledgements(Path(sink.folder))
        ]
        for one in chosen
    }
    if output == "json":
        payload = {key: value for key, value in to_builtins(found).items() if key not in ("apiVersion", "kind")}
        acknowledgements = {name: [_said(one) for one in said] for name, said in heard.items()}
        return to_json("SyncStatus", {**payload, "daemon": owner, "acknowledgements": acknowledgements}), found
    parts = [view_status(found, now(), colour=has_colour(), width=table_width()), view_acknowledgements(heard)]
    parts += (
        [f"no daemon runs here; this was written at {found.at:%Y-%m-%d %H:%M:%S}"] if owner is None and found.at else []
    )
    return "\n".join(part for part in parts if part), found


def _said(heard: Heard) -> dict[str, Any]:
    return {**heard._asdict(), "at": heard.at.isoformat()}


def _live(
    directory: Path,
    environments: list[str] | None,
    deliver_to: Path | None,
    settings_file: Path | None,
    output: Literal["table", "json"],
    *,
    exit_code: bool,
    quiet: bool,
) -> int:
    """What a look at repository and sinks shows now."""
    from llmcfg.errors import IntegrityError
    from llmcfg.sinks.acknowledgements import read_acknowledgements
    from llmcfg_cli.settings import open_workspace
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.sync import view_acknowledgements
    from llmcfg_cli.views.tables import table

    workspace = open_workspace(directory, deliver_to, settings_file, cache=True)
    for name in environments or ():
        workspace.configuration("HEAD").scope(name, None)
    with progress("looking", workspace.memo.progress, quiet=quiet):
        found = workspace.statuses(environments or ())
    _note_missing_trust(workspace, quiet=quiet)
    heard = {
        item.environment: [
            said
            for delivery in item.deliveries
            if delivery.sink.folder
            for said in read_acknowledgements(delivery.sink.folder)
        ]
        for item in found
    }
    if output == "json":
        out(to_json("Status", {"items": [_payload(item, heard[item.environment]) for item in found]}))
    else:
        rows = [(item.environment, item.state, _wanted(item), _deployed(item), _details(item)) for item in found]
        out(table(("ENVIRONMENT", "STATE", "WANTED", "DEPLOYED", "DETAILS"), rows, colour=has_colour()))
        out(view_acknowledgements(heard))
        _note_differences(found, quiet=quiet)
    if any(item.damaged for item in found):
        return IntegrityError.exit_code
    return DIFFERENCES if exit_code and any(item.state != "current" for item in found) else 0


def _note_missing_trust(workspace: Workspace, *, quiet: bool) -> None:
    """Say that nothing is deployed from here, where the repository asks for a root of trust and there is none."""
    from llmcfg.errors import IntegrityError

    try:
        workspace.require_trust(workspace.configuration("HEAD"))
    except IntegrityError as error:
        note(f"nothing can be deployed from here: {error.message}; {error.hint}", quiet=quiet)


def _note_differences(found: Sequence[Status], *, quiet: bool) -> None:
    from llmcfg_cli.views.text import visible

    for item in found:
        for delivery in item.deliveries:
            sink, paths = visible(delivery.sink.name), delivery.differing
            for path in paths[:_DIFFERING_SHOWN]:
                note(f"{item.environment}: {sink} differs in {visible(path)}", quiet=quiet)
            rest = len(paths) - _DIFFERING_SHOWN
            if rest > 0:
                note(f"{item.environment}: {sink} differs in {rest:,} more", quiet=quiet)


def _wanted(status: Status) -> str:
    return f"{status.wanted.name} {status.wanted.short}" if status.wanted else "-"


def _deployed(status: Status) -> str:
    return f"{status.deployed.source[:10]} {status.deployed.when:%Y-%m-%d %H:%M}" if status.deployed else "-"


def _details(status: Status) -> str:
    from llmcfg_cli.views.text import plural

    parts = [status.trouble] if status.trouble else []
    if status.pending and status.deployed:
        parts.append(f"{plural(status.pending, 'bundle')} to change")
    differing = sum(len(delivery.differing) for delivery in status.deliveries)
    if differing:
        verb = "differs" if differing == 1 else "differ"
        parts.append(f"{plural(differing, 'file')} {verb} from what was deployed")
    if status.deployed and status.deployed.rolled_back_from:
        parts.append(f"rolled back from {status.deployed.rolled_back_from[:10]}")
    return "; ".join(parts)


def _payload(status: Status, heard: Sequence[Heard]) -> dict[str, Any]:
    deployed = status.deployed
    return {
        "environment": status.environment,
        "state": status.state,
        "wanted": None if status.wanted is None else {"name": status.wanted.name, "commit": status.wanted.commit},
        "deployed": None
        if deployed is None
        else {
            "commit": deployed.commit,
            "source": deployed.source,
            "root": f"sha256:{deployed.root}",
            "when": deployed.when.isoformat(),
            "by": deployed.by,
            "rolledBackFrom": deployed.rolled_back_from,
            "quarantined": sorted(deployed.quarantined),
        },
        "pending": status.pending,
        "trouble": status.trouble,
        "sinks": [
            {"name": delivery.sink.name, "state": delivery.state, "differing": list(delivery.differing)}
            for delivery in status.deliveries
        ],
        "acknowledgements": [_said(one) for one in heard],
    }
