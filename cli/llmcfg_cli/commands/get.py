"""`llmcfg get`: the effective value of a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg_cli.console import out
from llmcfg_cli.options import OUTPUT, At, Directory, Key, RequiredEnvironment, Tenant


def get(
    key: Key,
    environment: RequiredEnvironment,
    directory: Directory = Path(),
    tenant: Tenant = None,
    at: At = None,
    output: Annotated[Literal["text", "json", "yaml"], OUTPUT] = "text",
) -> None:
    """Print the effective value of a key in an environment, for a tenant or for the platform itself.

    A scalar is printed as it is, a mapping or list as YAML. References to secrets stay references.
    """
    from llmcfg.model.keypath import format_key_path, parse_key_path
    from llmcfg.pipeline.readsets import narrowed_by_reads
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.document import to_json
    from llmcfg_cli.views.values import scalar_text, yaml_text

    path = parse_key_path(key)
    with reading(directory, "reading") as workspace:
        configuration = narrowed_by_reads(workspace.configuration(at))
        scope = configuration.scope(environment, tenant)
        value = configuration.readable(scope).value_at(path)
    if output == "json":
        out(
            to_json(
                "Value", {"key": format_key_path(path), "environment": environment, "tenant": tenant, "value": value}
            )
        )
    elif isinstance(value, dict | list) or output == "yaml":
        out(yaml_text(value))
    else:
        out(scalar_text(value))
