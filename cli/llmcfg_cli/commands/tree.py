"""`llmcfg tree`: the effective configuration as a tree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcfg_cli.console import out
from llmcfg_cli.options import At, Directory, OptionalKey, RequiredEnvironment, Tenant


def tree(
    environment: RequiredEnvironment,
    key: OptionalKey = ".",
    directory: Directory = Path(),
    tenant: Tenant = None,
    at: At = None,
    depth: Annotated[int, typer.Option("--depth", "-d", min=1, help="Levels to show.")] = 3,
) -> None:
    """Show the effective configuration below a key as a tree, with the number of keys in what is folded."""
    from llmcfg.model.keypath import parse_key_path
    from llmcfg.wiring import Workspace
    from llmcfg_cli.views.values import tree_text

    configuration = Workspace(directory).configuration(at)
    scope = configuration.scope(environment, tenant)
    title = str(scope) if key == "." else f"{scope} {key}"
    out(tree_text(title, configuration.readable(scope).value_at(parse_key_path(key)), depth))
