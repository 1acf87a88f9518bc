"""`llmcfg status`: what is deployed, pending and drifted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from llmcfg_cli.console import has_colour, note, out, progress
from llmcfg_cli.options import OUTPUT, DeliverTo, Directory, Environments, ExitCode, Quiet

if TYPE_CHECKING:
    from llmcfg.sync.status import Status

DIFFERENCES = 3


def status(
    directory: Directory = Path(),
    environments: Environments = None,
    deliver_to: DeliverTo = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    exit_code: ExitCode = False,
    quiet: Quiet = False,
) -> int:
    """Show for each environment what it should run, what it runs, and whether what was delivered is still what was deployed.

    Exits with 10 when a deployed branch was not written by llmcfg or is damaged; with --exit-code, 3 when anything is pending or drifted.
    """
    from llmcfg.errors import IntegrityError
    from llmcfg.wiring import Workspace
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.tables import table
    from llmcfg_cli.views.text import visible

    workspace = Workspace(directory, deliver_to)
    for name in environments or ():
        workspace.configuration("HEAD").scope(name, None)
    with progress("looking", quiet=quiet):
        found = workspace.statuses(environments or ())
    if output == "json":
        out(to_json("Status", {"items": [_payload(item) for item in found]}))
    else:
        rows = [(item.environment, item.state, _wanted(item), _deployed(item), _details(item)) for item in found]
        out(table(("ENVIRONMENT", "STATE", "WANTED", "DEPLOYED", "DETAILS"), rows, colour=has_colour()))
        for item in found:
            for delivery in item.deliveries:
                for path in delivery.differing[:5]:
                    note(f"{item.environment}: {visible(delivery.sink.name)} differs in {visible(path)}", quiet=quiet)
    if any(item.damaged for item in found):
        return IntegrityError.exit_code
    return DIFFERENCES if exit_code and any(item.state != "current" for item in found) else 0


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


def _payload(status: Status) -> dict[str, Any]:
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
    }
