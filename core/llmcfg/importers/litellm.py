"""A LiteLLM proxy's config.yaml as a repository that renders it back (docs/import-litellm.md).

LiteLLM loads its file with PyYAML, so what the file means is what `yaml.safe_load` says. Each `os.environ/NAME` becomes a reference: to a
secret where NAME looks like a credential, else to a variable of the manifest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.importers.program import Program
from llmcfg.importers.sectioned import import_sections

if TYPE_CHECKING:
    from llmcfg.importers.imported import Imported

_SECTIONS: Final = frozenset(
    [
        "agent_list",
        "agents",
        "assistant_settings",
        "callback_settings",
        "credential_list",
        "environment_variables",
        "files_settings",
        "finetune_settings",
        "general_settings",
        "guardrails",
        "include",
        "litellm_settings",
        "mcp_servers",
        "mcp_tools",
        "model_list",
        "policies",
        "prompts",
        "router_settings",
        "search_tools",
        "vector_store_registry",
    ]
)
LITELLM: Final = Program(
    label="litellm",
    title="LiteLLM proxy",
    consumer="llm-gateway",
    output="config.yaml",
    prefix="os.environ/",
    sections=_SECTIONS,
    carries_variables=True,
)


def import_litellm(content: bytes, *, name: str, file: str = "config.yaml") -> Imported:
    """The repository for a LiteLLM config; `name` is what its manifest calls it, `file` where findings say they are."""
    return import_sections(LITELLM, content, name=name, file=file)
