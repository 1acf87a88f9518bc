"""The command table, its overview, and how commands are found in it."""

from __future__ import annotations

import pytest

from llmcfg_cli.app import LazyGroup, load
from llmcfg_cli.overview import overview
from llmcfg_cli.table import PANELS, Command, Entry, Family
from support.commands import COMMANDS

ENTRIES = [entry for panel in PANELS for entry in panel.entries]


def test_names_are_unique() -> None:
    paths = [path for path, _ in COMMANDS]
    assert sorted(paths) == sorted(set(paths))


@pytest.mark.parametrize("command", [command for _, command in COMMANDS], ids=[path for path, _ in COMMANDS])
def test_every_command_loads_and_has_help(command: Command) -> None:
    loaded = load(command)
    assert not isinstance(loaded, LazyGroup)
    assert loaded.name == command.name
    assert loaded.help, "its docstring is its help"
    assert all(getattr(parameter, "help", None) for parameter in loaded.params), "every option says what it does"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_help_of_the_overview_is_one_short_phrase(entry: Entry) -> None:
    rows = [entry, *(entry.commands if isinstance(entry, Family) else ())]
    for row in rows:
        assert row.help.splitlines() == [row.help]
        assert not row.help.endswith(".")
        assert len(row.help) <= 80


def test_the_overview_shows_every_command_but_the_hidden_ones_in_order() -> None:
    text = overview("llmcfg", PANELS, width=200)
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert shown == [entry.name for entry in ENTRIES if not entry.hidden]


@pytest.mark.parametrize("width", [1, 30, 60, 80])
def test_the_overview_stays_in_the_terminal_and_loses_no_command(width: int) -> None:
    text = overview("llmcfg", PANELS, width=width)
    rows = [line for line in text.splitlines() if line.startswith("  ")]
    assert all(len(line) <= max(width, 14) for line in rows)
    assert all(any(line.split()[0] == entry.name for line in rows) for entry in ENTRIES if not entry.hidden)


def test_the_overview_is_the_same_with_and_without_typer(llmcfg) -> None:
    assert llmcfg("--help").stdout == overview("llmcfg", PANELS, width=80) + "\n"
    assert llmcfg("--help", "--help").stdout == llmcfg("-h").stdout == llmcfg("--help").stdout


def test_the_overview_goes_to_stderr_when_nobody_asked_for_it(llmcfg) -> None:
    done = llmcfg()
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr == llmcfg("--help").stdout
