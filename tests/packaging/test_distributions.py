"""What is in the wheel and in the sdist, and that what is installed from them works."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest


def names_of_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def names_of_sdist(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}


def files_under(checkout: Path, folder: str) -> set[str]:
    listed = subprocess.run(
        ["git", "-C", str(checkout), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("needs a Git checkout")
    return {name for name in listed.stdout.split("\0") if name and (checkout / name).is_file()}


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the packages of `folder` before those of the environment, from a folder where nothing can be imported."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
    }  # not our sources
    environment = {**inherited, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-P", *command],
        cwd=folder.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def install(source: Path, target: Path) -> Path:
    """Install without dependencies and without a network."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, "--target", str(target), str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(wheel, tmp_path_factory.mktemp("wheel") / "packages")


def test_wheel_holds_the_two_packages_and_says_that_they_are_typed(wheel: Path, checkout: Path) -> None:
    names = names_of_wheel(wheel)
    written = files_under(checkout, "core") | files_under(checkout, "cli")
    sources = {name.split("/", 1)[1] for name in written if not name.startswith("cli/bin/")}
    assert sources <= names
    assert {"llmcfg/py.typed", "llmcfg_cli/py.typed"} <= names


def test_wheel_holds_every_shipped_schema_and_template(wheel: Path, checkout: Path) -> None:
    shipped = {f"llmcfg/_data/{name}" for folder in ("schemas", "templates") for name in files_under(checkout, folder)}
    assert shipped <= names_of_wheel(wheel)


def test_wheel_holds_nothing_else(wheel: Path) -> None:
    names = names_of_wheel(wheel)
    folders = {name.split("/", 1)[0] for name in names}
    assert {folder for folder in folders if not folder.endswith((".dist-info", ".data"))} == {"llmcfg", "llmcfg_cli"}
    assert [name.split(".data/")[1] for name in names if ".data/" in name] == ["scripts/llmcfg"]
    assert not [
        name for name in names_of_wheel(wheel) if "__pycache__" in name or "/tests/" in name or "/test_" in name
    ]


def test_wheel_carries_the_licence_text(wheel: Path) -> None:
    assert [name for name in names_of_wheel(wheel) if name.endswith(".dist-info/licenses/LICENSE")]


@pytest.mark.parametrize("folder", ["core", "cli", "schemas", "templates", "tests", "docs", "sample-repo", ".ci"])
def test_sdist_holds_every_file_of(sdist: Path, checkout: Path, folder: str) -> None:
    assert files_under(checkout, folder) <= names_of_sdist(sdist)


def test_sdist_holds_what_the_commands_of_the_readme_need(sdist: Path) -> None:
    needed = {
        "Makefile",
        "constraints.txt",
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
    }
    assert needed <= names_of_sdist(sdist)


def test_installed_wheel_prints_its_version(installed: Path) -> None:
    import llmcfg

    shown = run(installed, "-m", "llmcfg_cli", "--version")
    assert shown.returncode == 0, shown.stderr
    assert llmcfg.__version__ in shown.stdout


@pytest.mark.parametrize("folder", ["schemas", "templates"])
def test_installed_wheel_finds_its_own(installed: Path, folder: str) -> None:
    shown = run(installed, "-c", f"from llmcfg.resources import data_folder; print(data_folder({folder!r}))")
    assert Path(shown.stdout.strip()) == installed.resolve() / "llmcfg" / "_data" / folder, shown.stderr


def test_source_folder_installs_with_pip(checkout: Path, tmp_path: Path) -> None:
    folder = install(checkout, tmp_path / "packages")
    launcher = folder / "bin" / "llmcfg"
    assert os.access(launcher, os.X_OK)
    assert launcher.read_text().startswith(f"#!{sys.executable}\n")
    assert run(folder, "-m", "llmcfg_cli", "--version").returncode == 0


@pytest.mark.parametrize("folder", ["schemas", "templates"])
def test_checkout_and_wheel_both_find(folder: str) -> None:
    from llmcfg.resources import data_folder

    assert data_folder(folder).is_dir()
