"""`llmcfg verify`: whether what was deployed is what its commits give."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import IntegrityError, NotFoundError, UsageError
from llmcfg_cli.console import has_colour, note, out, progress
from llmcfg_cli.declared import option
from llmcfg_cli.options import OUTPUT, Directory, Environments, NoCache, Quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.sync.reproduction import Reproduction
    from llmcfg.wiring import Workspace


def verify(
    directory: Directory = Path(),
    environments: Environments = None,
    between: Annotated[
        str | None,
        option(
            "--range",
            metavar="A..B",
            help="Only what was built from commits that B reaches and A does not.",
            show_default="all that was deployed",
        ),
    ] = None,
    count: Annotated[
        int | None,
        option(
            "--max", "-n", min=1, help="At most so many states, the newest of each environment.", show_default="all"
        ),
    ] = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    quiet: Quiet = False,
    no_cache: NoCache = False,
) -> int:
    """Build what was deployed again from its commits, and compare the digests of every bundle.

    Needs no keys: a digest covers configuration, rendered files and the ciphertexts of secrets. Exits with 10 when something differs, is
    damaged or cannot be built any more, and with 7 when a commit is not here. What another version of the engine made otherwise proves
    nothing, and is said.
    """
    from llmcfg_cli.settings import cached_workspace
    from llmcfg_cli.views.verify import headline, view_reproductions

    workspace = cached_workspace(directory, cache=not no_cache)
    with progress("building", workspace.memo.progress, quiet=quiet):
        found = _reproductions(workspace, environments or (), between, count)
    out(view_reproductions(found, output, colour=has_colour()))
    note(headline(found), quiet=quiet)
    return _exit_code(found)


def _reproductions(
    workspace: Workspace, environments: Sequence[str], between: str | None, count: int | None
) -> list[Reproduction]:
    from llmcfg.sync.deployed import deployed_environments
    from llmcfg.sync.reproduction import commits_between, reproduce

    deployed = deployed_environments(workspace.repository)
    for name in environments:
        if name not in deployed:
            raise NotFoundError(
                f"{name} never ran anything here",
                hint=f"deploy it, or fetch its branch: git fetch origin deployed/{name}",
            )
    opening = workspace.repository, workspace.configuration_at
    within = None if between is None else commits_between(workspace.repository, *_sides(between))
    return [
        each
        for name in environments or sorted(deployed)
        for each in islice(reproduce(*opening, name, within, workspace.memo.progress), count)
    ]


def _sides(between: str) -> tuple[str, str]:
    before, dots, after = between.partition("..")
    if not dots:
        raise UsageError(f"{between!r} is no range", hint="write --range v1.0.0..HEAD, or ..v1.0.0 from the beginning")
    return before, after or "HEAD"


def _exit_code(found: list[Reproduction]) -> int:
    from llmcfg.sync.reproduction import Outcome

    outcomes = {each.outcome for each in found}
    if outcomes & {Outcome.DIFFERS, Outcome.DAMAGED, Outcome.UNBUILT}:
        return IntegrityError.exit_code
    return NotFoundError.exit_code if Outcome.MISSING in outcomes else 0
