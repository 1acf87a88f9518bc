"""The command line as a tree of Typer commands, each loaded from the table when it is asked for.

`run` returns the exit code. A command is a plain function with annotated parameters; it returns its exit code, or None for 0, and
raises `LlmcfgError` for what stops it. Mistakes on the command line become `UsageError`, so that all errors look the same.
"""

from __future__ import annotations

import os
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from llmcfg.errors import UsageError
from llmcfg.model.suggest import did_you_mean
from llmcfg_cli.dispatch import (
    COMPLETE_VARIABLE,
    HELP,
    find_function,
    function_of,
    move_directory,
    on_record,
    with_default,
)
from llmcfg_cli.overview import overview
from llmcfg_cli.table import PANELS, Command, Entry, Family, Panel
from llmcfg_cli.views.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmcfg_cli.declared import Offered

PROGRAM: Final = "llmcfg"
_CONTEXT: Final = {"help_option_names": [*HELP]}
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
        args = with_default(args, self.default)
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
            find_function(self.before)()
        return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(overview(ctx.command_path, self.panels, summary=self.help or ""))


def load(entry: Entry) -> TyperCommand | LazyGroup:
    """The real command of a row of the table; imports its module."""
    if isinstance(entry, Family):
        panels = (Panel("Commands", entry.commands),)
        return LazyGroup(entry.name, panels, summary=entry.help, before=entry.before, default=entry.default)
    return _typer_command(entry)


def _typer_command(entry: Command) -> TyperCommand:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    function = _as_typer_has_it(on_record(entry, function_of(entry)))
    app.command(entry.name, context_settings=_CONTEXT)(function)
    command = typer.main.get_command(app)
    if not isinstance(command, TyperCommand):
        raise TypeError(f"{entry.target} is not one command")
    return command


def _as_typer_has_it(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, whose parameters are declared to Typer."""
    types = get_type_hints(function, include_extras=True)

    @wraps(function)
    def call(**given: Any) -> Any:
        return function(**given)

    parameters = signature(function).parameters.values()
    declared = [one.replace(annotation=_typer_annotation(types[one.name])) for one in parameters]
    call.__dict__["__signature__"] = Signature(declared)
    return call


def _typer_annotation(annotation: Any) -> Any:
    kind, declared = get_args(annotation)
    said = dict(declared.said)
    offered = said.pop("completes", None)
    if offered is not None:
        said["autocompletion"] = _completion(offered)
    return Annotated[kind, (typer.Option if declared.names else typer.Argument)(*declared.names, **said)]


def _completion(offered: Offered) -> Callable[[Any, str], list[str]]:
    def completion(ctx: Any, incomplete: str) -> list[str]:
        from llmcfg_cli.completion import complete

        return complete(offered, Path(ctx.params.get("directory") or "."), incomplete)

    return completion


def _usage_error(error: Any) -> UsageError:
    context = error.ctx
    path = context.command_path if context is not None else PROGRAM
    possibilities = getattr(error, "possibilities", None)
    message = error.message if possibilities else error.format_message()
    message = message.rstrip(".")
    hint = f"did you mean {' or '.join(sorted(possibilities))}?" if possibilities else f"see '{path} --help'"
    return UsageError(message[:1].lower() + message[1:], hint=hint)
