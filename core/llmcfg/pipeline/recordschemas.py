"""The shipped schemas of records: they hold for documents of their names to which the manifest binds none."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmcfg.pipeline.schema.compiled import CompiledSchema

DOCUMENTS: Final = {
    "provider": ("providers/*",),
    "model": ("models/*", "models"),
    "route": ("routes/*", "routes"),
    "budgets": ("budgets", "budgets/*"),
    "guardrails": ("guardrails", "guardrails/*"),
    "mcp-server": ("mcp/*",),
}
"""Names of documents by schema. A test holds them to the tables of fields, which take a while to load."""
_FOLDERS: Final = frozenset(pattern.partition("/")[0] for patterns in DOCUMENTS.values() for pattern in patterns)


def record_schema(document: str) -> CompiledSchema | None:
    """The schema of a document, if its name is one of records."""
    if document.partition("/")[0] not in _FOLDERS:
        return None
    named = (name for name, patterns in DOCUMENTS.items() if any(fnmatchcase(document, each) for each in patterns))
    name = next(named, None)
    if name is None:
        return None
    from llmcfg.pipeline.schema.compiling import shipped_schema

    return shipped_schema(f"{name}.schema.json")
