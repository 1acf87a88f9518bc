"""`llmcfg schema export`: schemas and settings for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcfg.errors import ConflictError, LlmcfgError
from llmcfg_cli.console import note, out
from llmcfg_cli.options import Directory, Quiet

CHECK_FAILED = 3


def export(
    directory: Directory = Path(),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 3 if anything would change.", show_default=False)
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace settings that others wrote.", show_default=False)
    ] = False,
    quiet: Quiet = False,
) -> int:
    """Write draft-07 schemas and VS Code settings, so that yaml-language-server completes and checks every file.

    Documents of base are checked whole, overlays in part. An existing .vscode/settings.json keeps its other settings.
    """
    from llmcfg.disk import atomic_write, make_folders
    from llmcfg.pipeline.schema.export import SETTINGS, export_schemas
    from llmcfg.wiring import Workspace

    workspace = Workspace(directory)
    configuration = workspace.configuration()
    files = {path: configuration.snapshot.read(entry.oid) for path, entry in configuration.layout.schemas.items()}
    root = workspace.repository.root
    assert root is not None
    exported = dict(export_schemas(configuration.manifest, files))
    if (root / SETTINGS).exists():
        exported[SETTINGS] = _merged_settings((root / SETTINGS).read_text("utf-8"), exported[SETTINGS], force=force)
    changed = [
        path
        for path, content in exported.items()
        if not (root / path).exists() or (root / path).read_bytes() != content
    ]
    for path in () if check else changed:
        make_folders((root / path).parent)
        atomic_write(root / path, exported[path])
    out("\n".join(changed))
    note(f"{len(changed)} of {len(exported)} files {'would change' if check else 'written'}", quiet=quiet)
    return CHECK_FAILED if check and changed else 0


def _merged_settings(existing: str, ours: bytes, *, force: bool) -> bytes:
    """The user's settings with ours laid over them; associations of other schemas stay."""
    import json

    try:
        settings = json.loads(existing)
        if not isinstance(settings, dict):
            raise ValueError
    except ValueError:
        if force:
            return ours
        raise _unreadable() from None
    new = json.loads(ours)
    schemas = {
        name: globs
        for name, globs in settings.get("yaml.schemas", {}).items()
        if not name.startswith("./.vscode/llmcfg/")
    }
    tags = [*settings.get("yaml.customTags", ()), *new["yaml.customTags"]]
    merged = {
        **settings,
        **new,
        "yaml.schemas": {**schemas, **new["yaml.schemas"]},
        "yaml.customTags": list(dict.fromkeys(tags)),
    }
    return (json.dumps(merged, indent=2, ensure_ascii=False) + "\n").encode()


def _unreadable() -> LlmcfgError:
    return ConflictError(
        ".vscode/settings.json is not plain JSON (it may hold comments), so it cannot be added to",
        hint="add the yaml.schemas by hand, or replace the file with --force",
    )
