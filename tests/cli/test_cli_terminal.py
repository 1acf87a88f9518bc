"""What only a terminal sees: questions, colour, cut lines, an interrupt at a question."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COLOUR = "\x1b[1m"


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter repository, committed, with a protected environment."""
    folder = tmp_path_factory.mktemp("starter") / "shop"
    environment = {**os.environ, "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for command in (
        [sys.executable, "-m", "llmcfg_cli", "init", "-q", str(folder)],
        ["git", "-C", str(folder), "add", "-A"],
        ["git", "-C", str(folder), *identity, "commit", "-q", "-m", "Start"],
    ):
        subprocess.run(command, check=True, capture_output=True, env=environment)
    return folder


@pytest.fixture
def repository(starter: Path, tmp_path: Path) -> Path:
    return shutil.copytree(starter, tmp_path / "shop", symlinks=True)


@pytest.fixture
def terminal(repository: Path, tmp_path: Path) -> Callable[..., Terminal]:
    def start(*arguments: str, **environment: str) -> Terminal:
        return Terminal([*arguments], repository, {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", **environment})

    return start


def has_branch(repository: Path, name: str) -> bool:
    return (repository / ".git/refs/heads" / name).exists()


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_protected_environment_is_deployed_when_its_name_is_typed(terminal, repository) -> None:
    asked = terminal("apply", "-e", "prod")
    asked.wait_for("prod is protected; type its name to go on: ")
    assert not has_branch(repository, "deployed/prod")
    asked.type("prod\n")
    ended = asked.end()
    assert ended.exit_code == 0
    assert "deployed/prod is now" in ended.shown
    assert has_branch(repository, "deployed/prod")


@pytest.mark.parametrize("answer", ["", "y", "yes", "PROD", "dev"])
def test_anything_but_the_name_deploys_nothing_to_a_protected_environment(terminal, repository, answer) -> None:
    asked = terminal("apply", "-e", "prod")
    asked.wait_for("type its name")
    asked.type(f"{answer}\n")
    ended = asked.end()
    assert (ended.exit_code, "nothing was applied" in ended.shown) == (2, True)
    assert not has_branch(repository, "deployed/prod")


@pytest.mark.parametrize(("answer", "deploys"), [("y", True), ("", False)])
def test_another_environment_asks_yes_or_no(terminal, repository, answer, deploys) -> None:
    asked = terminal("apply", "-e", "dev")
    asked.wait_for("apply to dev? [y/N] ")
    asked.type(f"{answer}\n")
    assert asked.end().exit_code == (0 if deploys else 2)
    assert has_branch(repository, "deployed/dev") is deploys


def test_an_interrupt_at_the_question_exits_130_and_changes_nothing(terminal, repository) -> None:
    asked = terminal("apply", "-e", "prod")
    asked.wait_for("type its name")
    asked.interrupt()
    ended = asked.end()
    assert ended.exit_code == 130
    assert "Traceback" not in ended.shown
    assert not has_branch(repository, "deployed/prod")


def test_an_interrupt_in_the_middle_of_work_erases_what_moved_and_leaves_nothing(
    terminal, repository, tmp_path
) -> None:
    assert terminal("set", "services.gateway.port", "9000").end().exit_code == 0
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *identity, "commit", "-q", "-a", "-m", "Another port"], cwd=repository, check=True)
    before = {*repository.rglob("*")}
    test = f"echo $$ >> {tmp_path / 'tests'}; sleep 300"
    working = terminal("bisect", "services.gateway.port", "-e", "prod", "--test", test)
    working.wait_for("testing values")
    working.interrupt()
    ended = working.end()
    assert ended.exit_code == 130
    assert ended.shown.endswith("\r\x1b[K")
    assert {*repository.rglob("*")} == before
    (started,) = (tmp_path / "tests").read_text().split()
    assert not is_running(int(started))


def test_a_rollback_of_a_protected_environment_asks_for_its_name_too(terminal, repository) -> None:
    assert terminal("apply", "-e", "prod", "--yes").end().exit_code == 0
    assert terminal("set", "services.gateway.port", "9000").end().exit_code == 0
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *identity, "commit", "-q", "-a", "-m", "Another port"], cwd=repository, check=True)
    assert terminal("apply", "-e", "prod", "--yes").end().exit_code == 0
    asked = terminal("rollback", "-e", "prod")
    asked.wait_for("type its name")
    asked.type("prod\n")
    ended = asked.end()
    assert ended.exit_code == 0
    assert "quarantined" in ended.shown


def test_lines_are_cut_to_the_terminal_and_coloured(terminal, repository) -> None:
    assert terminal("set", "services.gateway.upstream", "x" * 500).end().exit_code == 0
    shown = terminal("diff").end().shown
    assert COLOUR in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert all(len(line) <= 60 for line in plain.split("\n") if "UPSTREAM" in line), plain
    assert "…" in plain


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(terminal, setting) -> None:
    shown = terminal("tag", "v1.0.0", **setting).end().shown + terminal("tag", **setting).end().shown
    assert "v1.0.0" in shown
    assert "\x1b" not in shown


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_is_refused_with_5(terminal, repository) -> None:
    for folder in (repository, repository / ".git"):
        os.chown(folder, 54321, 54321)
    ended = terminal("validate").end()
    assert ended.exit_code == 5
    assert "belongs to another user" in ended.shown
    assert "safe.directory" in ended.shown
