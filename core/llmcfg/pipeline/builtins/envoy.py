"""Objects of Envoy AI Gateway: one AIGatewayRoute for each route, and five objects for each provider that a route reaches.

Keys are never among them: a BackendSecurityPolicy names the Secret `<provider>-credentials`, which
`builtin:envoy-ai-gateway-secrets` writes as an opened output. Fallbacks are backends of a lower priority; a BackendTrafficPolicy
says what counts as broken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from llmcfg.documents.writer import write_yaml
from llmcfg.pipeline.builtins.envoy_providers import backend_schema, secret_content, security, url_of
from llmcfg.pipeline.builtins.inputs import without_nulls
from llmcfg.pipeline.builtins.platform import read_platform
from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.inputs import Inputs
    from llmcfg.pipeline.builtins.platform import Model, Platform, Provider, Route

_AI: Final = "aigateway.envoyproxy.io"
_ENVOY: Final = "gateway.envoyproxy.io"
_API: Final = "gateway.networking.k8s.io"
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_WHEN_TO_RETRY: Final = (429, 500, 502, 503, 504)


def write_objects(inputs: Inputs) -> str:
    platform = read_platform(inputs.config)
    if not platform.routes:
        raise RecordError("no route is selected", hint="add routes to the consumer's select")
    objects = [each for route in platform.routes.values() for each in _route_objects(inputs, route)]
    objects += [each for provider in _reached(platform) for each in _provider_objects(inputs, provider)]
    return _documents(inputs, objects)


def write_secrets(inputs: Inputs) -> str:
    secrets = []
    for provider in _reached(read_platform(inputs.config)):
        content = secret_content(provider)
        if content:
            made = _object(inputs, "v1", "Secret", f"{provider.name}-credentials", None)
            secrets.append({**made, "type": "Opaque", "stringData": content})
    return _documents(inputs, secrets)


def _documents(inputs: Inputs, objects: Iterable[dict[str, Value]]) -> str:
    return inputs.title + "---\n".join(write_yaml(each) for each in objects)


def _object(inputs: Inputs, version: str, kind: str, name: str, spec: dict[str, Value] | None) -> dict[str, Value]:
    if not _NAME.fullmatch(name):
        raise RecordError(
            f"{name!r} cannot be the name of an object of Kubernetes",
            hint="lower-case letters, digits and inner hyphens",
        )
    labels: dict[str, Value] = {"app.kubernetes.io/managed-by": "llmcfg", "app.kubernetes.io/part-of": inputs.consumer}
    namespace = inputs.settings.text("namespace") or None
    metadata = without_nulls({"name": name, "namespace": namespace, "labels": labels})
    made: dict[str, Value] = {"apiVersion": version, "kind": kind, "metadata": metadata}
    return made if spec is None else {**made, "spec": spec}


def _reached(platform: Platform) -> list[Provider]:
    """Every provider that a route can send to, once."""
    models = [
        model
        for route in platform.routes.values()
        for model in (*(share.model for share in route.shares), *route.fallbacks.get("on_error", ()))
    ]
    return [*{model.provider.name: model.provider for model in models}.values()]


def _route_objects(inputs: Inputs, route: Route) -> Iterator[dict[str, Value]]:
    gateway = inputs.settings.need("gateway", "it names the Gateway that the routes belong to")
    header: Value = {"type": "Exact", "name": "x-ai-eg-model", "value": route.name}
    rule: dict[str, Value] = {"matches": [{"headers": [header]}], "backendRefs": [*_backends(route)]}
    timeout = inputs.settings.record("timeouts").fields.get("request_seconds")
    if timeout is not None:
        rule["timeouts"] = {"request": f"{timeout}s"}
    parent: Value = {"group": _API, "kind": "Gateway", "name": gateway}
    yield _object(inputs, f"{_AI}/v1beta1", "AIGatewayRoute", route.name, {"parentRefs": [parent], "rules": [rule]})
    yield _object(inputs, f"{_ENVOY}/v1alpha1", "BackendTrafficPolicy", route.name, _traffic(route))


def _backends(route: Route) -> Iterator[Value]:
    """Targets that share the traffic have one priority; those of a priority, and fallbacks after them, one each."""
    is_shared = route.record.text("strategy", "priority") == "weighted"
    for at, share in enumerate(route.shares):
        yield _backend(share.model, 0 if is_shared else at, int(share.weight) if is_shared else None)
    first = 1 if is_shared else len(route.shares)
    for at, model in enumerate(route.fallbacks.get("on_error", ())):
        yield _backend(model, first + at, None)


def _backend(model: Model, priority: int, weight: int | None) -> Value:
    return without_nulls({
        "name": model.provider.name, "modelNameOverride": model.upstream, "priority": priority, "weight": weight,
    })  # fmt: skip


def _traffic(route: Route) -> dict[str, Value]:
    """The HTTPRoute that is made of an AIGatewayRoute has its name."""
    retry = route.record.record("retry")
    statuses: list[Value] = [*(retry.numbers("statuses") or _WHEN_TO_RETRY)]
    tries = max(int(retry.number("max")), len(route.fallbacks.get("on_error", ())))
    spec: dict[str, Value] = {"targetRefs": [{"group": _API, "kind": "HTTPRoute", "name": route.name}]}
    if tries:
        triggers: list[Value] = ["connect-failure", "retriable-status-codes"]
        spec["retry"] = {"numRetries": tries, "retryOn": {"httpStatusCodes": statuses, "triggers": triggers}}
    cooldown = route.record.fields.get("cooldown_seconds")
    if cooldown is not None:
        spec["healthCheck"] = {
            "passive": {"baseEjectionTime": f"{cooldown}s", "interval": "2s", "maxEjectionPercent": 100}
        }
    return spec


def _provider_objects(inputs: Inputs, provider: Provider) -> Iterator[dict[str, Value]]:
    parts = urlsplit(url_of(provider))
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    reference: Value = {"group": _ENVOY, "kind": "Backend", "name": provider.name}
    spec: dict[str, Value] = {"schema": backend_schema(provider), "backendRef": reference}
    yield _object(inputs, f"{_AI}/v1beta1", "AIServiceBackend", provider.name, spec)
    policy = security(provider, f"{provider.name}-credentials")
    if policy:
        target: Value = {"group": _AI, "kind": "AIServiceBackend", "name": provider.name}
        yield _object(
            inputs, f"{_AI}/v1beta1", "BackendSecurityPolicy", provider.name, {"targetRefs": [target], **policy}
        )
    endpoint: Value = {"fqdn": {"hostname": host, "port": port}}
    yield _object(inputs, f"{_ENVOY}/v1alpha1", "Backend", provider.name, {"endpoints": [endpoint]})
    if parts.scheme == "https":
        validation: Value = {"wellKnownCACertificates": "System", "hostname": host}
        tls: dict[str, Value] = {"targetRefs": [reference], "validation": validation}
        yield _object(inputs, f"{_API}/v1", "BackendTLSPolicy", provider.name, tls)
