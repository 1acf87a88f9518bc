"""Rules about limits and budgets: that there are some, that they add up, and that they hold."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from llmcfg.llm.platform import Complaint
from llmcfg.llm.rules.ground import Check
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.platform import Given, Platform
    from llmcfg.llm.rules.ground import Ground

_HOURS: Final = {"h": 1, "d": 24, "w": 168, "mo": 720, "y": 8760}


def find_unenforced(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for gateway in platform.gateways:
        rated = [limit for model in platform.models for limit in (model.rate.rpm, model.rate.tpm) if limit]
        if gateway.enforces_rates is False and rated:
            message = f"{gateway.name} only spreads the load by rpm and tpm of deployments ({len(rated)} here): it does not hold to them"
            yield Complaint("LLM028", message, rated[0].spot,
                            "add router_settings.optional_pre_call_checks: [enforce_model_rate_limits]")  # fmt: skip
        for found in gateway.unenforced_budgets:
            yield Complaint("LLM028", f"{gateway.name} enforces no budget in this section", found.spot,
                            "move it to litellm_settings, and give the proxy a database")  # fmt: skip
        if gateway.enforces_budgets is False:
            for budget in platform.budgets:
                if budget.scope in ("gateway", "key"):
                    message = (
                        f"{gateway.name} counts no spending without a database, so this budget lets everything pass"
                    )
                    hint = "give it database_url, or budget by router_settings.provider_budget_config"
                    yield Complaint("LLM028", message, budget.amount.spot, hint)


def find_without_budget(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    setting = platform.setting
    misplaced = any(gateway.unenforced_budgets for gateway in platform.gateways)
    is_foreign = bool(platform.gateways and platform.models and platform.is_whole and not setting.environment)
    if is_foreign and not platform.budgets and not misplaced:
        yield Complaint("LLM029", "nothing limits what may be spent here", platform.gateways[0].spot,
                        "set a budget, such as router_settings.provider_budget_config")  # fmt: skip
    if not setting.environment or not any(model.is_on for model in platform.models):
        return
    whole = next((budget for budget in platform.budgets if budget.scope == "tenant"), None)
    if not platform.budgets:
        place = (platform.routes or platform.models or platform.providers)[0].spot
        yield Complaint(
            "LLM029", "nothing limits what may be spent here", place, "add budgets.yaml with tenant: {amount: …}"
        )
    elif whole is not None:
        yield from _over(platform, "service", whole.amount, whole.period)
        total = sum(setting.child_budgets.values())
        if total > whole.amount.value:
            children = ", ".join(sorted(setting.child_budgets))
            yield Complaint("LLM029", f"{children} may spend {total:g}, and {setting.tenant} has {whole.amount.value:g}", whole.amount.spot,
                            "raise this one, or lower theirs")  # fmt: skip


def find_rates(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for model in platform.models:
        for limit in model.rate.given():
            if limit.value <= 0:
                yield Complaint(
                    "LLM030",
                    f"a limit of {limit.value} lets nothing through",
                    limit.spot,
                    "raise it, or delete the model",
                )
    yield from _over_account(platform)


def _over(platform: Platform, scope: str, whole: Given[float], period: str) -> Iterator[Complaint]:
    """Parts of one budget that may spend more than all of it, in the same period."""
    parts = [budget for budget in platform.budgets if budget.scope == scope]
    total = sum(part.amount.value for part in parts if hours_of(part.period) == hours_of(period))
    if total > whole.value:
        largest = max(parts, key=lambda part: part.amount.value)
        yield Complaint("LLM029", f"the {scope}s may spend {total:g} together, and the whole is {whole.value:g}", largest.amount.spot,
                        "raise the whole, or lower some", Severity.WARNING, (whole.spot,))  # fmt: skip


def _over_account(platform: Platform) -> Iterator[Complaint]:
    """Models of one provider that are promised more than its account has, each by itself."""
    grants = {provider.name: provider.rate for provider in platform.providers if provider.enabled}
    seen: dict[str, set[object]] = defaultdict(set)
    for model in platform.models:
        provider = model.provider.name if model.provider else ""
        rate = grants.get(provider)
        for what in ("rpm", "tpm") if rate is not None else ():
            has, wants = getattr(rate, what), getattr(model.rate, what)
            if has is not None and wants is not None and wants.value > has.value and wants.spot not in seen[what]:
                seen[what].add(wants.spot)
                message = f"{model.name} may take {wants.value} {what}, and the account of {provider} has {has.value}"
                yield Complaint("LLM030", message, wants.spot, "lower it, or raise the account's", related=(has.spot,))  # fmt: skip


def hours_of(period: str) -> float | None:
    """The length of `30d`, `7d`, `1mo`; None for another text, which is a period of its own."""
    digits = period.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = period[len(digits) :]
    return float(digits) * _HOURS[unit] if digits.isdigit() and unit in _HOURS else None


CHECKS: Final = (
    Check("LLM028", find_unenforced, frozenset({"gateways", "models", "budgets"})),
    Check("LLM029", find_without_budget, frozenset({"budgets", "providers", "models", "routes", "gateways"})),
    Check("LLM030", find_rates, frozenset({"providers", "models"})),
)
