from __future__ import annotations

import pytest

import llmcfg.client
from support.delivered import Delivered

DOCUMENTS = {
    "limits": {"rpm": 10, "tpm": 4000, "burst": 1.5, "on": True, "note": None},
    "routes": {"chat": {"model": "gpt-4.1", "weights": [1, 2, 3]}},
    "models/gpt-4.1": {"max_tokens": 1000, "provider": "openai"},
    "models/small": {"max_tokens": 100, "provider": "local"},
}


@pytest.fixture
def delivered(tmp_path):
    made = Delivered(tmp_path / "sink")
    made.put(DOCUMENTS, files={"app.env": b"RPM=10\n"})
    return made


@pytest.fixture
def open_config(delivered):
    """`llmcfg.client.open` of what is delivered, without a thread; closed at the end."""
    opened = []

    def opener(address=None, **options):
        config = llmcfg.client.open(address or delivered.address, **{"follow": False, **options})
        opened.append(config)
        return config

    yield opener
    for config in opened:
        config.close()


@pytest.fixture
def cfg(open_config):
    return open_config()
