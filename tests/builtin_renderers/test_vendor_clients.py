"""The real clients of vendors: an env file that llmcfg writes is all that they get, and the key and the address are those of the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builtin_renderers.platform import platform, rendered
from support.upstream import Upstream

MESSAGES = "[{'role': 'user', 'content': 'Hello'}]"
OPENAI = f"import openai; openai.OpenAI().chat.completions.create(model='gpt-6.1-sol', messages={MESSAGES})"
AZURE = f"import openai; openai.AzureOpenAI().chat.completions.create(model='sol-eu', messages={MESSAGES})"
ANTHROPIC = f"import anthropic; anthropic.Anthropic().messages.create(model='claude-sonnet-5-5', max_tokens=16, messages={MESSAGES})"
CLIENTS = [
    ("builtin:openai-env", "openai", "/v1", OPENAI, "/v1/chat/completions"),
    ("builtin:anthropic-env", "anthropic", "", ANTHROPIC, "/v1/messages"),
    ("builtin:azure-openai-env", "azure", "", AZURE, "/openai/deployments/sol-eu/chat/completions"),
]  # fmt: skip


@pytest.mark.parametrize(("builtin", "provider", "suffix", "code", "path"), CLIENTS, ids=[each[0] for each in CLIENTS])
def test_a_client_calls_the_address_of_its_env_file_with_the_key_of_its_env_file(
    builtin: str, provider: str, suffix: str, code: str, path: str, tmp_path: Path
) -> None:
    with Upstream().serving() as upstream:
        config: dict[str, Any] = platform(gateway_url=None)
        config["llm_providers"] = {
            provider: {
                **config["llm_providers"][provider],
                "base_url": f"{upstream.address}{suffix}",
                "api_key": "it's the $key",
            }
        }
        config |= {"models": {}, "routes": {}}
        file = tmp_path / "client.env"
        file.write_text(rendered(builtin, config, opened=True))
        script = f'set -a; . "{file}"; exec "{sys.executable}" -c "$1"'
        done = subprocess.run(
            ["sh", "-c", script, "sh", code], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
        )

        assert done.returncode == 0, done.stderr
        (asked,) = upstream.asked
        assert asked.path.partition("?")[0] == path
        assert asked.key == "it's the $key"
        if provider == "azure":
            assert asked.path.endswith("api-version=2025-04-01-preview")
        if provider == "openai":
            assert (asked.headers["openai-organization"], asked.headers["openai-project"]) == ("org-1", "proj-1")
