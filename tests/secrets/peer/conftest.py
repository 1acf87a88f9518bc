"""The sops program itself, where it is installed in a release that has the mends which the comparison needs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmcfg.secrets.age import Identity, generate_identity

NEEDED = (3, 13, 3)


@dataclass(frozen=True)
class Sops:
    """Runs sops in a folder of its own, with the identities of its key file and no others."""

    program: str
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "SOPS_AGE_KEY_FILE": str(self.folder / "keys.txt"),
        }
        return subprocess.run(
            [self.program, "--disable-version-check", *arguments],
            cwd=self.folder, env=environment, capture_output=True, check=False, timeout=60,
        )  # fmt: skip

    def write(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return name

    def encrypt(self, name: str, content: bytes, rule: Mapping[str, Any]) -> subprocess.CompletedProcess[bytes]:
        """By a creation rule, which is the only one."""
        self.write(".sops.yaml", json.dumps({"creation_rules": [rule]}).encode())
        return self.run("encrypt", self.write(name, content))

    def decrypt(self, name: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
        return self.run("decrypt", self.write(name, content))

    def hold(self, identities: Sequence[Identity]) -> None:
        (self.folder / "keys.txt").write_text("".join(f"{identity.reveal()}\n" for identity in identities))


@pytest.fixture(scope="session")
def sops_program() -> str:
    program = shutil.which("sops")
    if program is None:
        pytest.skip("the sops program is not installed")
    told = subprocess.run(
        [program, "--disable-version-check", "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", told)
    if found is None or tuple(map(int, found.groups())) < NEEDED:
        pytest.skip(f"sops {'.'.join(map(str, NEEDED))} or newer is needed, and this is {told.strip()!r}")
    return program


@pytest.fixture(scope="session")
def people() -> list[Identity]:
    """Four with ordinary keys, and one with a post-quantum key."""
    return [*(generate_identity() for _ in range(4)), generate_identity(post_quantum=True)]


@pytest.fixture
def sops(sops_program: str, people: list[Identity], tmp_path: Path) -> Sops:
    made = Sops(sops_program, tmp_path)
    made.hold(people)
    return made
