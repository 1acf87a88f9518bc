"""`llmcfg diff`: what changes in effect, and for whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from llmcfg.errors import FindingsError, UsageError
from llmcfg_cli.console import has_colour, note, out, out_file, progress, table_width
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import (
    DIFFERENCES,
    OUTPUT,
    ApprovedBy,
    Author,
    Consumers,
    Directory,
    Environments,
    ExitCode,
    ExplainCache,
    NoCache,
    Quiet,
    Tenants,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmcfg.ci.choosing import Chosen
    from llmcfg.model.impact import Difference
    from llmcfg.model.target import Target
    from llmcfg.pipeline.configuration import Configuration

_BROKEN_SHOWN: Final = 3


def diff(
    before: Annotated[
        str | None,
        argument(metavar="[A]", help="The revision before.", completes="revisions", show_default="HEAD"),
    ] = None,
    after: Annotated[
        str | None,
        argument(metavar="[B]", help="The revision after.", completes="revisions", show_default="the work tree"),
    ] = None,
    directory: Directory = Path(),
    environments: Environments = None,
    tenants: Tenants = None,
    consumers: Consumers = None,
    deployed: Annotated[
        bool, option("--deployed", help="Compare what is deployed with A, or with HEAD.", show_default=False)
    ] = False,
    output: Annotated[Literal["table", "json", "md", "patch"], OUTPUT] = "table",
    stat: Annotated[bool, option("--stat", help="Show counts only.", show_default=False)] = False,
    assert_none: Annotated[
        bool,
        option(
            "--assert-none",
            help="Prove that no value, file, secret or decision of the manifest changes: exit with 3, and say what does, otherwise.",
            show_default=False,
        ),
    ] = False,
    author: Author = None,
    approved_by: ApprovedBy = None,
    exit_code: ExitCode = False,
    quiet: Quiet = False,
    no_cache: NoCache = False,
    explain_cache: ExplainCache = False,
) -> int:
    """Show what differs in the effective configuration between two revisions.

    Without arguments: HEAD and the work tree. One change that reaches many targets is shown once, with its reach. Needs no keys and no
    network; secrets are shown as changed, never as values. Bundles that one side cannot build are left out, and it exits with 4, as it does
    when a policy or limit of the repository refuses the change.
    """
    from llmcfg.ci.choosing import Chosen, chosen_side, chosen_sides, deployed_side
    from llmcfg.model.findings import has_blocking
    from llmcfg.model.proposal import Proposal
    from llmcfg.pipeline.diff import compare
    from llmcfg.pipeline.gates import gate_findings
    from llmcfg.pipeline.guards import guards_between
    from llmcfg_cli.settings import cached_workspace, note_redone
    from llmcfg_cli.views.diff import STYLES, view_diff, view_stat
    from llmcfg_cli.views.findings import view_findings

    chosen = Chosen(environments or (), tenants or (), consumers or ())
    _check_options(chosen, output, deployed=deployed, after=after, assert_none=assert_none, stat=stat)
    workspace = cached_workspace(directory, cache=not no_cache)
    with progress("comparing", workspace.memo.progress, quiet=quiet):
        old = None if deployed else workspace.configuration(before or "HEAD")
        new = workspace.configuration(before or "HEAD" if deployed else after)
        chosen.check([side for side in (old, new) if side is not None])
        if old is not None:
            earlier, later = chosen_sides(old, new, chosen)
        else:
            earlier, later = deployed_side(workspace, new, chosen), chosen_side(new, chosen, with_scopes=False)
        broken = earlier.broken | later.broken
        difference = compare(earlier.without(broken), later.without(broken), progress=workspace.memo.progress)
    if explain_cache:
        note_redone(workspace)
    protected = {name for name, environment in new.manifest.environments.items() if environment.protected}
    shown = view_diff(difference, output, protected, colour=has_colour(), width=table_width())
    costs = _costs(old, new, chosen) if output == "md" and old is not None else ""
    if output == "patch" and shown:
        out_file(f"{shown}\n".encode())
    else:
        out(view_stat(difference) if stat else f"{shown}{costs}")
    if broken:
        raise _left_out(broken, after if later.broken and not deployed else before or "HEAD")
    if assert_none:
        show = out if output in STYLES else note
        show(_verdict(new, difference))
    elif difference.is_empty and output in STYLES:
        note("no differences", quiet=quiet)
    agreed = frozenset(approved_by or ()) if author is not None or approved_by else None
    guards = guards_between(old, new) if old is not None else ()
    proposal = Proposal(difference, author, approvals=agreed, guards=guards)
    findings = gate_findings(new, proposal, new.scopes, old)
    note(view_findings(findings, "table", colour=has_colour()), quiet=quiet or not findings)
    if has_blocking(findings):
        return FindingsError.exit_code
    return DIFFERENCES if (exit_code or assert_none) and not difference.is_empty else 0


def _check_options(
    chosen: Chosen, output: str, *, deployed: bool, after: str | None, assert_none: bool, stat: bool
) -> None:
    """Raises UsageError for options that do not fit together."""
    if deployed and after is not None:
        raise UsageError("--deployed takes one revision", hint="llmcfg diff --deployed [REV]")
    if assert_none and (deployed or any(chosen)):
        raise UsageError("--assert-none looks at everything", hint="leave out --deployed, -e, -t and -c")
    if stat and output != "table":
        raise UsageError(f"--stat has no form {output}", hint="leave out one of --stat and -o")


def _left_out(broken: Collection[Target], at: str | None) -> FindingsError:
    """`at` is the revision that cannot be built; None for the work tree."""
    from llmcfg_cli.views.text import plural

    names = ", ".join(sorted(map(str, broken))[:_BROKEN_SHOWN]) + (", …" if len(broken) > _BROKEN_SHOWN else "")
    return FindingsError(
        f"{plural(len(broken), 'bundle')} cannot be built and {'are' if len(broken) > 1 else 'is'} left out: {names}",
        hint=f"see why: llmcfg validate{f' --at {at}' if at else ''}",
    )


def _verdict(configuration: Configuration, difference: Difference) -> str:
    """What `--assert-none` says when both sides could be built whole."""
    from llmcfg.pipeline.diff import extent_of
    from llmcfg_cli.views.text import plural

    if not difference.is_empty:
        reaches = bool(difference.values or difference.affected)
        what = "what consumers get" if reaches else "what the manifest and consumers decide"
        return f"this changes {what}, and nothing was to change"
    extent = extent_of(configuration)
    counts = (extent.documents, "document"), (extent.scopes, "scope"), (extent.bundles, "bundle")
    documents, scopes, bundles = (plural(count, noun) for count, noun in counts)
    return f"no value, file, secret or decision changes: {documents} in {scopes}, {bundles}"


def _costs(before: Configuration, after: Configuration, chosen: Chosen) -> str:
    """What the change does to costs, as a section of its own."""
    from llmcfg.clock import now
    from llmcfg.pipeline.costs import changed_costs
    from llmcfg_cli.views.cost import cost_section

    section = cost_section(changed_costs(before, after, now().date(), chosen.keeps_scope))
    return f"\n\n{section}" if section else ""
