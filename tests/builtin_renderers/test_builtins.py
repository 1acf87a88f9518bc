"""Built-in renderers: what they refuse, how secrets stand in their files, and that each is listed where people look."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from builtin_renderers.platform import answer, platform, refusal, rendered
from llmcfg.pipeline.builtins.names import BUILTIN_NAMES
from llmcfg.pipeline.builtins.registry import BUILTINS

PROJECT = Path(__file__).resolve().parent.parent.parent
LITELLM = "builtin:litellm"


def litellm(config=None, **options):
    return yaml.safe_load(rendered(LITELLM, config, **options))


def test_every_name_has_its_renderer_and_its_row_in_the_documentation():
    page = (PROJECT / "docs/spec/templates.md").read_text()
    rows = re.findall(r"^\| `(builtin:[a-z-]+)` \|", page, re.MULTILINE)

    assert rows == [*BUILTIN_NAMES] == [*BUILTINS]


def test_an_unopened_litellm_config_names_variables_and_its_env_file_holds_exactly_those():
    names = set(re.findall(r"os\.environ/(\w+)", rendered(LITELLM)))
    lines = rendered("builtin:litellm-env").splitlines()[1:]

    assert {line.partition("=")[0] for line in lines} == names


def test_an_opened_litellm_config_holds_values_where_references_were():
    values = {
        name: f"value-of-{name}"
        for name in ("openai_api_key", "anthropic_api_key", "azure_api_key", "hub_key", "master_key")
    }
    config = json.loads(re.sub(r"\{\{secret:(\w+)\}\}", r"value-of-\1", json.dumps(platform())))

    opened = yaml.safe_load(answer(LITELLM, config, opened=True, values=values).text)

    assert opened["general_settings"]["master_key"] == "value-of-master_key"
    assert "os.environ" not in json.dumps(opened)


def test_a_limit_never_stands_without_what_enforces_it():
    config = litellm()
    assert config["model_list"][0]["litellm_params"]["rpm"] == 100
    assert config["router_settings"]["optional_pre_call_checks"] == ["enforce_model_rate_limits"]


def test_ids_of_deployments_are_unique_and_follow_from_names():
    ids = [row["model_info"]["id"] for row in litellm()["model_list"]]
    assert ids == ["chat-default", "chat-careful", "chat-eu", "chat-hub", "internal--hub", "internal--eu"]


def test_every_fallback_and_alias_names_a_group_that_is_there():
    config = litellm()
    groups = {row["model_name"] for row in config["model_list"]}
    router = config["router_settings"]
    chains = [chain for key in ("fallbacks", "context_window_fallbacks") for chain in router.get(key, [])]
    fallbacks = [name for chain in chains for names in chain.values() for name in names]

    assert set(fallbacks) | set(router["model_group_alias"].values()) <= groups


def test_what_is_turned_off_takes_its_models_targets_fallbacks_and_budgets_with_it():
    written = rendered(LITELLM)
    assert "gemini" not in written
    assert "chat-long" not in written


def test_targets_of_a_priority_are_tried_in_their_order():
    config = platform()
    config["routes"]["internal"]["strategy"] = "priority"
    rows = [row["litellm_params"] for row in litellm(config)["model_list"] if row["model_name"] == "internal"]
    assert [row["order"] for row in rows] == [1, 2]


def test_accounts_of_one_kind_share_a_budget_of_one_period():
    config = platform()
    config["llm_providers"]["openai-2"] = config["llm_providers"]["openai"]
    config["budgets"]["providers"]["openai-2"] = {"amount": 100}
    assert litellm(config)["router_settings"]["provider_budget_config"]["openai"]["budget_limit"] == 1000

    config["budgets"]["providers"]["openai-2"]["period"] = "1d"
    assert "1d" in refusal(LITELLM, config).message


def change(path: str, value: object):
    """The platform with another value at a dotted path; None takes it away."""
    config = platform()
    *way, last = path.split(".")
    inner = config
    for step in way:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    if value is None:
        inner.pop(last)
    else:
        inner[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "message", "hint"),
    [
        ("models.chat.chat-default.provider", "opanai", "models.chat.chat-default.provider names the provider 'opanai'", "openai"),
        ("routes.chat.fallbacks.on_error.0.model", "chat-carefull", "names the model 'chat-carefull'", "chat-careful"),
        ("llm_providers.openai.api_key", None, "LiteLLM would send the key of its environment", "llm_providers.openai.api_key"),
        ("llm_providers.azure.base_url", None, "llm_providers.azure.base_url is missing", "set"),
        ("llm_providers.openai.type", "open_ai", "is no type of provider", "openai"),
        ("services.app.master_key", None, "services.app.master_key is missing", "select"),
        ("guardrails.rules.0.entities", ["shoe_size"], "would start without the filter", ""),
        ("budgets.period", "fortnight", "which LiteLLM cannot count", "30d"),
        ("models.chat.chat-default.rate", [1], "is a list, where the file needs a mapping", "explain"),
        ("routes.internal.strategy", "least_latency", None, ""),
        ("routes.internal.targets", [{"name": "only", "model": "chat-long"}], "names no model of a provider that is turned on", "delete"),
    ],
)  # fmt: skip
def test_litellm_refuses_what_the_proxy_would_take_amiss(path, value, message, hint):
    config = change(path, value)
    if message is None:
        assert litellm(config)["router_settings"]["routing_strategy"] == "latency-based-routing"
        return
    problem = refusal(LITELLM, config)
    assert problem.rule == "template-failed"
    assert message in problem.message
    assert hint in problem.hint


def test_a_secret_within_a_text_needs_an_opened_litellm_config():
    config = change("llm_providers.openai.headers", {"X-Auth": "Bearer {{secret:x}}"})
    assert "opened: true" in refusal(LITELLM, config).hint
    assert "Bearer {{secret:x}}" in rendered(LITELLM, config, opened=True)


def envoy(config=None):
    objects = list(yaml.safe_load_all(rendered("builtin:envoy-ai-gateway", config)))
    return {(each["kind"], each["metadata"]["name"]): each["spec"] for each in objects}


def test_every_object_of_envoy_that_is_named_is_there_and_no_key_is():
    objects = envoy()
    for kind, name in [("AIServiceBackend", name) for (kind, name) in objects if kind == "BackendSecurityPolicy"]:
        assert objects[kind, name]["backendRef"]["name"] == name
        assert ("Backend", name) in objects
    backends = [
        ref["name"]
        for (kind, _), spec in objects.items()
        if kind == "AIGatewayRoute"
        for rule in spec["rules"]
        for ref in rule["backendRefs"]
    ]
    assert {("AIServiceBackend", name) for name in backends} <= objects.keys()
    assert "secret:" not in rendered("builtin:envoy-ai-gateway")


def test_fallbacks_are_backends_of_lower_priorities_for_envoy():
    objects = envoy()
    (rule,) = objects["AIGatewayRoute", "chat"]["rules"]
    assert [(ref["modelNameOverride"], ref["priority"]) for ref in rule["backendRefs"]] == [
        ("gpt-6.1-sol", 0),
        ("claude-sonnet-5-5", 1),
    ]
    (rule,) = objects["AIGatewayRoute", "internal"]["rules"]
    assert [(ref["priority"], ref["weight"]) for ref in rule["backendRefs"]] == [(0, 80), (0, 20)]


def test_every_secret_that_envoy_names_is_written():
    named = {
        reference["secretRef"]["name"]
        for (kind, _), spec in envoy().items()
        if kind == "BackendSecurityPolicy"
        for key, reference in spec.items()
        if key.lower().endswith("apikey")
    }
    written = yaml.safe_load_all(rendered("builtin:envoy-ai-gateway-secrets", opened=True))
    assert {secret["metadata"]["name"] for secret in written} == named


def test_claude_desktop_takes_neither_references_nor_addresses():
    assert "starts servers by command" in refusal("builtin:mcp-claude-desktop", platform(), opened=True).message
    only = platform(mcp_servers=["github"])
    assert "opened: true" in refusal("builtin:mcp-claude-desktop", only).hint


def test_a_prompt_that_uses_what_it_does_not_declare_is_refused():
    config = platform()
    version = config["prompts"]["support"]["triage"]["versions"]["2.0.0"]
    version["messages"][1]["content"] = "{{ tickett }}"
    assert "uses tickett, which is not declared" in refusal("builtin:promptfoo", config).message


def test_a_key_never_stands_among_the_arguments_of_vllm():
    assert "list of processes" in refusal("builtin:vllm", platform(arguments={"api-key": "{{secret:hub_key}}"})).message


def test_a_client_without_a_key_is_refused():
    assert "services.app.api_key is missing" in refusal("builtin:openai-env", platform(api_key=None)).message


def test_env_values_are_read_back_by_a_shell_as_they_were(tmp_path):
    awkward = """it's "x" $HOME `id` \\"""
    config = platform(base_url="https://x.example", api_key=awkward)
    file = tmp_path / "app.env"
    file.write_text(rendered("builtin:openai-env", config, opened=True))

    shell = subprocess.run(
        ["sh", "-c", f'. {file}; printf %s "$OPENAI_API_KEY"'], capture_output=True, text=True, check=True
    )

    assert shell.stdout == awkward


def test_an_opened_file_that_fails_says_nothing_of_its_values():
    made = answer(
        "builtin:openai-env",
        platform(api_key="the-value\nof-a-secret"),
        opened=True,
        values={"gateway_key": "the-value"},
    )
    (problem,) = made.problems
    assert "the-value" not in problem.message + problem.hint
