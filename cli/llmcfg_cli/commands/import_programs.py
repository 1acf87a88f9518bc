"""`llmcfg import litellm` and `llmcfg import librechat`: take over the one YAML file of a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcfg.errors import UsageError
from llmcfg_cli.importing import Name, To, write_repository
from llmcfg_cli.options import Quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.importers.imported import Imported


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

    imported = _read(read, file, to, name)
    if imported.files and not SECTIONS.intersection(imported.sections):
        raise UsageError(
            f"{file} is no LiteLLM config: LiteLLM reads none of its sections ({', '.join(imported.sections[:3])})",
            hint="name the proxy's config.yaml, which has a section such as model_list",
        )
    write_repository(imported, file, to or Path(file.stem), quiet=quiet)


def import_librechat(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The librechat.yaml.", exists=True, dir_okay=False)],
    to: To = None,
    name: Name = None,
    quiet: Quiet = False,
) -> None:
    """Make a configuration repository out of LibreChat's file, which renders back to the same file.

    Comments are kept, each section becomes a document, and ${NAME} becomes a reference to a secret where NAME is one of a credential.
    """
    from llmcfg.importers.librechat import SECTIONS
    from llmcfg.importers.librechat import import_librechat as read

    imported = _read(read, file, to, name)
    if imported.files and not SECTIONS.intersection(imported.sections):
        raise UsageError(
            f"{file} is no file of LibreChat: it has none of the sections {', '.join(sorted(SECTIONS))}",
            hint="name the librechat.yaml",
        )
    write_repository(imported, file, to or Path(file.stem), quiet=quiet)


def _read(read: Callable[..., Imported], file: Path, to: Path | None, name: str | None) -> Imported:
    from llmcfg.starter import repository_name

    folder = to or Path(file.stem)
    return read(file.read_bytes(), name=repository_name(name or folder.resolve().name), file=str(file))
