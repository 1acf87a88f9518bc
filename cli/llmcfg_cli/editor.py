"""Schemas and settings for editors, compared with the files that are there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmcfg.errors import ConflictError

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.wiring import Workspace


def editor_files(workspace: Workspace, *, force: bool = False) -> dict[Path, bytes]:
    """What `llmcfg schema export` writes, by place. Raises ConflictError for settings that cannot be added to, unless `force`."""
    from llmcfg.pipeline.schema.export import SETTINGS, export_schemas

    configuration = workspace.configuration()
    schemas = {path: configuration.snapshot.read(entry.oid) for path, entry in configuration.layout.schemas.items()}
    documents = {name for layer in configuration.layout.layers.values() for name in layer.documents}
    exported = dict(export_schemas(configuration.manifest, schemas, documents))
    root = workspace.work_folder
    if (root / SETTINGS).exists():
        exported[SETTINGS] = _merged((root / SETTINGS).read_text("utf-8", "replace"), exported[SETTINGS], force=force)
    return {root / path: content for path, content in exported.items()}


def outdated(files: dict[Path, bytes]) -> list[Path]:
    """The places that do not hold what they should, in order."""
    return [place for place, content in files.items() if not place.is_file() or place.read_bytes() != content]


def _merged(existing: str, ours: bytes, *, force: bool) -> bytes:
    """The user's settings with ours laid over them; associations of other schemas stay."""
    try:
        settings = json.loads(existing)
        if not isinstance(settings, dict):
            raise ValueError
    except ValueError:
        if force:
            return ours
        raise ConflictError(
            ".vscode/settings.json is not plain JSON (it may hold comments), so it cannot be added to",
            hint="add the yaml.schemas by hand, or replace the file with --force",
        ) from None
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
