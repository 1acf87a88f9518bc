"""The real LiteLLM proxy, fed by llmcfg: what it sends upstream, where it falls back, what it refuses, how it changes while it runs."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.gateway import Gateway
from e2e.programs import Answer, wait_until
from llmcfg.pipeline.builtins.litellm_guardrails import PATTERNS
from support.upstream import Upstream


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, python_of_consumers: Path) -> Iterator[Gateway]:
    with Upstream().serving() as upstream:
        made = Gateway(tmp_path_factory.mktemp("gateway"), python_of_consumers, upstream)
        made.repository.deploy("The platform")
        with made.running():
            yield made


@pytest.fixture(autouse=True)
def nothing_asked(gateway: Gateway) -> None:
    gateway.upstream.broken.clear()
    gateway.upstream.forget()


def wanted_ids(gateway: Gateway) -> set[str]:
    return {row["model_info"]["id"] for row in gateway.config["model_list"]}


def test_the_proxy_serves_exactly_the_deployments_of_the_bundle(gateway: Gateway) -> None:
    assert {row["model_info"]["id"] for row in gateway.model_info()} == wanted_ids(gateway)


def test_model_key_and_parameters_reach_the_vendor_as_configured(gateway: Gateway) -> None:
    answer = gateway.chat("chat")

    assert answer.status == 200, answer
    (asked,) = gateway.upstream.asked
    key = next(
        row["litellm_params"]["api_key"] for row in gateway.config["model_list"] if row["model_name"] == "chat-default"
    )
    assert asked.path == "/v1/chat/completions"
    assert (asked.model, asked.key) == ("gpt-6-luna", key)
    assert asked.headers["openai-organization"] == "org-meridian-freight"
    assert asked.headers["openai-project"] == "llm-platform-dev"
    assert asked.body.get("max_completion_tokens", asked.body.get("max_tokens")) == 8192
    assert asked.body["reasoning_effort"] == "low"


def test_who_has_no_key_is_not_answered(gateway: Gateway) -> None:
    from e2e.programs import post

    refused = post(
        f"{gateway.address}/v1/chat/completions", {"model": "chat", "messages": []}, {"Authorization": "Bearer x"}
    )

    assert refused.status in (400, 401, 403), refused
    assert gateway.upstream.asked == []


def test_a_broken_vendor_is_answered_for_by_the_fallback_of_the_route(gateway: Gateway) -> None:
    gateway.upstream.broken = {"claude-haiku-5-5"}

    answer = gateway.chat("careful")

    assert answer.status == 200, answer
    models = [asked.model for asked in gateway.upstream.asked]
    assert models[0] == "claude-haiku-5-5"
    assert models[-1] == "gpt-6-luna"


def test_a_limit_that_a_commit_lowers_holds_for_the_next_requests(gateway: Gateway) -> None:
    assert [gateway.chat("chat").status for _ in range(5)] == [200] * 5

    gateway.repository.edit("environments/dev/models/chat.yaml", "rpm: 200", "rpm: 3")
    gateway.repository.deploy("chat: three requests a minute")
    gateway.upstream.forget()
    statuses = [gateway.chat("chat").status for _ in range(8)]  # a minute may end within them

    assert statuses[:3] == [200] * 3
    assert 429 in statuses
    assert len(gateway.upstream.asked) == statuses.count(200)
    gateway.repository.edit("environments/dev/models/chat.yaml", "rpm: 3", "rpm: 200")
    gateway.repository.deploy("chat: as before")


def test_a_budget_that_is_used_up_stops_the_vendor(gateway: Gateway) -> None:
    gateway.repository.edit("environments/dev/budgets.yaml", "openai: {amount: 100}", "openai: {amount: 0.000001}")
    gateway.repository.deploy("openai: hardly anything")
    statuses: list[int] = []

    def is_refused() -> bool:
        statuses.append(gateway.chat("chat").status)
        return statuses[-1] == 429

    wait_until(is_refused, "the budget was used up")
    assert statuses[0] == 200
    gateway.repository.edit("environments/dev/budgets.yaml", "openai: {amount: 0.000001}", "openai: {amount: 100}")
    gateway.repository.deploy("openai: as before")


BELOW_THE_LIMIT = 0.4
"""Seconds between requests: dev allows 200 a minute."""


def ask_as_clients_do(gateway: Gateway) -> Answer:
    """They repeat a request whose connection was reset: uvicorn, when it ends, closes those whose request it has not read yet."""
    answer = gateway.chat("chat")
    return gateway.chat("chat") if answer.status == 0 else answer


def test_a_key_is_rotated_without_an_error(gateway: Gateway) -> None:
    before = gateway.config["model_list"][0]["litellm_params"]["api_key"]
    answers: list[Answer] = []
    ended = threading.Event()

    def traffic() -> None:
        while not ended.wait(BELOW_THE_LIMIT):
            answers.append(ask_as_clients_do(gateway))

    client = threading.Thread(target=traffic)
    headers = gateway.headers
    client.start()
    try:
        wait_until(lambda: len(answers) > 5, "traffic flowed")
        done = gateway.repository.run(
            "secret", "set", "openai_api_key", "-e", "dev", "--from-stdin", stdin="sk-the-new-key"
        )
        assert done.returncode == 0, done.stderr
        gateway.repository.deploy("openai: a new key")
        gateway.upstream.revoked = {before}
        gateway.upstream.forget()
        wait_until(lambda: len(gateway.upstream.asked) > 10, "traffic flowed with the new key")
    finally:
        ended.set()
        client.join()

    assert gateway.headers == headers
    assert {asked.key for asked in gateway.upstream.asked} == {"sk-the-new-key"}
    assert [answer for answer in answers if answer.status != 200] == []


def test_a_name_that_stands_nowhere_is_refused_before_anything_is_deployed(gateway: Gateway) -> None:
    before = gateway.config_file.read_bytes()
    gateway.repository.edit("base/routes/careful.yaml", "model: chat-default", "model: chat-defualt")
    gateway.repository.commit("careful: a slip of the pen")

    refused = gateway.repository.apply()

    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "chat-defualt" in refused.stdout + refused.stderr
    assert gateway.config_file.read_bytes() == before
    gateway.repository.edit("base/routes/careful.yaml", "model: chat-defualt", "model: chat-default")
    gateway.repository.deploy("careful: as before")


def test_what_the_proxy_itself_refuses_never_reaches_it(gateway: Gateway) -> None:
    before = gateway.config_file.read_bytes()
    gateway.repository.write("templates/own.yaml.j2", "model_list: []\nrouter_settings: {routing_strategy: banana}\n")
    gateway.repository.edit("consumers/llm-gateway.yaml", '"builtin:litellm"', "templates/own.yaml.j2")
    gateway.repository.commit("a template of our own, with a strategy that LiteLLM does not have")

    refused = gateway.repository.apply()

    assert refused.returncode == 9, refused.stdout + refused.stderr
    assert "gateway" in refused.stderr
    assert gateway.config_file.read_bytes() == before
    assert gateway.chat("chat").status == 200


def test_every_pattern_of_the_renderer_is_one_of_the_proxy(python_of_consumers: Path) -> None:
    code = "from litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.patterns import PREBUILT_PATTERNS as p; print(*p)"
    there = subprocess.run([python_of_consumers, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert set(there) >= PATTERNS


def test_every_key_of_the_renderer_is_read_by_the_proxy(gateway: Gateway, python_of_consumers: Path) -> None:
    code = Path(__file__).with_name("read_keys.py")
    unread = subprocess.run(
        [python_of_consumers, code, gateway.config_file], capture_output=True, text=True, check=True
    )

    assert unread.stdout == ""
