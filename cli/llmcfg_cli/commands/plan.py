"""`llmcfg plan`: what apply would do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from llmcfg_cli.console import has_colour, note, out, progress, table_width
from llmcfg_cli.declared import option
from llmcfg_cli.options import (
    DIFFERENCES,
    At,
    DeliverTo,
    Directory,
    Environments,
    ExitCode,
    ExplainCache,
    NoCache,
    Quiet,
    SettingsFile,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.sync.plan import Plan
    from llmcfg.wiring import Workspace


def plan(
    environments: Environments = None,
    directory: Directory = Path(),
    at: At = None,
    output: Annotated[
        str,
        option(
            "--output",
            "-o",
            metavar="FORM|FILE",
            help="table, json, md, or the file to save the plan of one environment in (ends in .json).",
            show_default=True,
        ),
    ] = "table",
    deliver_to: DeliverTo = None,
    settings_file: SettingsFile = None,
    exit_code: ExitCode = False,
    quiet: Quiet = False,
    no_cache: NoCache = False,
    explain_cache: ExplainCache = False,
) -> int:
    """Show what apply would do to every environment, or to those chosen; or save it for one, so that apply does exactly that.

    Deploys what each environment tracks, or the revision given with --at. Changes nothing.
    """
    from llmcfg.disk import atomic_write
    from llmcfg.errors import UsageError
    from llmcfg.sync.planfile import save_plan
    from llmcfg_cli.settings import note_redone, open_workspace
    from llmcfg_cli.unchanged import question_of, remember_plan

    if output not in ("table", "json", "md") and not output.endswith(".json"):
        raise UsageError(f"{output!r} is neither a form nor a plan file", hint="write -o table, json, md or PLAN.json")
    is_file = output not in ("table", "json", "md")
    is_one = environments is not None and len(environments) == 1
    if is_file and not is_one:
        raise UsageError(
            "a plan file holds the plan of one environment", hint=f"choose it: llmcfg plan -e ENV -o {output}"
        )
    question = (
        question_of(sys.argv[1:])
        if is_one and not (at or is_file or settings_file or no_cache or explain_cache)
        else None
    )
    workspace = open_workspace(directory, deliver_to, settings_file, cache=not no_cache)
    with progress("planning", workspace.memo.progress, quiet=quiet):
        planned = [_plan_one(workspace, name, at, output) for name in _chosen(workspace, environments, at)]
    if explain_cache:
        note_redone(workspace)
    shown = _together(planned, output, is_one=is_one)
    out(shown)
    left_out = _say_left_out(workspace, planned) if at is None and not quiet else ""
    note(left_out)
    for each in planned:
        note_gates(each.plan)
    if is_one:
        remember_plan(question, (shown, left_out), workspace, planned[0].configuration, planned[0].plan)
    if is_file:
        atomic_write(Path(output), save_plan(planned[0].plan))
        note(f"saved; apply exactly this with: llmcfg apply {output}", quiet=quiet)
    return DIFFERENCES if exit_code and not all(each.plan.is_empty for each in planned) else 0


class _Planned(NamedTuple):
    """`shown` is the answer: an object for programs, or a text."""

    configuration: Configuration
    plan: Plan
    shown: dict[str, Any] | str


def _chosen(workspace: Workspace, environments: Sequence[str] | None, at: str | None) -> Iterable[str]:
    """Each once; without a choice all that the manifest names."""
    return dict.fromkeys(environments or workspace.configuration(at or "HEAD").manifest.environments)


def _plan_one(workspace: Workspace, environment: str, at: str | None, output: str) -> _Planned:
    from llmcfg.clock import now
    from llmcfg.sync.plan import make_plan
    from llmcfg.sync.planfile import to_output
    from llmcfg_cli.views.diff import to_payload
    from llmcfg_cli.views.plan import view_plan

    configuration = workspace.wanted(environment, at)
    made = make_plan(
        configuration, workspace.repository, environment, workspace.sink, now(), signer_of=workspace.signer_of
    )
    shown: dict[str, Any] | str
    if output == "json":
        shown = {**to_output(made), "changes": to_payload(made.difference)}
    else:
        shown = view_plan(made, "md" if output == "md" else "table", colour=has_colour(), width=table_width())
    return _Planned(configuration, made, shown)


def _together(planned: Sequence[_Planned], output: str, *, is_one: bool) -> str:
    """Of one that was chosen, its plan alone."""
    from llmcfg_cli.views.document import to_json

    if output != "json":
        return "\n\n".join(str(each.shown) for each in planned)
    objects = [each.shown for each in planned if isinstance(each.shown, dict)]
    return to_json("Plan", objects[0]) if is_one else to_json("Plans", {"environments": objects})


def _say_left_out(workspace: Workspace, planned: Sequence[_Planned]) -> str:
    """Said once, of whatever revisions."""
    of_commits = {each.plan.revision.commit: each.configuration for each in planned}
    return next(filter(None, (say_uncommitted(workspace, each) for each in of_commits.values())), "")


def note_gates(plan: Plan) -> None:
    """What the policies and limits of the repository say of the change. As errors they are said where they refuse it."""
    from llmcfg_cli.views.findings import view_findings

    frozen = [plan.frozen.finding] if plan.frozen else []
    note(view_findings([*plan.gates, *frozen], "table", colour=has_colour()))


def say_uncommitted(workspace: Workspace, configuration: Configuration) -> str:
    """What is said where somebody may believe that the files as they lie are deployed."""
    has_uncommitted = workspace.has_uncommitted(configuration)
    return "\nthe work tree has changes that are not committed; they are left out" if has_uncommitted else ""
