"""What all imports end in: the files of a new repository, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg.errors import ConflictError, FindingsError
from llmcfg_cli.console import has_colour, note, out
from llmcfg_cli.declared import option

if TYPE_CHECKING:
    from llmcfg.importers.imported import Imported

To = Annotated[Path | None, option("--to", metavar="DIR", help="The folder to make.", show_default="named after FILE")]
Name = Annotated[str | None, option("--name", help="The repository's name.", show_default="the folder's name")]


def write_repository(imported: Imported, file: Path, folder: Path, *, quiet: bool) -> None:
    """Raises FindingsError when there is nothing to write, ConflictError when a file is there already."""
    import subprocess

    from llmcfg.disk import atomic_write, make_folders
    from llmcfg_cli.views.findings import view_findings
    from llmcfg_cli.views.text import plural

    if not imported.files:
        raise FindingsError(f"{file} cannot be taken over", findings=imported.findings)
    note(view_findings(imported.findings, "table", colour=has_colour()))
    there = sorted(path for path in imported.files if (folder / path).exists())
    if there:
        raise ConflictError(f"{folder} already has {there[0]}", hint="choose another folder with --to")
    for path, content in sorted(imported.files.items()):
        make_folders((folder / path).parent)
        atomic_write(folder / path, content)
    if not any((above / ".git").exists() for above in (folder.resolve(), *folder.resolve().parents)):
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(folder)], check=True)
    out(f"made {len(imported.files)} files in {folder}")
    if imported.secrets:
        have = "has" if len(imported.secrets) == 1 else "have"
        note(
            f"{plural(len(imported.secrets), 'secret')} {have} no value yet: {', '.join(imported.secrets)}", quiet=quiet
        )
    note(f"next: llmcfg validate -C {folder}", quiet=quiet)
