"""`llmcfg parity`: how two environments differ although nobody said that they may."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg_cli.console import has_colour, out, progress, table_width
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import DIFFERENCES, OUTPUT, At, Directory, ExitCode, NoCache, Quiet


def parity(
    one: Annotated[str, argument(metavar="ENV", help="An environment.", completes="environments")],
    other: Annotated[str, argument(metavar="OTHER", help="The one beside it.", completes="environments")],
    directory: Directory = Path(),
    tenant: Annotated[
        str | None,
        option(
            "--tenant",
            "-t",
            metavar="TENANT",
            help="Only this tenant.",
            completes="tenants",
            show_default=False,
        ),
    ] = None,
    at: At = None,
    output: Annotated[Literal["table", "json", "md"], OUTPUT] = "table",
    exit_code: ExitCode = False,
    quiet: Quiet = False,
    no_cache: NoCache = False,
) -> int:
    """Show the keys whose effective values differ between two environments although no schema says that they may.

    For the platform and every tenant, or for one tenant. A schema declares what differs by design: `x-llmcfg-varies: true`.
    """
    from llmcfg.pipeline.parity import find_disparities
    from llmcfg_cli.settings import cached_workspace
    from llmcfg_cli.views.parity import view_parity

    workspace = cached_workspace(directory, cache=not no_cache)
    with progress("comparing", workspace.memo.progress, quiet=quiet):
        configuration = workspace.configuration(at)
        tenants = (None, *sorted(configuration.manifest.tenants)) if tenant is None else (tenant,)
        found = find_disparities(configuration, one, other, tenants)
    out(view_parity(found, one, other, output, colour=has_colour(), width=table_width()))
    return DIFFERENCES if exit_code and found.values else 0
