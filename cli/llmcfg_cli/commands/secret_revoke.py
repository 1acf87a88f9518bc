"""`llmcfg secret revoke`: what a key could ever read, and what has to be changed because of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg.errors import ConflictError, UsageError
from llmcfg_cli.console import ask, has_colour, note, out, progress
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, Directory, Quiet, Yes
from llmcfg_cli.views.text import plural


def revoke(
    recipient: Annotated[
        str, argument(metavar="RECIPIENT", help="The public key that no longer counts.", show_default=False)
    ],
    directory: Directory = Path(),
    reason: Annotated[str, option("--reason", metavar="TEXT", help="Why, for rotations.yaml.")] = "",
    dry_run: Annotated[
        bool, option("--dry-run", help="List only, also while the key still counts.", show_default=False)
    ] = False,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    yes: Yes = False,
    quiet: Quiet = False,
) -> int:
    """List every secret that a recipient could read in any commit of any branch or tag, and mark those that are there for rotation.

    Needs no key. Take the recipient out of .sops.yaml first, and run llmcfg secret recipients sync; until then it exits with 6. The marks
    are in rotations.yaml: validate warns of each until the secret gets a new value.
    """
    from llmcfg.clock import now
    from llmcfg.custody.revocation import due_now, find_readable, still_open
    from llmcfg.secrets.rotations import FILE, with_marked
    from llmcfg_cli.settings import reading_workspace
    from llmcfg_cli.views.revocation import view_readable

    name = _parsed(recipient)
    workspace = reading_workspace(directory)
    configuration = workspace.configuration()
    if not dry_run:
        _refuse_while_open(still_open(configuration, name))
    with progress("looking back", quiet=quiet):
        look = find_readable(workspace.repository, name)
    out(view_readable(look, output, colour=has_colour()))
    if not look.is_whole:
        note("warning: some of the history is not here, and may hold more: git fetch --unshallow --tags")
    if not look.found:
        note(f"it could read nothing in {plural(look.commits, 'commit')}", quiet=quiet)
    due = due_now(configuration, look.found, name, f"{now():%Y-%m-%d}", reason)
    if dry_run or not due:
        return 0
    if not (yes or ask(f"mark {plural(len(due), 'secret')} for rotation?")):
        note("nothing was marked")
        return UsageError.exit_code
    custody = workspace.custody(list)
    with custody.writing():
        content = custody.read(FILE) if custody.has(FILE) else None
        custody.write({FILE: with_marked(content, due)})
    note(f"{plural(len(due), 'secret')} in {FILE}; commit it, and give each a new value", quiet=quiet)
    return 0


def _parsed(recipient: str) -> str:
    """The recipient as it is written in files. Raises UsageError for what is none."""
    from llmcfg.secrets.age.recipients import needed_plugin, parse_recipient

    return recipient.strip() if needed_plugin(recipient) else parse_recipient(recipient).text


def _refuse_while_open(places: tuple[str, ...]) -> None:
    from llmcfg.secrets.creation import CONFIG

    if CONFIG in places:
        raise ConflictError(
            f"{CONFIG} still names this recipient",
            hint="take it out, and run llmcfg secret recipients sync; --dry-run lists what it can read",
        )
    if places:
        raise ConflictError(
            f"this recipient can still open {places[0]}" + (f" and {len(places) - 1} more" if places[1:] else ""),
            hint="llmcfg secret recipients sync",
        )
