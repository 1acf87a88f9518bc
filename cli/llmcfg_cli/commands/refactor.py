"""`llmcfg refactor`: write a configuration otherwise, and prove that it says the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg_cli.console import has_colour, note, out, progress
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import OUTPUT, Directory, Key, NoCache, Quiet

if TYPE_CHECKING:
    from llmcfg.refactor.refactoring import Refactoring
    from llmcfg.wiring import Workspace

DryRun = Annotated[bool, option("--dry-run", help="Show the patch, and write nothing.", show_default=False)]
Form = Annotated[Literal["table", "json"], OUTPUT]


def move(
    key: Key,
    new: Annotated[
        str,
        argument(metavar="NEW", help="Its new key path.", completes="keys", show_default=False),
    ],
    directory: Directory = Path(),
    dry_run: DryRun = False,
    output: Form = "table",
    quiet: Quiet = False,
    no_cache: NoCache = False,
) -> None:
    """Give a key another path in every layer, and in all that names it: references, patterns, selections, schemas, templates.

    Comments and layout stay. Before anything is written, every value, rendered file and secret of every environment, tenant and consumer
    is compared with what it was; if anything but the key's path would change, nothing is written.
    """
    from llmcfg.clock import now
    from llmcfg.model.keypath import parse_key_path
    from llmcfg.refactor.refactoring import move as refactor
    from llmcfg_cli.settings import cached_workspace

    old_path, new_path = parse_key_path(key), parse_key_path(new)
    workspace = cached_workspace(directory, cache=not no_cache)
    with progress("proving", workspace.memo.progress, quiet=quiet):
        made = refactor(workspace.configuration(), old_path, new_path, now().date())
    _finish(workspace, made, output, dry_run=dry_run, quiet=quiet)


def split(
    file: Annotated[str, argument(metavar="FILE", help="A document, or one of its files, such as base/limits.yaml.")],
    directory: Directory = Path(),
    dry_run: DryRun = False,
    output: Form = "table",
    quiet: Quiet = False,
    no_cache: NoCache = False,
) -> None:
    """Split a document into one for each of its mappings, in every layer. No key changes, since the path is the key.

    What is no mapping everywhere stays where it is. It is proved as `refactor mv` proves it.
    """
    from llmcfg.clock import now
    from llmcfg.refactor.refactoring import split as refactor
    from llmcfg_cli.settings import cached_workspace

    workspace = cached_workspace(directory, cache=not no_cache)
    with progress("proving", workspace.memo.progress, quiet=quiet):
        made = refactor(workspace.configuration(), file, now().date())
    _finish(workspace, made, output, dry_run=dry_run, quiet=quiet)


def _finish(workspace: Workspace, made: Refactoring, output: str, *, dry_run: bool, quiet: bool) -> None:
    from llmcfg.refactor.refactoring import write_refactoring
    from llmcfg_cli.views.refactor import proved_text, view_patch, view_refactoring

    if not dry_run:
        write_refactoring(workspace.work_folder, made)
    is_patch = dry_run and output == "table"
    out(view_patch(made, colour=has_colour()) if is_patch else view_refactoring(made, output, is_written=not dry_run))
    note(proved_text(made, is_written=not dry_run), quiet=quiet)
