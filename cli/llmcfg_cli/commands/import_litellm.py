"""`llmcfg import litellm`: take over a LiteLLM proxy config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcfg.errors import ConflictError, FindingsError, UsageError
from llmcfg_cli.console import has_colour, note, out
from llmcfg_cli.options import Quiet


def import_litellm(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The proxy's config.yaml.", exists=True, dir_okay=False)],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="The folder to make.", show_default="named after FILE")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The repository's name.", show_default="the folder's name")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Make a configuration repository out of a LiteLLM proxy config, which renders back to the same config.

    Comments are kept, each section becomes a document, and os.environ/NAME becomes a reference to a secret or a variable.
    """
    import subprocess

    from llmcfg.disk import atomic_write, make_folders
    from llmcfg.importers.litellm import SECTIONS
    from llmcfg.importers.litellm import import_litellm as read
    from llmcfg.starter import repository_name
    from llmcfg_cli.views.findings import view_findings
    from llmcfg_cli.views.text import plural

    folder = to or Path(file.stem)
    imported = read(file.read_bytes(), name=repository_name(name or folder.resolve().name), file=str(file))
    if not imported.files:
        raise FindingsError(f"{file} cannot be taken over", findings=imported.findings)
    if not SECTIONS.intersection(imported.sections):
        raise UsageError(
            f"{file} is no LiteLLM config: LiteLLM reads none of its sections ({', '.join(imported.sections[:3])})",
            hint="name the proxy's config.yaml, which has a section such as model_list",
        )
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
