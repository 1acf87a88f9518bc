"""`llmcfg rollback`: go back to what was deployed before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from llmcfg.errors import UsageError
from llmcfg_cli.commands.apply import report_applied
from llmcfg_cli.console import ask, confirm_environment, has_colour, note, out, progress, table_width
from llmcfg_cli.declared import option
from llmcfg_cli.options import (
    DeliverTo,
    Directory,
    LockTimeout,
    Quiet,
    RequiredEnvironment,
    SettingsFile,
    SigningKeys,
    SigningRoot,
    Unsigned,
    Yes,
)
from llmcfg_cli.recording import account


def rollback(
    environment: RequiredEnvironment,
    directory: Directory = Path(),
    to: Annotated[
        str | None,
        option(
            "--to",
            metavar="REV",
            help="A tag, revision or time that ran before.",
            completes="revisions",
            show_default="the state before this one",
        ),
    ] = None,
    deliver_to: DeliverTo = None,
    settings_file: SettingsFile = None,
    signing_keys: SigningKeys = None,
    root: SigningRoot = None,
    unsigned: Unsigned = False,
    dry_run: Annotated[bool, option("--dry-run", help="Show what would change and stop.", show_default=False)] = False,
    lock_timeout: LockTimeout = 10,
    yes: Yes = False,
    quiet: Quiet = False,
) -> int:
    """Deploy an earlier state of an environment again, and quarantine the revision that is left.

    A quarantined revision is not deployed again until a newer one comes or somebody lifts it (apply --lift-quarantine). The history of
    deployed/ENV only grows.
    """
    from llmcfg.sync.act import plan_rollback
    from llmcfg.sync.act import rollback as act
    from llmcfg.sync.deployed import read_deployed
    from llmcfg_cli.settings import open_workspace
    from llmcfg_cli.views.plan import view_rollback

    workspace = open_workspace(directory, deliver_to, settings_file, cache=True, signing_keys=signing_keys, root=root)
    publisher = None if unsigned else workspace.publisher()
    repository = workspace.repository
    with progress("planning", workspace.memo.progress, quiet=quiet):
        if read_deployed(repository, environment) is None:
            workspace.configuration("HEAD").scope(environment, None)
        plan = plan_rollback(repository, workspace.configuration_at, environment, to, workspace.sink)
    if not quiet or dry_run:
        out(view_rollback(plan, colour=has_colour(), width=table_width()))
    if dry_run:
        return 0
    if not (yes or (confirm_environment(environment) if plan.protected else ask(f"roll {environment} back?"))):
        note("nothing was changed")
        return UsageError.exit_code
    repository.lock_seconds = lock_timeout
    account().note(source=plan.target.source, left=plan.current.source)
    with progress("rolling back", workspace.memo.progress, quiet=quiet):
        applied = act(plan, repository, actor=repository.identity, publisher=publisher, unsigned=unsigned)
    report_applied(applied, quiet=quiet)
    if applied.commit:
        note(f"{plan.current.source[:10]} is quarantined in {environment}", quiet=quiet)
    return 0
