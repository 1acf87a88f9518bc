"""Models that end: which, when, what to move to, and what the move would break."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from llmcfg.errors import UsageError
from llmcfg.llm.retirements import Price, Retirement, find_retirements
from llmcfg.pipeline.llmviews import choose_scopes, retirements_of
from llmcfg_cli.commands.retirements import _days
from support.written import opened

from .records import GROUND, platform

PROVIDERS = """
# providers/anthropic
type: anthropic
api_key: "{{secret:anthropic}}"
# providers/openai
type: openai
api_key: "{{secret:openai}}"
# providers/idle
type: openai
enabled: false
"""


def found(text: str, as_of: date = GROUND.as_of, within: int = 90) -> list[Retirement]:
    ground = replace(GROUND, as_of=as_of, retire_within=within)
    return [*find_retirements(platform(PROVIDERS + text), ground)]


def model(fields: str) -> str:
    return f"# models/chat\nchat: {{{fields}}}\n"


SONNET = "provider: anthropic, upstream_model: claude-sonnet-4-5"


def test_a_model_is_listed_from_so_many_days_before_its_last_one():
    last = date(2026, 11, 30)
    assert [each.days for each in found(model(SONNET))] == [5]
    assert found(model(SONNET), within=4) == []
    assert [each.days for each in found(model(SONNET), as_of=last)] == [0]
    assert [each.days for each in found(model(SONNET), as_of=date(2026, 12, 2), within=0)] == [-2]


def test_what_is_off_or_stays_is_not_listed():
    assert found(model("provider: idle, upstream_model: gpt-4")) == []
    assert found(model("provider: openai, upstream_model: gpt-6-luna")) == []


def test_a_record_knows_better_than_the_catalogue():
    assert found(model(f"{SONNET}, retires: '2028-01-01'")) == []
    assert [
        each.last_day for each in found(model("provider: openai, upstream_model: gpt-6-luna, retires: '2026-12-01'"))
    ] == [date(2026, 12, 1)]


def test_the_successor_is_of_the_same_line_and_refuses_what_it_does_not_take():
    [retirement] = found(model(f"{SONNET}, params: {{temperature: 0.7, top_p: 0.9}}"))
    assert retirement.successor == "claude-sonnet-5-5"
    assert retirement.breaks == ("claude-sonnet-5-5 takes no temperature", "claude-sonnet-5-5 takes no top_p")
    assert (retirement.price, retirement.successor_price) == (Price(3, 15), Price(2, 10))


def test_the_record_that_a_model_names_is_its_successor_with_all_that_it_takes_less():
    text = (
        "# models/chat\n"
        "chat: {provider: openai, upstream_model: gpt-6-luna, retires: '2026-12-01', replacement: old, params: {max_tokens: 9000}}\n"
        "old: {provider: openai, upstream_model: gpt-4}\n"
    )
    [retirement] = [each for each in found(text) if each.model == "chat"]
    assert retirement.successor == "old"
    assert retirement.breaks == (
        "max_tokens 9000 is above the 4096 tokens that gpt-4 gives",
        "9000 tokens of output do not fit in the window of 8192 of gpt-4",
        "context 8,192 after 922,000 tokens",
        "output 4,096 after 128,000 tokens",
        "no vision",
        "no json_schema",
        "no reasoning",
    )


def test_what_is_wrong_already_is_not_broken_by_the_move():
    [retirement] = found(model(f"{SONNET}, params: {{temperature: 3}}"))
    assert retirement.breaks == ("claude-sonnet-5-5 takes no temperature",)


def test_an_azure_deployment_moves_by_its_base_model():
    azure = "# providers/azure\ntype: azure_openai\nbase_url: https://x.openai.azure.com\napi_key: '{{secret:azure}}'\n"
    text = azure + model(
        "provider: azure, upstream_model: ours, base_model: azure/gpt-4, retires: '2026-12-01', replacement: azure/gpt-4o"
    )
    [retirement] = found(text)
    assert retirement.successor_price == Price(2.5, 10)


def test_routes_that_lead_to_it_are_named():
    routes = "# routes/chat\ntargets: [{model: chat}]\n# routes/other\ntargets: [{model: x}]\nfallbacks: {on_error: [{model: c}]}\n"
    assert [each.routes for each in found(model(f"{SONNET}, aliases: [c]") + routes)] == [("chat", "other")]


def test_a_model_that_is_the_same_in_several_scopes_is_one_with_all_its_routes_the_first_to_end_first():
    files = {
        "base/providers/a.yaml": "type: anthropic\n",
        "base/providers/o.yaml": "type: openai\n",
        "base/models/m.yaml": "late: {provider: a, upstream_model: claude-sonnet-4-5}\nsoon: {provider: o, upstream_model: gpt-4}\n",
        "base/routes/chat.yaml": "targets: [{model: late}]\n",
        "environments/dev/routes/extra.yaml": "targets: [{model: late}]\n",
    }
    configuration = opened(files)
    answer = retirements_of(configuration, choose_scopes(configuration, (), ()), GROUND.as_of, 90)
    assert [(each.model, each.routes, scopes) for each, scopes in answer.items()] == [
        ("soon", (), ("dev", "prod")),
        ("late", ("chat", "extra"), ("dev", "prod")),
    ]


def test_time_is_written_in_days_or_weeks():
    assert [_days(text) for text in ("90d", "90", "2w", "0")] == [90, 90, 14, 0]
    for text in ("3y", "-1", "1.5d", ""):
        with pytest.raises(UsageError):
            _days(text)
