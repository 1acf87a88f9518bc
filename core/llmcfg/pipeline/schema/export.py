"""Schemas and settings for editors: VS Code with yaml-language-server completes and checks the files of a repository with them.

Documents of `base` are checked whole, overlays in part. Everything lies under `.vscode/`, so that a commit of it serves a whole team.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from llmcfg.pipeline.recordschemas import DOCUMENTS
from llmcfg.pipeline.schema.compiled import CompiledSchema
from llmcfg.pipeline.schema.compiling import compile_schema, shipped_schema
from llmcfg.pipeline.schema.draft07 import Admit, draft07
from llmcfg.pipeline.schema.forms import partial

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from llmcfg.model.manifest import Manifest

FOLDER: Final = ".vscode/llmcfg"
SETTINGS: Final = ".vscode/settings.json"
MERGE_TAGS: Final = (
    "!append sequence",
    "!prepend sequence",
    "!delete scalar",
    "!replace mapping",
    "!replace sequence",
    "!replace scalar",
)


def export_schemas(
    manifest: Manifest, files: Mapping[str, bytes], documents: Collection[str] = ()
) -> Mapping[str, bytes]:
    """Files by path, sorted: draft-07 schemas and the settings that bind them. `files` are the schemas of the repository.

    Schemas of records are among them where `documents`, the names of those that there are, have one of that kind.

    A bound schema that does not compile is left out; `validate` says what is wrong with it.
    """
    exported: dict[str, Any] = {}
    bound: dict[str, list[str]] = {}

    def bind(name: str, schema: dict[str, Any], globs: Iterable[str]) -> None:
        path = f"{FOLDER}/{name}"
        exported[path] = schema
        bound[f"./{path}"] = sorted({*bound.get(f"./{path}", ()), *globs})

    def bind_documents(name: str, schema: CompiledSchema, patterns: Iterable[str]) -> None:
        whole, part = schema.definitions, partial(schema.definitions)
        base = [glob for names in patterns for glob in _base_globs(names)]
        overlays = [glob for names in patterns for glob in _overlay_globs(manifest, names)]
        bind(f"base/{name}", draft07(whole, admit=Admit.REFERENCES), base)
        bind(f"overlay/{name}", draft07(part, admit=Admit.DELETIONS), overlays)

    bind(
        "manifest.json",
        draft07(shipped_schema("manifest.schema.json").definitions, admit=Admit.NOTHING),
        ["llmcfg.yaml"],
    )
    bind(
        "consumer.json",
        draft07(shipped_schema("consumer.schema.json").definitions, admit=Admit.NOTHING),
        _files("consumers/*"),
    )
    for name, patterns in DOCUMENTS.items():
        own = [names for names in patterns if not any(fnmatchcase(names, each.documents) for each in manifest.schemas)]
        if any(fnmatchcase(document, names) for document in documents for names in own):
            bind_documents(f"records/{name}.json", shipped_schema(f"{name}.schema.json"), own)
    for binding in manifest.schemas:
        compiled = compile_schema(binding.schema, files) if binding.schema in files else ()
        if not isinstance(compiled, CompiledSchema):
            continue
        bind_documents(binding.schema.removeprefix("schemas/"), compiled, [binding.documents])
    exported[SETTINGS] = {
        "yaml.validate": True,
        "yaml.completion": True,
        "yaml.hover": True,
        "yaml.customTags": list(MERGE_TAGS),
        "yaml.schemas": bound,
    }
    return {path: _written(exported[path]) for path in sorted(exported)}


def _base_globs(documents: str) -> list[str]:
    """Where base documents of these names lie; prompts lie at the top."""
    globs = _files(f"base/{documents}")
    return globs + _files(documents) if documents.startswith("prompts/") else globs


def _overlay_globs(manifest: Manifest, documents: str) -> list[str]:
    folders = ["*" if "{" in step else step for folder in manifest.hierarchy for step in (*folder.split("/"), "\n")]
    overlays = [folder.strip("/") for folder in "/".join(folders).split("\n")]
    return [glob for folder in overlays if folder and folder != "base" for glob in _files(f"{folder}/{documents}")]


def _files(documents: str) -> list[str]:
    """Globs for files. In a document glob `*` crosses folders, in an editor's it does not."""
    globs = [documents]
    if documents.endswith("/*"):
        globs.append(documents.removesuffix("*") + "**/*")
    return [f"{glob}{suffix}" for glob in globs for suffix in (".yaml", ".yml")]


def _written(content: Any) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"
