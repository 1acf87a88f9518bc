"""The real Portkey gateway with a config that llmcfg writes: what reaches the vendors, and who answers when one is down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builtin_renderers.platform import platform, rendered
from e2e.programs import Answer, get, post, wait_until
from support.servers import free_port
from support.upstream import Upstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream().serving() as serving:
        yield serving


@pytest.fixture(scope="module")
def gateway(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. It listens on all interfaces and cannot be told otherwise; it holds no key, and lives for these tests only."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on this machine")
    port = free_port()
    start = node_modules / "@portkey-ai/gateway/build/start-server.js"
    log = tmp_path_factory.mktemp("portkey") / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [node, start, f"--port={port}", "--headless"], stdout=output, stderr=output, env={"PATH": os.environ["PATH"]}
        )  # fmt: skip
    try:
        wait_until(lambda: get(f"http://127.0.0.1:{port}/").status == 200, "the gateway answered", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def chat(gateway: str, upstream: Upstream, change: Any = None, route: str = "chat") -> Answer:
    config = platform(route=route)
    config["llm_providers"]["openai"] |= {"base_url": f"{upstream.address}/v1", "api_key": "key-of-openai"}
    config["llm_providers"]["anthropic"] |= {"base_url": upstream.address, "api_key": "key-of-anthropic"}
    config["llm_providers"]["hub"] |= {"base_url": f"{upstream.address}/v1", "api_key": "key-of-hub"}
    config["routes"]["internal"]["targets"][1]["model"] = "chat-default"
    if change:
        change(config)
    header = json.dumps(json.loads(rendered("builtin:portkey", config, opened=True)))
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": "any"}
    return post(f"{gateway}/v1/chat/completions", body, {"x-portkey-config": header})


@pytest.fixture(autouse=True)
def well(upstream: Upstream) -> None:
    upstream.forget()
    upstream.broken.clear()


def test_the_primary_gets_the_model_the_key_and_the_parameters_of_the_records(gateway: str, upstream: Upstream) -> None:
    answer = chat(gateway, upstream)

    assert answer.status == 200, answer
    (asked,) = upstream.asked
    assert (asked.path, asked.model, asked.key) == ("/v1/chat/completions", "gpt-6.1-sol", "key-of-openai")
    assert asked.body["reasoning_effort"] == "low"
    assert asked.headers["openai-organization"] == "org-1"


def test_a_broken_primary_is_answered_for_by_the_fallback_in_its_own_protocol(gateway: str, upstream: Upstream) -> None:
    upstream.broken = {"gpt-6.1-sol"}

    def falls_back_on_errors(config: dict[str, Any]) -> None:
        config["routes"]["chat"]["retry"] = {"max": 1, "statuses": [500]}

    answer = chat(gateway, upstream, falls_back_on_errors)

    assert answer.status == 200, answer
    assert [asked.model for asked in upstream.asked] == ["gpt-6.1-sol", "gpt-6.1-sol", "claude-sonnet-5-5"]
    last = upstream.asked[-1]
    assert (last.path, last.key, last.body["max_tokens"]) == ("/v1/messages", "key-of-anthropic", 4096)


def test_weighted_targets_share_the_traffic(gateway: str, upstream: Upstream) -> None:
    wait_until(
        lambda: (
            chat(gateway, upstream, route="internal").status == 200
            and {asked.model for asked in upstream.asked} == {"qwen3-32b", "gpt-6.1-sol"}
        ),
        "both targets were asked",
    )
    assert {asked.key for asked in upstream.asked} == {"key-of-hub", "key-of-openai"}
