"""LiteLLM's settings: keys that nothing reads, and what they say about who may call, how long it may take and what it may cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.litellm.known import SECTIONS, known
from llmcfg.llm.platform import Budget, Complaint, Gateway, Given, Waiting
from llmcfg.model.suggest import closest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.llm.reading import Node

_AUTHENTICATION: Final = ("custom_auth", "enable_jwt_auth", "enable_oauth2_auth", "enable_oauth2_proxy_auth")
ENFORCEMENT: Final = "enforce_model_rate_limits"


def unread_keys(root: Node) -> Iterator[Complaint]:
    """Sections, and keys of sections, that LiteLLM does not look for."""
    for key, item in root.items():
        if key in SECTIONS:
            for name, inner in item.items():
                if name not in known(key):
                    yield _unread(name, key, inner)
        elif key not in known("top") and not key.startswith(("x-", "_", ".")):
            home = next((section for section in SECTIONS if key in known(section)), "")
            near = _nearest(key, known("top"))
            hint = f"it belongs in {home}" if home else f"did you mean {near!r}?" if near else "remove it"
            yield Complaint("LLM032", f"LiteLLM reads no section {key!r}", item.spot, hint)


def _unread(name: str, section: str, node: Node) -> Complaint:
    homes = [other for other in (*SECTIONS, "top") if other != section and name in known(other)]
    near = _nearest(name, known(section))
    if homes:
        hint = "it is a section of its own" if homes == ["top"] else f"it belongs in {homes[0]}"
    else:
        hint = f"did you mean {near!r}?" if near else "remove it"
    return Complaint("LLM032", f"LiteLLM reads no {name!r} in {section}", node.spot, hint)


def _nearest(key: str, there: frozenset[str]) -> str | None:
    """The key that is most alike; of those that begin with the same word first."""
    first = key.partition("_")[0]
    return closest(key, [name for name in there if name.partition("_")[0] == first]) or closest(key, there)


def read_gateway(root: Node) -> Gateway:
    general, settings, router = (root.at(name) for name in ("general_settings", "litellm_settings", "router_settings"))
    enforced = router.texts("optional_pre_call_checks")
    return Gateway(
        name="LiteLLM",
        spot=general.spot if "general_settings" in root else root.spot,
        master_key=general.given("master_key")
        or root.at("environment_variables").given("LITELLM_MASTER_KEY")
        or _other_way_in(general),
        verbose=_said(settings, "set_verbose") or _said(router, "set_verbose"),
        logs_prompts=_said(general, "store_prompts_in_spend_logs"),
        waiting=Waiting(
            settings.number("request_timeout") or router.number("timeout"),
            router.number("stream_timeout"),
            router.count("num_retries") or settings.count("num_retries"),
        ),
        enforces_rates=bool(enforced and ENFORCEMENT in enforced.value),
        enforces_budgets=has_database(root),
        unenforced_budgets=tuple(_misplaced_budgets(root)),
    )


def has_database(root: Node) -> bool:
    """Whether spending is counted anywhere. Budgets of keys, teams and the proxy need that."""
    general, variables = root.at("general_settings"), root.at("environment_variables")
    is_named = any(general.given(key) is not None for key in ("database_url", "database_type"))
    return (
        is_named
        or "DATABASE_URL" in variables
        or "DATABASE_HOST" in variables
        or general.fields.get("store_model_in_db") is True
    )


def read_budgets(root: Node, entries: Sequence[Node]) -> Iterator[Budget]:
    settings = root.at("litellm_settings")
    amount = settings.number("max_budget")
    if amount is not None:
        yield Budget("gateway", "LiteLLM", amount, str(settings.fields.get("budget_duration") or ""))
    for name, item in root.at("router_settings", "provider_budget_config").items():
        amount = item.number("budget_limit", "max_budget")
        if amount is not None:
            yield Budget("provider", name, amount, str(item.fields.get("time_period") or ""))
    for entry in entries:
        amount = entry.at("litellm_params").number("max_budget")
        if amount is not None:
            period = str(entry.at("litellm_params").fields.get("budget_duration") or "")
            yield Budget("model", str(entry.fields.get("model_name")), amount, period)
    for key in ("default_internal_user_params", "upperbound_key_generate_params", "default_key_generate_params"):
        amount = settings.at(key).number("max_budget")
        if amount is not None:
            yield Budget("key", key, amount)


def connection_urls(root: Node) -> Iterator[Given[str]]:
    """Addresses in settings: of the database and of caches."""
    places = (
        ("general_settings",),
        ("router_settings",),
        ("litellm_settings", "cache_params"),
        ("environment_variables",),
    )
    for _, item in (pair for place in places for pair in root.at(*place).items()):
        if isinstance(item.value, str) and "://" in item.value:
            yield Given(item.value, item.spot)


def _misplaced_budgets(root: Node) -> Iterator[Given[Any]]:
    """Budgets in a section where LiteLLM does not look for them."""
    for section, keys in (
        ("general_settings", ("max_budget", "upperbound_key_generate_params", "default_internal_user_params")),
        ("router_settings", ("max_budget",)),
    ):
        for key in keys:
            found = root.at(section).given(key)
            if found is not None and key not in known(section):
                yield found


def _other_way_in(general: Node) -> Given[Any] | None:
    return next((found for key in _AUTHENTICATION if (found := general.given(key)) and found.value), None)


def _said(node: Node, key: str) -> Given[Any] | None:
    found = node.given(key)
    return found if found is not None and found.value is True else None
