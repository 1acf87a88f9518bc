"""Where a secret is kept, and where a new one goes, by its name. Reads names only, so it needs no key."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import ConflictError, UnknownKeyError, UsageError
from llmcfg.limits import KEY_BYTES, NAME_BYTES
from llmcfg.model.keypath import KeyPathError, format_key_path, parse_key_path
from llmcfg.model.suggest import did_you_mean
from llmcfg.secrets.drops import drop_target
from llmcfg.secrets.plaintext import find_plaintext

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.secrets.names import NamedSecret

DEFAULT_FILE: Final = "secrets.yaml"
BINARY: Final = ".age"
_YAML: Final = (".yaml", ".yml")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_@+=-][A-Za-z0-9_.@+=-]*")


class Held(NamedTuple):
    """A secret and the file of a layer that holds it."""

    folder: str
    entry: BlobEntry
    secret: NamedSecret

    @property
    def file(self) -> str:
        return self.entry.path


class Place(NamedTuple):
    """Where a value is written: `path` is the key path in the file. `held` is what is there; `is_new` says that the file is not."""

    folder: str
    file: str
    name: str
    path: Path
    held: Held | None
    is_new: bool


def parse_name(text: str) -> Path:
    """The key path that the name of a new secret is. Raises UsageError, as `read_name`, for what no secret can be called."""
    path = read_name(text)
    fault = why_not_a_name(path)
    if fault:
        raise UsageError(f"this is not the name of a secret: {fault}", hint="write it as openai.api_key")
    return path


def read_name(text: str) -> Path:
    """The key path that a name is. Raises UsageError that never shows the text, since a value may stand where the name should."""
    if "=" in text:
        raise UsageError("a name holds no '='", hint="give the name alone: the value is asked for")
    if any(find_plaintext(text.encode("utf-8", "surrogateescape"), by_name=False)):
        raise UsageError(
            "this looks like the value of a secret, not like its name",
            hint="it stands in your shell's history now: put another in its place at its issuer",
        )
    try:
        return parse_key_path(text)
    except KeyPathError as error:
        why = error.message.rpartition(": ")[2]
        raise UsageError(f"this is not the name of a secret: {why}", hint="write it as openai.api_key") from None


def why_not_a_name(path: Path) -> str | None:
    """Why no secret can be at a path; None when one can."""
    if not path or not isinstance(path[0], str):
        return "it is not the path of a value"
    if path[0] == "sops":
        return "the key sops is kept for metadata"
    for key in path:
        if isinstance(key, str) and (not key or ":" in key or not key.isprintable()):
            return "a key in it is empty, or holds ':' or what cannot be printed"
        if isinstance(key, str) and len(key.encode()) > KEY_BYTES:
            return f"a key in it has more than {KEY_BYTES} bytes"
    return None


def holders(configuration: Configuration, folder: str) -> Iterator[Held]:
    """Every secret of a layer with its file, in the order in which files are laid: of one name, the last counts."""
    layer = configuration.layout.layers.get(folder)
    for entry in layer.secret_files if layer else ():
        for secret in configuration.secret_file(entry).secrets.values():
            yield Held(folder, entry, secret)


def find_in_layer(configuration: Configuration, folder: str, name: str) -> Held:
    """The secret that counts in a layer. Raises UnknownKeyError that says which layers have it."""
    known = {held.secret.name: held for held in holders(configuration, folder)}
    if name in known:
        return known[name]
    hint = _unreadable(configuration, folder) or _where_else(configuration, name, known)
    raise UnknownKeyError(f"{folder} holds no secret {name}", hint=hint)


def find_own(configuration: Configuration, environment: str | None, tenant: str | None, text: str) -> Held:
    """The secret of one layer that is to be changed. Raises as `read_name` and `find_in_layer`, and as `refuse_waiting`."""
    name = format_key_path(read_name(text))
    held = find_in_layer(configuration, configuration.own_layer(environment, tenant), name)
    refuse_waiting(configuration, held.folder, [name])
    return held


def refuse_waiting(configuration: Configuration, folder: str, names: Iterable[str]) -> None:
    """Raises ConflictError for a name that waits in a drop, which would hide what is done to it elsewhere."""
    waiting = {held.secret.name: held.file for held in holders(configuration, folder) if drop_target(held.file)}
    for name in names:
        if name in waiting:
            raise ConflictError(f"{name} waits in {waiting[name]}", hint="fold that in first: llmcfg secret fold")


def find_in_scope(configuration: Configuration, scope: Scope, name: str) -> Held:
    """The secret that a scope sees. Raises UnknownKeyError."""
    effective = configuration.effective(scope)
    scoped = effective.secrets.get(name)
    if scoped is None:
        raise UnknownKeyError(f"{scope} has no secret {name}", hint=_where_else(configuration, name, effective.secrets))
    return Held(folder_of(configuration, scoped.entry), scoped.entry, scoped.secret)


def find_held(configuration: Configuration, environment: str | None, tenant: str | None, name: str) -> Held:
    """What an environment sees, for a tenant or for none; without an environment, what the tenant's own layer or base holds."""
    if environment is None:
        return find_in_layer(configuration, configuration.own_layer(None, tenant), name)
    return find_in_scope(configuration, configuration.scope(environment, tenant), name)


def folder_of(configuration: Configuration, entry: BlobEntry) -> str:
    """The layer that a secret file lies in."""
    return next(folder for folder, layer in configuration.layout.layers.items() if entry in layer.secret_files)


def choose_place(configuration: Configuration, folder: str, path: Path, said: str | None = None) -> Place:
    """Where a value goes in a layer: `said`, else the file that holds the name, else the only one, else secrets.yaml.

    Raises ConflictError for a name that another file of the layer holds, and UsageError for one that holds secrets itself.
    """
    name = format_key_path(path)
    own = [held for held in holders(configuration, folder) if drop_target(held.file) is None]
    held = next((held for held in own if held.secret.name == name), None)
    file = _file(folder, said) if said else held.file if held else _usual_file(configuration, folder)
    if held is not None and held.file != file:
        raise ConflictError(f"{name} is in {held.file} already", hint="leave out --file, or unset it there first")
    if file.endswith(BINARY) and name != PurePosixPath(file).stem:
        raise UsageError(
            f"{file} is the one secret {PurePosixPath(file).stem}", hint=f"name the file {name}.age, or a .yaml file"
        )
    below = [other.secret.name for other in own if other.file == file and _is_below(other.secret.path, path, held)]
    if below:
        raise UsageError(f"{name} holds secrets itself: {', '.join(below[:4])}", hint="name one of them")
    layer = configuration.layout.layers.get(folder)
    is_new = layer is None or all(entry.path != file for entry in layer.secret_files)
    return Place(folder, file, name, held.secret.path if held else path, held, is_new)


def _is_below(other: Path, path: Path, held: Held | None) -> bool:
    return held is None and len(other) > len(path) and other[: len(path)] == path


def _file(folder: str, said: str) -> str:
    """The path of a file that somebody names by its path from the layer's `secrets/`, with or without ending."""
    start = f"{folder}/secrets/"
    name = said.removeprefix(start)
    segments = name.split("/")
    if not all(_SEGMENT.fullmatch(segment) and len(segment) < NAME_BYTES for segment in segments):
        raise UsageError(
            f"{said!r} cannot be a file in {start}", hint="write it as providers.yaml: letters, digits and . _ - + @ ="
        )
    if "." not in segments[-1]:
        name += _YAML[0]
    elif not name.endswith((*_YAML, BINARY)):
        raise UsageError(
            f"{said!r} does not end in .yaml or .age", hint="values go into YAML, binary secrets into .age"
        )
    if drop_target(name):
        raise UsageError(f"{said!r} is a drop file", hint="name the file that it belongs in")
    return start + name


def _usual_file(configuration: Configuration, folder: str) -> str:
    layer = configuration.layout.layers.get(folder)
    there = [entry.path for entry in (layer.secret_files if layer else ()) if entry.path.endswith(_YAML)]
    files = sorted({drop_target(file) or file for file in there})
    return files[0] if len(files) == 1 else f"{folder}/secrets/{DEFAULT_FILE}"


def unreadable_files(configuration: Configuration, folder: str) -> list[str]:
    """The secret files of a layer whose names cannot be read."""
    layer = configuration.layout.layers.get(folder)
    files = layer.secret_files if layer else ()
    return [entry.path for entry in files if not configuration.secret_file(entry).is_readable]


def _unreadable(configuration: Configuration, folder: str) -> str:
    files = unreadable_files(configuration, folder)
    return f"{files[0]} cannot be read: llmcfg validate says why" if files else ""


def _where_else(configuration: Configuration, name: str, known: object) -> str:
    layers = [
        folder
        for folder in configuration.layout.layers
        if any(held.secret.name == name for held in holders(configuration, folder))
    ]
    if layers:
        return f"these layers hold it: {', '.join(layers[:6])}; choose one with -e and -t"
    names = set(known) if isinstance(known, dict) else set()
    return did_you_mean(name, names, "llmcfg secret list shows the names")
