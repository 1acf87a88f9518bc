"""Commands that judge commits ask the `gpg` that a shell would run, wherever it lies."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from support.openpgp import HAS_GPG, WITHOUT_GPG, key_ring, trusting_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Run

pytestmark = pytest.mark.skipif(not HAS_GPG, reason=WITHOUT_GPG)
ADA = "ada@example.com"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a commit that was signed with OpenPGP, and counts. The keys lie in a short path, since gpg has sockets there."""
    for ring in key_ring(tmp_path_factory.mktemp("g") / "h"):
        ring.make(ADA)
        written, _ = trusting_repository(tmp_path_factory.mktemp("r") / "r", ring, ADA)
        yield written.path


@pytest.mark.parametrize(
    "command",
    [
        ["validate", "--at", "HEAD"],
        ["ci", "--base", "HEAD~1"],
        ["trust", "check"],
        ["plan", "-e", "prod"],
    ],
    ids=lambda command: command[0],
)
def test_the_gpg_of_the_users_path_is_asked(command: list[str], llmcfg: Run, repository: Path, tmp_path: Path) -> None:
    own, asked = tmp_path / "bin", tmp_path / "asked"
    own.mkdir()
    (own / "gpg").write_text(f'#!/bin/sh\n: > "{asked}"\nexec "{shutil.which("gpg")}" "$@"\n')
    (own / "gpg").chmod(0o755)

    ran = llmcfg(*command, "-C", str(repository), environment={"PATH": f"{own}{os.pathsep}{os.environ['PATH']}"})

    assert asked.exists(), ran.stdout + ran.stderr
    assert "sig-" not in ran.stdout + ran.stderr
