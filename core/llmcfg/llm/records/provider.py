"""Provider records: `providers/*` and `llm_providers/*`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.platform import Given, Provider
from llmcfg.llm.reading import waiting_of
from llmcfg.llm.vendors import VENDORS, vendor_at
from llmcfg.model.reference import ReferenceKind, find_references, parse_secret_use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.reading import Node

AUTH: Final = (
    "api_key", "auth_token", "aws_access_key_id", "aws_secret_access_key", "role_arn", "external_id", "web_identity", "profile",
    "bearer_token", "tenant_id", "client_id", "client_secret", "managed_identity", "token_provider", "credentials",
)  # fmt: skip
"""Fields of a provider that authenticate."""
SECRET_AUTH: Final = frozenset({"api_key", "auth_token", "aws_secret_access_key", "bearer_token", "client_secret"})
"""Those of them whose value is a secret."""
_FIELDS: Final = (
    "region",
    "location",
    "project",
    "organization",
    "api_version",
    "endpoint",
    "deployment",
    "base_model",
)
_SPELLINGS: Final = {
    "azure": "azure_openai", "azure-openai": "azure_openai", "vertex_ai": "vertex", "vertexai": "vertex", "google": "gemini",
    "aws_bedrock": "bedrock", "together_ai": "together", "openai-compatible": "openai_compatible", "vllm": "openai_compatible",
}  # fmt: skip


def read_provider(node: Node, name: str) -> Provider:
    """`name` stands for a missing `id`; and for a missing `type`, together with the host of the endpoint."""
    base_url = node.text("base_url", "api_base", "url", "endpoint")
    return Provider(
        name=name,
        spot=node.spot,
        type=_type(node, name, base_url),
        enabled=node.flag("enabled", True) and not _has_no_key_yet(node),
        base_url=base_url,
        auth={key: found for key in AUTH if (found := node.given(key)) is not None},
        fields={key: found for key in _FIELDS if (found := node.given(key)) is not None},
        headers=node.at("headers").given_fields(),
        residency=node.texts("residency"),
        rate=node.at("limits").rate(),
        waiting=waiting_of(node.at("timeouts"), node.at("retries")),
        allows_custom_host=node.flag("allow_custom_host", False),
        secrets=tuple(secrets_in(node)),
    )


def secrets_in(node: Node) -> Iterator[Given[str]]:
    """The names of secrets that the texts of a value refer to, each where it does."""
    for path, text in _texts(node.value, ()):
        for reference in find_references(text) if "{{" in text else ():
            if reference.kind is ReferenceKind.SECRET:
                yield Given(parse_secret_use(reference.name).name, node.spot.at(*path))


def _has_no_key_yet(node: Node) -> bool:
    """Whether a free-form document says with a null that its key is still to come, so that nothing is sent anywhere."""
    said = [node.fields[name] for name in AUTH if name in node]
    return bool(said) and all(value is None for value in said) and node.text("type", "provider_type") is None


def _type(node: Node, name: str, base_url: Given[str] | None) -> Given[str]:
    written = node.text("type", "provider_type")
    if written is not None:
        return Given(_SPELLINGS.get(written.value, written.value), written.spot)
    guessed = _SPELLINGS.get(name, name)
    if guessed not in VENDORS:
        guessed = vendor_at(base_url.value) if base_url else ""
    return Given(guessed, node.spot)


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
