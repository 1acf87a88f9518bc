"""What all commands have in common: documented options, and JSON that says what it is."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llmcfg_cli.app import command_tree, load
from llmcfg_cli.dispatch import move_directory
from llmcfg_cli.table import Command
from support.commands import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

READ = {
    "validate": ("Findings", ["validate"]),
    "diff": ("Diff", ["diff"]),
    "get": ("Value", ["get", "services.gateway.port", "-e", "dev"]),
    "list": ("Keys", ["list", "-e", "dev"]),
    "tree": ("Tree", ["tree", "-e", "dev"]),
    "explain": ("Explanation", ["explain", "services.gateway.port", "-e", "dev"]),
    "impact": ("Impact", ["impact", "services.gateway.port"]),
    "plan": ("Plan", ["plan", "-e", "dev"]),
    "status": ("Status", ["status"]),
    "history": ("History", ["history"]),
    "tag": ("Tags", ["tag"]),
    "doctor": ("Doctor", ["doctor"]),
    "rules": ("Rules", ["rules"]),
    "limits": ("Limits", ["limits"]),
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answers") / "shop"
    subprocess.run([sys.executable, "-m", "llmcfg_cli", "init", "-q", str(folder)], check=True, capture_output=True)
    for arguments in (["add", "-A"], ["-c", "user.name=Ada", "-c", "user.email=a@b.c", "commit", "-q", "-m", "Start"]):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("command", [command for _, command in COMMANDS], ids=lambda command: command.target)
def test_every_argument_and_option_says_what_it_is_for(command: Command) -> None:
    loaded = load(command)
    assert loaded.help
    missing = [parameter.name for parameter in loaded.params if not getattr(parameter, "help", None)]
    assert missing == []


@pytest.mark.parametrize("verb", sorted(READ))
def test_json_says_what_it_is(verb: str, repository: Path) -> None:
    kind, arguments = READ[verb]
    done = subprocess.run(
        [sys.executable, "-m", "llmcfg_cli", *arguments, "-o", "json"],
        cwd=repository,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["apiVersion"], answer["kind"]) == ("llmcfg.dev/v1", kind)


@pytest.mark.parametrize(
    ("typed", "reads"),
    [
        (["-C", "a", "get", "k"], ["get", "-C", "a", "k"]),
        (["-Ca", "get"], ["get", "-Ca"]),
        (["--directory=a", "get"], ["get", "--directory=a"]),
        (["-C", "a", "-C", "b", "get"], ["get", "-C", "a", "-C", "b"]),
        (["-C", "a", "schema", "export", "--check"], ["schema", "export", "-C", "a", "--check"]),
        (["get", "-C", "a"], ["get", "-C", "a"]),
        (["-C", "a"], []),
        (["-C"], []),
        (["-C", "a", "gte"], ["gte"]),
        (["-C", "a", "--help"], ["--help"]),
    ],
)
def test_a_directory_before_the_verb_is_one_behind_it(typed: list[str], reads: list[str]) -> None:
    assert move_directory(typed, command_tree().entries) == reads
