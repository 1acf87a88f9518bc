"""The LiteLLM proxy of sample-repo in dev: deployed by llmcfg, run by gunicorn, with a vendor on loopback behind it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from e2e.programs import Answer, SampleCopy, get, post, wait_until
from support.servers import free_port
from support.upstream import Upstream

CONSUMER = """\
apiVersion: llmcfg.dev/v1
kind: Consumer
environments: [dev]
select: [llm_providers, models, routes, budgets, limits, guardrails, services.llm-gateway]
outputs:
  - {path: config.yaml, template: "builtin:litellm", opened: true}
recipients: [age19n4apvrhlhpc4ahk7gkfu6d4smrka48ckjkaar76v6csj996hpqsy46rek]
after_apply: gateway
"""


class Gateway:
    def __init__(self, folder: Path, python: Path, upstream: Upstream) -> None:
        self.python, self.upstream, self.port = python, upstream, free_port()
        self.pid_file = folder / "gateway.pid"
        self.log = folder / "gateway.log"
        settings = folder / "settings.yaml"
        self.repository = SampleCopy(folder / "repository", settings)
        self._settle(settings)

    @property
    def config_file(self) -> Path:
        return self.repository.folder / "delivered/dev/opened/_shared/llm-gateway/files/config.yaml"

    @property
    def config(self) -> dict[str, Any]:
        return dict(yaml.safe_load(self.config_file.read_text()))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.config['general_settings']['master_key']}"}

    def chat(self, model: str, **body: Any) -> Answer:
        message = {"role": "user", "content": "Where is shipment 4711?"}
        return post(
            f"{self.address}/v1/chat/completions", {"model": model, "messages": [message], **body}, self.headers
        )

    def model_info(self) -> list[dict[str, Any]]:
        return list(get(f"{self.address}/model/info", self.headers).content["data"])

    @contextmanager
    def running(self) -> Iterator[Gateway]:
        command = [self.python.with_name("litellm"), "--config", self.config_file, "--host", "127.0.0.1",
                   "--port", str(self.port), "--run_gunicorn", "--num_workers", "1"]  # fmt: skip
        with self.log.open("wb") as log:
            process = subprocess.Popen(command, env=_offline(), stdout=log, stderr=log, cwd=self.log.parent)
        self.pid_file.write_text(str(process.pid))
        try:
            wait_until(self.is_live, "the gateway was live", process)
            yield self
        finally:
            process.terminate()
            process.wait(timeout=60)

    def is_live(self) -> bool:
        return get(f"{self.address}/health/liveliness").status == 200

    def _settle(self, settings: Path) -> None:
        """Point the sample's providers to loopback, keep one consumer, and tell the machine how its gateway is reloaded."""
        copy = self.repository
        for consumer in (copy.folder / "consumers").glob("*.yaml"):
            consumer.unlink()
        copy.write("consumers/llm-gateway.yaml", CONSUMER)
        copy.edit("llmcfg.yaml", "keep: 3", "keep: 3, open: true")
        copy.edit(
            "environments/dev/llm_providers/openai.yaml", "project:", f"base_url: {self.upstream.address}/v1\nproject:"
        )
        copy.write("environments/dev/llm_providers/anthropic.yaml", f"base_url: {self.upstream.address}\n")
        copy.write("environments/dev/llm_providers/mistral.yaml", f"base_url: {self.upstream.address}/v1\n")
        copy.write("environments/dev/llm_providers/vllm-hub.yaml", f"base_url: {self.upstream.address}/v1\n")
        litellm = ["/usr/bin/env", "LITELLM_LOCAL_MODEL_COST_MAP=True", str(self.python.with_name("litellm"))]
        validator = [*litellm, "--config", "{opened}/files/config.yaml", "--validate_config"]
        hook = {
            "validate": {"command": validator, "seconds": 150},
            "signal": {"pid_file": str(self.pid_file), "workers_replaced_within": 150},
            "probe": {"url": f"{self.address}/health/liveliness", "seconds": 150},
            "show_output": True,
        }
        machine = {"apiVersion": "llmcfg.dev/v1", "kind": "Sync", "hooks": {"gateway": hook}}
        settings.write_text(json.dumps({**machine, "opened": str(settings.parent / "memory")}))


def _offline() -> dict[str, str]:
    """The environment of the proxy: nothing of ours, so that no key can come from anywhere but the file."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "WARNING",
        "OPENAI_API_KEY": "the-key-of-somebody-else",
    }
