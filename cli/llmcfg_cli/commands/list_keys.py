"""`llmcfg list`: effective keys and values, one a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg_cli.console import has_colour, out, table_width
from llmcfg_cli.options import OUTPUT, At, Directory, OptionalKey, RequiredEnvironment, Tenant


def list_keys(
    environment: RequiredEnvironment,
    key: OptionalKey = ".",
    directory: Directory = Path(),
    tenant: Tenant = None,
    at: At = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
) -> None:
    """List the effective keys at or below a key, each with its value."""
    from llmcfg.model.keypath import format_key_path, parse_key_path
    from llmcfg.model.value import walk_leaves
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.tables import table
    from llmcfg_cli.views.values import inline

    path = parse_key_path(key)
    with reading(directory, "reading") as workspace:
        configuration = workspace.configuration(at)
        effective = configuration.readable(configuration.scope(environment, tenant))
        leaves = [(format_key_path(leaf), value) for leaf, value in walk_leaves(effective.value_at(path), path)]
    if output == "json":
        items = [{"key": name, "value": value} for name, value in leaves]
        out(to_json("Keys", {"environment": environment, "tenant": tenant, "items": items}))
    else:
        rows = [(name, inline(value)) for name, value in leaves]
        out(table(("KEY", "VALUE"), rows, colour=has_colour(), width=table_width()))
