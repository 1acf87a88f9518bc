"""`import_librechat`: a repository that renders what js-yaml reads in the file, or findings that say why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from importers.rendering import render
from llmcfg.importers.imported import Imported
from llmcfg.importers.librechat import import_librechat

FIXTURE = Path(__file__).parent / "fixtures/librechat.yml"


def imported(content: str) -> Imported:
    return import_librechat(content.encode(), name="chat")


def test_the_repository_renders_the_same_file_with_the_programs_own_references() -> None:
    result = imported(FIXTURE.read_text())
    assert result.secrets == ("files_api_key", "openrouter_key")
    assert result.variables == ()
    rendering = render(result.files)
    assert {error.rule_id for error in rendering.errors} == {"secret-empty"}
    config = rendering.config("dev", "librechat.yaml")
    assert config["version"] == "1.2.8"
    assert config["interface"] == {"customWelcome": "Hello, {{user.name}}", "modelSelect": "yes"}
    gateway, own = config["endpoints"]["custom"]
    assert gateway["apiKey"] == "${OPENROUTER_KEY}"
    assert gateway["headers"] == {"X-User": "{{LIBRECHAT_USER_ID}}", "Authorization": "Bearer ${GATEWAY_TOKEN}"}
    assert (own["apiKey"], own["baseURL"]) == ("user_provided", "${OWN_URL}")
    assert own["addParams"] == {"temperature": 1, "max_tokens": 15}
    assert config["mcpServers"]["files"]["env"] == {"API_KEY": "${FILES_API_KEY}"}
    assert config["mcpServers"]["files"]["timeout"] == "30_0x"


def test_comments_stay_and_secrets_have_names_only() -> None:
    files = imported(FIXTURE.read_text()).files
    written = b"".join(files.values()).decode()
    assert all(note in written for note in ("note-top", "note-welcome", "note-endpoints"))
    assert files["templates/librechat.env.j2"].decode().splitlines() == [
        'FILES_API_KEY={{ secret("files_api_key") }}',
        'OPENROUTER_KEY={{ secret("openrouter_key") }}',
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("no", "no"), ("on", "on"), ("0x1F", 31), ("1e3", 1000), ("True", True), ("~", None), (".5", 0.5), ("1:30", "1:30"), ("-0", 0)],
)  # fmt: skip
def test_a_scalar_means_what_js_yaml_reads(text: str, value: object) -> None:
    rendering = render(imported(f"version: 1.2.8\nmemory: {{a: {text}}}\n").files)
    assert rendering.config("dev", "librechat.yaml")["memory"] == {"a": value}


@pytest.mark.parametrize("text", ["014", "1_000", "0b11", "2026-11-25", "007.5"])
def test_what_readers_take_for_different_values_is_refused_with_its_place(text: str) -> None:
    result = imported(f"version: 1.2.8\nmemory: {{a: {text}}}\n")
    assert not result.files
    (finding,) = result.findings
    assert (finding.rule_id, finding.origin.line, finding.origin.column) == ("yaml-ambiguous", 2, 13)


def test_a_key_in_the_clear_becomes_the_secret_of_its_endpoint() -> None:
    key = "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"
    result = imported(f"endpoints: {{custom: [{{name: OpenRouter, apiKey: {key}}}]}}\n")
    assert result.secrets == ("openrouter_api_key",)
    assert key not in b"".join(result.files.values()).decode()
