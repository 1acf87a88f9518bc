"""`llmcfg secret recipients sync`: who can open the secret files is what .sops.yaml says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import LlmcfgError, PartlyAppliedError, UsageError
from llmcfg.git.committing import commit as commit_files
from llmcfg.git.committing import uncommitted
from llmcfg_cli.commands.validate import is_below
from llmcfg_cli.console import ask, has_colour, note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import DIFFERENCES, OUTPUT, Directory, Quiet, Yes
from llmcfg_cli.views.text import plural

if TYPE_CHECKING:
    from llmcfg.custody.recipients import SyncPlan
    from llmcfg.git.program import Git


def sync(
    paths: Annotated[
        list[Path] | None,
        argument(metavar="[PATHS]", help="Only these files and folders.", show_default=False),
    ] = None,
    directory: Directory = Path(),
    check: Annotated[
        bool, option("--check", help="Change nothing; exit with 3 when something differs.", show_default=False)
    ] = False,
    no_commit: Annotated[
        bool, option("--no-commit", help="Leave the changes in the work tree.", show_default=False)
    ] = False,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    yes: Yes = False,
    quiet: Quiet = False,
) -> int:
    """Give every secret file exactly the recipients, key groups and threshold that its rule in .sops.yaml says.

    Shows what changes, asks, writes all files or none, and commits them, with .sops.yaml if it was changed. A recipient that only comes
    needs no other change; when one goes, the file gets a new data key. The plan and --check need no key.
    """
    from llmcfg.custody.recipients import plan_sync, synced_files
    from llmcfg_cli.identities import own_identities
    from llmcfg_cli.settings import reading_workspace
    from llmcfg_cli.views.recipients import view_sync

    workspace = reading_workspace(directory)
    custody = workspace.custody(own_identities)
    named = [path for path in paths or () if not (path.is_dir() or (directory / path).is_dir())]
    plan = plan_sync(
        custody.configuration,
        is_chosen=lambda file: is_below(file, paths, directory, custody.root),
        is_named=lambda file: bool(named) and is_below(file, named, directory, custody.root),
    )
    out(view_sync(plan, output, colour=has_colour()))
    if check:
        return DIFFERENCES if plan.has_differences else 0
    _refuse(plan)
    if not plan.has_differences:
        note("every secret file that says who can open it is in step", quiet=quiet or output != "table")
        return 0
    files = [one.file for one in plan.of("differs")]
    git = workspace.git(os.environ)
    committed = _files_to_commit(git, files) if not no_commit else []
    if not (yes or ask(f"change {plural(len(files), 'file')}?")):
        note("nothing was changed")
        return UsageError.exit_code
    with custody.writing():
        custody.write(synced_files(custody, plan))
    if not no_commit:
        note(f"committed as {_commit(git, committed, plan)[:10]}: {', '.join(committed)}", quiet=quiet)
    _remind(plan, quiet=quiet)
    return 0


def _refuse(plan: SyncPlan) -> None:
    refused = plan.of("refused")
    if refused:
        names = ", ".join(one.file for one in refused[:3]) + (", …" if len(refused) > 3 else "")
        raise UsageError(
            f"not every file can be brought in step: {names}", hint="mend these, or name the files that are meant"
        )


def _files_to_commit(git: Git, files: list[str]) -> list[str]:
    """The files, and the rules if they were changed. Raises UsageError for files that have other changes."""
    from llmcfg.secrets.creation import CONFIG

    changed = uncommitted(git, files)
    if changed:
        raise UsageError(
            f"{changed[0]} has changes that are not committed", hint="commit them first, or add --no-commit"
        )
    return [*uncommitted(git, [CONFIG]), *files]


def _commit(git: Git, files: list[str], plan: SyncPlan) -> str:
    try:
        return commit_files(git, files, _message(plan))
    except LlmcfgError as error:
        raise PartlyAppliedError(
            f"the files are written, and not committed: {error.message}",
            hint="commit them yourself, or take them back: git restore .",
        ) from error


def _message(plan: SyncPlan) -> str:
    from llmcfg.custody.recipients import count_by_key

    lines = [f"{key} ({plural(count, 'file')})" for key, count in count_by_key(plan).items()]
    return "\n".join(["secrets: recipients as .sops.yaml says", "", *lines])


def _remind(plan: SyncPlan, *, quiet: bool) -> None:
    gone = sorted({name for one in plan.of("differs") for name in one.change.removed})
    if gone:
        note(
            f"who held {'this key' if len(gone) == 1 else 'one of these keys'} can still open what is in history; "
            f"see what, and mark it for rotation: llmcfg secret revoke {gone[0]}",
            quiet=quiet,
        )
