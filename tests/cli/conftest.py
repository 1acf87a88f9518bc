"""`llmcfg` as a process, and with commands of a test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llmcfg(tmp_path: Path) -> Run:
    """Run `llmcfg ARGUMENTS` without a terminal; `environment` is added to the present one."""

    def run(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return _python(["-m", "llmcfg_cli", *arguments], tmp_path, environment or {})

    return run


@pytest.fixture
def llmcfg_running(tmp_path: Path) -> Run:
    """Run `llmcfg probe ARGUMENTS`, where `probe` is a command whose module has this body."""

    def run(
        body: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "probe.py").write_text(body, encoding="utf-8")
        start = (
            "import sys, llmcfg_cli.commands, llmcfg_cli.table as table, llmcfg_cli.entry as entry\n"
            f"llmcfg_cli.commands.__path__.append({str(tmp_path)!r})\n"
            "table.PANELS = (table.Panel('Test', (table.Command('probe', 'probe:probe', 'a probe'),)),)\n"
            "entry.main()\n"
        )
        return _python(["-c", start, "probe", *arguments], tmp_path, environment or {})

    return run


def _python(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LLMCFG_", "GIT_", "NO_COLOR"))}
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
