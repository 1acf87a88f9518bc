"""Questions of the `secret` commands: values are typed twice and never shown, and a reason is asked for before a value is."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llmcfg.secrets.age import generate_identity
from support.terminal import Terminal

PROJECT = Path(__file__).resolve().parent.parent.parent
VALUE = "sk-typed-canary"


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository without secrets, whose rules let one key open them; the key is in its usual place."""
    folder = tmp_path / "shop"
    shutil.copytree(PROJECT / "tests/repositories/secrets", folder)
    identity = generate_identity()
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - age: {identity.recipient}\n")
    keys = tmp_path / ".config/sops/age/keys.txt"
    keys.parent.mkdir(parents=True)
    keys.write_text(identity.reveal())
    keys.chmod(0o600)
    subprocess.run(["git", "init", "-q", str(folder)], check=True, env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"})
    return folder


@pytest.fixture
def terminal(repository, tmp_path) -> Callable[..., Terminal]:
    def start(*arguments: str, **environment: str) -> Terminal:
        return Terminal(
            ["secret", *arguments], repository, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "", **environment}
        )

    return start


def files(repository: Path) -> list[str]:
    return sorted(str(path.relative_to(repository)) for path in repository.rglob("secrets/*"))


def test_a_value_is_typed_twice_and_never_shown(terminal, repository) -> None:
    asked = terminal("set", "openai")
    asked.wait_for("value of openai: ")
    asked.type(f"{VALUE}\n")
    asked.wait_for("once more: ")
    assert files(repository) == []
    asked.type(f"{VALUE}\n")
    ended = asked.end()
    assert ended.exit_code == 0
    assert VALUE not in ended.shown
    assert files(repository) == ["base/secrets/secrets.yaml"]
    shown = terminal("get", "openai", "--reason", "test").end().shown
    assert shown.endswith(f"{VALUE}\n")


def test_two_values_that_differ_write_nothing(terminal, repository) -> None:
    asked = terminal("set", "openai")
    asked.wait_for("value of openai: ")
    asked.type(f"{VALUE}\n")
    asked.wait_for("once more: ")
    asked.type(f"{VALUE}x\n")
    ended = asked.end()
    assert (ended.exit_code, "differ" in ended.shown, VALUE in ended.shown) == (2, True, False)
    assert files(repository) == []


@pytest.mark.parametrize("typed", ["\n", "\x04"])
def test_no_value_writes_nothing(terminal, repository, typed) -> None:
    asked = terminal("set", "openai")
    asked.wait_for("value of openai: ")
    asked.type(typed)
    ended = asked.end()
    assert (ended.exit_code, "no value was given" in ended.shown) == (2, True)
    assert files(repository) == []


def test_an_interrupt_at_the_question_writes_nothing(terminal, repository) -> None:
    asked = terminal("set", "openai")
    asked.wait_for("value of openai: ")
    asked.interrupt()
    ended = asked.end()
    assert (ended.exit_code, "Traceback" in ended.shown) == (130, False)
    assert files(repository) == []


def test_what_would_be_refused_is_refused_before_the_value_is_typed(terminal, repository) -> None:
    (repository / ".sops.yaml").write_text("creation_rules: []\n")
    ended = terminal("set", "openai").end()
    assert ended.exit_code == 7
    assert "value of" not in ended.shown


def test_a_reason_is_asked_for_before_a_value_is_shown(terminal) -> None:
    terminal("set", "openai", "--generate", "uuid").end()
    asked = terminal("get", "openai")
    asked.wait_for("reason for showing openai: ")
    asked.type("to test it\n")
    ended = asked.end()
    assert ended.exit_code == 0
    assert "for: to test it" in ended.shown


def test_without_a_reason_nothing_is_shown(terminal) -> None:
    terminal("set", "openai", "--generate", "uuid").end()
    asked = terminal("get", "openai")
    asked.wait_for("reason for showing openai: ")
    asked.type(" \n")
    ended = asked.end()
    assert (ended.exit_code, "nothing is shown" in ended.shown) == (2, True)


def test_a_value_cannot_act_on_the_terminal(terminal, tmp_path) -> None:
    (tmp_path / "value").write_text("\x1b]0;title\x07text\n\x1b[2J\n")
    terminal("set", "openai", "--from-file", str(tmp_path / "value")).end()
    shown = terminal("get", "openai", "--reason", "test").end().shown
    assert "\\x1b]0;title\\x07text" in shown
    assert "\x1b" not in shown


def test_an_import_shows_names_and_asks(terminal, repository, tmp_path) -> None:
    (tmp_path / "old.env").write_text(f"OPENAI={VALUE}\n")
    asked = terminal("import", str(tmp_path / "old.env"))
    asked.wait_for("set 1 secret? [y/N] ")
    assert "OPENAI" in asked.shown
    assert files(repository) == []
    asked.type("y\n")
    ended = asked.end()
    assert (ended.exit_code, VALUE in ended.shown) == (0, False)
    assert files(repository) == ["base/secrets/secrets.yaml"]


def test_an_import_that_is_not_wanted_writes_nothing(terminal, repository, tmp_path) -> None:
    (tmp_path / "old.env").write_text(f"OPENAI={VALUE}\n")
    asked = terminal("import", str(tmp_path / "old.env"))
    asked.wait_for("set 1 secret? [y/N] ")
    asked.type("\n")
    assert asked.end().exit_code == 2
    assert files(repository) == []


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2)])
def test_a_copy_replaces_what_is_there_only_when_told_to(terminal, repository, answer, code) -> None:
    terminal("set", "openai", "--generate", "uuid").end()
    terminal("set", "openai", "--generate", "uuid", "-e", "dev").end()
    place = repository / "environments/dev/secrets/secrets.yaml"
    before = place.read_bytes()
    asked = terminal("copy", "openai", "--to-env", "dev")
    asked.wait_for("holds openai already; replace it? [y/N] ")
    asked.type(f"{answer}\n")
    assert asked.end().exit_code == code
    assert (place.read_bytes() == before) is (answer == "n")
