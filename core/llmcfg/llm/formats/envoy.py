"""Resources of Envoy AI Gateway, in one file or stream: routes by the model's name, backends behind them, and what opens those.

What a file does not hold may lie in the cluster; where it holds none of a kind, names of that kind are taken as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.platform import Complaint, Fallback, Given, Model, Platform, Provider, Reference, Route, Spot, Target
from llmcfg.llm.reading import Node
from llmcfg.llm.vendors import vendor_at
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.llm.foreign import ForeignFile

_GROUP: Final = "aigateway.envoyproxy.io/"
_TYPES: Final = {
    "OpenAI": "openai", "AWSBedrock": "bedrock", "AWSAnthropic": "bedrock", "AzureOpenAI": "azure", "GCPVertexAI": "vertex",
    "GCPAnthropic": "vertex", "Anthropic": "anthropic", "Cohere": "cohere",
}  # fmt: skip
_MODEL_HEADER: Final = "x-ai-eg-model"
_PLAIN: Final = 80
_OPENERS: Final = ("apiKey", "anthropicAPIKey", "azureAPIKey", "awsCredentials", "azureCredentials", "gcpCredentials")
"""What a BackendSecurityPolicy opens a backend with."""


def is_envoy(value: Any) -> bool:
    documents = value if isinstance(value, list) else [value]
    return any(isinstance(item, dict) and str(item.get("apiVersion")).startswith(_GROUP) for item in documents)


def read_envoy(file: ForeignFile) -> Platform:
    resources = _by_kind(file)
    hosts = {name: url for name, node in resources.get("Backend", {}).items() if (url := _url(node, resources))}
    backends = {
        name: _provider(name, node, hosts, resources) for name, node in resources.get("AIServiceBackend", {}).items()
    }
    routes = [read for node in resources.get("AIGatewayRoute", {}).values() for read in _routes(node, backends)]
    return Platform(
        providers=tuple(backends.values()),
        models=tuple(model for _, models in routes for model in models),
        routes=tuple(route for route, _ in routes),
        references=tuple(_references(resources)),
        names={
            "model": frozenset(model.name for _, models in routes for model in models),
            "backend": frozenset(backends),
            "host": frozenset(resources.get("Backend", ())),
        },
        flaws=(*file.flaws, *_flaws(resources, hosts)),
    )


def _by_kind(file: ForeignFile) -> dict[str, dict[str, Node]]:
    """Resources by kind and name."""
    root = Node(file.value, Spot(file.name))
    found: dict[str, dict[str, Node]] = {}
    for node in root.each() if isinstance(file.value, list) else [root]:
        name, kind = node.at("metadata").text("name"), node.text("kind")
        if name is not None and kind is not None:
            found.setdefault(kind.value, {})[name.value] = node
    return found


def _url(node: Node, resources: Mapping[str, Mapping[str, Node]]) -> Given[str] | None:
    """Where a Backend sends to. Without a BackendTLSPolicy of its own only port 80 is certain to be plain."""
    for endpoint in node.at("spec", "endpoints").each():
        host, port = endpoint.at("fqdn").text("hostname"), endpoint.at("fqdn").count("port")
        if host is not None:
            is_plain = (
                port is not None and port.value == _PLAIN and not _targets(resources.get("BackendTLSPolicy", {}), node)
            )
            return Given(f"{'http' if is_plain else 'https'}://{host.value}", host.spot)
    return None


def _targets(policies: Mapping[str, Node], node: Node) -> list[Node]:
    """The policies that are attached to a resource."""
    name = node.at("metadata").fields.get("name")
    return [
        policy for policy in policies.values()
        if any(target.fields.get("name") == name for target in policy.at("spec", "targetRefs").each())
    ]  # fmt: skip


def _provider(
    name: str, node: Node, hosts: Mapping[str, Given[str]], resources: Mapping[str, Mapping[str, Node]]
) -> Provider:
    schema = node.at("spec", "schema").text("name")
    backend = node.at("spec", "backendRef").text("name")
    policies = _targets(resources.get("BackendSecurityPolicy", {}), node)
    ways = (policy.at("spec").given(*_OPENERS) for policy in policies)
    opener = next((way for way in ways if way is not None), None)
    return Provider(
        name,
        node.spot,
        Given(_TYPES.get(schema.value, "") if schema else "", node.spot),
        base_url=hosts.get(backend.value) if backend else None,
        auth={"credentials": opener} if opener else {},
    )


def _routes(node: Node, backends: Mapping[str, Provider]) -> Iterator[tuple[Route, list[Model]]]:
    """A route for each rule, by the first name of a model that it matches."""
    for rule in node.at("spec", "rules").each():
        names = [
            value for match in rule.at("matches").each() for header in match.at("headers").each()
            if header.fields.get("name") == _MODEL_HEADER and (value := header.text("value"))
        ]  # fmt: skip
        refs = [*rule.at("backendRefs").each()]
        if names and refs:
            yield _route(names[0], rule, refs, backends)


def _route(
    name: Given[str], rule: Node, refs: Sequence[Node], backends: Mapping[str, Provider]
) -> tuple[Route, list[Model]]:
    first = min(_priority(ref) for ref in refs)
    models, targets, fallbacks = [], [], []
    for ref in refs:
        backend = str(ref.fields.get("name"))
        own = Given(f"{name.value} at {backend}", ref.spot)
        upstream = ref.text("modelNameOverride") or name
        models.append(Model(own.value, ref.spot, upstream, backends.get(backend)))
        if _priority(ref) == first:
            targets.append(Target(own, ref.number("weight")))
        else:
            fallbacks.append(Fallback("on_error", own))
    return Route(name.value, rule.spot, tuple(targets), tuple(fallbacks)), models


def _priority(ref: Node) -> int:
    found = ref.count("priority")
    return found.value if found else 0


def _references(resources: Mapping[str, Mapping[str, Node]]) -> Iterator[Reference]:
    backends = resources.get("AIServiceBackend", {})
    for route, node in resources.get("AIGatewayRoute", {}).items() if backends else ():
        for rule in node.at("spec", "rules").each():
            for ref in rule.at("backendRefs").each():
                name = ref.text("name")
                if name is not None and ref.fields.get("kind", "AIServiceBackend") == "AIServiceBackend":
                    yield Reference("backend", name, f"of the route {route}")
    for policy, node in resources.get("BackendSecurityPolicy", {}).items() if backends else ():
        for target in node.at("spec", "targetRefs").each():
            name = target.text("name")
            if name is not None and target.fields.get("kind") == "AIServiceBackend":
                yield Reference("backend", name, f"target of {policy}")
    for backend, node in backends.items() if resources.get("Backend") else ():
        ref = node.at("spec", "backendRef")
        name = ref.text("name")
        if name is not None and ref.fields.get("kind") == "Backend":
            yield Reference("host", name, f"of the backend {backend}")


def _flaws(resources: Mapping[str, Mapping[str, Node]], hosts: Mapping[str, Given[str]]) -> Iterator[Complaint]:
    """What the gateway would refuse or never use."""
    for name, node in resources.get("AIServiceBackend", {}).items():
        schema = node.at("spec", "schema").text("name")
        if schema is not None and schema.value not in _TYPES:
            yield Complaint("LLM010", f"{name} speaks {schema.value!r}, which the gateway does not know", schema.spot,
                            f"there are: {', '.join(_TYPES)}")  # fmt: skip
        url = hosts.get(str(node.at("spec", "backendRef").fields.get("name")))
        policies = resources.get("BackendSecurityPolicy", {})
        if policies and url is not None and vendor_at(url.value) and not _targets(policies, node):
            yield Complaint("LLM006", f"no BackendSecurityPolicy here opens {name}", node.spot, "attach one by its targetRefs",
                            Severity.WARNING)  # fmt: skip
