"""Finding a model by the names that consumers write: `openai/gpt-4`, `bedrock/eu-central-1/anthropic.claude-v1`.

A name is looked up as written, then the way that LiteLLM would: with the provider before it, and without what only says where it runs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.llm.catalogue.text import open_catalogue, read_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.llm.catalogue.model import CatalogueModel
    from llmcfg.llm.catalogue.text import Head

_PREFIXES: Final = {
    "azure_openai": ("azure",),
    "vertex": ("vertex_ai",),
    "together": ("together_ai",),
    "ollama_chat": ("ollama",),
    "cohere_chat": ("cohere",),
    "text-completion-openai": ("openai",),
    "bedrock_converse": ("bedrock",),
}
"""Providers whose models are catalogued under another's prefix."""
_FAMILIES: Final = {
    "openai": ("openai", "text-completion-openai"),
    "anthropic": ("anthropic",),
    "vertex_ai": ("vertex_ai",),
    "bedrock": ("bedrock",),
    "cohere": ("cohere",),
    "gemini": ("gemini",),
    "azure": ("azure",),
    "mistral": ("mistral",),
}
"""Providers whose models are catalogued without a prefix, and how the provider of such an entry begins."""
_ROUTES: Final = re.compile(r"(?:converse|converse_like|invoke|responses|chat|[a-z]{2}(?:-gov)?-[a-z]+-\d)/")
_PROFILE: Final = re.compile(r"(?:us|eu|apac|au|jp|ca|us-gov|global)\.(?=[a-z0-9-]+\.)")
_VARIANT: Final = re.compile(r":(?:free|nitro|extended|floor|online|beta|exacto|thinking)$")


class Catalogue:
    """Models by id; `head` says where they come from."""

    def __init__(self, text: str, name: str = "catalogue") -> None:
        self.head: Head
        self.head, self._lines = open_catalogue(text, name)
        self._read: dict[str, CatalogueModel] = {}
        self._found: dict[tuple[str, str], CatalogueModel | None] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[CatalogueModel]:
        return (self._model(key) for key in self._lines)

    @property
    def ids(self) -> Iterable[str]:
        return self._lines.keys()

    def get(self, key: str) -> CatalogueModel | None:
        """The model of exactly this id."""
        return self._model(key) if key in self._lines else None

    def find(self, provider: str, upstream: str) -> CatalogueModel | None:
        """The model that a provider answers with under a name; the provider may be empty, and the name may hold it."""
        asked = (provider, upstream)
        if asked not in self._found:
            self._found[asked] = next(self._candidates(provider, upstream), None)
        return self._found[asked]

    def _candidates(self, provider: str, upstream: str) -> Iterator[CatalogueModel]:
        for name in _spellings(upstream):
            for prefix in (provider, *_PREFIXES.get(provider, ())):
                if prefix and (model := self.get(f"{prefix}/{name}")):
                    yield model
            model = self.get(name)
            if model is not None and _is_of(model, provider):
                yield model
            first, slash, rest = name.partition("/")
            if slash and not provider and (model := self.find(first, rest)):
                yield model

    def _model(self, key: str) -> CatalogueModel:
        if key not in self._read:
            self._read[key] = read_model(self._lines[key])
        return self._read[key]


def _is_of(model: CatalogueModel, provider: str) -> bool:
    """Whether an entry without a prefix is this provider's. Any provider's will do for who names none."""
    if not provider:
        return True
    names = (provider, *_PREFIXES.get(provider, ()))
    families = [family for name in names for family in _FAMILIES.get(name, (name,))]
    return any(model.provider.startswith(family) for family in families) or model.id.startswith(f"{provider}/")


def _spellings(upstream: str) -> Iterator[str]:
    """The name, then with less and less of what only says where or how it runs."""
    name = upstream
    yield name
    while (match := _ROUTES.match(name)) is not None:
        name = name[match.end() :]
        yield name
    for pattern in (_PROFILE, _VARIANT):
        shorter = pattern.sub("", name, count=1)
        if shorter != name:
            name = shorter
            yield name
    if "@" in name:
        yield name.partition("@")[0]
