"""What a program is given of a snapshot: variables of its environment, and the rendered files.

A secret becomes a variable or a file only where it is named for that. Values that refer to one never bring it along, opened or not.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.client.values import SecretReference
from llmcfg.errors import IntegrityError, NotAuthorisedError, UsageError
from llmcfg.model.keypath import format_key_path, parse_key_path
from llmcfg.model.scalartext import scalar_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.client import Snapshot

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OTHER: Final = re.compile(r"[^A-Z0-9]+")


class Variable(NamedTuple):
    """One variable for the value at a key path."""

    name: str
    path: str


class SecretUse(NamedTuple):
    """A secret for a variable, or for a file below the folder of files. `secret` may be `name@previous`."""

    name: str
    secret: str


class Wanted(NamedTuple):
    """`single` are values by their names; `below` give each value below a key a name that begins with theirs."""

    single: Sequence[Variable] = ()
    below: Sequence[Variable] = ()
    secrets: Sequence[SecretUse] = ()
    secret_files: Sequence[SecretUse] = ()
    with_files: bool = False


class Given(NamedTuple):
    """Its repr shows none of it, since secrets may be in it."""

    variables: Mapping[str, str]
    files: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"Given({sorted(self.variables)}, {sorted(self.files)})"


def parse_variable(text: str) -> Variable:
    """`NAME=KEY`. Raises UsageError."""
    name, equals, path = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise UsageError(f"{text!r} gives no variable", hint="write NAME=KEY, such as MODEL=routes.chat.model")
    parse_key_path(path)
    return Variable(name, path)


def parse_secret(text: str, *, is_file: bool = False) -> SecretUse:
    """`NAME=SECRET` for a variable, `FILE=SECRET` for a file. Raises UsageError."""
    name, equals, secret = text.partition("=")
    if not equals or not secret or not (_is_inside(name) if is_file else _NAME.fullmatch(name)):
        what = (
            "FILE=SECRET, such as openai.key=openai_api_key" if is_file else "NAME=SECRET, such as KEY=openai_api_key"
        )
        raise UsageError(f"{text!r} names no secret for a {'file' if is_file else 'variable'}", hint=f"write {what}")
    return SecretUse(name, secret)


def give(snapshot: Snapshot, wanted: Wanted) -> Given:
    """Raises MissingKeyError for a key or secret that is not there, UsageError where two values would share a name or a binary one would be
    a variable, and NotAuthorisedError for a value with a secret in it.
    """
    closed = snapshot.closed()
    named = [(name, path, closed[path]) for name, path in wanted.single]
    variables: dict[str, str] = {}
    for name, text in [
        *((name, _text(value, path)) for name, path, value in (*_below(closed, wanted.below), *named)),
        *((name, _secret_text(snapshot, secret)) for name, secret in wanted.secrets),
    ]:
        if name in variables:
            raise UsageError(f"two values would be the variable {name}", hint="give one of them another name")
        variables[name] = text
    return Given(variables, _files(snapshot, wanted))


def _files(snapshot: Snapshot, wanted: Wanted) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for path in snapshot.files() if wanted.with_files else ():
        if not _is_inside(path):
            raise IntegrityError(f"the bundle holds a file {path!r}, which leaves its folder", hint="deliver it again")
        files[path] = snapshot.file(path)
    for path, secret in wanted.secret_files:
        if path in files:
            raise UsageError(f"two files would be {path}", hint="give the secret another name")
        value = snapshot.secret(secret).reveal()
        files[path] = value if isinstance(value, bytes) else scalar_text(value).encode()
    return files


def _is_inside(path: str) -> bool:
    return "\0" not in path and all(segment not in ("", ".", "..") for segment in path.split("/"))


def _secret_text(snapshot: Snapshot, name: str) -> str:
    value = snapshot.secret(name).reveal()
    if isinstance(value, bytes) or "\0" in scalar_text(value):
        raise UsageError(
            f"the secret {name!r} is binary, which no variable can be", hint="give it as a file: --secret-file"
        )
    return scalar_text(value)


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
            hint="name the secret for a variable or a file, let the program read it through llmcfg.client, or leave this key out",
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
    return isinstance(value, SecretReference)
