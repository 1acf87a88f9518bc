"""`llmcfg tree`: the effective configuration as a tree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg_cli.console import out
from llmcfg_cli.declared import option
from llmcfg_cli.options import OUTPUT, At, Directory, OptionalKey, RequiredEnvironment, Tenant


def tree(
    environment: RequiredEnvironment,
    key: OptionalKey = ".",
    directory: Directory = Path(),
    tenant: Tenant = None,
    at: At = None,
    depth: Annotated[int, option("--depth", "-d", min=1, help="Levels to show.")] = 3,
    output: Annotated[Literal["text", "json"], OUTPUT] = "text",
) -> None:
    """Show the effective configuration below a key as a tree, with the number of keys in what is folded.

    As JSON the whole value is shown, whatever the depth.
    """
    from llmcfg.model.keypath import format_key_path, parse_key_path
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.values import tree_text

    path = parse_key_path(key)
    with reading(directory, "reading") as workspace:
        configuration = workspace.configuration(at)
        scope = configuration.scope(environment, tenant)
        value = configuration.readable(scope).value_at(path)
    if output == "json":
        names = {"key": format_key_path(path), "environment": environment, "tenant": tenant}
        out(to_json("Tree", {**names, "value": value}))
    else:
        out(tree_text(str(scope) if key == "." else f"{scope} {key}", value, depth))
