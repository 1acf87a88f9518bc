"""The repository that `llmcfg init` makes: small, complete and without findings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILES: Final = {
    "llmcfg.yaml": "llmcfg.yaml",
    ".gitignore": "gitignore",
    ".gitattributes": "gitattributes",
    ".sops.yaml": "sops.yaml",
    "base/llm_providers/openai.yaml": "openai.yaml",
    "base/patterns.yaml": "patterns.yaml",
    "base/services/gateway.yaml": "service.yaml",
    "environments/dev/services/gateway.yaml": "dev-service.yaml",
    "environments/prod/llm_providers/openai.yaml": "prod-openai.yaml",
    "tenants/acme/llm_providers/openai.yaml": "acme-openai.yaml",
    "consumers/gateway.yaml": "gateway.yaml",
    "schemas/llm-provider.json": "llm-provider.json",
    "templates/gateway.env.j2": "gateway.env.j2",
}


def starter_files(name: str) -> Mapping[str, bytes]:
    """The files of a new repository by path. `name` is cut down to what the manifest takes as a name."""
    folder = data_folder("templates") / "starter"
    return {
        path: (folder / source).read_bytes().replace(b"__NAME__", repository_name(name).encode())
        for path, source in _FILES.items()
    }


def repository_name(text: str) -> str:
    """`text` as a name that a manifest takes: lower-case letters, digits and inner hyphens."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
    return name or "configuration"
