"""The objects for Envoy AI Gateway keep the rules that its CRDs state in CEL, told here in our words.

Source: api/v1alpha1 and the CRDs of envoyproxy/ai-gateway, `x-kubernetes-validations` (v1beta1 says the same).
"""

from __future__ import annotations

import pytest
import yaml

from builtin_renderers.platform import platform, rendered

MECHANISMS = {
    "APIKey": "apiKey",
    "AWSCredentials": "awsCredentials",
    "AzureAPIKey": "azureAPIKey",
    "AzureCredentials": "azureCredentials",
    "GCPCredentials": "gcpCredentials",
    "AnthropicAPIKey": "anthropicAPIKey",
}
SCHEMAS = {
    "OpenAI", "Cohere", "AWSBedrock", "AzureOpenAI", "GCPVertexAI", "GCPAnthropic", "Anthropic", "AWSAnthropic",
}  # fmt: skip
KEY = {"api_key": "{{secret:openai_api_key}}"}
PROVIDERS = {
    "openai": KEY,
    "anthropic": KEY,
    "gemini": KEY,
    "mistral": KEY,
    "cohere": KEY,
    "groq": KEY,
    "together": KEY,
    "openai_compatible": {**KEY, "base_url": "https://models.example/v1"},
    "ollama": {"base_url": "http://127.0.0.1:11434"},
    "azure_openai": {**KEY, "endpoint": "https://x.openai.azure.com", "api_version": "2026-01-01"},
    "azure_openai with a client": {
        "endpoint": "https://x.openai.azure.com", "api_version": "2026-01-01", "client_id": "c", "tenant_id": "t",
        "client_secret": "{{secret:azure_api_key}}",
    },
    "bedrock": {
        "region": "eu-central-1", "aws_access_key_id": "{{secret:hub_key}}", "aws_secret_access_key": "{{secret:master_key}}",
    },
    "bedrock by its role": {"region": "eu-central-1"},
    "vertex": {"project": "p", "location": "europe-west4", "credentials": "{{secret:hub_key}}"},
}  # fmt: skip


@pytest.fixture(params=[*PROVIDERS])
def objects(request):
    config = platform()
    config["llm_providers"]["openai"] = {"type": request.param.split()[0], **PROVIDERS[request.param]}
    return list(yaml.safe_load_all(rendered("builtin:envoy-ai-gateway", config)))


def specs(objects, kind):
    return [each["spec"] for each in objects if each["kind"] == kind]


def test_a_policy_has_what_its_type_says_and_nothing_else(objects):
    for spec in specs(objects, "BackendSecurityPolicy"):
        assert {*MECHANISMS.values()} & spec.keys() == {MECHANISMS[spec["type"]]}
        assert len(spec) <= 3
        assert all(
            (ref["group"], ref["kind"]) == ("aigateway.envoyproxy.io", "AIServiceBackend") for ref in spec["targetRefs"]
        )


def test_credentials_come_from_one_place_and_say_where_they_count(objects):
    for spec in specs(objects, "BackendSecurityPolicy"):
        azure, google = spec.get("azureCredentials"), spec.get("gcpCredentials")
        if azure:
            assert len({"clientSecretRef", "oidcExchangeToken"} & azure.keys()) == 1
            assert azure["clientID"]
            assert azure["tenantID"]
        if google:
            assert len({"credentialsFile", "workloadIdentityFederationConfig"} & google.keys()) == 1
            assert google["projectName"]
            assert google["region"]
        assert spec.get("awsCredentials", {"region": "any"})["region"]


def test_a_backend_is_one_of_envoy_gateway_and_speaks_a_known_schema(objects):
    for spec in specs(objects, "AIServiceBackend"):
        reference = spec["backendRef"]
        assert (reference["group"], reference["kind"]) == ("gateway.envoyproxy.io", "Backend")
        assert spec["schema"]["name"] in SCHEMAS


def test_a_rule_names_service_backends_alone(objects):
    for spec in specs(objects, "AIGatewayRoute"):
        for rule in spec["rules"]:
            assert not any({"group", "kind"} & reference.keys() for reference in rule["backendRefs"])
            assert all(0 <= reference.get("weight", 1) <= 1_000_000 for reference in rule["backendRefs"])
