"""The command line as a tree of Typer commands, each loaded from the table when it is asked for.

`run` returns the exit code. A command is a plain function with annotated parameters; it returns its exit code, or None for 0, and
raises `LlmcfgError` for what stops it. Mistakes on the command line become `UsageError`, so that all errors look the same.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from llmcfg.errors import UsageError
from llmcfg.model.suggest import did_you_mean
from llmcfg_cli.overview import overview
from llmcfg_cli.table import PANELS, Command, Entry, Family, Panel
from llmcfg_cli.views.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PROGRAM: Final = "llmcfg"
COMPLETE_VARIABLE: Final = "_LLMCFG_COMPLETE"
_CONTEXT: Final = {"help_option_names": ["-h", "--help"]}
# Typer exports this one of its parse errors, but not the base of all of them.
_ParseError: type[Exception] = typer.BadParameter.__bases__[0]


def run(arguments: Sequence[str]) -> int:
    """Run one command line. Raises LlmcfgError; other exceptions are bugs."""
    if COMPLETE_VARIABLE in os.environ:
        return complete(os.environ[COMPLETE_VARIABLE])
    try:
        with command_tree().make_context(PROGRAM, [*arguments]) as context:
            code = context.command.invoke(context)
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except _ParseError as error:
        raise _usage_error(error) from error
    return code if isinstance(code, int) else 0


def command_tree() -> LazyGroup:
    return LazyGroup(PROGRAM, PANELS)


def complete(instruction: str) -> int:
    """Print completions, or the script that asks for them, as the shell's `instruction` says (`complete_bash`, `source_zsh`)."""
    from typer.completion import get_completion_inspect_parameters, shell_complete

    get_completion_inspect_parameters()  # registers the shells, which Typer does only for its own options
    return shell_complete(command_tree(), {}, PROGRAM, COMPLETE_VARIABLE, instruction)


class LazyGroup(TyperGroup):
    """Its `commands` are stubs with a name and a line of help; the real command is loaded when it is the one that was asked for."""

    def __init__(
        self, name: str, panels: Sequence[Panel], *, summary: str = "", before: str = "", default: str = ""
    ) -> None:
        self.before = before
        self.entries: dict[str, Entry] = {entry.name: entry for panel in panels for entry in panel.entries}
        self.panels = panels
        self.default = default
        stubs = {
            entry.name: TyperCommand(entry.name, short_help=entry.help, hidden=entry.hidden)
            for entry in self.entries.values()
        }
        super().__init__(
            name=name,
            help=summary,
            commands=dict(stubs),
            rich_markup_mode=None,
            context_settings=_CONTEXT,
        )

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if self.default and (not args or (args[0].startswith("-") and args[0] not in _CONTEXT["help_option_names"])):
            args = [self.default, *args]
        return super().parse_args(ctx, args if ctx.parent else move_directory(args, self.entries))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        entry = self.entries.get(args[0])
        if entry is not None:
            return entry.name, load(entry), args[1:]
        if ctx.resilient_parsing:
            return None, None, args[1:]
        if args[0].startswith("-"):
            self.parse_args(ctx, args)
        raise UsageError(
            f"no such command: {ctx.command_path} {visible(args[0])}",
            hint=did_you_mean(args[0], self.entries, f"'{ctx.command_path} --help' lists them"),
        )

    def invoke(self, ctx: Any) -> Any:
        if self.before:
            _find(f"llmcfg_cli.{self.before}")()
        return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(overview(ctx.command_path, self.panels, summary=self.help or ""))


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


def load(entry: Entry) -> TyperCommand | LazyGroup:
    """The real command of a row of the table; imports its module."""
    if isinstance(entry, Family):
        panels = (Panel("Commands", entry.commands),)
        return LazyGroup(entry.name, panels, summary=entry.help, before=entry.before, default=entry.default)
    return _typer_command(entry)


def _typer_command(entry: Command) -> TyperCommand:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    function = _find(f"llmcfg_cli.commands.{entry.target}")
    if entry.records is not None:
        from llmcfg_cli.recording import recorded

        function = recorded(entry.records, function)
    app.command(entry.name, context_settings=_CONTEXT)(function)
    command = typer.main.get_command(app)
    if not isinstance(command, TyperCommand):
        raise TypeError(f"{entry.target} is not one command")
    return command


def _find(target: str) -> Callable[..., Any]:
    """What `module:function` names."""
    module, _, function = target.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def _usage_error(error: Any) -> UsageError:
    context = error.ctx
    path = context.command_path if context is not None else PROGRAM
    possibilities = getattr(error, "possibilities", None)
    message = error.message if possibilities else error.format_message()
    message = message.rstrip(".")
    hint = f"did you mean {' or '.join(sorted(possibilities))}?" if possibilities else f"see '{path} --help'"
    return UsageError(message[:1].lower() + message[1:], hint=hint)
