"""What a program is given of a snapshot: variables of its environment, and the rendered files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.client.values import SecretReference, SecretText
from llmcfg.errors import IntegrityError, NotAuthorisedError, UsageError
from llmcfg.model.keypath import format_key_path, parse_key_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.client import Snapshot

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OTHER: Final = re.compile(r"[^A-Z0-9]+")


class Variable(NamedTuple):
    """One variable for the value at a key path."""

    name: str
    path: str


class Given(NamedTuple):
    variables: Mapping[str, str]
    files: Mapping[str, bytes]


def parse_variable(text: str) -> Variable:
    """`NAME=KEY`. Raises UsageError."""
    name, equals, path = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise UsageError(f"{text!r} gives no variable", hint="write NAME=KEY, such as MODEL=routes.chat.model")
    parse_key_path(path)
    return Variable(name, path)


def give(snapshot: Snapshot, single: Sequence[Variable], below: Sequence[Variable], *, with_files: bool) -> Given:
    """`single` are values by their names; `below` give each value below a key a name that begins with theirs.

    Raises MissingKeyError for a key that is not there, UsageError where two values would share a name, and NotAuthorisedError for a secret.
    """
    variables: dict[str, str] = {}
    for name, path, value in [*_below(snapshot, below), *((name, path, snapshot[path]) for name, path in single)]:
        if name in variables:
            raise UsageError(f"two values would be the variable {name}", hint="give one of them another name")
        variables[name] = _text(value, path)
    paths = snapshot.files() if with_files else ()
    for path in paths:
        if any(segment in ("", ".", "..") for segment in path.split("/")):
            raise IntegrityError(f"the bundle holds a file {path!r}, which leaves its folder", hint="deliver it again")
    return Given(variables, {path: snapshot.file(path) for path in paths})


def _below(snapshot: Snapshot, below: Sequence[Variable]) -> Iterator[tuple[str, str, Any]]:
    for prefix, path in below:
        for steps, value in _leaves(snapshot[path], ()):
            name = "_".join([prefix, *(_OTHER.sub("_", step.upper()).strip("_") for step in steps)])
            yield name, format_key_path((*parse_key_path(path), *steps)), value


def _leaves(value: Any, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Values that are no mappings. A list is one value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*at, key))
    else:
        yield at, value


def _text(value: Any, path: str) -> str:
    """As shells and twelve-factor programs expect it: texts as they are, true and false, nothing for null, JSON for the rest."""
    if _holds_secret(value):
        raise NotAuthorisedError(
            f"{path} holds a secret, and secrets do not go into the environment",
            hint="let the program read it through llmcfg.client, or leave this key out",
        )
    if isinstance(value, str):
        if "\0" in value:
            raise UsageError(f"{path} holds a NUL, which no variable can", hint="leave this key out")
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_secret, value.values()))
    if isinstance(value, list):
        return any(map(_holds_secret, value))
    return isinstance(value, SecretReference | SecretText | bytes)
