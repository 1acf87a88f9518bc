"""What is said of a platform that differs in some documents from one that was judged is what is said of it judged whole."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm.records import GROUND, documents
from llmcfg.llm.platform import Secrecy, Setting
from llmcfg.llm.records.document import NOTHING, Readings
from llmcfg.llm.records.platform import read_records
from llmcfg.llm.rules import engine, judged
from llmcfg.llm.rules.engine import find_complaints
from llmcfg.llm.rules.judged import Judged

SETTING = Setting(
    "prod",
    is_protected=True,
    tenant="acme",
    other_environments=frozenset({"dev"}),
    residency=frozenset({"eu"}),
    secrecy=Secrecy({"one": "base/secrets/k.yaml"}, shared_files=frozenset({"base/secrets/k.yaml"})),
    child_budgets={"child": 60},
)
SOME = st.sampled_from
PROVIDER = st.builds(
    "type: {}\nbase_url: {}\napi_key: {}\n{}\n{}\n{}\n".format,
    SOME(["openai", "anthropic", "bedrock", "openai_compatible", "nobody"]),
    SOME(["https://api.openai.com/v1", "http://api.openai.com/v1", "http://10.0.0.7/v1", "https://x.example.com/v1"]),
    SOME(["'{{secret:one}}'", "'{{secret:dev_key}}'", "sk-proj-1234567890abcdef", "null"]),
    SOME(["", "id: other", "id: a", "enabled: false", "region: us-east-1", "residency: [us]"]),
    SOME(["", "timeouts: {request_seconds: 60, stream_idle_seconds: 90}", "limits: {rpm: 5}"]),
    SOME(
        [
            "",
            "models: {chat: {model: gpt-4, fallback: claude}, 'gpt-*': {}}",
            "models: [gpt-4, chat]\nfallbacks: [b, a]",
            "model: gpt-4o\nfallback: a",
        ]
    ),
)
ONE_MODEL = st.builds(
    "{{provider: {}, upstream_model: {}, {}, {}, {}}}".format,
    SOME(["a", "b", "other", "gone"]),
    SOME(["gpt-4", "gpt-6-luna", "claude-sonnet-4-5", "own", "'gpt-*'"]),
    SOME(["aliases: [chat]", "aliases: [m, 'm-*']", "replacement: chat", "capabilities_required: [vision]", "mode: chat"]),
    SOME(["rate: {rpm: 10}", "rate: {tpm: 0}", "limits: {context: 1000}", "timeouts: {request_seconds: 900}", "retires: '2026-12-01'"]),
    SOME(["params: {temperature: 3, top_p: 0.5}", "params: {max_tokens: 900000}", "pricing: {input_per_million: 9}", "status: preview"]),
)  # fmt: skip
MODELS = st.one_of(
    ONE_MODEL.map("{}\n".format),
    st.lists(st.tuples(SOME(["chat", "m", "o", "'o-*'", "claude"]), ONE_MODEL), max_size=3, unique_by=lambda each: each[0]).map(
        lambda items: "".join(f"{name}: {model}\n" for name, model in items) or "{}\n"
    ),
)  # fmt: skip
NAME = SOME(["chat", "m", "o", "o-1", "r", "s", "gone", "a", "gpt-4"])
ROUTE = st.builds(
    "targets: {}\nfallbacks: {{on_error: [{}], on_context: [{}]}}\n{}\n".format,
    st.lists(NAME.map("{{model: {}}}".format), max_size=2).map(lambda items: f"[{', '.join(items)}]"),
    NAME,
    NAME,
    SOME(
        [
            "",
            "id: s",
            "guardrails: [g]",
            "guardrails: [h]",
            "requires: [tools]",
            "min_context: 9",
            "max_price_factor: 0.1",
        ]
    ),
)
TEXTS = {
    "budgets": SOME(["tenant: {amount: 50}\n", "tenant: {amount: 100}\nservices: {x: {amount: 400}}\n", "{}\n"]),
    "guardrails": SOME(["rules: [{name: g, kind: pii}]\n", "rules: [{name: g, kind: pii}]\nalways_on: [g]\n", "{}\n"]),
    "llm_providers/a": PROVIDER,
    "llm_providers/b": PROVIDER,
    "mcp/x": SOME(["command: npx\nargs: [thing]\n", "url: http://x.example.com\nheaders: {authorization: abcdefgh12345}\n"]),
    "models": MODELS,
    "models/m": MODELS,
    "models/o": MODELS,
    "providers/c": PROVIDER,
    "routes/r": ROUTE,
    "routes/s": ROUTE,
    "routes/t": ROUTE,
    "services/x": SOME(["route: r\n", "routes: [chat, gone]\nmcp_servers: [x, z]\n",
         "master_key: sk-1234\ntimeouts: {request_seconds: 30}\n",
         "allowed_origins: ['*']\nmaster_key: null\n"]),
}  # fmt: skip
WHOLE = st.fixed_dictionaries({}, optional=TEXTS)
CHANGES = st.fixed_dictionaries({}, optional={name: st.one_of(st.none(), text) for name, text in TEXTS.items()}).filter(
    bool
)


def read(texts):
    return documents("".join(f"# {name}\n{text}" for name, text in texts.items()))


def hold(before, changes, setting=SETTING):
    readings = Readings()
    platform = Judged(
        {name: readings.read(name, value) for name, value in read(before).items()}, setting, GROUND, readings
    )
    for changed in changes:
        after = {**before, **changed}
        there = read({name: text for name, text in after.items() if text is not None})
        expected = find_complaints(read_records(dict(sorted(there.items())), setting), GROUND)
        found = platform.with_changes(
            {name: readings.read(name, there[name]) if name in there else NOTHING for name in changed}
        )
        assert sorted(found, key=repr) == sorted(expected, key=repr)
    unchanged = find_complaints(read_records(dict(sorted(read(before).items())), setting), GROUND)
    assert sorted(platform.complaints(), key=repr) == sorted(unchanged, key=repr)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WHOLE, st.lists(CHANGES, min_size=1, max_size=3))
def test_what_differs_is_judged_as_the_whole_is(before, changes):
    hold(before, changes)


@pytest.mark.sweep
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WHOLE, st.lists(CHANGES, min_size=1, max_size=3))
def test_much_that_differs_is_judged_as_the_whole_is(before, changes):
    hold(before, changes)


KEY = "type: {}\nbase_url: https://{}.example.com/v1\napi_key: {}\n"
CHAT = "chat: {provider: a, upstream_model: own, rate: {rpm: 10}, timeouts: {request_seconds: 900}}\n"
TOGETHER = {
    "LLM004": (
        {"llm_providers/a": KEY.format("openai", "a", "'{{secret:one}}'"), "llm_providers/b": KEY.format("openai", "b", "null")},
        {"llm_providers/b": KEY.format("openai", "b", "'{{secret:one}}'")},
    ),
    "LLM007": (
        {"llm_providers/a": "base_url: http://10.0.0.7/v1\n", "llm_providers/b": "base_url: https://10.0.0.7/v1\n"},
        {"llm_providers/b": "base_url: http://10.0.0.7/v1\n"},
    ),
    "LLM029": (
        {"llm_providers/a": "type: openai\n", "models/m": CHAT, "routes/r": "targets: [{model: chat}]\n"},
        {"routes/r": "targets: [{model: chat, weight: 1}]\n"},
    ),
    "LLM030": ({"llm_providers/a": "limits: {rpm: 5}\n", "models/m": CHAT}, {"models/m": CHAT.replace("rpm: 10", "rpm: 11")}),
    "LLM035": ({"models/m": CHAT, "services/x": "master_key: '{{secret:one}}'\n"}, {"services/x": "master_key: null\n"}),
    "LLM036": (
        {"models/m": CHAT, "services/x": "master_key: x\ntimeouts: {request_seconds: 30}\n"},
        {"models/m": CHAT.replace("900", "901")},
    ),
    "LLM039": (
        {"guardrails": "rules: [{name: g, kind: pii}]\n", "models/m": CHAT, "routes/r": "targets: [{model: chat}]\n"},
        {"routes/r": "targets: [{model: chat, weight: 1}]\n"},
    ),
}  # fmt: skip
SILENT = {"LLM028"}
"""Rules that records cannot break: they are about what gateways do not enforce."""


@pytest.mark.parametrize("rule", TOGETHER)
def test_a_rule_that_looks_at_records_together_has_to_say_so(rule, monkeypatch):
    before, changed = TOGETHER[rule]
    hold(before, [changed])
    alone = tuple(check._replace(whole=frozenset()) if check.rule == rule else check for check in engine.CHECKS)
    monkeypatch.setattr(judged, "CHECKS", alone)
    with pytest.raises(AssertionError):
        hold(before, [changed])


def test_each_rule_that_looks_at_records_together_has_a_case():
    assert {check.rule for check in engine.CHECKS if check.whole} - SILENT == TOGETHER.keys()


def test_routes_that_lead_to_each_other_lead_nowhere():
    found = read(
        {"routes/r": "targets: [{model: s}]\n", "routes/s": "targets: [{model: r}, {model: chat}]\n", "models/m": CHAT}
    )
    platform = read_records(found, SETTING)
    assert [model.name for model in platform.answering("r")] == ["chat"]
    assert [model.name for model in platform.answering("s")] == ["chat"]
