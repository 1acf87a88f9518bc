"""`llmcfg apply`: deploy an environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg.errors import UsageError
from llmcfg_cli.commands.plan import note_gates, say_uncommitted
from llmcfg_cli.console import ask, confirm_environment, has_colour, note, out, progress, table_width
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import (
    At,
    DeliverTo,
    Directory,
    Environment,
    ExplainCache,
    LockTimeout,
    NoCache,
    Quiet,
    SettingsFile,
    SigningKeys,
    SigningRoot,
    Unsigned,
    Yes,
)
from llmcfg_cli.recording import account

if TYPE_CHECKING:
    from llmcfg.sync.act import Applied


def apply(
    plan_file: Annotated[
        Path | None,
        argument(
            metavar="[PLAN]",
            help="A saved plan: do exactly that, or refuse.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    environment: Environment = None,
    directory: Directory = Path(),
    at: At = None,
    deliver_to: DeliverTo = None,
    settings_file: SettingsFile = None,
    signing_keys: SigningKeys = None,
    root: SigningRoot = None,
    unsigned: Unsigned = False,
    dry_run: Annotated[bool, option("--dry-run", help="Show the plan and stop.", show_default=False)] = False,
    lift_quarantine: Annotated[
        bool, option("--lift-quarantine", help="Deploy a revision that was rolled back.", show_default=False)
    ] = False,
    during_freeze: Annotated[
        str,
        option(
            "--during-freeze",
            metavar="REASON",
            help="Deploy although the environment is frozen; the deployed branch keeps the reason.",
            show_default=False,
        ),
    ] = "",
    lock_timeout: LockTimeout = 10,
    yes: Yes = False,
    quiet: Quiet = False,
    no_cache: NoCache = False,
    explain_cache: ExplainCache = False,
) -> int:
    """Build an environment, show what changes, ask, and deploy it.

    The secrets are sealed to their consumers, the bundles become a commit on the branch deployed/ENV, by compare-and-swap, and are
    delivered to the sinks. With a signing key, each bundle is signed first. A protected environment asks for its name. Applying again
    changes nothing. Exits with 5 without a key that opens the secret files or signs, 6 when a saved plan is stale or another apply was
    first, 8 while the environment is frozen, 9 when the commit was made but a sink could not be written.
    """
    from llmcfg.clock import now
    from llmcfg.secrets.held import read_with
    from llmcfg.sync.act import apply as act
    from llmcfg.sync.plan import make_plan, refuse_frozen, refuse_gated, refuse_quarantined
    from llmcfg.sync.planfile import check_saved, read_plan
    from llmcfg_cli.identities import own_identities
    from llmcfg_cli.settings import note_redone, open_workspace
    from llmcfg_cli.unchanged import question_of, remember_plan
    from llmcfg_cli.views.plan import view_plan

    is_special = plan_file or at or settings_file or signing_keys or unsigned or no_cache or explain_cache
    question = None if is_special else question_of(sys.argv[1:])
    if (plan_file is None) == (environment is None):
        raise UsageError("say what to apply", hint="either -e ENV, or a plan file")
    saved = read_plan(plan_file.read_bytes()) if plan_file else None
    name = saved.environment if saved else str(environment)
    workspace = open_workspace(
        directory, deliver_to, settings_file, cache=not no_cache, signing_keys=signing_keys, root=root
    )
    publisher = None if unsigned else workspace.publisher()
    with progress("planning", workspace.memo.progress, quiet=quiet):
        configuration = workspace.wanted(name, saved.revision if saved else at)
        plan = make_plan(
            configuration, workspace.repository, name, workspace.sink, now(), publisher, workspace.signer_of
        )
    if explain_cache:
        note_redone(workspace)
    if saved is not None:
        check_saved(saved, plan)
    shown = view_plan(plan, "table", colour=has_colour(), width=table_width()) if not quiet or dry_run else ""
    out(shown)
    left_out = say_uncommitted(workspace, configuration) if not (saved or at or quiet) else ""
    note(left_out)
    if not lift_quarantine:
        refuse_quarantined(plan)
    if dry_run or plan.is_empty:
        note_gates(plan)
        remember_plan(question, (shown, left_out), workspace, configuration, plan)
        return 0
    refuse_gated(plan)
    if not during_freeze:
        refuse_frozen(plan)
    note_gates(plan)
    agreed = yes or saved is not None or (confirm_environment(name) if plan.protected else ask(f"apply to {name}?"))
    if not agreed:
        note("nothing was applied")
        return UsageError.exit_code
    workspace.repository.lock_seconds = lock_timeout
    repository, reader = workspace.repository, read_with(own_identities)
    account().note(source=plan.revision.commit, root=plan.root)
    with progress("deploying", workspace.memo.progress, quiet=quiet):
        applied = act(
            plan,
            repository,
            reader,
            actor=repository.identity,
            lift_quarantine=lift_quarantine,
            during_freeze=during_freeze,
            publisher=publisher,
            unsigned=unsigned,
        )
    report_applied(applied, quiet=quiet)
    return 0


def report_applied(applied: Applied, *, quiet: bool) -> None:
    """What was done, on stdout and in the audit log."""
    if applied.commit:
        account().note(commit=applied.commit)
    if applied.commit:
        out(f"deployed/{applied.environment} is now {applied.commit[:10]}")
    if not quiet:
        out("\n".join(f"delivered to {sink}" for sink in applied.delivered))
