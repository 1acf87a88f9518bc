"""`benchmarks/trust.py` comes to the same verdict as Git on a history that it is given, and says so where it does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.benchmarks import FOLDER
from support.signedcommits import sign_head
from support.written import WrittenRepository
from trust.signing import ecdsa, ed25519, rsa_key

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not on this machine")


def compared(clone: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / "trust.py"), "--clone", str(clone)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_commits_that_are_good_for_git_are_good_here(tmp_path: Path) -> None:
    written = WrittenRepository(tmp_path / "r", {"base/limits.yaml": "rpm: 1\n"})
    for number, key in enumerate((ed25519(), ecdsa(), rsa_key())):
        written.commit({"base/limits.yaml": f"rpm: {number + 2}\n"})
        sign_head(written.git, key)
    done = compared(tmp_path / "r")
    assert "3 commits, signed with 3 keys: 3 judged as Git judges them" in done.stdout, done.stderr
    assert done.returncode == 0
