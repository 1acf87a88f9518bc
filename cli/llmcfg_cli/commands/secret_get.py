"""`llmcfg secret get|reveal`: print the value of a secret."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from llmcfg.errors import UsageError
from llmcfg_cli.console import out, out_bytes
from llmcfg_cli.declared import option
from llmcfg_cli.options import OUTPUT, Directory, Environment, SecretName, Tenant
from llmcfg_cli.reasons import Reason, reason_for, tell_access
from llmcfg_cli.recording import account


def get(
    name: SecretName,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    reason: Reason = None,
    output: Annotated[Literal["text", "json"], OUTPUT] = "text",
    raw: Annotated[
        bool, option("--raw", help="Print the value alone, without a newline behind it.", show_default=False)
    ] = False,
) -> None:
    """Print the value of a secret that an environment uses, for a tenant or for the platform itself; without -e, the layer's own.

    NAME@previous is the value before the last rotation. It asks for a reason, or takes --reason. The value goes to stdout as it is.
    """
    from llmcfg.custody.places import find_held, read_name
    from llmcfg.custody.reveal import Wanted, reveal
    from llmcfg.model.reference import PREVIOUS, parse_secret_use
    from llmcfg.secrets.plain import plain_bytes, plain_value
    from llmcfg_cli.identities import own_custody

    use = parse_secret_use(name)
    read_name(use.name)
    if use.selector not in ("", PREVIOUS):
        raise UsageError(
            f"a secret has no value {use.selector!r} to print", hint="NAME is the current one, NAME@previous the old"
        )
    custody = own_custody(directory)
    held = find_held(custody.configuration, environment, tenant, use.name)
    leaf = reveal(custody, [Wanted(held, use.selector)], reason_for(reason, str(use)), tell_access)[str(use)]
    account().note_value(str(use), plain_bytes(leaf))
    if output == "json":
        from llmcfg_cli.views.document import to_json

        place = {"name": str(use), "environment": environment, "tenant": tenant, "file": held.file}
        out(to_json("Secret", {**place, "value": plain_value(leaf)}))
    elif sys.stdout.isatty():
        from llmcfg_cli.views.text import exact_lines

        out(exact_lines(plain_bytes(leaf).decode("utf-8", "backslashreplace")))
    else:
        content = plain_bytes(leaf)
        out_bytes(content if raw or content.endswith(b"\n") else content + b"\n")
