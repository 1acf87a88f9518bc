"""A process that is killed while it records: what counts is whole, and the next act goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.written import CONSUMER, MANIFEST, WrittenRepository

FILES = {"llmcfg.yaml": MANIFEST, "base/limits.yaml": "rpm: 1\n", "consumers/api.yaml": CONSUMER}


class Clone:
    def __init__(self, folder: Path) -> None:
        self.written = WrittenRepository(folder / "clone", FILES)
        self.home = folder

    def run(self, *arguments: str, failpoints: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LLMCFG_FAILPOINTS": failpoints}
        command = [sys.executable, "-m", "llmcfg_cli", *arguments]
        return subprocess.run(
            command, cwd=self.written.path, env=environment, capture_output=True, text=True, check=False
        )

    def acts(self) -> list[tuple[str, str]]:
        shown = self.run("audit", "export").stdout.splitlines()
        return [(entry["act"], entry["outcome"]) for entry in map(json.loads, shown)]


@pytest.mark.fault("O03")
@pytest.mark.parametrize("place", ["audit.before_entries", "audit.after_entries", "audit.after_head"])
def test_a_kill_at_any_step_leaves_a_sound_log_and_nothing_that_is_not_in_it(tmp_path: Path, place: str) -> None:
    clone = Clone(tmp_path)
    assert clone.run("audit", "init", "-q").returncode == 0
    killed = clone.run("tag", "v1", failpoints=f"{place}=exit:9")
    assert killed.returncode == 9, killed.stderr
    assert clone.written.git("tag", "--list") == ""
    assert clone.run("audit", "verify").returncode == 0
    assert clone.run("tag", "v1").returncode == 0
    checked = clone.run("audit", "verify")
    assert checked.returncode == 0, checked.stdout
    begun = 1 if place == "audit.before_entries" else 2
    assert clone.acts().count(("tag", "begun")) == begun
    assert clone.acts()[-1] == ("tag", "done")
