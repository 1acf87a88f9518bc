"""Where records lie. Apart, so that asking whether there are any costs nothing."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PROVIDERS: Final = ("providers", "llm_providers")
_TELLING: Final = frozenset({*PROVIDERS, "models", "routes", "mcp"})
FOLDERS: Final = frozenset({*_TELLING, "budgets", "guardrails", "limits", "services"})
"""The folders, or single documents, that records are read from."""

_may_tell: Final = methodcaller("startswith", tuple(_TELLING))  # in C, for thousands of names


def is_platform(names: Iterable[str]) -> bool:
    """Whether documents of these names describe an LLM platform."""
    return any(name.partition("/")[0] in _TELLING for name in filter(_may_tell, names))


def is_of_platform(name: str) -> bool:
    """Whether records are read from a document of this name."""
    return name.partition("/")[0] in FOLDERS
