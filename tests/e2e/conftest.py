"""Where the real programs are. A test whose program is missing is skipped, and says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/e2e/"):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def python_of_consumers() -> Path:
    """The Python of the environment with LiteLLM and the other consumers that are Python packages."""
    folder = os.environ.get("LLMCFG_E2E_PYTHON_ENV")
    if not folder:
        pytest.skip("LLMCFG_E2E_PYTHON_ENV names no environment with litellm; .ci/e2e makes one")
    return Path(folder) / "bin/python"


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder with the consumers that are npm packages."""
    folder = os.environ.get("LLMCFG_E2E_NODE_MODULES")
    if not folder:
        pytest.skip("LLMCFG_E2E_NODE_MODULES names no folder with the npm packages; .ci/e2e makes one")
    return Path(folder)
