"""Costs: what limits, budgets and prices bound, to the cent, and what is named because it is not known."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import UsageError
from llmcfg.llm.cost.bounds import Bound, least, monthly, total
from llmcfg.llm.cost.scope import Line, ScopeCost, cost_of
from llmcfg.llm.cost.traffic import read_traffic
from llmcfg.llm.cost.usage import Usage, read_usage
from llmcfg.llm.platform import Budget, Given, Setting, Spot
from llmcfg.llm.reading import Node
from llmcfg.pipeline.costs import changed_costs, costs_of
from support.written import opened

from .records import GROUND, documents, platform

PROVIDER = "# providers/hub\ntype: openai_compatible\nbase_url: http://hub.internal/v1\n"
PRICED = "pricing: {input_per_million: 0.1, output_per_million: 0.5}"
CHAT = f"# models/chat\nchat: {{provider: hub, upstream_model: q, rate: {{tpm: 120000}}, {PRICED}}}\n"


def cost(text: str, usages: list[Usage] | None = None, setting: Setting | None = None) -> ScopeCost:
    traffic = read_traffic(Node(documents(text).get("limits"), Spot("limits")))
    return cost_of(platform(text, setting), GROUND, traffic, usages)


def line(text: str, part: str, name: str = "", usages: list[Usage] | None = None) -> Line:
    [found] = [each for each in cost(text, usages).lines if (each.part, each.name) == (part, name)]
    return found


def worst(text: str, part: str, name: str = "") -> tuple[str | None, str]:
    bound = line(PROVIDER + text, part, name).worst
    return None if bound.usd is None else f"{bound.usd:.2f}", bound.by


def test_tokens_a_minute_all_month_at_the_dearer_price():
    assert worst(CHAT, "model", "chat") == ("2592.00", "limits")  # 120,000 x 43,200 x 0.5 / 1,000,000
    assert worst(CHAT, "tenant") == ("2592.00", "limits")


def test_requests_a_minute_cost_as_much_as_the_longest_request_does():
    limits = "rate: {rpm: 10}, limits: {context: 8000, max_output: 2000}"
    model = f"# models/chat\nchat: {{provider: hub, upstream_model: q, {limits}, {PRICED}}}\n"
    assert worst(model, "model", "chat") == (
        "777.60",
        "limits",
    )  # 10 x 43,200 x (8,000 x 0.1 + 2,000 x 0.5) / 1,000,000
    assert worst(model + "# limits\nrequest: {max_input_tokens: 1000, max_output_tokens: 100}\n", "model", "chat") == (
        "64.80",
        "limits",
    )
    assert worst(model.replace("rate:", "params: {max_tokens: 200}, rate:"), "model", "chat") == ("388.80", "limits")


def test_the_account_and_the_limits_of_the_scope_bound_all_models_together():
    two = CHAT + f"other: {{provider: hub, upstream_model: r, rate: {{tpm: 120000}}, {PRICED}}}\n"
    assert worst(two, "tenant") == ("5184.00", "limits")
    assert worst(two.replace("# models", "limits: {tpm: 150000}\n# models"), "tenant") == ("3240.00", "limits")
    assert worst(two + "# limits\ntenant: {tpm: 100000}\n", "tenant") == ("2160.00", "limits")


@pytest.mark.parametrize(
    ("on_exceed", "held"),
    [("", ("100.00", "tenant budget")), ("reject", ("100.00", "tenant budget")), ("alert", ("2592.00", "limits")),
     ("fallback", ("2592.00", "limits"))],
)  # fmt: skip
def test_a_budget_holds_where_it_stops_spending(on_exceed: str, held: tuple[str, str]):
    said = f", on_exceed: {on_exceed}" if on_exceed else ""
    budgets = f"# budgets\nperiod: 30d\ntenant: {{amount: 100{said}}}\n"
    assert worst(CHAT + budgets, "tenant") == held
    found = line(PROVIDER + CHAT + budgets, "tenant")
    assert (found.budget, f"{found.limits.usd:.2f}") == (Decimal(100), "2592.00")


def test_budgets_of_providers_models_and_services_hold_for_their_own():
    services = "# services/bot\nroute: chat\n# services/idle\ntitle: x\n"
    budgets = "# budgets\nperiod: 30d\nproviders: {hub: {amount: 900}}\nmodels: {chat: {amount: 500}}\n"
    budgets += "services: {bot: {amount: 50}, idle: {amount: 7}}\n"
    assert worst(CHAT + services + budgets, "model", "chat") == ("500.00", "model budget")
    assert worst(CHAT + services + budgets.replace("500", "1000"), "model", "chat") == ("900.00", "provider budget")
    assert worst(CHAT + services + budgets, "service", "bot") == ("50.00", "service budget")
    assert worst(CHAT + services + budgets, "service", "idle") == ("7.00", "service budget")
    assert worst(
        CHAT + services + budgets.replace(", idle: {amount: 7}", ", idle: {amount: 7, on_exceed: alert}"),
        "service",
        "idle",
    ) == (
        None,
        "no route of idle is known",
    )


def test_a_service_costs_what_its_routes_and_their_fallbacks_reach():
    models = CHAT + f"spare: {{provider: hub, upstream_model: s, rate: {{tpm: 1000}}, {PRICED}}}\n"
    models += f"unused: {{provider: hub, upstream_model: u, rate: {{tpm: 9000}}, {PRICED}}}\n"
    route = (
        "# routes/main\ntargets: [{model: chat}, {model: unused, weight: 0}]\nfallbacks: {on_error: [{model: deep}]}\n"
    )
    deep = "# routes/deep\ntargets: [{model: spare}]\nfallbacks: {on_error: [{model: main}]}\n"
    assert worst(models + route + deep + "# services/bot\nroute: main\n", "service", "bot") == ("2613.60", "limits")
    assert worst(
        models + route + deep + "# services/bot\nroute: deep\n# limits\nservices: {bot: {tpm: 10}}\n", "service", "bot"
    ) == (
        "0.22",
        "limits",
    )


def test_what_has_no_price_or_no_limit_is_named_and_never_nothing():
    text = (
        CHAT
        + "free: {provider: hub, upstream_model: f, rate: {tpm: 10}}\n"
        + f"open: {{provider: hub, upstream_model: o, {PRICED}}}\n"
    )
    assert worst(text, "model", "free") == (None, "no price of free (f)")
    assert worst(text, "model", "open") == (None, "no limit on open (o)")
    assert worst(text, "tenant") == (None, "no price of free (f); no limit on open (o)")
    assert worst(text + "# budgets\ntenant: {amount: 40, period: 30d}\n", "tenant") == ("40.00", "tenant budget")


def test_models_of_the_catalogue_have_its_price_and_those_that_are_off_cost_nothing():
    openai = "# providers/openai\ntype: openai\napi_key: x\n# models/chat\n"
    chat = "chat: {provider: openai, upstream_model: gpt-6-luna, rate: {tpm: 1000}}\n"
    assert worst(openai + chat, "tenant") == ("21.60", "limits")
    assert worst(openai.replace("api_key: x", "enabled: false") + chat, "tenant") == ("0.00", "")


def test_periods_are_brought_to_thirty_days():
    amounts = {
        period: monthly(Budget("tenant", "", Given(70, Spot("budgets")), period))
        for period in ("30d", "7d", "1mo", "1h", "", "monthly")
    }
    assert amounts == {"30d": 70, "7d": 300, "1mo": 70, "1h": 50400, "": None, "monthly": None}


def test_usage_is_scaled_to_a_month_and_counted_for_tenant_service_and_model():
    text = PROVIDER + CHAT + "# routes/main\ntargets: [{model: chat}]\n# services/bot\nroute: main\n"
    used = [
        Usage("prod", None, "bot", "main", 1_000_000, 200_000, 10),
        Usage("prod", None, "", "chat", 0, 0, 10),
        Usage("prod", None, "", "gone", 5, 5, 10),
    ]
    found = cost(text, used)
    spent = {(each.part, each.name): each.expected.usd for each in found.lines if each.expected}
    assert spent == {
        ("tenant", ""): Decimal("0.6"),
        ("service", "bot"): Decimal("0.6"),
        ("model", "chat"): Decimal("0.6"),
    }
    assert found.unmatched == ("gone",)


def test_usage_of_a_model_without_a_price_is_named_and_not_counted():
    text = PROVIDER + "# models/chat\nchat: {provider: hub, upstream_model: q}\n"
    expected = line(text, "tenant", usages=[Usage("prod", None, "", "chat", 10, 10, 30)]).expected
    assert expected is not None
    assert (expected.usd, expected.unpriced) == (0, ("chat",))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "Diff"}, "u.yaml is no usage file"),
        ({"days": 0}, "u.yaml does not say over how many days"),
        ({"items": [{"model": "chat", "tokens": 1}]}, "u.yaml, item 1 has the unknown field 'tokens'"),
        ({"items": [{"environment": "prod"}]}, "u.yaml, item 1 names no model"),
        ({"items": [{"model": "a"}]}, "u.yaml, item 1 names no environment"),
        (
            {"items": [{"environment": "prod", "model": "a", "input_tokens": -1}]},
            "u.yaml, item 1: input_tokens is no number of tokens",
        ),
        ({"items": ["x"]}, "u.yaml, item 1 is no mapping"),
    ],
)
def test_a_usage_file_that_is_wrong_is_refused_by_item(changes: dict[str, object], message: str):
    good = {"kind": "Usage", "days": 30, "items": []}
    assert read_usage(good, "u.yaml") == ()
    with pytest.raises(UsageError, match=message):
        read_usage({**good, **changes}, "u.yaml")


AMOUNTS = st.lists(st.decimals(0, 1_000_000, places=4), min_size=1, max_size=6)


@given(AMOUNTS)
def test_a_sum_is_no_less_than_any_part_and_the_tightest_bound_no_more(amounts: list[Decimal]):
    bounds = [Bound(amount, "limits") for amount in amounts]
    assert total(bounds).usd == sum(amounts)
    assert least(bounds).usd == min(amounts)
    unknown = Bound(None, "no price of x")
    assert total([*bounds, unknown]) == unknown
    assert least([unknown, *bounds]).usd == min(amounts)


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_higher_limit_never_costs_less(one: int, other: int):
    texts = [PROVIDER + CHAT.replace("120000", str(tpm)) for tpm in sorted((one, other))]
    low, high = (line(text, "tenant").worst.usd for text in texts)
    assert low is not None
    assert high is not None
    assert low <= high


FILES: dict[str, str | bytes] = {
    "base/providers/hub.yaml": "type: openai_compatible\nbase_url: http://hub.internal/v1\n",
    "base/models/chat.yaml": f"chat: {{provider: hub, upstream_model: q, rate: {{tpm: 120000}}, {PRICED}}}\n",
}


def test_scopes_that_see_the_same_are_reckoned_once():
    configuration = opened(FILES)
    found = costs_of(configuration, configuration.scopes, GROUND.as_of)
    assert [*found] == ["dev", "prod"]
    overlaid = opened({**FILES, "environments/dev/models/chat.yaml": "chat: {rate: {tpm: 60000}}\n"})
    tenants = {
        name: each.lines[0].worst.usd for name, each in costs_of(overlaid, overlaid.scopes, GROUND.as_of).items()
    }
    assert tenants == {"dev": 1296, "prod": 2592}


def test_a_change_is_told_for_each_scope_that_it_reaches_and_for_no_other():
    before, after = (
        opened(FILES),
        opened({**FILES, "environments/dev/models/chat.yaml": "chat: {rate: {tpm: 60000}}\n"}),
    )
    changes = changed_costs(before, after, GROUND.as_of, lambda _: True)
    assert {
        (each.scope, each.line.part, each.before and each.before.worst.usd, each.after and each.after.worst.usd)
        for each in changes
    } == {
        ("dev", "tenant", 2592, 1296),
        ("dev", "model", 2592, 1296),
    }
    assert changed_costs(before, after, GROUND.as_of, lambda scope: scope.environment == "prod") == ()


def test_a_tenants_own_budget_by_name_counts_for_it_alone():
    budgets = "# budgets\nperiod: 30d\ntenants: {acme: {amount: 5}}\n"
    for tenant, expected in (("acme", Decimal(5)), ("other", Decimal(2592))):
        setting = Setting(environment="prod", tenant=tenant)
        assert cost(PROVIDER + CHAT + budgets, None, setting).lines[0].worst.usd == expected
