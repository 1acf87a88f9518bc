"""promptfooconfig.yaml. promptfoo fills a variable that no test gives with nothing, and says that the file is valid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.formats.parameters import read_parameters
from llmcfg.llm.platform import Complaint, Given, Model, Platform, Provider, Spot
from llmcfg.llm.reading import Node
from llmcfg.model.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.foreign import ForeignFile

_TYPES: Final = {
    "openai": "openai", "anthropic": "anthropic", "google": "gemini", "vertex": "vertex", "bedrock": "bedrock", "azure": "azure",
    "azureopenai": "azure", "mistral": "mistral", "cohere": "cohere", "groq": "groq", "togetherai": "together", "ollama": "ollama",
    "openrouter": "openrouter", "deepseek": "deepseek", "xai": "xai", "perplexity": "perplexity", "cerebras": "cerebras",
}  # fmt: skip
"""Our types, or the catalogue's prefixes, for the first word of a provider's id. Others run programs, or stand for none."""
_KINDS: Final = frozenset(
    {
        "chat",
        "completion",
        "responses",
        "messages",
        "embedding",
        "embeddings",
        "image",
        "moderation",
        "realtime",
        "converse",
        "live",
        "transcription",
        "video",
    }
)
_NO_MODEL: Final = frozenset(
    {
        "agent", "agents", "assistant", "chatkit", "claude-agent-sdk", "claude-code", "codex-app-server", "codex-sdk", "foundry-agent",
        "kb", "knowledge-base",
    }
)  # fmt: skip
"""Programs and agents of a vendor: what follows names no model."""
_FILE: Final = re.compile(
    r"file://|https?://|exec:|\S+\.(txt|md|json|jsonl|ya?ml|csv|tsv|js|cjs|mjs|ts|py|j2|njk|xlsx)(:\w+)?$|.*[*?]"
)
_USE: Final = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)")
_OWN: Final = frozenset({"env", "true", "false", "none", "null", "range", "not", "loop", "joiner", "cycler"})
"""Names that nunjucks or promptfoo give."""


def is_promptfoo(value: Any) -> bool:
    """Whether a file is a promptfoo config: what is asked, whom, and how answers are judged, at least two of them."""
    if not isinstance(value, dict):
        return False
    told = [
        bool(value.keys() & keys) for keys in ({"prompts"}, {"providers", "targets"}, {"tests", "scenarios", "redteam"})
    ]
    return "promptfoo" in str(value.get("$schema", "")) or (sum(told) >= 2 and "mcpServers" not in value)


def read_promptfoo(file: ForeignFile) -> Platform:
    root = Node(file.value, Spot(file.name))
    nodes = [item for key in ("providers", "targets") for item in (*root.at(key).each(), root.at(key))]
    models = [model for node in nodes if (model := _model(node))]
    return Platform(
        models=tuple(models),
        providers=tuple(model.provider for model in models if model.provider),
        flaws=(*file.flaws, *_variable_flaws(root)),
    )


def _model(node: Node) -> Model | None:
    """What a provider's id says: `openai:chat:gpt-6-luna`."""
    named, settings = _named(node)
    kind, _, rest = named.value.partition(":") if named is not None else ("", "", "")
    upstream = _without_kind(rest)
    if named is None or kind not in _TYPES or not upstream:
        return None
    provider = _provider(kind, node, settings)
    base_model = settings.text("modelName") if kind.startswith("azure") else None
    return Model(
        upstream, named.spot, Given(upstream, named.spot), provider, base_model, params=read_parameters(settings)
    )


def _named(node: Node) -> tuple[Given[str] | None, Node]:
    """The id and the settings of a provider: a text, a mapping with `id`, or one whose only key is the id."""
    if isinstance(node.value, str):
        return Given(node.value, node.spot), Node({}, node.spot)
    if "id" not in node and len(node.fields) == 1:
        [(key, item)] = node.items()
        return Given(key, item.spot), item.at("config")
    return node.text("id"), node.at("config")


def _without_kind(name: str) -> str:
    kind, colon, rest = name.partition(":")
    if kind in _NO_MODEL:
        return ""
    return rest if colon and kind in _KINDS else name if name not in _KINDS else ""


def _provider(kind: str, node: Node, settings: Node) -> Provider:
    key, variable, region = settings.given("apiKey"), settings.given("apiKeyEnvar"), settings.given("region")
    auth: dict[str, Given[Any]] = {"api_key": key} if key else {"token_provider": variable} if variable else {}
    return Provider(
        kind,
        node.spot,
        Given(_TYPES[kind], node.spot),
        base_url=settings.text("apiBaseUrl", "apiHost"),
        auth=auth,
        fields={"region": region} if region else {},
        headers=settings.at("headers").given_fields(),
    )


def _variable_flaws(root: Node) -> Iterator[Complaint]:
    """Variables of prompts in the file that no test of the file gives; nothing where tests or prompts come from elsewhere."""
    given = _given(root)
    if given is None:
        return
    for text in _prompts(root):
        for name in dict.fromkeys(_USE.findall(text.value) if "{%" not in text.value else ()):
            if name not in given and name not in _OWN:
                yield Complaint("LLM037", f"a prompt uses {name!r}, and no test gives it: it comes out empty", text.spot,
                                did_you_mean(name, given, f"give it: vars: {{{name}: …}}"))  # fmt: skip


def _given(root: Node) -> set[str] | None:
    """What tests give, or None where that cannot be seen whole."""
    default = root.at("defaultTest")
    tests = [*root.at("tests").each()]
    is_seen = (
        bool(tests)
        and not isinstance(default.value, str)
        and not {"scenarios", "redteam", "nunjucksFilters", "extensions"} & root.fields.keys()
    )
    if not is_seen or any(not isinstance(test.at("vars").value, dict) for test in tests if "vars" in test):
        return None
    if any(not test.fields for test in tests):
        return None
    return {name for node in (default, *tests) for name in node.at("vars").fields}


def _prompts(root: Node) -> Iterator[Given[str]]:
    prompts = root.at("prompts")
    for item in (prompts, *prompts.each()):
        text = Given(item.value, item.spot) if isinstance(item.value, str) else item.text("raw")
        if text is not None and not _FILE.match(text.value):
            yield text
