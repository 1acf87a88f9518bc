"""The import contracts of pyproject.toml hold, and each of them breaks when a module that it forbids is planted."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import llmcfg

ROOT = Path(__file__).resolve().parents[2]
CORE = Path(llmcfg.__file__).parent

# What is planted where, and the contract that it breaks.
PLANTED = {
    "core/llmcfg/model/planted.py": ("import llmcfg.ports", "The layers of the core"),
    "core/llmcfg/planted.py": ("import rich", "The core knows nothing of a command line"),
    "core/llmcfg/client/planted.py": ("import watchdog", "The client is light"),
    "core/llmcfg/model/planted_git.py": ("import pygit2", "pygit2 has one door"),
    "core/llmcfg/model/planted_templates.py": ("import jinja2", "jinja2 has one door"),
    "core/llmcfg/secrets/planted.py": ("import pyrage", "pyrage has one door"),
    "cli/llmcfg_cli/planted.py": ("import ruamel.yaml", "ruamel.yaml has two doors"),
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the sources and of the contracts, to plant modules in."""
    if not (ROOT / "core").is_dir():
        pytest.skip("needs the checkout; these are the tests alone")
    for folder in ("core", "cli"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def check_contracts(sources: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{sources / 'core'}{os.pathsep}{sources / 'cli'}",
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
    program = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    command = [sys.executable, "-c", program, "--no-cache", "--config", "pyproject.toml"]
    return subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True, check=False)


def test_contracts_hold(sources: Path) -> None:
    checked = check_contracts(sources)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_contract_breaks_when_a_forbidden_import_is_planted(sources: Path) -> None:
    for path, (source, _) in PLANTED.items():
        (sources / path).write_text(source + "\n")
    broken = re.findall(r"^(.+) BROKEN\b", check_contracts(sources).stdout, re.MULTILINE)
    assert sorted(line.partition(":")[0] for line in broken) == sorted(contract for _, contract in PLANTED.values())


def test_a_new_package_of_the_core_needs_a_place_among_the_layers(sources: Path) -> None:
    (sources / "core/llmcfg/homeless").mkdir()
    (sources / "core/llmcfg/homeless/__init__.py").touch()
    checked = check_contracts(sources)
    assert checked.returncode != 0
    assert "homeless" in checked.stdout


def test_model_needs_the_standard_library_only() -> None:
    foreign = [
        f"{path.name}:{node.lineno} {name}"
        for path in sorted((CORE / "model").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imports_of(node)
        if name.partition(".")[0] not in sys.stdlib_module_names | {"llmcfg"}
    ]
    assert foreign == []


def imports_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [item.name for item in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module or ""]
    return []
