"""`llmcfg secret get|reveal`: print the value of a secret."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from llmcfg_cli.console import out, out_bytes
from llmcfg_cli.options import OUTPUT, Directory, Environment, SecretName, Tenant
from llmcfg_cli.reasons import Reason, reason_for, tell_access


def get(
    name: SecretName,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    reason: Reason = None,
    output: Annotated[Literal["text", "json"], OUTPUT] = "text",
    raw: Annotated[
        bool, typer.Option("--raw", help="Print the value alone, without a newline behind it.", show_default=False)
    ] = False,
) -> None:
    """Print the value of a secret that an environment uses, for a tenant or for the platform itself; without -e, the layer's own.

    It asks for a reason, or takes --reason. The value goes to stdout as it is.
    """
    from llmcfg.custody.places import find_in_layer, find_in_scope, parse_name
    from llmcfg.custody.reveal import reveal
    from llmcfg.model.keypath import format_key_path
    from llmcfg.secrets.plain import plain_bytes, plain_value
    from llmcfg.wiring import Workspace
    from llmcfg_cli.identities import own_identities

    custody = Workspace(directory).custody(own_identities)
    configuration = custody.configuration
    wanted = format_key_path(parse_name(name))
    if environment is None:
        held = find_in_layer(configuration, configuration.own_layer(None, tenant), wanted)
    else:
        held = find_in_scope(configuration, configuration.scope(environment, tenant), wanted)
    leaf = reveal(custody, [held], reason_for(reason, wanted), tell_access)[wanted]
    if output == "json":
        from llmcfg_cli.views.document import to_json

        place = {"name": wanted, "environment": environment, "tenant": tenant, "file": held.file}
        out(to_json("Secret", {**place, "value": plain_value(leaf)}))
    elif sys.stdout.isatty():
        from llmcfg_cli.views.text import visible_lines

        out(visible_lines(plain_bytes(leaf).decode("utf-8", "backslashreplace")))
    else:
        content = plain_bytes(leaf)
        out_bytes(content if raw or content.endswith(b"\n") else content + b"\n")
