"""`llmcfg init`: make a configuration repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from llmcfg.errors import ConflictError
from llmcfg_cli.console import note, out
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import Quiet


def init(
    directory: Annotated[Path, argument(metavar="[DIR]", help="The folder; made if it is not there.")] = Path(),
    name: Annotated[
        str | None, option("--name", help="The repository's name.", show_default="the folder's name")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Make a configuration repository: manifest, base, four environments, a tenant, a consumer, schemas and editor settings.

    It has no findings from the start. Files that are there are never overwritten: if any of them exists, nothing is written.
    """
    import subprocess

    from llmcfg.disk import atomic_write, make_folders
    from llmcfg.starter import starter_files

    files = {**starter_files(name or directory.resolve().name)}
    files |= _editor_files(files)
    there = sorted(path for path in files if (directory / path).exists())
    if there:
        raise ConflictError(
            f"{directory} already has {', '.join(there[:3])}{', …' if len(there) > 3 else ''}",
            hint="choose another folder, or remove what is to be replaced",
        )
    for path, content in sorted(files.items()):
        place = directory / path
        make_folders(place.parent)
        atomic_write(place, content)
    if not any((above / ".git").exists() for above in (directory.resolve(), *directory.resolve().parents)):
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(directory)], check=True)
    out(f"made {len(files)} files in {directory}")
    step = f"cd {directory}, " if directory.resolve() != Path.cwd() else ""
    note(f"next: {step}llmcfg validate, git add . && git commit, then llmcfg apply -e dev", quiet=quiet)


def _editor_files(files: dict[str, bytes]) -> dict[str, bytes]:
    """Schemas and settings for the editor, for exactly these files."""
    from llmcfg.pipeline.manifest import parse_manifest_text
    from llmcfg.pipeline.schema.export import export_schemas

    manifest = parse_manifest_text(files["llmcfg.yaml"])
    return dict(
        export_schemas(manifest, {path: content for path, content in files.items() if path.startswith("schemas/")})
    )
