"""`llmcfg plan`: what apply would do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg_cli.console import has_colour, note, out, progress, table_width
from llmcfg_cli.declared import option
from llmcfg_cli.options import (
    DIFFERENCES,
    At,
    DeliverTo,
    Directory,
    ExitCode,
    NoCache,
    Quiet,
    RequiredEnvironment,
    SettingsFile,
)

if TYPE_CHECKING:
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.sync.plan import Plan
    from llmcfg.wiring import Workspace


def plan(
    environment: RequiredEnvironment,
    directory: Directory = Path(),
    at: At = None,
    output: Annotated[
        str,
        option(
            "--output",
            "-o",
            metavar="FORM|FILE",
            help="table, json, md, or the file to save the plan in (ends in .json).",
            show_default=True,
        ),
    ] = "table",
    deliver_to: DeliverTo = None,
    settings_file: SettingsFile = None,
    exit_code: ExitCode = False,
    quiet: Quiet = False,
    no_cache: NoCache = False,
) -> int:
    """Show what apply would do to an environment, or save it so that apply does exactly that.

    Deploys what the environment tracks, or the revision given with --at. Changes nothing.
    """
    from llmcfg.clock import now
    from llmcfg.disk import atomic_write
    from llmcfg.errors import UsageError
    from llmcfg.sync.plan import make_plan, save_plan, to_output
    from llmcfg_cli.settings import open_workspace
    from llmcfg_cli.unchanged import question_of, remember_plan
    from llmcfg_cli.views.diff import to_payload
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.plan import view_plan

    if output not in ("table", "json", "md") and not output.endswith(".json"):
        raise UsageError(f"{output!r} is neither a form nor a plan file", hint="write -o table, json, md or PLAN.json")
    is_file = output.endswith(".json")
    question = None if at or is_file or settings_file or no_cache else question_of(sys.argv[1:])
    workspace = open_workspace(directory, deliver_to, settings_file, cache=not no_cache)
    with progress("planning", workspace.memo.progress, quiet=quiet):
        configuration = workspace.wanted(environment, at)
        made = make_plan(
            configuration, workspace.repository, environment, workspace.sink, now(), signer_of=workspace.signer_of
        )
    if output == "json":
        shown = to_json("Plan", {**to_output(made), "changes": to_payload(made.difference)})
    else:
        shown = view_plan(made, "md" if output == "md" else "table", colour=has_colour(), width=table_width())
    out(shown)
    left_out = say_uncommitted(workspace, configuration) if at is None and not quiet else ""
    note(left_out)
    note_gates(made)
    remember_plan(question, (shown, left_out), workspace, configuration, made)
    if is_file:
        atomic_write(Path(output), save_plan(made))
        note(f"saved; apply exactly this with: llmcfg apply {output}", quiet=quiet)
    return DIFFERENCES if exit_code and not made.is_empty else 0


def note_gates(plan: Plan) -> None:
    """What the policies and limits of the repository say of the change. As errors they are said where they refuse it."""
    from llmcfg_cli.views.findings import view_findings

    frozen = [plan.frozen.finding] if plan.frozen else []
    note(view_findings([*plan.gates, *frozen], "table", colour=has_colour()))


def say_uncommitted(workspace: Workspace, configuration: Configuration) -> str:
    """What is said where somebody may believe that the files as they lie are deployed."""
    has_uncommitted = workspace.has_uncommitted(configuration)
    return "\nthe work tree has changes that are not committed; they are left out" if has_uncommitted else ""
