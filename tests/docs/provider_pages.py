"""docs/providers, made from what is known about vendors. `python -m tests.docs.provider_pages` writes it.

What stands here is what tables do not hold: a record that works, and what is peculiar to a vendor.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import NamedTuple

from llmcfg.llm.litellm.known import TYPES
from llmcfg.llm.vendors import VENDORS, Vendor

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "providers"


class Known(NamedTuple):
    title: str
    record: str
    upstream: str
    remarks: tuple[str, ...]


KNOWN = {
    "openai": Known(
        "OpenAI", 'api_key: "{{secret:openai_api_key}}"\n', "gpt-6-luna",
        ("`max_tokens` is refused by models of the o series: write `max_completion_tokens`.",
         "An `openai` record with another host needs a key of its own: clients would send OpenAI's there (LLM002). For servers that only "
         "speak the protocol, `openai_compatible` says what is meant."),
    ),
    "anthropic": Known(
        "Anthropic", 'api_key: "{{secret:anthropic_api_key}}"\n', "claude-haiku-5-5",
        ("`auth_token` is sent as a bearer token instead of a key.",
         "Newer models take no `temperature`, `top_p` and `top_k` (LLM019).",
         "`thinking.budget_tokens` is at least 1024 and less than `max_tokens` (LLM017)."),
    ),
    "gemini": Known("Gemini (AI Studio)", 'api_key: "{{secret:gemini_api_key}}"\n', "gemini-3.8-flash", ()),
    "vertex": Known(
        "Vertex AI", 'project: example-project\nlocation: europe-west4\ncredentials: "{{secret:vertex_credentials}}"\n', "gemini-3.8-flash",
        ("Without `credentials` the program takes what its machine has.",
         "`location: global` is no region: a tenant with a `residency` may not use it (LLM009)."),
    ),
    "bedrock": Known(
        "AWS Bedrock", "region: eu-central-1\nrole_arn: arn:aws:iam::123456789012:role/llm\n", "eu.anthropic.claude-sonnet-4-6",
        ("The prefix of an inference profile says where requests go: `eu.`, `us.`, `apac.`, `global.` (LLM009).",),
    ),
    "azure_openai": Known(
        "Azure OpenAI",
        'base_url: https://example.openai.azure.com\napi_version: "2026-06-01"\napi_key: "{{secret:azure_api_key}}"\n',
        "sol-eu",
        ("A deployment's name says nothing about its model: give the model record a `base_model`, such as `azure/eu/gpt-6.1-sol` (LLM011).",
         "`tenant_id`, `client_id` and `client_secret`, or `managed_identity`, are ways in without a key."),
    ),
    "mistral": Known("Mistral", 'api_key: "{{secret:mistral_api_key}}"\n', "mistral-medium-3-5", ()),
    "cohere": Known("Cohere", 'api_key: "{{secret:cohere_api_key}}"\n', "command-a-03-2025", ()),
    "groq": Known("Groq", 'api_key: "{{secret:groq_api_key}}"\n', "openai/gpt-oss-120b", ()),
    "together": Known(
        "Together AI", 'api_key: "{{secret:together_api_key}}"\n', "openai/gpt-oss-120b",
        ("LiteLLM reads the key from `TOGETHERAI_API_KEY`, Together's own client from `TOGETHER_API_KEY`.",),
    ),
    "ollama": Known(
        "Ollama", "base_url: http://localhost:11434\n", "llama3.1",
        ("What a model takes is decided by `num_ctx` of the server: declare `limits.context`.",
         "Plain `http` is fine on the same machine and in a cluster; elsewhere see LLM007."),
    ),
    "openai_compatible": Known(
        "OpenAI-compatible servers", "base_url: https://llm.example.com/v1\napi_key: \"{{secret:hub_api_key}}\"\n", "qwen3-32b",
        ("vLLM, SGLang, LM Studio, and gateways. The operator decides what a model's name stands for, so that no catalogue is asked: "
         "declare `limits` and `pricing`, or name a `base_model`.",),
    ),
}  # fmt: skip


def made() -> dict[Path, str]:
    """Every page by its place."""
    rows = "".join(f"| [{known.title}]({kind}.md) | `{kind}` |\n" for kind, known in KNOWN.items())
    head = (
        "# Providers\n\nThe types that a [provider record](../spec/llm-records.md#provider) may have. Records of other types,"
        "\nand free-form documents, are possible beside them; what is not known about a vendor is not judged."
        "\n\n| vendor | `type` |\n|---|---|\n"
    )
    return {FOLDER / "README.md": head + rows} | {FOLDER / f"{kind}.md": _page(kind, VENDORS[kind]) for kind in KNOWN}


def record_of(kind: str) -> str:
    return f"type: {kind}\n{KNOWN[kind].record}timeouts: {{request_seconds: 60}}\n"


def models_of(kind: str) -> str:
    """A model record of each kind that a vendor needs."""
    base = "base_model: azure/eu/gpt-6.1-sol\n" if kind == "azure_openai" else ""
    own = "limits: {context: 32768, max_output: 8192}\n" if kind in ("ollama", "openai_compatible") else ""
    return f"provider: {kind.replace('_', '-')}\nupstream_model: {KNOWN[kind].upstream}\n{base}{own}"


def _page(kind: str, vendor: Vendor) -> str:
    known = KNOWN[kind]
    needs = ", and ".join(" or ".join(f"`{name}`" for name in group) for group in vendor.needs)
    hosts = ", ".join(f"`{'*' if host.startswith('.') else ''}{host}`" for host in vendor.hosts)
    warmest = f"0 to {vendor.temperature:g}" if vendor.temperature is not None else "not known"
    prefixes = sorted(
        {prefix for prefix, ours in TYPES.items() if ours == kind} | {vendor.prefix or kind} - {"openai_compatible"}
    )
    rows = {
        "`type`": f"`{kind}`",
        "needs (LLM006)": needs,
        "its hosts (LLM008)": hosts or "yours",
        "`temperature` (LLM018)": warmest,
        "prefixes in LiteLLM": ", ".join(f"`{prefix}/`" for prefix in prefixes),
    }
    table = "".join(f"| {name} | {value} |\n" for name, value in rows.items())
    remarks = "".join(f"{_remark(text)}\n" for text in known.remarks) + ("\n" if known.remarks else "")
    name = kind.replace("_", "-")
    return (
        f"# {known.title}\n\n| | |\n|---|---|\n{table}\n```text\n# base/providers/{name}.yaml\n{record_of(kind)}"
        f"# base/models/chat.yaml\n{models_of(kind)}```\n\n{remarks}[All fields](../spec/llm-records.md#provider)\n"
    )


def _remark(text: str) -> str:
    return fill(f"- {text}", 138, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)


if __name__ == "__main__":
    for place, text in made().items():
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, encoding="utf-8")
