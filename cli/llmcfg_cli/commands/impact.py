"""`llmcfg impact`: who reads a key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg_cli.console import has_colour, out, progress, table_width
from llmcfg_cli.options import OUTPUT, At, Directory, Environments, Key, NoCache, Quiet, Tenants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration


def impact(
    key: Key,
    directory: Directory = Path(),
    environments: Environments = None,
    tenants: Tenants = None,
    at: At = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
    quiet: Quiet = False,
    no_cache: NoCache = False,
) -> None:
    """Show who reads a key: consumers that select it, references and patterns that take it, what takes those, and policies.

    In all environments and tenants, or in those chosen. A mapping is read where anything in it is. Needs no keys and no network.
    """
    from llmcfg.model.keypath import parse_key_path
    from llmcfg.pipeline.readers import find_readers
    from llmcfg_cli.settings import cached_workspace
    from llmcfg_cli.views.impact import view_readers

    path = parse_key_path(key)
    workspace = cached_workspace(directory, cache=not no_cache)
    with progress("looking", workspace.memo.progress, quiet=quiet):
        configuration = workspace.configuration(at)
        found = find_readers(configuration, path, _scopes(configuration, environments, tenants))
    out(view_readers(found, output, colour=has_colour(), width=table_width()))


def _scopes(
    configuration: Configuration, environments: Sequence[str] | None, tenants: Sequence[str] | None
) -> list[Scope]:
    """Those of these names. Raises NotFoundError for one that the manifest does not have."""
    from llmcfg.model.target import SHARED

    wanted = [None if name == SHARED else name for name in tenants or (SHARED, *sorted(configuration.manifest.tenants))]
    return [
        configuration.scope(environment, tenant)
        for environment in environments or configuration.manifest.environments
        for tenant in wanted
    ]
