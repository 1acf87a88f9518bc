"""Every session of this directory, of README.md and of docs/ answers as it is written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from .runner import PROJECT, documentation_files, run_file, session_files, update_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.session
@pytest.mark.parametrize(
    "path", [*session_files(), *documentation_files()], ids=lambda path: str(path.relative_to(PROJECT))
)
def test_session_answers_as_written(path: Path, tmp_path: Path) -> None:
    if os.environ.get("LLMCFG_UPDATE_SESSIONS"):
        update_file(path, tmp_path / "update")
    run_file(path, tmp_path / "run")
