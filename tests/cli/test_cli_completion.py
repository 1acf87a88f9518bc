"""Shell completion: commands, options, choices and names of the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llmcfg_cli.completion import RepositoryNames, repository_names

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = """\
apiVersion: llmcfg.dev/v1
kind: Repository
name: meridian
environments:
  dev: {}
  prod: {protected: true}
  "$(touch pwned)": {}
tenants:
  acme: {}
"""
PROBE = """
from pathlib import Path
from llmcfg_cli.options import *
def probe(key: OptionalKey = ".", directory: Directory = Path(), environments: Environments = None, tenant: Tenant = None,
          consumer: Consumer = None, at: At = None, fail_on: FailOn = "error"):
    '''A probe.'''
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "conf"
    (folder / "consumers").mkdir(parents=True)
    (folder / "llmcfg.yaml").write_text(MANIFEST)
    (folder / "consumers/api-gateway.yaml").write_text("{}")
    return folder


def bash(words: str) -> dict[str, str]:
    count = len(words.split(" ")) - 1
    return {"_LLMCFG_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(count)}


def test_commands_complete_without_being_imported(llmcfg) -> None:
    done = llmcfg(environment=bash("llmcfg rul"))
    assert (done.stdout, done.stderr, done.returncode) == ("rules\n", "", 0)
    assert llmcfg(environment=bash("llmcfg completion in")).stdout == "install\n"


def test_hidden_commands_are_not_offered(llmcfg) -> None:
    assert "log" not in llmcfg(environment=bash("llmcfg ")).stdout.split()


def test_options_and_choices_complete(llmcfg) -> None:
    assert llmcfg(environment=bash("llmcfg rules --o")).stdout == "--output\n"
    assert llmcfg(environment=bash("llmcfg rules -o ")).stdout.split() == ["table", "json"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("-C conf -e ", ["dev", "prod"]),
        ("-C conf --env p", ["prod"]),
        ("-C conf -e dev -e ", ["dev", "prod"]),
        ("-C conf -t ", ["acme"]),
        ("-C conf -c api", ["api-gateway"]),
        ("-C nowhere -e ", []),
        ("--fail-on n", ["note", "never"]),
        ("--at HE", ["HEAD"]),
    ],
)
def test_names_of_the_repository_complete(llmcfg_running, repository: Path, words: str, offered: list[str]) -> None:
    done = llmcfg_running(PROBE, environment=bash(f"llmcfg probe {words}"))
    assert (done.stdout.split(), done.stderr, done.returncode) == (offered, "", 0)


def test_names_are_read_from_the_manifest_and_the_consumers(repository: Path) -> None:
    names = RepositoryNames(("dev", "prod", "$(touch pwned)"), ("acme",), ("api-gateway",))
    assert repository_names(repository) == names


@pytest.mark.parametrize("manifest", ["", "a: [", "environments: 3", "\x00", "- a"])
def test_a_broken_manifest_completes_to_nothing(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "llmcfg.yaml").write_text(manifest)
    assert repository_names(tmp_path) == RepositoryNames()


def test_a_name_that_a_shell_would_run_is_not_offered(llmcfg_running, repository: Path) -> None:
    environment = {"_LLMCFG_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "llmcfg probe -C conf -e "}
    done = llmcfg_running(PROBE, environment=environment)
    assert '"prod"' in done.stdout
    assert "touch" not in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_shell_and_asks_llmcfg(llmcfg, shell: str, tmp_path: Path) -> None:
    done = llmcfg("completion", "show", shell)
    assert (done.stderr, done.returncode) == ("", 0)
    assert f"_LLMCFG_COMPLETE=complete_{shell}" in done.stdout
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(done.stdout)
        subprocess.run([shell, "-n", str(script)], check=True, timeout=60)


def test_bash_completes_with_the_script(llmcfg, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(llmcfg("completion", "show", "bash").stdout)
    (tmp_path / "llmcfg").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m llmcfg_cli "$@"\n')
    (tmp_path / "llmcfg").chmod(0o755)
    line = "PATH=.:$PATH; . ./script; COMP_WORDS=(llmcfg lim); COMP_CWORD=1; _llmcfg_completion llmcfg; echo ${COMPREPLY[*]}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "limits\n"


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", ".local/share/bash-completion/completions/llmcfg"),
        ("fish", ".config/fish/completions/llmcfg.fish"),
        ("zsh", ".zfunc/_llmcfg"),
    ],
)
def test_install_writes_the_script_where_the_shell_looks(llmcfg, tmp_path: Path, shell: str, file: str) -> None:
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
    done = llmcfg("completion", "install", shell, environment=environment)
    assert (done.stdout, done.returncode) == ("", 0)
    assert (tmp_path / file).read_text() == llmcfg("completion", "show", shell).stdout
    assert not (tmp_path / ".bashrc").exists()


def test_an_unknown_shell_is_a_usage_error(llmcfg) -> None:
    done = llmcfg("completion", "show", "csh")
    assert done.returncode == 2
    assert "'csh' is not one of 'bash', 'zsh', 'fish'" in done.stderr
