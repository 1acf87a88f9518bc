"""librechat.yaml. LibreChat starts without a file that its schema does not take, and passes over keys of endpoints that it does not know.

The keys are those of librechat-data-provider 0.8.524.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.foreign import null_sections
from llmcfg.llm.formats.mcp import KEYS as SERVER_KEYS
from llmcfg.llm.formats.mcp import read_server
from llmcfg.llm.formats.parameters import read_parameters
from llmcfg.llm.formats.slips import find_slips
from llmcfg.llm.platform import Complaint, Given, Model, Platform, Provider, Reference, Spot
from llmcfg.llm.reading import Node
from llmcfg.llm.vendors import host_of, vendor_at
from llmcfg.model.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.llm.foreign import ForeignFile

_TOP: Final = frozenset(
    {"version", "permissions", "cache", "ocr", "webSearch", "langfuse", "memory", "summarization", "skillSync", "secureImageLinks",
     "imageOutputType", "includedTools", "filteredTools", "mcpServers", "mcpSettings", "interface", "turnstile", "fileStrategy",
     "fileStrategies", "cloudfront", "actions", "registration", "balance", "transactions", "speech", "rateLimits", "fileConfig",
     "modelSpecs", "filters", "messageFilter", "endpoints", "openapi"}
)  # fmt: skip
_BUILT_IN: Final[Mapping[str, str]] = {
    "openAI": "openai", "google": "gemini", "anthropic": "anthropic", "azureOpenAI": "azure", "azureAssistants": "azure",
    "assistants": "openai", "bedrock": "bedrock", "agents": "", "gptPlugins": "openai",
}  # fmt: skip
"""Endpoints that need no definition, and whose models they have."""
_CUSTOM: Final = frozenset(
    {"name", "apiKey", "baseURL", "models", "headers", "iconURL", "modelDisplayLabel", "addParams", "dropParams", "customParams",
     "directEndpoint",
     "titleConvo", "titleModel", "titleMethod", "titleEndpoint", "titlePrompt", "titlePromptTemplate", "titleMessageRole", "titleTiming",
     "summarize", "summaryModel", "forcePrompt", "userIdQuery", "streamRate", "tokenConfig", "provider"}
)  # fmt: skip
_NEEDED: Final = ("name", "apiKey", "baseURL", "models")
_ASKED: Final = "user_provided"
_TELLING: Final = frozenset(
    {"endpoints", "modelSpecs", "fileConfig", "interface", "registration", "balance", "mcpServers"}
)


def is_librechat(value: Any) -> bool:
    """Whether a file is LibreChat's: it has endpoints as LibreChat writes them, or its version beside sections of it alone."""
    if not isinstance(value, dict):
        return False
    endpoints = value.get("endpoints")
    has_endpoints = isinstance(endpoints, dict) and bool(endpoints.keys() & {"custom", "agents", *_BUILT_IN})
    return (
        has_endpoints
        or "modelSpecs" in value
        or ("version" in value and bool(value.keys() & _TELLING) and value.keys() <= _TOP)
    )


def read_librechat(file: ForeignFile) -> Platform:
    root = Node(file.value, Spot(file.name))
    nodes = [*root.at("endpoints", "custom").each()]
    named = [(node, _provider(node)) for node in nodes]
    specs = [*root.at("modelSpecs", "list").each()]
    providers = {provider.name: provider for _, provider in named}
    models = [model for node, provider in named for model in _models(node, provider)]
    return Platform(
        providers=tuple(provider for _, provider in named),
        models=(*models, *(model for spec in specs for model in _preset(spec, providers))),
        mcp_servers=tuple(read_server(name, item) for name, item in root.at("mcpServers").items()),
        references=tuple(
            Reference("endpoint", endpoint, f"of the model spec {spec.fields.get('name')}")
            for spec in specs if (endpoint := spec.at("preset").text("endpoint"))
        ),
        names={"endpoint": frozenset([*providers, *_BUILT_IN])},
        flaws=(*file.flaws, *null_sections(file, _TOP), *_flaws(root, nodes)),
    )  # fmt: skip


def _flaws(root: Node, custom: list[Node]) -> Iterator[Complaint]:
    yield from _version_flaws(root)
    for key, item in root.items():
        if key not in _TOP:
            yield Complaint("LLM032", f"LibreChat has no section {key!r}, and ignores the whole file for it", item.spot,
                            did_you_mean(key, _TOP, "remove it"))  # fmt: skip
    yield from find_slips(root.at("endpoints"), frozenset({*_BUILT_IN, "custom", "all"}), "LibreChat")
    for node in custom:
        yield from find_slips(node, _CUSTOM, "LibreChat")
        missing = [key for key in _NEEDED if key not in node]
        if missing:
            yield Complaint("LLM006", f"an endpoint has no {' and no '.join(missing)}, so LibreChat ignores the whole file", node.spot,
                            f"give {', '.join(missing)}")  # fmt: skip
    for _, server in root.at("mcpServers").items():
        yield from find_slips(
            server, SERVER_KEYS | {"chatMenu", "startup", "iconPath", "initTimeout", "serverInstructions"}, "LibreChat"
        )


def _version_flaws(root: Node) -> Iterator[Complaint]:
    version = root.fields.get("version")
    if version is None:
        yield Complaint("LLM032", "LibreChat ignores a file without a version", root.spot, "write version: '1.2.8'")
    elif not isinstance(version, str):
        message = f"the version is the number {version}, and LibreChat ignores the whole file for it"
        yield Complaint("LLM032", message, root.spot.at("version"), f"write it in quotes: version: '{version}'")  # fmt: skip


def _provider(node: Node) -> Provider:
    key, base_url = node.given("apiKey"), node.text("baseURL")
    if base_url is not None and base_url.value == _ASKED:
        base_url = None
    host = host_of(base_url.value) if base_url else ""
    kind = vendor_at(base_url.value) if base_url else ""
    auth = {} if key is None else {"token_provider" if key.value == _ASKED else "api_key": key}
    return Provider(
        name=str(node.fields.get("name") or host or "an endpoint"),
        spot=node.spot,
        type=Given(kind or "openai_compatible", node.spot),
        base_url=base_url,
        auth=auth,
        headers=node.at("headers").given_fields(),
    )


def _models(node: Node, provider: Provider) -> Iterator[Model]:
    """Those that are listed; each with the parameters that the endpoint adds."""
    params = read_parameters(node.at("addParams"))
    for item in node.at("models", "default").each():
        name = Given(item.value, item.spot) if isinstance(item.value, str) else item.text("name")
        if name is not None:
            yield Model(name.value, name.spot, name, provider, params=params)


def _preset(spec: Node, providers: Mapping[str, Provider]) -> Iterator[Model]:
    preset = spec.at("preset")
    endpoint, upstream = preset.text("endpoint"), preset.text("model")
    if endpoint is None or upstream is None:
        return
    provider = providers.get(endpoint.value)
    if provider is None and _BUILT_IN.get(endpoint.value):
        provider = Provider(endpoint.value, preset.spot, Given(_BUILT_IN[endpoint.value], preset.spot))
    if provider is not None:
        yield Model(upstream.value, upstream.spot, upstream, provider, params=read_parameters(preset))
