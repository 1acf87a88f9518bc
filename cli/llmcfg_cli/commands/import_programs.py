"""`llmcfg import litellm` and `llmcfg import librechat`: take over the one YAML file of a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg.errors import UsageError
from llmcfg_cli.declared import argument
from llmcfg_cli.importing import Name, To, write_repository
from llmcfg_cli.options import Quiet

if TYPE_CHECKING:
    from llmcfg.importers.program import Program


def import_litellm(
    file: Annotated[Path, argument(metavar="FILE", help="The proxy's config.yaml.", exists=True, dir_okay=False)],
    to: To = None,
    name: Name = None,
    quiet: Quiet = False,
) -> None:
    """Make a configuration repository out of a LiteLLM proxy config, which renders back to the same config.

    Comments are kept, each section becomes a document, and os.environ/NAME becomes a reference to a secret or a variable.
    """
    from llmcfg.importers.litellm import LITELLM

    _take_over(LITELLM, file, to, name, quiet=quiet)


def import_librechat(
    file: Annotated[Path, argument(metavar="FILE", help="The librechat.yaml.", exists=True, dir_okay=False)],
    to: To = None,
    name: Name = None,
    quiet: Quiet = False,
) -> None:
    """Make a configuration repository out of LibreChat's file, which renders back to the same file.

    Comments are kept, each section becomes a document, and ${NAME} becomes a reference to a secret where NAME is one of a credential.
    """
    from llmcfg.importers.librechat import LIBRECHAT

    _take_over(LIBRECHAT, file, to, name, quiet=quiet)


def _take_over(program: Program, file: Path, to: Path | None, name: str | None, *, quiet: bool) -> None:
    from llmcfg.importers.sectioned import import_sections
    from llmcfg.starter import repository_name

    folder = to or Path(file.stem)
    named = repository_name(name or folder.resolve().name)
    imported = import_sections(program, file.read_bytes(), name=named, file=str(file))
    if imported.files and not program.sections.intersection(imported.sections):
        raise UsageError(
            f"{file} is no file for {program.title}, which reads none of its sections ({', '.join(imported.sections[:3])})",
            hint=f"name its {program.output}",
        )
    write_repository(imported, file, folder, quiet=quiet)
