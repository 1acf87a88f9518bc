"""What every built-in renderer makes of one small platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from builtin_renderers.platform import format_of, platform, rendered
from llmcfg.pipeline.builtins.names import BUILTIN_NAMES

FILES: Final = Path(__file__).resolve().parent / "builtins"
"""Settings of the service that a renderer cannot do with; None takes one away."""
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "builtin:anthropic-env": {"gateway_url": None},
    "builtin:azure-openai-env": {"gateway_url": None},
    "builtin:mcp-claude-desktop": {"mcp_servers": ["github"]},
}


def builtin_files() -> dict[str, bytes]:
    """By file name. Those that are meant to be opened are named so."""
    files = {}
    for name in BUILTIN_NAMES:
        short = name.removeprefix("builtin:")
        for opened in (False, True):
            if not (name == "builtin:mcp-claude-desktop" and not opened):
                text = rendered(name, platform(**SETTINGS.get(name, {})), opened=opened)
                files[f"{short}{'.opened' if opened else ''}.{format_of(name)}"] = text.encode()
    return {
        path: text
        for path, text in files.items()
        if ".opened" not in path or files.get(path.replace(".opened", "")) != text
    }
