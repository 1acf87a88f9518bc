"""Plain command lines, read without Typer: to load it takes longer than most commands run (docs/adr/0043).

A line is plain when there is nothing to say about it: a command, its options by their names, values in the form they must have, and its
arguments. It comes to the call that Typer would make. All else is Typer's, mistakes and help among it, so what is said of them is said in
one place.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from llmcfg_cli.dispatch import COMPLETE_VARIABLE, find_function, function_of, move_directory, on_record, with_default
from llmcfg_cli.table import PANELS, Entry, Family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from llmcfg_cli.declared import Declared, Said


class Call(NamedTuple):
    """A command with what it is given, and the functions that run before it."""

    function: Callable[..., Any]
    given: Mapping[str, Any]
    before: Sequence[str] = ()
    opens_repository: bool = False

    def run(self) -> int:
        """The exit code. Raises what the command raises."""
        for target in self.before:
            find_function(target)()
        code = self.function(**self.given)
        return code if isinstance(code, int) else 0


class Parameter(NamedTuple):
    """Of a command. `default` is `...` where it has to be given, as Typer has it."""

    name: str
    names: tuple[str, ...]
    said: Said
    kind: Any
    is_list: bool
    default: Any


class _NotPlain(Exception):
    pass


def find_call(arguments: Sequence[str]) -> Call | None:
    """What a plain command line calls; None for any other one. Imports the command's module."""
    if COMPLETE_VARIABLE in os.environ:
        return None
    entries: Mapping[str, Entry] = {entry.name: entry for panel in PANELS for entry in panel.entries}
    words, before = move_directory(arguments, entries), list[str]()
    entry = entries.get(words[0]) if words else None
    while isinstance(entry, Family):
        before += [entry.before] if entry.before else []
        words = with_default(words[1:], entry.default)
        entry = next((one for one in entry.commands if one.name in words[:1]), None)
    if entry is None:
        return None
    function = function_of(entry)
    parameters = parameters_of(function)
    try:
        given = _read(parameters, words[1:])
    except _NotPlain:
        return None
    opens = any(parameter.name == "directory" for parameter in parameters)
    return Call(on_record(entry, function), given, before, opens)


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a command, as they are declared."""
    code, annotations = function.__code__, get_type_hints(function, include_extras=True)
    names = code.co_varnames[: code.co_argcount]
    defaults = dict(zip(reversed(names), reversed(function.__defaults__ or ()), strict=False))
    return [_parameter(name, annotations[name], defaults.get(name, ...)) for name in names]


def _parameter(name: str, annotation: Any, default: Any) -> Parameter:
    kind, declared = get_args(annotation)
    said: Declared = declared
    if type(None) in get_args(kind):
        (kind,) = (one for one in get_args(kind) if one is not type(None))
    is_list = get_origin(kind) is list
    return Parameter(name, said.names, said.said, get_args(kind)[0] if is_list else kind, is_list, default)


def _read(parameters: Sequence[Parameter], words: Sequence[str]) -> dict[str, Any]:
    given = dict[str, list[str]]()
    options = {option: parameter for parameter in parameters for option in parameter.names}
    arguments = _options(options, iter(words), given)
    places = [parameter for parameter in parameters if not parameter.names]
    for parameter in places:
        taken = len(arguments) if parameter.is_list else 1
        if arguments:
            given[parameter.name], arguments = arguments[:taken], arguments[taken:]
    if arguments or any(parameter.is_list for parameter in places[:-1]):
        raise _NotPlain
    return {parameter.name: _value(parameter, given.get(parameter.name)) for parameter in parameters}


def _options(options: Mapping[str, Parameter], words: Iterator[str], given: dict[str, list[str]]) -> list[str]:
    """Puts what options are given into `given`; the arguments remain."""
    arguments = list[str]()
    for word in words:
        if not word.startswith("-") or word == "-":
            arguments.append(word)
            continue
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        option = options.get(name)
        if option is None or (option.kind is bool and equals) or (option.name in given and not option.is_list):
            raise _NotPlain
        if option.kind is not bool and not equals:
            value = next(words, "")
            if value.startswith("-"):
                raise _NotPlain
        given.setdefault(option.name, []).append(value)
    return arguments


def _value(parameter: Parameter, texts: list[str] | None) -> Any:
    if parameter.said.get("envvar", "") in os.environ:
        raise _NotPlain
    if texts is None:
        if parameter.default is ...:
            raise _NotPlain
        return parameter.default
    if parameter.kind is bool:
        return True
    values = [_converted(parameter, text) for text in texts]
    return values if parameter.is_list else values[0]


def _converted(parameter: Parameter, text: str) -> Any:
    kind, said = parameter.kind, parameter.said
    is_free = not said.get("exists") and said.get("dir_okay", True)
    if text and kind is str:
        return text
    if text and kind is Path and is_free and (os.access(text, os.R_OK) or not os.path.exists(text)):  # noqa: PTH110
        return Path(text)
    if get_origin(kind) is Literal and text in get_args(kind):
        return text
    raise _NotPlain
