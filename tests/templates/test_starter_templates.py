"""The templates that are shipped: each renders with a small configuration, and what it writes is what its program reads."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from llmcfg.pipeline.templates.render import RenderRequest, render_batch
from llmcfg.resources import data_folder

AWKWARD = 'it\'s "x": {{ y }}\n- #$`\\'
CONFIG = {
    "llm_providers": {
        "openai": {
            "api_key": "{{secret:openai_api_key}}",
            "base_url": "https://api.openai.com/v1",
            "models": {
                "gpt-4": {"max_tokens": 8192, "temperature": 0.7, "fallback": "gpt-3.5-turbo", "stream": True},
                "gpt-3.5-turbo": {"user": AWKWARD},
            },
        }
    },
    "telemetry": {"endpoint": "https://otel.example", "headers": {"Authorization": "Bearer {{secret:otel_token}}"}},
}


def render(name: str, format: str, config: object = CONFIG, tenant: str | None = None) -> str:
    context = {"config": config, "environment": "prod", "tenant": tenant, "consumer": "gateway", "variables": {}}
    (answer,) = render_batch(
        [RenderRequest(f"templates/{name}", format, context)],
        {f"templates/{path.name}": path.read_bytes() for path in data_folder("templates").glob("*.j2")},
    )
    assert answer.problems == ()
    assert answer.text is not None
    return answer.text.decode()


def test_litellm_gets_models_parameters_and_fallbacks():
    rendered = yaml.safe_load(render("litellm.yaml.j2", "yaml"))
    first, second = rendered["model_list"]
    assert first == {
        "model_name": "gpt-4",
        "litellm_params": {
            "model": "openai/gpt-4",
            "api_base": "https://api.openai.com/v1",
            "api_key": "os.environ/OPENAI_API_KEY",
            "max_tokens": 8192,
            "temperature": 0.7,
            "stream": True,
        },
    }
    assert second["litellm_params"]["user"] == AWKWARD
    assert rendered["litellm_settings"]["fallbacks"] == [{"gpt-4": ["gpt-3.5-turbo"]}]


def test_env_file_is_read_by_a_shell(tmp_path):
    file = tmp_path / "app.env"
    file.write_text(render("env.j2", "env"))
    script = f'. {file}; printf "%s|%s|%s" "$1" "$LLM_PROVIDERS_OPENAI_MODELS_GPT_3_5_TURBO_USER" "$LLM_PROVIDERS_OPENAI_API_KEY"'
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout == f"|{AWKWARD}|{{{{secret:openai_api_key}}}}"


def test_configmap_holds_a_yaml_file_for_each_section():
    rendered = yaml.safe_load(render("configmap.yaml.j2", "yaml", tenant="acme"))
    assert rendered["metadata"]["labels"]["llmcfg.dev/tenant"] == "acme"
    assert {name: yaml.safe_load(text) for name, text in rendered["data"].items()} == {
        f"{section}.yaml": value for section, value in CONFIG.items()
    }


def test_collector_pipelines_use_only_what_is_defined():
    rendered = yaml.safe_load(render("otel-collector.yaml.j2", "yaml"))
    assert rendered["exporters"]["otlphttp"]["headers"] == CONFIG["telemetry"]["headers"]
    for pipeline in rendered["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert set(names) <= set(rendered[kind])


def test_json_file_holds_the_whole_selection():
    assert json.loads(render("config.json.j2", "json")) == {
        "environment": "prod",
        "tenant": None,
        "consumer": "gateway",
        "config": CONFIG,
    }


@pytest.mark.parametrize(
    ("name", "format"), [("env.j2", "env"), ("configmap.yaml.j2", "yaml"), ("config.json.j2", "json")]
)
def test_generic_templates_render_an_empty_selection(name, format):
    assert render(name, format, config={})


def test_every_shipped_template_begins_with_a_comment_that_says_what_it_reads():
    paths = sorted(data_folder("templates").glob("*.j2"))
    assert len(paths) == 5
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("{#\n"), path.name
        assert "Reads " in text[: text.index("#}")], path.name
