"""`llmcfg secret list`: what can be told about secrets without a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg_cli.console import has_colour, note, out, table_width
from llmcfg_cli.options import OUTPUT, Directory, Environment, Quiet, Tenant


def list_secrets(
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    quiet: Quiet = False,
) -> None:
    """List secrets with who can open them, when and by whom each was changed, which consumers use it, and what is due. Needs no key.

    With -e, what that environment sees, for a tenant or for the platform itself; without, what the files of all layers hold, or with -t
    those of that tenant.
    """
    from llmcfg.custody.overview import look_over, secrets_of_layers, secrets_of_scope
    from llmcfg.custody.places import unreadable_files
    from llmcfg.secrets.creation import CONFIG
    from llmcfg.secrets.creation.labels import read_labels
    from llmcfg.secrets.rotations import FILE as ROTATIONS
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.secrets import view_secrets
    from llmcfg_cli.views.text import plural, visible

    with reading(directory, "looking at secret files", quiet=quiet) as workspace:
        configuration = workspace.configuration()
        if environment is None:
            chosen = secrets_of_layers(configuration, tenant)
        else:
            chosen = secrets_of_scope(configuration, configuration.scope(environment, tenant))
        kept = look_over(configuration, workspace.repository, chosen)
    rules = workspace.work_folder / CONFIG
    labels = read_labels(rules.read_bytes()) if rules.is_file() else {}
    out(view_secrets(kept, output, labels, colour=has_colour(), width=table_width()))
    unread = [file for folder in configuration.layout.layers for file in unreadable_files(configuration, folder)]
    if unread:
        note(
            visible(f"left out, since they cannot be read: {', '.join(unread)}; llmcfg validate says why"), quiet=quiet
        )
    waiting = sum("drop" in one.states for one in kept)
    if waiting:
        note(f"{plural(waiting, 'secret')} in drop files; whoever holds a key: llmcfg secret fold", quiet=quiet)
    due = sum("due" in one.states for one in kept)
    if due:
        note(f"{plural(due, 'secret')} due for a new value; {ROTATIONS} says why", quiet=quiet)
