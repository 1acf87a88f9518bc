"""`llmcfg validate`: every finding at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import FindingsError, NotFoundError
from llmcfg.model.suggest import did_you_mean
from llmcfg_cli.console import has_colour, note, out, progress
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import (
    OUTPUT,
    AsOf,
    At,
    Directory,
    Environments,
    ExplainCache,
    FailOn,
    FailOnLevel,
    NoCache,
    Quiet,
    Tenants,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmcfg.model.findings import Finding
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.wiring import Workspace


def validate(
    paths: Annotated[
        list[Path] | None,
        argument(metavar="[PATHS]", help="Show only findings in these files and folders.", show_default=False),
    ] = None,
    directory: Directory = Path(),
    environments: Environments = None,
    tenants: Tenants = None,
    at: At = None,
    since: Annotated[
        str | None,
        option(
            "--since",
            metavar="REV",
            help="Also look at limits and budgets that jumped from this revision.",
            show_default=False,
        ),
    ] = None,
    as_of: AsOf = None,
    output: Annotated[Literal["table", "json", "sarif", "github", "junit"], OUTPUT] = "table",
    fail_on: FailOn = "error",
    quiet: Quiet = False,
    no_cache: NoCache = False,
    explain_cache: ExplainCache = False,
) -> int:
    """Check every environment, tenant and consumer, and show all findings at once.

    Works on the files as they lie, committed or not, or on a revision with --at. Exits with 4 when a finding is at least as severe as
    --fail-on, and with 10 for a revision that the root of trust of this clone does not let count.
    """
    from llmcfg.clock import now
    from llmcfg.model.findings import merge_findings
    from llmcfg.pipeline.validate import validate_configuration
    from llmcfg.wiring import choose_targets
    from llmcfg_cli.settings import cached_workspace, note_redone
    from llmcfg_cli.unchanged import question_of, remember_answer
    from llmcfg_cli.views.findings import summary, view_findings

    question = None if paths or since or no_cache or explain_cache else question_of(sys.argv[1:])
    workspace = cached_workspace(directory, cache=not no_cache)
    try:
        with progress("checking", workspace.memo.progress, quiet=quiet):
            configuration = workspace.configuration(at)
            _require_trusted(workspace, configuration)
            some = environments or tenants
            targets = choose_targets(configuration, environments or (), tenants or ()) if some else None
            earlier = workspace.configuration(since) if since else None
            findings = validate_configuration(configuration, targets, as_of=(as_of or now()).date(), since=earlier)
            snapshot = configuration.snapshot
    except FindingsError as error:
        findings, snapshot = merge_findings(error.findings), workspace.snapshot(at)
    root = workspace.root or directory.resolve()
    require_paths(paths or (), directory, root, snapshot.entries)
    shown = [finding for finding in findings if is_below(finding.origin.file, paths, directory, root)]
    answer = view_findings(shown, output, colour=has_colour(), root=workspace.git_folder)
    told = ("\n" if shown and output == "table" else "") + summary(shown, len(snapshot.entries))
    out(answer)
    if explain_cache:
        note_redone(workspace)
    note(told, quiet=quiet)
    if not findings:
        remember_answer(question, (answer, "" if quiet else told), workspace, snapshot)
    return exit_code(shown, fail_on)


def _require_trusted(workspace: Workspace, configuration: Configuration) -> None:
    """Raises IntegrityError for a commit that does not count; files as they lie are nobody's yet."""
    revision = configuration.snapshot.revision
    gate = workspace.gate(configuration) if revision is not None else None
    if revision is not None and gate is not None:
        gate.refuse(gate.judge(revision.commit))


def exit_code(findings: Sequence[Finding], fail_on: FailOnLevel) -> int:
    from llmcfg.model.findings import has_blocking
    from llmcfg.model.rules import Severity

    return FindingsError.exit_code if fail_on != "never" and has_blocking(findings, Severity(fail_on)) else 0


def is_below(file: str, paths: list[Path] | None, directory: Path, root: Path) -> bool:
    """Whether a finding's file is one of the named files or in one of the named folders."""
    place = root / file
    return not paths or any(place.is_relative_to(named) for path in paths for named in _places(path, directory))


def require_paths(paths: Iterable[Path], directory: Path, root: Path, files: Iterable[str]) -> None:
    """Raises NotFoundError for a path that is neither here nor in what is checked: a slip would pass for sound configuration."""
    for path in paths:
        places = _places(path, directory)
        is_there = any(place.exists() for place in places)
        if not is_there and not any((root / file).is_relative_to(place) for place in places for file in files):
            names = [place.relative_to(root).as_posix() for place in places if place.is_relative_to(root)]
            raise NotFoundError(f"there is no file {path}", hint=did_you_mean(names[0], files) if names else "")


def _places(path: Path, directory: Path) -> tuple[Path, ...]:
    """What a path may mean: one from here, or one from the repository that -C names; and a link itself beside what it leads to."""
    named = (path, directory / path)
    return *(each.resolve() for each in named), *(each.parent.resolve() / each.name for each in named)
