"""Files of LiteLLM are read as LiteLLM reads them, and findings stand at their own lines."""

from __future__ import annotations

from datetime import date

import pytest

from llmcfg.llm.catalogue.shipped import shipped_catalogue
from llmcfg.llm.foreign import read_foreign
from llmcfg.llm.lint import lint
from llmcfg.llm.litellm.platform import is_litellm, read_litellm
from llmcfg.llm.platform import Platform
from llmcfg.llm.rules.ground import Ground

GROUND = Ground(date(2026, 11, 25), shipped_catalogue())
CHAT = "model_list:\n- model_name: chat\n  litellm_params: {model: openai/gpt-6-luna}\n"


def platform(text: str) -> Platform:
    return read_litellm(read_foreign(text.encode(), "config.yaml"))


def found(text: str, *rules: str, beside: dict[str, str] | None = None) -> list[str]:
    """`rule file:line message` of the findings of these rules."""
    others = {name: content.encode() for name, content in (beside or {}).items()}
    findings = lint(text.encode(), "config.yaml", GROUND, read_beside=others.get)
    return [f"{f.rule_id} {f.origin.file}:{f.origin.line} {f.message}" for f in findings if f.rule_id in rules]


@pytest.mark.parametrize(
    ("params", "kind", "upstream"),
    [
        ("{model: openai/gpt-4}", "openai", "gpt-4"),
        ("{model: gpt-4}", "", "gpt-4"),
        ("{model: azure/my-deployment}", "azure_openai", "my-deployment"),
        ("{model: bedrock/eu.anthropic.claude-v2}", "bedrock", "eu.anthropic.claude-v2"),
        ("{model: openrouter/openai/gpt-4}", "openrouter", "openai/gpt-4"),
        ("{model: meta/llama, custom_llm_provider: hosted_vllm}", "openai_compatible", "meta/llama"),
        ("{model: meta-llama/Llama-3}", "", "meta-llama/Llama-3"),
    ],
)
def test_provider_and_model_are_told_apart_as_litellm_does(params: str, kind: str, upstream: str) -> None:
    [model] = platform(f"model_list: [{{model_name: chat, litellm_params: {params}}}]").models
    assert model.provider is not None
    assert (model.provider.type.value, model.upstream.value) == (kind, upstream)


def test_a_provider_of_the_custom_map_is_one() -> None:
    text = "model_list: [{model_name: chat, litellm_params: {model: ours/one}}]\n"
    custom = "litellm_settings: {custom_provider_map: [{provider: ours, custom_handler: ours.llm}]}\n"
    assert found(text, "LLM010") == [
        "LLM010 config.yaml:1 'ours/one' names no provider, so the gateway leaves chat out"
    ]
    assert found(custom + text, "LLM010") == []


def test_variables_of_the_environment_are_secrets_by_name() -> None:
    params = "{model: azure/gpt, api_key: os.environ/KEY, api_base: os.environ/BASE}"
    [model] = platform(f"model_list: [{{model_name: chat, litellm_params: {params}}}]").models
    assert model.provider is not None
    assert [secret.value for secret in model.provider.secrets] == ["KEY", "BASE"]


def test_prices_and_limits_of_model_info_count() -> None:
    text = CHAT + "  model_info: {max_input_tokens: 8000, input_cost_per_token: 0.000002, supports_vision: true}\n"
    [model] = platform(text).models
    assert model.context is not None
    assert model.price_in is not None
    assert (model.context.value, model.price_in.value, model.supports) == (8000, 2.0, {"vision"})


@pytest.mark.parametrize("section", ["router_settings", "litellm_settings"])
@pytest.mark.parametrize("key", ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"])
def test_a_fallback_to_nothing_is_found_in_every_place_that_litellm_takes_it_from(section: str, key: str) -> None:
    text = CHAT + f"{section}:\n  {key}:\n  - chat: [chta]\n"
    assert found(text, "LLM022") == ["LLM022 config.yaml:6 no model is called 'chta' (fallback of chat)"]


def test_a_fallback_may_be_an_alias_or_the_id_of_a_deployment() -> None:
    alias = CHAT + "router_settings: {model_group_alias: {old: chat}, fallbacks: [{chat: [old]}]}\n"
    by_id = CHAT + "  model_info: {id: first}\nrouter_settings: {fallbacks: [{chat: [first]}]}\n"
    assert found(alias, "LLM022") == found(by_id, "LLM022") == []


def test_an_alias_of_nothing_is_found() -> None:
    text = CHAT + "router_settings: {model_group_alias: {old: caht}}\n"
    assert found(text, "LLM022") == ["LLM022 config.yaml:4 no model is called 'caht' (alias old)"]


def test_a_pattern_answers_to_every_name_that_it_matches() -> None:
    text = "model_list: [{model_name: 'gpt-*', litellm_params: {model: 'openai/gpt-*'}}]\n"
    assert found(text + "router_settings: {fallbacks: [{gpt-4: [gpt-6-luna]}]}\n", "LLM022") == []


INCLUDING = CHAT + "include: [more.yaml]\nrouter_settings: {fallbacks: [{chat: [other]}]}\n"
MORE = "model_list:\n- model_name: other\n  litellm_params: {model: openai/gpt-4}\n"


def test_models_of_an_included_file_count_and_their_findings_stand_there() -> None:
    assert found(INCLUDING, "LLM022", "LLM012", beside={"more.yaml": MORE}) == [
        "LLM012 more.yaml:3 gpt-4 is retired since 2026-10-23"
    ]


def test_a_comment_allows_a_finding_of_its_own_file_alone() -> None:
    allow = "# llmcfg: allow LLM012 until 2027-01-31 because it moves in January\n"
    rules = ("LLM012", "allow-unused")
    assert found(INCLUDING, *rules, beside={"more.yaml": f"{allow}\n{MORE}"}) == []
    assert found(f"{allow}\n{INCLUDING}", *rules, beside={"more.yaml": MORE}) == [
        "allow-unused config.yaml:1 there is no finding of LLM012 here",
        "LLM012 more.yaml:3 gpt-4 is retired since 2026-10-23",
    ]


def test_without_the_included_file_what_it_may_hold_is_no_error() -> None:
    [finding] = [f for f in lint(INCLUDING.encode(), "config.yaml", GROUND) if f.rule_id == "LLM022"]
    assert str(finding.severity) == "warning"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("litellm_setings: {}\n", "LiteLLM reads no section 'litellm_setings'"),
        ("router_settings: {max_budget: 3}\n", "LiteLLM reads no 'max_budget' in router_settings"),
        ("general_settings: {master_kye: x}\n", "LiteLLM reads no 'master_kye' in general_settings"),
    ],
)
def test_a_key_that_nothing_reads_is_found(text: str, message: str) -> None:
    assert found(CHAT + text, "LLM032") == [f"LLM032 config.yaml:4 {message}"]


@pytest.mark.parametrize(
    "text",
    [
        "litellm_settings: {prompt_injection_params: {}, presidio_logging_only: true, scim_admin_group: a}\n",
        "general_settings: {enable_oauth2_auth: true}\n",
    ],
)
def test_a_key_that_litellm_asks_for_by_name_is_none(text: str) -> None:
    assert found(CHAT + text, "LLM032") == []


@pytest.mark.parametrize("name", ["litellm_settings", "router_settings", "general_settings", "guardrails"])
def test_an_empty_section_is_found(name: str) -> None:
    assert found(f"{CHAT}{name}:\n", "LLM034") == [
        f"LLM034 config.yaml:4 {name} is empty, which is read as null and not as no settings"
    ]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("no", "no is read as false here, and as text by YAML 1.2"),
        ("12:30", "12:30 is read as 750"),
        ("010", "010 is read as 8"),
        ("1e3", "1e3 is text to YAML 1.1 readers and a number to others"),
        ("2026-01-02", "2026-01-02 is read as a date"),
    ],
)
def test_yaml_that_does_not_say_what_it_seems_to_is_found(written: str, message: str) -> None:
    assert found(f"{CHAT}  model_info: {{version: {written}}}\n", "LLM033") == [f"LLM033 config.yaml:4 {message}"]


@pytest.mark.parametrize("written", ["true", "750", "1.5", "'no'", '"12:30"', "text", "1_000", "null"])
def test_yaml_that_says_what_it_seems_to_is_not(written: str) -> None:
    assert found(f"{CHAT}  model_info: {{version: {written}}}\n", "LLM033") == []


def test_what_a_merge_key_brings_counts() -> None:
    text = (
        "x-all: &all {api_key: os.environ/KEY, temperature: 0.5}\n"
        "model_list:\n- model_name: chat\n  litellm_params:\n    <<: *all\n    model: openai/gpt-6-luna\n    temperature: 1\n"
    )
    [model] = platform(text).models
    assert model.provider is not None
    assert (model.params["temperature"].value, [*model.provider.auth]) == (1, ["api_key"])


@pytest.mark.parametrize(
    "text", ["model_list: [\n", "a: b: c\n", "\tmodel_list: 1\n", "a: *nobody\n", "--- a\n--- b\n", "\x00"]
)
def test_a_file_that_no_reader_takes_has_one_finding(text: str) -> None:
    [finding] = lint(text.encode(), "config.yaml", GROUND)
    assert finding.rule_id == "LLM099"


def test_a_file_of_no_known_program_is_said_to_be_one_and_is_no_error() -> None:
    [finding] = lint(b"services: {web: {image: nginx}}\n", "compose.yaml", GROUND)
    assert (finding.rule_id, str(finding.severity)) == ("LLM099", "warning")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"model_list": []}, True),
        ({"router_settings": {}}, True),
        ({"guardrails": [], "include": []}, True),
        ({"guardrails": [], "services": {}}, False),
        ({"models": []}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_file_of_litellm_is_told_by_its_sections(value: object, expected: bool) -> None:
    assert is_litellm(value) is expected


@pytest.mark.parametrize("odd", ["3", "[]", "text", "[1]", "{a: 1}", "[{a: 1}]", "[[]]", "null"])
@pytest.mark.parametrize(
    "section",
    ["model_list", "litellm_settings", "router_settings", "general_settings", "guardrails", "mcp_servers", "include",
     "environment_variables"],
)  # fmt: skip
def test_a_section_of_another_kind_ends_nothing(section: str, odd: str) -> None:
    text = "".join(f"{name}: {odd if name == section else '{}'}\n" for name in {"model_list": 0, section: 0})
    assert all(finding.origin.line in (1, 2) for finding in lint(text.encode(), "config.yaml", GROUND))
