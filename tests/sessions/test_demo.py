"""The demonstration of the sample repository tells its story to the end, on a machine where nobody has set Git up."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .runner import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

STORY = (
    "no findings in",
    "first deployment:",
    "budgets.services.support-bot.amount: 3000 -> 3500",
    "deployed/prod is now",
    "budgets: more for the support bot",
    "1 file differs from what was deployed",
    "delivered to directory",
    "rolled back from",
    "This repository is in",
)


def run_demo(folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    script = PROJECT / "sample-repo" / "demo.sh"
    if not script.is_file():
        pytest.skip("needs the checkout; these are the tests alone")
    program = home / "bin" / "llmcfg"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m llmcfg_cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    passed = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "PYTHONPATH"))}
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", str(script), str(folder)],
        cwd=home,
        env={**passed, "PATH": path, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.session
def test_the_demonstration_tells_its_story_in_order(tmp_path: Path) -> None:
    done = run_demo(tmp_path / "demo", tmp_path / "home")
    assert done.returncode == 0, done.stdout
    at = 0
    for words in STORY:
        found = done.stdout.find(words, at)
        assert found >= 0, f"{words!r} does not come where it should:\n{done.stdout}"
        at = found
    assert str(tmp_path / "demo") in done.stdout[at:]


def test_the_demonstration_replaces_no_folder_but_its_own(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").touch()
    done = run_demo(mine, tmp_path / "home")
    assert done.returncode == 2
    assert "name another folder" in done.stdout
    assert (mine / "file").exists()
