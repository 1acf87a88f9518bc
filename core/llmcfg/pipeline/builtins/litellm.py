"""config.yaml of the LiteLLM proxy, from providers, models, routes, budgets and guardrails.

Only keys that the proxy reads. Limits and budgets stand where it enforces them without a database: rates of deployments together with
`enforce_model_rate_limits`, budgets of providers in `provider_budget_config`, budgets of models on their deployments. Prices are
written out, since a model without a price uses up no budget. The ids of deployments follow from names, so metrics go on across reloads.
A route to one model is an alias of it, so that a model's rate is counted once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.pipeline.builtins.inputs import Inputs, map_secrets, secrets_within, without_nulls
from llmcfg.pipeline.builtins.litellm_guardrails import filters
from llmcfg.pipeline.builtins.litellm_params import PREFIXES, provider_params
from llmcfg.pipeline.builtins.platform import read_platform
from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.platform import Model, Platform, Route
    from llmcfg.pipeline.builtins.record import Record

_CHAINS: Final = {
    "on_error": "fallbacks",
    "on_context": "context_window_fallbacks",
    "on_policy": "content_policy_fallbacks",
}
_PERIOD: Final = re.compile(r"[1-9][0-9]*(s|m|h|d|w|mo)")
_RETRIES: Final = {
    400: "BadRequestErrorRetries",
    401: "AuthenticationErrorRetries",
    408: "TimeoutErrorRetries",
    429: "RateLimitErrorRetries",
    500: "InternalServerErrorRetries",
    502: "InternalServerErrorRetries",
    503: "InternalServerErrorRetries",
}
_STRATEGIES: Final = {"least_latency": "latency-based-routing", "least_cost": "cost-based-routing"}


def write_config(inputs: Inputs) -> str:
    platform = read_platform(inputs.config)
    document: dict[str, Value] = {
        "model_list": [*_deployments(platform)],
        "litellm_settings": _litellm_settings(inputs),
        "router_settings": _router_settings(inputs, platform),
        "guardrails": [*filters(inputs.config.record("guardrails"))],
        "general_settings": _general_settings(inputs),
    }
    document = {key: value for key, value in document.items() if value}
    if not inputs.opened:
        document = {
            key: map_secrets(value, "os.environ/{}".format, key, within=False) for key, value in document.items()
        }
    return inputs.yaml(document)


def write_environment(inputs: Inputs) -> str:
    """The env file for a config that is not opened: every secret that it names as os.environ/NAME."""
    platform = read_platform(inputs.config)
    records = [provider.record.fields for provider in platform.providers.values()]
    found: dict[str, Value] = {}
    for use in secrets_within([*map(dict, records), inputs.settings.fields.get("master_key")]):
        reference = "{{secret:" + use + "}}"
        found[str(map_secrets(reference, str, use))] = reference
    return inputs.env(dict(sorted(found.items())))


def _deployments(platform: Platform) -> Iterator[Value]:
    for model in platform.models.values():
        yield _deployment(model.name, model.name, model, {})
    for route in platform.routes.values():
        if not _is_alias(route):
            for at, share in enumerate(route.shares):
                choice: dict[str, Value] = {"weight": share.weight} if _strategy(route) == "weighted" else {}
                if _strategy(route) == "priority":
                    choice = {"order": at + 1}
                yield _deployment(route.name, f"{route.name}--{share.name}", share.model, choice)


def _strategy(route: Route) -> str:
    return route.record.text("strategy", "priority")


def _is_alias(route: Route) -> bool:
    return len(route.shares) == 1 and route.name != route.shares[0].model.name


def _deployment(group: str, id: str, model: Model, choice: dict[str, Value]) -> Value:
    timeouts = model.provider.record.record("timeouts")
    rate, budget = model.record.record("rate"), model.record.record("budget")
    limits = {
        "rpm": rate.fields.get("rpm"),
        "tpm": rate.fields.get("tpm"),
        "max_parallel_requests": rate.fields.get("max_parallel"),
        "max_budget": budget.fields.get("amount"),
        "budget_duration": _period(budget, "30d") if "amount" in budget else None,
        "timeout": timeouts.fields.get("request_seconds", timeouts.fields.get("request")),
        "stream_timeout": timeouts.fields.get("stream_idle_seconds", timeouts.fields.get("stream_idle")),
        "max_retries": model.provider.record.record("retries").fields.get("max"),
    }
    params = {**provider_params(model), **model.record.record("params").fields, **limits, **choice}
    return {"model_name": group, "litellm_params": without_nulls(params), "model_info": _model_info(id, model)}


def _model_info(id: str, model: Model) -> dict[str, Value]:
    limits, pricing = model.record.record("limits"), model.record.record("pricing")
    return without_nulls({
        "id": id,
        "mode": model.record.text("mode", "chat"),
        "base_model": model.record.fields.get("base_model"),
        "max_input_tokens": limits.fields.get("context"),
        "max_output_tokens": limits.fields.get("max_output"),
        "input_cost_per_token": _per_token(pricing, "input_per_million"),
        "output_cost_per_token": _per_token(pricing, "output_per_million"),
        "cache_read_input_token_cost": _per_token(pricing, "cache_read_per_million"),
    })  # fmt: skip


def _per_token(pricing: Record, key: str) -> float | None:
    return round(pricing.number(key) / 1_000_000, 15) if key in pricing else None


def _litellm_settings(inputs: Inputs) -> dict[str, Value]:
    settings = inputs.settings
    rules = inputs.config.record("guardrails").records("rules")
    injection = any(rule.text("kind") == "prompt_injection" for rule in rules)
    return without_nulls({
        "drop_params": True,
        "request_timeout": settings.record("timeouts").fields.get("request_seconds"),
        "json_logs": True,
        "turn_off_message_logging": not settings.is_on("log_prompts"),
        "redact_user_api_key_info": True,
        "callbacks": ["detect_prompt_injection"] if injection else None,
        "prompt_injection_params": {"heuristics_check": True} if injection else None,
    })  # fmt: skip


def _router_settings(inputs: Inputs, platform: Platform) -> dict[str, Value]:
    settings, routes = inputs.settings, platform.routes.values()
    strategies = {_STRATEGIES.get(_strategy(route), "simple-shuffle") for route in routes if not _is_alias(route)}
    if len(strategies) > 1:
        raise RecordError(f"routes ask for {' and '.join(sorted(strategies))}, and a LiteLLM proxy has one strategy",
                          hint="give the routes of this consumer one strategy; priority and weighted go together")  # fmt: skip
    aliases: dict[str, Value] = {route.name: route.shares[0].model.name for route in routes if _is_alias(route)}
    for model in platform.models.values():
        aliases |= dict.fromkeys(model.record.texts("aliases"), model.name)
    return without_nulls({
        "routing_strategy": min(strategies, default="simple-shuffle"),
        "num_retries": settings.fields.get("retries"),
        "timeout": settings.record("timeouts").fields.get("stream_seconds"),
        "allowed_fails": settings.fields.get("allowed_fails"),
        "cooldown_time": settings.fields.get("cooldown_seconds"),
        "enable_pre_call_checks": True,
        "optional_pre_call_checks": ["enforce_model_rate_limits"],
        "model_group_alias": aliases or None,
        "model_group_retry_policy": {route.name: policy for route in routes if (policy := _retry_policy(route))} or None,
        **{section: _chains(platform, trigger) or None for trigger, section in _CHAINS.items()},
        "provider_budget_config": _provider_budgets(inputs.config.record("budgets"), platform) or None,
    })  # fmt: skip


def _retry_policy(route: Route) -> dict[str, Value]:
    retry = route.record.record("retry")
    named = {_RETRIES[int(status)] for status in retry.numbers("statuses") if status in _RETRIES}
    return dict.fromkeys(sorted(named), retry.number("max"))


def _chains(platform: Platform, trigger: str) -> list[Value]:
    return [
        {route.name: [model.name for model in route.fallbacks[trigger]]}
        for route in platform.routes.values()
        if route.fallbacks.get(trigger)
    ]


def _provider_budgets(budgets: Record, platform: Platform) -> dict[str, Value]:
    """LiteLLM counts by kind of provider, so accounts of one kind have their budgets added up."""
    sums: dict[str, tuple[float, str]] = {}
    for name, budget in budgets.record("providers").named():
        if name in platform.providers:
            kind = PREFIXES[platform.providers[name].type]
            period = _period(budget, budgets.text("period", "30d"))
            amount, before = sums.get(kind, (0, period))
            if before != period:
                raise RecordError(f"budgets of {kind} run for {before} and {period}, and LiteLLM counts them together",
                                  hint=f"give them one period: {budget.at('period')}")  # fmt: skip
            sums[kind] = (amount + budget.number("amount"), period)
    return {kind: {"budget_limit": amount, "time_period": period} for kind, (amount, period) in sums.items()}


def _period(budget: Record, default: str) -> str:
    """LiteLLM counts by seconds, minutes, hours, days and months."""
    period = budget.text("period", default)
    if period == "calendar-month":
        return "1mo"
    if not _PERIOD.fullmatch(period):
        raise RecordError(
            f"{budget.at('period')} is {period!r}, which LiteLLM cannot count", hint="write 30d, 24h or calendar-month"
        )
    return period


def _general_settings(inputs: Inputs) -> dict[str, Value]:
    key = inputs.settings.need("master_key", "without it everybody may use the gateway")
    parallel = inputs.config.record("limits").record("tenant").fields.get("max_parallel")
    return without_nulls({"master_key": key, "max_parallel_requests": parallel})
