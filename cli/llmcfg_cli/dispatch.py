"""From words to the function that they name: what is the same whether Typer reads a command line or it is plain."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from llmcfg_cli.table import Command, Entry, Family

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COMPLETE_VARIABLE: Final = "_LLMCFG_COMPLETE"
HELP: Final = ("-h", "--help")


def function_of(command: Command) -> Callable[..., Any]:
    """The function of a row of the table; imports its module."""
    return find_function(f"commands.{command.target}")


def on_record(command: Command, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a row of the table as it is called: on record, where the row says so."""
    if command.records is None:
        return function
    from llmcfg_cli.recording import recorded

    return recorded(command.records, function)


def find_function(target: str) -> Callable[..., Any]:
    """What `module:function` of llmcfg_cli names."""
    module, _, function = target.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"llmcfg_cli.{module}"), function)
    return found


def with_default(arguments: Sequence[str], default: str) -> list[str]:
    """The words behind a family, with the command that runs where they name none; `default` may be empty."""
    names_one = bool(arguments) and (not arguments[0].startswith("-") or arguments[0] in HELP)
    return [*arguments] if names_one or not default else [default, *arguments]


def move_directory(arguments: Sequence[str], entries: Mapping[str, Entry]) -> list[str]:
    """`-C DIR` before the verb, as git has it, moved behind the verb, which knows what to do with it."""
    directory, rest = list[str](), [*arguments]
    while rest and rest[0].startswith(("-C", "--directory")):
        taken = 2 if rest[0] in ("-C", "--directory") else 1
        directory, rest = [*directory, *rest[:taken]], rest[taken:]
    words = _words(rest, entries)
    return [*rest[:words], *directory, *rest[words:]] if rest and rest[0] in entries else rest


def _words(arguments: Sequence[str], entries: Mapping[str, Entry]) -> int:
    """How many of the first arguments name the command; a family alone may stand for what it does by default."""
    entry = entries.get(arguments[0]) if arguments else None
    if not isinstance(entry, Family):
        return 1
    inner = {one.name: one for one in entry.commands}
    if entry.default and not inner.keys() & {*arguments[1:2]}:
        return 1
    return 1 + _words(arguments[1:], inner)
