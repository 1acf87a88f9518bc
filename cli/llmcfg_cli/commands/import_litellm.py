"""`llmcfg import litellm`: take over a LiteLLM proxy config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcfg.errors import UsageError
from llmcfg_cli.importing import Name, To, write_repository
from llmcfg_cli.options import Quiet


def import_litellm(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The proxy's config.yaml.", exists=True, dir_okay=False)],
    to: To = None,
    name: Name = None,
    quiet: Quiet = False,
) -> None:
    """Make a configuration repository out of a LiteLLM proxy config, which renders back to the same config.

    Comments are kept, each section becomes a document, and os.environ/NAME becomes a reference to a secret or a variable.
    """
    from llmcfg.importers.litellm import SECTIONS
    from llmcfg.importers.litellm import import_litellm as read
    from llmcfg.starter import repository_name

    folder = to or Path(file.stem)
    imported = read(file.read_bytes(), name=repository_name(name or folder.resolve().name), file=str(file))
    if imported.files and not SECTIONS.intersection(imported.sections):
        raise UsageError(
            f"{file} is no LiteLLM config: LiteLLM reads none of its sections ({', '.join(imported.sections[:3])})",
            hint="name the proxy's config.yaml, which has a section such as model_list",
        )
    write_repository(imported, file, folder, quiet=quiet)
