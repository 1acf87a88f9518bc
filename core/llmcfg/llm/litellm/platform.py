"""A LiteLLM proxy's config, with the files that it includes, as a platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.llm.foreign import null_sections
from llmcfg.llm.litellm.deployment import as_list, read_deployment
from llmcfg.llm.litellm.fallbacks import read_fallbacks
from llmcfg.llm.litellm.known import known
from llmcfg.llm.litellm.settings import connection_urls, read_budgets, read_gateway, unread_keys
from llmcfg.llm.platform import Given, Guardrail, McpServer, Platform, Reference, Route, Spot, Target
from llmcfg.llm.reading import Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llmcfg.llm.foreign import ForeignFile
    from llmcfg.llm.platform import Complaint, Fallback, Model


def is_litellm(value: Any) -> bool:
    """Whether a file is a LiteLLM config: it has a section that LiteLLM looks for, and that is no common word."""
    return isinstance(value, dict) and bool(
        value.keys()
        & {
            "model_list",
            "litellm_settings",
            "router_settings",
            "general_settings",
            "vector_store_registry",
            "credential_list",
        }
        or (value.keys() & {"guardrails", "environment_variables", "include"} and value.keys() <= known("top"))
    )


def included_files(value: Any) -> tuple[str, ...]:
    """The files that a config says to include, as written."""
    return tuple(
        item for item in as_list(value.get("include") if isinstance(value, dict) else None) if isinstance(item, str)
    )


def read_litellm(file: ForeignFile, included: Sequence[ForeignFile] = (), *, is_complete: bool = True) -> Platform:
    """`is_complete` is False when an included file could not be had."""
    files = [each for each in (file, *included) if isinstance(each.value, dict)]
    roots = [Node(each.value, Spot(each.name)) for each in files]
    root = _combined(roots)
    custom = frozenset(provider for each in roots for provider in _custom_providers(each))
    entries = [entry for each in roots for entry in each.at("model_list").each()]
    drops = any(each.at("litellm_settings").fields.get("drop_params") is True for each in roots)
    models = [model for entry in entries if (model := read_deployment(entry, custom, drops_params=drops))]
    pairs = [
        pair for each in roots for pair in read_fallbacks([each.at("router_settings"), each.at("litellm_settings")])
    ]
    aliases = [*root.at("router_settings", "model_group_alias").items()]
    return Platform(
        models=tuple(models),
        providers=tuple(model.provider for model in models if model.provider),
        routes=tuple(_routes(models, pairs)),
        budgets=tuple(read_budgets(root, entries)),
        guardrails=tuple(guardrail for each in roots for guardrail in _guardrails(each)),
        mcp_servers=tuple(server for each in roots for server in _mcp_servers(each)),
        gateways=(read_gateway(root),) if "model_list" in root or "general_settings" in root else (),
        references=tuple(_references(pairs, aliases)),
        names={"model": frozenset([*(model.name for model in models), *(name for name, _ in aliases), *_ids(entries)])},
        flaws=tuple(_flaws(files, roots)),
        custom_providers=custom,
        urls=tuple(url for each in roots for url in connection_urls(each)),
        is_whole=is_complete and not _has_more(root),
    )


def _ids(entries: Iterable[Node]) -> Iterator[str]:
    """Deployments may be called by their id too."""
    return (found.value for entry in entries if (found := entry.at("model_info").text("id")))


def _custom_providers(root: Node) -> Iterator[str]:
    entries = root.at("litellm_settings", "custom_provider_map").each()
    return (found.value for entry in entries if (found := entry.text("provider")))


def _combined(roots: Sequence[Node]) -> Node:
    """For settings: the first file that has a section says it."""
    own = (node for node in roots if "general_settings" in node or "litellm_settings" in node)
    return next(own, roots[0] if roots else Node({}, Spot("")))


def _has_more(root: Node) -> bool:
    """Whether models are kept in the proxy's database too."""
    return root.at("general_settings").fields.get("store_model_in_db") is True


def _flaws(files: Sequence[ForeignFile], roots: Sequence[Node]) -> Iterator[Complaint]:
    for file, root in zip(files, roots, strict=True):
        yield from file.flaws
        yield from null_sections(file, known("top"))
        yield from unread_keys(root)


def _routes(models: Sequence[Model], pairs: Iterable[tuple[Given[str], tuple[Fallback, ...]]]) -> Iterator[Route]:
    """One for each name that callers use."""
    edges: dict[str, list[Fallback]] = {}
    for whose, fallbacks in pairs:
        edges.setdefault(whose.value, []).extend(fallbacks)
    firsts: Mapping[str, Model] = {model.name: model for model in reversed(models)}
    for name in dict.fromkeys(model.name for model in models):
        model = firsts[name]
        own = (*edges.get(name, ()), *(edge for edge in edges.get("*", ()) if edge.to.value != name))
        yield Route(name, model.spot, (Target(Given(name, model.spot)),), own)


def _references(
    pairs: Sequence[tuple[Given[str], tuple[Fallback, ...]]], aliases: Iterable[tuple[str, Node]]
) -> Iterator[Reference]:
    for name, fallbacks in pairs:
        if name.value != "*":
            yield Reference("model", name, "it is given fallbacks")
        for fallback in fallbacks:
            yield Reference("model", fallback.to, f"fallback of {name.value}")
    for alias, node in aliases:
        target = Given(node.value, node.spot) if isinstance(node.value, str) else node.text("model")
        if target is not None:
            yield Reference("model", target, f"alias {alias}")


def _guardrails(root: Node) -> Iterator[Guardrail]:
    for item in root.at("guardrails").each():
        name = item.text("guardrail_name")
        if name is not None:
            params = item.at("litellm_params")
            kind = params.text("guardrail")
            yield Guardrail(name.value, item.spot, kind.value if kind else "", params.flag("default_on", False))


def _mcp_servers(root: Node) -> Iterator[McpServer]:
    for name, item in root.at("mcp_servers").items():
        yield McpServer(
            name,
            item.spot,
            command=item.text("command"),
            args=item.texts("args"),
            url=item.text("url"),
            env=item.at("env").given_fields(),
            headers=item.at("static_headers").given_fields() | item.at("headers").given_fields(),
            allowed_tools=item.texts("allowed_tools"),
        )
