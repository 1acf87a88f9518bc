"""`llmcfg diff`: what changes in effect, and for whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from llmcfg.errors import FindingsError, NotFoundError, UsageError
from llmcfg.model.suggest import did_you_mean
from llmcfg.model.target import SHARED, Scope, Target
from llmcfg_cli.completion import complete_revisions
from llmcfg_cli.console import has_colour, note, out, progress, table_width
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
    from collections.abc import Collection, Sequence

    from llmcfg.model.change import Change
    from llmcfg.model.impact import Difference
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.diff import State, TargetState
    from llmcfg.wiring import Workspace


def diff(
    before: Annotated[
        str | None,
        typer.Argument(
            metavar="[A]", help="The revision before.", autocompletion=complete_revisions, show_default="HEAD"
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Argument(
            metavar="[B]", help="The revision after.", autocompletion=complete_revisions, show_default="the work tree"
        ),
    ] = None,
    directory: Directory = Path(),
    environments: Environments = None,
    tenants: Tenants = None,
    consumers: Consumers = None,
    deployed: Annotated[
        bool, typer.Option("--deployed", help="Compare what is deployed with A, or with HEAD.", show_default=False)
    ] = False,
    output: Annotated[Literal["table", "json", "md", "patch"], OUTPUT] = "table",
    stat: Annotated[bool, typer.Option("--stat", help="Show counts only.", show_default=False)] = False,
    assert_none: Annotated[
        bool,
        typer.Option(
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
    from llmcfg.model.findings import has_blocking
    from llmcfg.model.proposal import Proposal
    from llmcfg.pipeline.decisions import changed_decisions
    from llmcfg.pipeline.diff import compare
    from llmcfg.pipeline.gates import gate_findings
    from llmcfg_cli.settings import cached_workspace, note_redone
    from llmcfg_cli.views.diff import STYLES, view_diff, view_stat
    from llmcfg_cli.views.findings import view_findings
    from llmcfg_cli.views.text import plural

    if deployed and after is not None:
        raise UsageError("--deployed takes one revision", hint="llmcfg diff --deployed [REV]")
    if assert_none and (deployed or environments or tenants or consumers):
        raise UsageError("--assert-none looks at everything", hint="leave out --deployed, -e, -t and -c")
    if stat and output != "table":
        raise UsageError(f"--stat has no form {output}", hint="leave out one of --stat and -o")
    workspace = cached_workspace(directory, cache=not no_cache)
    chosen = _Chosen(environments or (), tenants or (), consumers or ())
    old = None
    with progress("comparing", quiet=quiet):
        if deployed:
            new = workspace.configuration(before or "HEAD")
            _check_names(chosen, [new])
            sides = _Side(_deployed(workspace, new, chosen)), _side(new, chosen, with_scopes=False)
            costs = ""
        else:
            old = workspace.configuration(before or "HEAD")
            new = workspace.configuration(after)
            _check_names(chosen, [old, new])
            sides = _side(old, chosen), _side(new, chosen)
            costs = _costs(old, new, chosen) if output == "md" else ""
        broken = sides[0].broken | sides[1].broken
        difference = compare(*(side.without(broken) for side in sides))
    if explain_cache:
        note_redone(workspace)
    protected = {name for name, environment in new.manifest.environments.items() if environment.protected}
    shown = view_diff(difference, output, protected, colour=has_colour(), width=table_width())
    out(view_stat(difference) if stat else f"{shown}{costs}")
    if broken:
        at = (after if not deployed else before or "HEAD") if sides[1].broken else before or "HEAD"
        raise FindingsError(
            f"{plural(len(broken), 'bundle')} cannot be built and {'are' if len(broken) > 1 else 'is'} left out: "
            f"{', '.join(sorted(map(str, broken))[:3])}{', …' if len(broken) > 3 else ''}",
            hint=f"see why: llmcfg validate{f' --at {at}' if at else ''}",
        )
    decided = changed_decisions(old, new) if assert_none and old is not None else ()
    if assert_none:
        show = out if output in STYLES else note
        show(_verdict(sides[1].state, difference, decided))
    elif difference.is_empty and output in STYLES:
        note("no differences", quiet=quiet)
    agreed = frozenset(approved_by or ()) if author is not None or approved_by else None
    findings = gate_findings(new, Proposal(difference, author, approvals=agreed), new.scopes, old)
    note(view_findings(findings, "table", colour=has_colour()), quiet=quiet or not findings)
    if has_blocking(findings):
        return FindingsError.exit_code
    is_other = not difference.is_empty or bool(decided)
    return DIFFERENCES if (exit_code or assert_none) and is_other else 0


def _verdict(state: State, difference: Difference, decided: Sequence[Change]) -> str:
    """What `--assert-none` says when both sides could be built whole."""
    from llmcfg.pipeline.diff import extent_of
    from llmcfg_cli.views.diff import view_decisions
    from llmcfg_cli.views.text import plural

    if not difference.is_empty or decided:
        what = "what consumers get" if not difference.is_empty else "what the manifest and consumers decide"
        return "\n".join(filter(None, (view_decisions(decided), f"this changes {what}, and nothing was to change")))
    extent = extent_of(state)
    counts = (extent.documents, "document"), (extent.scopes, "scope"), (extent.bundles, "bundle")
    documents, scopes, bundles = (plural(count, noun) for count, noun in counts)
    return f"no value, file, secret or decision changes: {documents} in {scopes}, {bundles}"


def _costs(before: Configuration, after: Configuration, chosen: _Chosen) -> str:
    """What the change does to costs, as a section of its own."""
    from llmcfg.clock import now
    from llmcfg.pipeline.costs import changed_costs
    from llmcfg_cli.views.cost import cost_section

    section = cost_section(changed_costs(before, after, now().date(), chosen.keeps_scope))
    return f"\n\n{section}" if section else ""


class _Chosen(NamedTuple):
    """Names to keep; an empty one keeps all. A name need not exist on both sides: tenants and consumers come and go."""

    environments: Collection[str]
    tenants: Collection[str]
    consumers: Collection[str]

    def keeps(self, target: Target) -> bool:
        return (
            (not self.environments or target.environment in self.environments)
            and (not self.tenants or (target.tenant or SHARED) in self.tenants)
            and (not self.consumers or target.consumer in self.consumers)
        )

    def keeps_scope(self, scope: Scope) -> bool:
        return (
            not self.consumers
            and (not self.environments or scope.environment in self.environments)
            and (not self.tenants or (scope.tenant or SHARED) in self.tenants)
        )


class _Side(NamedTuple):
    """One side of the comparison, and the targets whose bundle has errors."""

    state: State
    broken: frozenset[Target] = frozenset()

    def without(self, targets: Collection[Target]) -> State:
        kept = {target: state for target, state in self.state.targets.items() if target not in targets}
        return replace(self.state, targets=kept)


def _side(configuration: Configuration, chosen: _Chosen, *, with_scopes: bool = True) -> _Side:
    from llmcfg.pipeline.build import build
    from llmcfg.pipeline.diff import State, state_of

    configuration.require_consumers()
    targets = [target for target in configuration.targets if chosen.keeps(target)]
    for scope in filter(chosen.keeps_scope, configuration.scopes):
        configuration.readable(scope)
    built = build(configuration, targets)
    state = state_of(configuration, built, with_scopes=with_scopes)
    kept = {str(scope) for scope in configuration.scopes if chosen.keeps_scope(scope)}
    scopes = {name: documents for name, documents in state.scopes.items() if name in kept}
    return _Side(State(scopes, state.targets), frozenset(targets) - built.bundles.keys())


def _deployed(workspace: Workspace, configuration: Configuration, chosen: _Chosen) -> State:
    from llmcfg.pipeline.diff import State, deployed_state
    from llmcfg.sync.deployed import deployed_files, read_deployed

    targets: dict[Target, TargetState] = {}
    for environment in chosen.environments or configuration.manifest.environments:
        files = deployed_files(workspace.repository, read_deployed(workspace.repository, environment))
        state = deployed_state(files)
        targets.update((target, there) for target, there in state.targets.items() if chosen.keeps(target))
    return State({}, targets)


def _check_names(chosen: _Chosen, sides: Sequence[Configuration]) -> None:
    """Raises NotFoundError for a name that neither side knows."""
    for what, names, known in (
        ("environment", chosen.environments, {name for side in sides for name in side.manifest.environments}),
        ("tenant", chosen.tenants, {SHARED} | {name for side in sides for name in side.manifest.tenants}),
        ("consumer", chosen.consumers, {consumer.name for side in sides for consumer in side.consumers}),
    ):
        for name in names:
            if name not in known:
                raise NotFoundError(f"there is no {what} {name!r}", hint=did_you_mean(name, known))
