"""Files of LibreChat, promptfoo, MCP clients and Envoy AI Gateway: told apart, read as their programs do, findings at their own lines."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from llmcfg.llm.catalogue.shipped import shipped_catalogue
from llmcfg.llm.foreign import read_foreign
from llmcfg.llm.lint import DIALECTS, lint
from llmcfg.llm.rules.ground import Ground

GROUND = Ground(date(2026, 11, 25), shipped_catalogue())
GOLDEN = Path(__file__).resolve().parent.parent / "golden"
LIBRECHAT = 'version: "1.2.8"\n'
ENDPOINT = 'name: hub, apiKey: "${HUB_KEY}", baseURL: https://hub.example.com/v1, models: {default: [chat]}'
PROMPTFOO = "prompts: ['Sort {{ ticket }}']\nproviders: [openai:chat:gpt-6-luna]\ntests: [{vars: {ticket: late}}]\n"


def found(text: str, dialect: str = "auto") -> list[str]:
    """`rule line message` of all findings."""
    return [f"{f.rule_id} {f.origin.line} {f.message}" for f in lint(text.encode(), "file", GROUND, dialect=dialect)]


def told(text: str) -> str:
    value = read_foreign(text.encode(), "file").value
    return next((dialect.name for dialect in DIALECTS if dialect.recognises(value)), "")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("model_list: []\n", "litellm"),
        (f"{LIBRECHAT}endpoints: {{custom: []}}\n", "librechat"),
        (f"{LIBRECHAT}mcpServers: {{a: {{command: x}}}}\n", "librechat"),
        (PROMPTFOO, "promptfoo"),
        ('{"mcpServers": {"a": {"command": "x"}}}', "mcp"),
        ('{"servers": {"a": {"url": "https://x.example.com"}}, "inputs": []}', "mcp"),
        ("apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\n", "envoy-ai-gateway"),
        ("apiVersion: v1\n---\napiVersion: aigateway.envoyproxy.io/v1alpha1\n", "envoy-ai-gateway"),
        ("apiVersion: v1\nkind: Secret\n", ""),
        ("services: {web: {image: nginx}}\nversion: '3'\n", ""),
        ('{"servers": {}, "paths": {}}', ""),
        ("providers: []\n", ""),
    ],
)
def test_a_file_is_told_by_its_form(text: str, name: str) -> None:
    assert told(text) == name


@pytest.mark.parametrize("dialect", [dialect.name for dialect in DIALECTS])
def test_a_value_of_another_kind_ends_nothing(dialect: str) -> None:
    keys = ("model_list", "endpoints", "modelSpecs", "mcpServers", "servers", "inputs", "prompts", "providers", "tests", "defaultTest",
            "metadata", "spec", "version")  # fmt: skip
    for key in keys:
        for odd in ("3", "[]", "text", "[1]", "{a: 1}", "[{a: 1}]", "[[]]", "null", "{custom: [1]}", "{a: {b: [1]}}"):
            assert all(found(f"kind: AIGatewayRoute\n{key}: {odd}\n", dialect)), (key, odd)


@pytest.mark.parametrize(
    "file",
    [file for file in sorted(GOLDEN.rglob("*")) if file.name in
     {"librechat.yaml", "librechat.opened.yaml", "promptfoo.yaml", "promptfooconfig.yaml", "mcp.json", "envoy-ai-gateway.yaml"}
     or file.name.startswith("mcp-")],
    ids=lambda file: str(file.relative_to(GOLDEN)),
)  # fmt: skip
def test_what_llmcfg_writes_has_no_findings(file: Path) -> None:
    assert found(file.read_text(encoding="utf-8")) == []


# LibreChat


def test_librechat_ignores_a_file_whose_version_is_a_number_or_missing() -> None:
    assert found("version: 1.2\nendpoints: {custom: []}\n") == [
        "LLM032 1 the version is the number 1.2, and LibreChat ignores the whole file for it"
    ]
    assert found("endpoints: {custom: []}\n") == ["LLM032 1 LibreChat ignores a file without a version"]


def test_librechat_ignores_a_file_with_a_section_that_it_does_not_have() -> None:
    assert found(f"{LIBRECHAT}endpoints: {{custom: []}}\nrateLimit: {{}}\n") == [
        "LLM032 3 LibreChat has no section 'rateLimit', and ignores the whole file for it"
    ]


def test_a_slip_in_a_key_of_an_endpoint_is_found() -> None:
    text = f"{LIBRECHAT}endpoints:\n  custom:\n  - {{{ENDPOINT.replace('apiKey', 'apikey')}}}\n"
    assert found(text) == [
        "LLM032 4 LibreChat reads no 'apikey' here",
        "LLM006 4 an endpoint has no apiKey, so LibreChat ignores the whole file",
    ]


def test_keys_that_users_provide_are_not_written_out_and_others_are() -> None:
    text = f"{LIBRECHAT}endpoints:\n  custom:\n  - {{{ENDPOINT}}}\n"
    assert found(text) == []
    assert found(text.replace('"${HUB_KEY}"', "user_provided")) == []
    assert found(text.replace('"${HUB_KEY}"', "k-0123456789abcdef")) == ["LLM001 4 api_key is written out"]


def test_a_model_at_a_vendor_is_looked_up_and_one_at_an_own_host_is_not() -> None:
    text = f"{LIBRECHAT}endpoints:\n  custom:\n  - {{{ENDPOINT.replace('[chat]', '[llama-3.3-70b-versatile]')}}}\n"
    assert found(text) == []
    assert found(text.replace("hub.example.com", "api.groq.com/openai")) == [
        "LLM012 4 llama-3.3-70b-versatile is retired since 2026-08-16"
    ]


def test_a_model_spec_names_an_endpoint_and_parameters_that_its_model_takes() -> None:
    specs = (
        f"{LIBRECHAT}modelSpecs:\n  list:\n"
        "  - {name: a, preset: {endpoint: hbu, model: chat}}\n"
        "  - {name: b, preset: {endpoint: anthropic, model: claude-sonnet-5, temperature: 0.5}}\n"
        f"endpoints:\n  custom:\n  - {{{ENDPOINT}}}\n"
    )
    assert found(specs) == [
        "LLM019 5 claude-sonnet-5 takes no temperature",
        "LLM022 4 no endpoint is called 'hbu' (of the model spec a)",
    ]


# promptfoo


def test_a_variable_that_no_test_gives_is_found() -> None:
    assert found(PROMPTFOO) == []
    assert found(PROMPTFOO.replace("{{ ticket", "{{ tickett")) == [
        "LLM037 1 a prompt uses 'tickett', and no test gives it: it comes out empty"
    ]
    assert found(PROMPTFOO.replace("{{ ticket", "{{ env.NAME }} {{ ticket")) == []


@pytest.mark.parametrize(
    "tests",
    ["tests: file://tests.yaml", "tests: [file://a.csv]", "tests: [{vars: file://vars.yaml}]", "tests: tests.csv"],
)
def test_nothing_is_said_of_variables_where_tests_lie_elsewhere(tests: str) -> None:
    assert found(f"prompts: ['{{{{ x }}}}']\nproviders: [echo]\n{tests}\n") == []


@pytest.mark.parametrize(
    "provider",
    ["openai:chat:gpt-4", "openai:gpt-4", "{id: openai:chat:gpt-4}", "{openai:chat:gpt-4: {config: {temperature: 0}}}"],
)
def test_the_model_is_read_from_every_form_of_a_provider(provider: str) -> None:
    text = f"prompts: [hello]\nproviders:\n- {provider}\ntests: []\n"
    assert found(text) == ["LLM012 3 gpt-4 is retired since 2026-10-23"]


@pytest.mark.parametrize(
    "provider",
    [
        "echo",
        "exec:python x.py",
        "file://provider.js",
        "openai:chat",
        "https://x.example.com",
        "{id: 3}",
        "openai:assistant:asst_123",
        "openai:codex-sdk",
        "openai:agents:support",
        "anthropic:claude-agent-sdk",
        "bedrock:knowledge-base:us.amazon.nova-pro-v1:0",
    ],
)
def test_a_provider_that_names_no_model_has_none(provider: str) -> None:
    assert found(f"prompts: [hello]\nproviders: [{provider!r}]\ntests: []\n") == []


def test_a_server_without_a_key_gets_the_vendors_key() -> None:
    text = "prompts: [a]\ntests: []\nproviders:\n- id: openai:chat:x\n  config: {apiBaseUrl: 'https://llm.example.com/v1'%s}\n"
    assert found(text % "") == ["LLM002 5 llm.example.com gets the default key of openai, because none is given"]
    assert found(text % ", apiKeyEnvar: HUB_KEY") == []


def test_programs_in_javascript_read_yaml_1_2() -> None:
    assert found(f"{PROMPTFOO}description: no\nsharing: 12:30\n") == []
    assert found(f"{PROMPTFOO}description: a\ndescription: b\n") == [
        "LLM033 5 'description' is written twice, first in line 4; the program refuses the file"
    ]


# MCP


def test_servers_that_run_what_is_newest_or_have_keys_in_clear_are_found() -> None:
    text = (
        '{"mcpServers": {\n"a": {"command": "npx", "args": ["-y", "pkg"]},\n"b": {"command": "npx", "args": ["-y", "pkg@1.2.3"],\n'
        '"env": {"API_KEY": "abcdef0123456789", "OTHER_KEY": "${KEY}"}},\n"c": {"url": "http://mcp.example.com/", "header": {}}}}\n'
    )
    assert found(text) == [
        "LLM032 5 an MCP client reads no 'header' here",
        "LLM001 4 API_KEY is written out",
        "LLM040 2 a runs whatever version of pkg is newest",
        "LLM040 5 c is reached without encryption",
    ]


def test_json_may_have_comments_tabs_and_commas_at_the_end_and_keeps_its_places() -> None:
    text = '// servers\n{\n\t"servers": {\n\t\t/* two\n\t\tlines */ "a": {"command": "npx", // "x"\n\t\t\t"args": ["http://x"],},\n\t},\n}\n'
    [finding] = lint(text.encode(), "mcp.json", GROUND)
    assert (finding.rule_id, str(finding.origin)) == ("LLM040", "mcp.json:6:4")


def test_an_input_that_vs_code_does_not_ask_for_is_found() -> None:
    text = '{"servers": {"a": {"command": "x", "env": {"K": "${input:kye}"}}},\n"inputs": [{"id": "key", "type": "promptString"}]}'
    assert found(text) == ["LLM022 1 no input is called 'kye' (of a)"]
    assert found(text.replace("kye", "key")) == []


# Envoy AI Gateway

ROUTE = """\
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: chat}
spec:
  rules:
  - matches: [{headers: [{name: x-ai-eg-model, value: chat}]}]
    backendRefs:
    - {name: openai, modelNameOverride: gpt-6-luna}
    - {name: other, modelNameOverride: gpt-6-luna, priority: 1}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: openai}
spec: {schema: {name: OpenAI}, backendRef: {name: openai, kind: Backend, group: gateway.envoyproxy.io}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: other}
spec: {schema: {name: OpenAI}, backendRef: {name: other, kind: Backend, group: gateway.envoyproxy.io}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: openai}
spec: {endpoints: [{fqdn: {hostname: api.openai.com, port: 443}}]}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: other}
spec: {endpoints: [{fqdn: {hostname: llm.example.com, port: 443}}]}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: BackendSecurityPolicy
metadata: {name: openai}
spec:
  type: APIKey
  apiKey: {secretRef: {name: keys}}
  targetRefs: [{kind: AIServiceBackend, name: openai}, {kind: AIServiceBackend, name: other}]
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ("- {name: openai,", "- {name: opnai,", ["LLM022 8 no backend is called 'opnai' (of the route chat)"]),
        ("metadata: {name: other}\nspec: {endpoints", "metadata: {name: othr}\nspec: {endpoints",
         ["LLM022 19 no host is called 'other' (of the backend other)"]),
        ("name: openai}, {kind", "name: opnai}, {kind",
         ["LLM006 11 no BackendSecurityPolicy here opens openai", "LLM022 37 no backend is called 'opnai' (target of openai)"]),
        ("gpt-6-luna}", "gpt-4}", ["LLM012 8 gpt-4 is retired since 2026-10-23"]),
        ("schema: {name: OpenAI}", "schema: {name: OpenAl}", ["LLM010 14 openai speaks 'OpenAl', which the gateway does not know"]),
        ("llm.example.com, port: 443", "llm.example.com, port: 80",
         ["LLM007 29 requests to llm.example.com are not encrypted"]),
    ],
)  # fmt: skip
def test_names_hosts_and_models_of_resources_are_checked_together(old: str, new: str, expected: list[str]) -> None:
    assert found(ROUTE.replace(old, new, 1) if old else ROUTE) == expected


def test_what_lies_in_the_cluster_is_not_missed() -> None:
    assert [line for line in found(ROUTE.split("---")[0]) if not line.startswith("LLM026")] == []


def test_only_resources_come_as_a_stream() -> None:
    assert found("model_list: []\n---\nmodel_list: []\n", "litellm") == [
        "LLM099 3 litellm reads one document, and here begins another"
    ]
