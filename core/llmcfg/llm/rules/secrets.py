"""Rules about keys: that there is one, where it stands, and whose it is."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.platform import Complaint
from llmcfg.llm.rules.ground import Check, has_foreign_host, has_unknown_host, is_reference, is_seen, vendor_of
from llmcfg.llm.vendors import VENDORS, host_of, is_internal
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.platform import Given, Platform, Provider
    from llmcfg.llm.rules.ground import Ground

_SECRET_FIELDS: Final = (
    "api_key",
    "auth_token",
    "aws_secret_access_key",
    "bearer_token",
    "client_secret",
    "aws_session_token",
)
_SECRET_HEADER: Final = re.compile(r"(?i)authorization|.*(api[-_]?key|token|secret)")
_DUMMIES: Final = re.compile(
    r"(?i)|none|null|na|n/a|no[-_ ]?key|not[-_ ]?(needed|required|used)|unused|empty|test|x+|any(thing)?|<.*>|ollama|lm[-_]?studio|vllm|"
    r"(dummy|fake|local|placeholder).*|(sk-)?(your|my|insert|replace|change)[-_ ]?.*|sk-(xxx|\.\.\.|fake|dummy|none|no-key|not-needed).*"
)
"""What people write where a client wants some key and the server none, or to be filled in."""
_URL_PASSWORD: Final = re.compile(r"://[^/\s:@]+:([^/\s@]+)@")


def find_literals(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    hint = "keep it outside, and refer to it: {{secret:name}}, or os.environ/NAME in LiteLLM"
    for place, what in _secret_places(platform):
        if isinstance(place.value, str) and _is_literal(place.value):
            yield Complaint("LLM001", f"{what} is written out", place.spot, hint)


def find_default_keys(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    """A client without a key takes the vendor's variable from its environment, and sends it to whatever host it was given."""
    for provider in platform.providers:
        if not provider.enabled or provider.base_url is None or not is_seen(provider.base_url.value):
            continue
        host = host_of(provider.base_url.value)
        is_elsewhere = has_unknown_host(provider) or has_foreign_host(provider)
        if (
            provider.type.value in ("openai", "anthropic")
            and is_elsewhere
            and not provider.auth
            and not is_internal(host)
        ):
            message = f"{host} gets the default key of {provider.type.value}, because none is given"
            yield Complaint("LLM002", message, provider.base_url.spot, "give api_key, for a server without keys any text")  # fmt: skip


def find_unset(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    yield from find_default_keys(platform, _ground)
    secrecy = platform.setting.secrecy
    for provider in platform.providers if secrecy is not None else ():
        for secret in provider.secrets if provider.enabled else ():
            if secrecy is not None and (secret.value not in secrecy.files or secret.value in secrecy.unset):
                yield Complaint("LLM002", f"secret {secret.value!r} of {provider.name} has no value here", secret.spot,
                                "set it: llmcfg secret set")  # fmt: skip


def find_strange(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    """Secrets whose name says another environment or tenant."""
    setting = platform.setting
    for provider in platform.providers:
        for secret in provider.secrets if provider.enabled else ():
            words = set(re.split(r"[^a-z0-9]+", secret.value.lower()))
            for whose in sorted(setting.other_environments | setting.other_tenants):
                if set(whose.split("-")) <= words and not {setting.environment, setting.tenant} & words:
                    yield Complaint("LLM003", f"secret {secret.value!r} of {provider.name} is by its name that of {whose}", secret.spot,
                                    "give this environment and tenant a secret of their own")  # fmt: skip


def find_shared(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    users: dict[str, list[tuple[Provider, Given[str]]]] = defaultdict(list)
    for provider in platform.providers:
        for field in (provider.auth.get(name) for name in _SECRET_FIELDS):
            secret = next((one for one in provider.secrets if field and one.spot == field.spot), None)
            if secret is not None and provider.enabled:
                users[secret.value].append((provider, secret))
    for name, uses in users.items():
        accounts = {
            _account(provider): secret
            for provider, secret in reversed(uses)
            if provider.type.value not in platform.custom_providers
        }
        if len(accounts) > 1:
            first, second, *_ = reversed(accounts.values())
            yield Complaint("LLM004", f"{name} is the key of several accounts: {', '.join(sorted(accounts))}", second.spot,
                            "give each account its own", related=(first.spot,))  # fmt: skip
    yield from _shared_with_unprotected(platform, users)


def find_due(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    due = platform.setting.secrecy.due if platform.setting.secrecy else {}
    for provider in platform.providers:
        for secret in provider.secrets if provider.enabled else ():
            if secret.value in due:
                yield Complaint("LLM005", f"secret {secret.value!r} of {provider.name} has to get a new value since {due[secret.value]}",
                                secret.spot, "change it at the vendor, then llmcfg secret set, or rotate")  # fmt: skip


def find_unauthenticated(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    """Only for records that state their type: programs take what is missing from their environment."""
    for provider in platform.providers:
        vendor = VENDORS.get(provider.type.value)
        is_judged = provider.enabled and platform.setting.environment and provider.type.spot != provider.spot
        if vendor is None or not is_judged:
            continue
        given = {*provider.auth, *provider.fields, *(["base_url"] if provider.base_url else [])}
        for group in vendor.needs:
            if not given.intersection(group):
                yield Complaint("LLM006", f"{provider.name} has no {' or '.join(group[:3])}, which {provider.type.value} needs",
                                provider.type.spot, f"give {group[0]}, or enabled: false")  # fmt: skip


def _account(provider: Provider) -> str:
    """Whose account a key opens: a vendor's, or that of a host."""
    if has_unknown_host(provider) and provider.base_url is not None:
        return host_of(provider.base_url.value) or provider.base_url.value
    return vendor_of(provider)


def _shared_with_unprotected(
    platform: Platform, users: dict[str, list[tuple[Provider, Given[str]]]]
) -> Iterator[Complaint]:
    secrecy = platform.setting.secrecy
    if secrecy is None or not platform.setting.is_protected:
        return
    for name, uses in users.items():
        if secrecy.files.get(name) in secrecy.shared_files:
            message = f"secret {name!r} of {uses[0][0].name} is that of environments without protection too"
            yield Complaint(
                "LLM004",
                message,
                uses[0][1].spot,
                "give protected environments a secret of their own",
                Severity.WARNING,
            )


def _secret_places(platform: Platform) -> Iterator[tuple[Given[Any], str]]:
    seen: set[object] = set()
    for provider in platform.providers:
        for name in _SECRET_FIELDS:
            if name in provider.auth and provider.auth[name].spot not in seen:
                seen.add(provider.auth[name].spot)
                yield provider.auth[name], name
        yield from (
            (value, f"the header {key}") for key, value in provider.headers.items() if _SECRET_HEADER.fullmatch(key)
        )
    for gateway in platform.gateways:
        if gateway.master_key is not None:
            yield gateway.master_key, "the master key"
    for server in platform.mcp_servers:
        for key, value in {**server.env, **server.headers}.items():
            if _SECRET_HEADER.fullmatch(key):
                yield value, key
    yield from ((url, "the password in this URL") for url in platform.urls if _URL_PASSWORD.search(str(url.value)))


def _is_literal(text: str) -> bool:
    """Whether a text could open something: no reference, and no word that stands for "no key"."""
    password = _URL_PASSWORD.search(text)
    if password is not None:
        return not is_reference(password[1]) and "{{" not in text
    bare = re.sub(r"(?i)^(bearer|basic|token)\s+", "", text.strip())
    return (
        not is_reference(bare)
        and "{{" not in bare
        and "${" not in bare
        and "os.environ/" not in bare
        and not _DUMMIES.fullmatch(bare)
    )


CHECKS: Final = (
    Check("LLM001", find_literals),
    Check("LLM002", find_unset),
    Check("LLM003", find_strange),
    Check("LLM004", find_shared, frozenset({"providers"})),
    Check("LLM005", find_due),
    Check("LLM006", find_unauthenticated),
)
