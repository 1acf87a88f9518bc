"""A small platform, and what each built-in renderer makes of it."""

from __future__ import annotations

import copy
from typing import Any, Final

from llmcfg.pipeline.templates.render import RenderRequest, render_batch

PLATFORM: Final[dict[str, Any]] = {
    "llm_providers": {
        "openai": {
            "type": "openai",
            "base_url": "https://api.openai.com/v1",
            "api_key": "{{secret:openai_api_key}}",
            "organization": "org-1",
            "project": "proj-1",
            "timeouts": {"request_seconds": 60, "stream_idle_seconds": 20},
            "retries": {"max": 2},
        },
        "anthropic": {
            "type": "anthropic",
            "base_url": "https://api.anthropic.com",
            "api_key": "{{secret:anthropic_api_key}}",
        },
        "azure": {
            "type": "azure_openai",
            "base_url": "https://acme-eu.openai.azure.com",
            "api_version": "2025-04-01-preview",
            "api_key": "{{secret:azure_api_key}}",
        },
        "hub": {
            "type": "openai_compatible",
            "base_url": "http://vllm.inference.svc.cluster.local:8000/v1",
            "api_key": "{{secret:hub_key}}",
        },
        "off": {"type": "gemini", "enabled": False, "api_key": None},
    },
    "models": {
        "chat": {
            "chat-default": {
                "provider": "openai",
                "upstream_model": "gpt-6.1-sol",
                "aliases": ["default"],
                "params": {"max_tokens": 8192, "reasoning_effort": "low"},
                "limits": {"context": 922000, "max_output": 128000},
                "pricing": {"input_per_million": 2.0, "output_per_million": 10.0},
                "rate": {"rpm": 100, "tpm": 200000, "max_parallel": 8},
                "budget": {"amount": 50, "period": "7d"},
            },
            "chat-careful": {
                "provider": "anthropic",
                "upstream_model": "claude-sonnet-5-5",
                "params": {"max_tokens": 4096},
                "rate": {"rpm": 50},
            },
        },
        "chat-eu": {"provider": "azure", "upstream_model": "sol-eu", "base_model": "azure/eu/gpt-6.1-sol"},
        "chat-hub": {
            "provider": "hub",
            "upstream_model": "qwen3-32b",
            "limits": {"context": 32768, "max_output": 8192},
        },
        "chat-long": {"provider": "off", "upstream_model": "gemini-3.8-flash"},
    },
    "routes": {
        "chat": {
            "strategy": "priority",
            "targets": [{"name": "primary", "model": "chat-default"}],
            "fallbacks": {
                "on_error": [{"name": "other", "model": "chat-careful"}, {"name": "last", "model": "chat-long"}],
                "on_context": [{"name": "long", "model": "chat-long"}],
            },
            "retry": {"max": 2, "statuses": [429, 503]},
        },
        "internal": {
            "strategy": "weighted",
            "targets": [
                {"name": "hub", "model": "chat-hub", "weight": 80},
                {"name": "eu", "model": "chat-eu", "weight": 20},
            ],
        },
    },
    "budgets": {"period": "30d", "providers": {"openai": {"amount": 900}, "off": {"amount": 1}}},
    "limits": {"tenant": {"max_parallel": 100}},
    "guardrails": {
        "rules": [
            {"name": "pii", "kind": "pii", "stage": "before_call", "action": "mask", "entities": ["email", "iban"]},
            {
                "name": "words",
                "kind": "blocked_words",
                "stage": "after_call",
                "action": "block",
                "words": ["gate code"],
            },
            {"name": "jailbreak", "kind": "prompt_injection", "stage": "before_call", "action": "block"},
        ],
        "always_on": ["pii"],
    },
    "mcp": {
        "github": {
            "transport": "stdio",
            "command": "npx",
            "args": ["-y", "@modelcontextprotocol/server-github@2025.4.8"],
            "env": {"GITHUB_TOKEN": "{{secret:github_token}}"},
            "timeout_seconds": 30,
        },
        "shipments": {
            "transport": "http",
            "url": "https://mcp.acme.example/mcp",
            "headers": {"Authorization": "Bearer {{secret:shipments_token}}"},
        },
    },
    "prompts": {
        "support": {
            "triage": {
                "current": "2.0.0",
                "versions": {
                    "2.0.0": {
                        "messages": [
                            {"role": "system", "content": "Queues: {{ queues }}"},
                            {"role": "user", "content": "{{ ticket }}"},
                        ],
                        "variables": {"queues": {"default": "claims, tariffs"}, "ticket": {"example": "Where is it?"}},
                    }
                },
            }
        }
    },
    "services": {
        "app": {
            "gateway_url": "https://gateway.acme.example/v1",
            "api_key": "{{secret:gateway_key}}",
            "master_key": "{{secret:master_key}}",
            "route": "chat",
            "routes": ["chat", "internal"],
            "model": "chat-hub",
            "title": "Acme Assistant",
            "retries": 2,
            "allowed_fails": 3,
            "cooldown_seconds": 30,
            "timeouts": {"request_seconds": 120, "stream_seconds": 300},
            "host": "0.0.0.0",
            "port": 8000,
            "arguments": {"gpu-memory-utilization": 0.9},
            "exporter": {"endpoint": "https://otel.acme.example", "token": "{{secret:otel_token}}"},
            "redact_attributes": ["gen_ai.input.messages", "user.email"],
            "namespace": "llm",
            "gateway": "edge",
        }
    },
}
FORMATS: Final = {
    "env": ("litellm-env", "openai-env", "anthropic-env", "azure-openai-env", "vllm-env"),
    "json": ("mcp-claude-code", "mcp-vscode", "mcp-claude-desktop", "portkey"),
}


def platform(**services: Any) -> dict[str, Any]:
    """The platform, with these settings of its service laid over it; None takes one away."""
    made = copy.deepcopy(PLATFORM)
    made["services"]["app"] |= services
    return made


def format_of(name: str) -> str:
    return next((form for form, names in FORMATS.items() if name.removeprefix("builtin:") in names), "yaml")


def answer(name: str, config: dict[str, Any], *, opened: bool = False, values: dict[str, str] | None = None):
    context = {"config": config, "environment": "prod", "tenant": "acme", "consumer": "app", "variables": {}}
    request = RenderRequest(name, format_of(name), context, values, opened)
    (rendered,) = render_batch([request], {})
    return rendered


def rendered(name: str, config: dict[str, Any] | None = None, *, opened: bool = False) -> str:
    made = answer(name, config or platform(), opened=opened)
    assert made.problems == (), made.problems
    assert made.text is not None
    return made.text.decode()


def refusal(name: str, config: dict[str, Any], *, opened: bool = False):
    """The one problem of a rendering that must be refused."""
    made = answer(name, config, opened=opened)
    assert made.text is None
    (problem,) = made.problems
    return problem
