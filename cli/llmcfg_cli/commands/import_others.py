"""`llmcfg import mcp` and `llmcfg import env`: take over the files of MCP clients, and env files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from llmcfg_cli.declared import argument
from llmcfg_cli.importing import Name, To, write_repository
from llmcfg_cli.options import Quiet


def import_mcp(
    file: Annotated[
        Path, argument(metavar="FILE", help="The client's file, such as .mcp.json.", exists=True, dir_okay=False)
    ],
    to: To = None,
    name: Name = None,
    quiet: Quiet = False,
) -> None:
    """Make a configuration repository out of an MCP client's file: one record for each server, which renders back to the file.

    Variables and inputs with the names of credentials become references to secrets, and so do such values that stand in the clear.
    """
    from llmcfg.importers.mcp import import_mcp as read
    from llmcfg.starter import repository_name

    folder = to or Path(file.stem.lstrip("."))
    imported = read(file.read_bytes(), name=repository_name(name or folder.resolve().name), file=str(file))
    write_repository(imported, file, folder, quiet=quiet)


def import_env(
    file: Annotated[Path, argument(metavar="FILE", help="The env file.", exists=True, dir_okay=False)],
    to: To = None,
    name: Name = None,
    quiet: Quiet = False,
) -> None:
    """Make a configuration repository out of an env file, which renders back to the same variables.

    Values of variables with the names of credentials are left behind; llmcfg secret import takes them in, encrypted.
    """
    from llmcfg.importers.env import import_env as read
    from llmcfg.starter import repository_name

    folder = to or Path(file.stem.lstrip(".") or "app")
    imported = read(file.read_bytes(), name=repository_name(name or folder.resolve().name), file=str(file))
    write_repository(imported, file, folder, quiet=quiet)
