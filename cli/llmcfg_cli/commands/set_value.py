"""`llmcfg set`: change one value in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from llmcfg.errors import NotFoundError, UsageError
from llmcfg_cli.console import note, out, short_path
from llmcfg_cli.declared import argument, option
from llmcfg_cli.options import Directory, Environment, Key, Quiet, Tenant

if TYPE_CHECKING:
    from llmcfg.model.value import Path as KeyPath
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration


def set_value(
    key: Key,
    value: Annotated[
        str | None,
        argument(metavar="[VALUE]", help="The value as YAML: 5, true, text, [a, b], {a: 1}.", show_default=False),
    ] = None,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    string: Annotated[
        bool, option("--string", help="Take VALUE as text, whatever it looks like.", show_default=False)
    ] = False,
    unset: Annotated[
        bool, option("--unset", help="Remove the key from this layer's file.", show_default=False)
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Change a value in base, or with -e and -t in the overlay of that environment and tenant.

    Only the bytes of that value change; comments, order and layout stay. A document that the layer does not have yet is made.
    """
    from llmcfg.disk import atomic_write, make_folders
    from llmcfg.documents.editor import set_value as edit
    from llmcfg.documents.writer import write_yaml
    from llmcfg.model.keypath import parse_key_path
    from llmcfg_cli.settings import reading_workspace
    from llmcfg_cli.written import parse_value

    if (value is None) != unset:
        raise UsageError("say what to set", hint="give a VALUE, or --unset")
    workspace = reading_workspace(directory)
    configuration = workspace.configuration()
    root = workspace.work_folder
    folder = configuration.own_layer(environment, tenant)
    file, path = _place(configuration, folder, parse_key_path(key))
    place = root / file
    if unset:
        if not place.exists():
            raise NotFoundError(
                f"{file} is not there, so it does not set {key}", hint="see who sets it: llmcfg explain KEY -e ENV"
            )
        content = _deleted(place.read_bytes(), path, file, key)
    elif place.exists():
        content = edit(place.read_bytes(), path, parse_value(str(value), string=string))
    else:
        content = write_yaml(_nested(path, parse_value(str(value), string=string))).encode()
    make_folders(place.parent)
    atomic_write(place, content)
    out(short_path(place))
    note("see what it changes in effect: llmcfg diff", quiet=quiet)


def _deleted(content: bytes, path: KeyPath, file: str, key: str) -> bytes:
    from llmcfg.documents.editor import delete_value

    try:
        return delete_value(content, path)
    except NotFoundError as error:
        raise NotFoundError(f"{file} does not set {key}", hint="see who sets it: llmcfg explain KEY -e ENV") from error


def _place(configuration: Configuration, folder: str, path: KeyPath) -> tuple[str, KeyPath]:
    """The file of this layer that holds the key, and the path in it: the document that some layer already has, else a new one."""
    known = {name for layer in configuration.layout.layers.values() for name in layer.documents}
    for length in range(len(path), 0, -1):
        name = "/".join(str(step) for step in path[:length])
        if name in known and len(path) > length:
            layer = configuration.layout.layers.get(folder)
            entry = layer.documents.get(name) if layer else None
            return (entry.path if entry else f"{folder}/{name}.yaml"), path[length:]
    if len(path) < 2 or not isinstance(path[0], str):
        raise UsageError(
            "no document holds this key", hint="name a key inside a document, such as llm_providers.openai.base_url"
        )
    return f"{folder}/{path[0]}.yaml", path[1:]


def _nested(path: KeyPath, value: Value) -> dict[str, Value]:
    for step in reversed(path):
        if not isinstance(step, str):
            raise UsageError("a new document cannot begin with a list item", hint="set the whole list: [a, b]")
        value = {step: value}
    assert isinstance(value, dict)
    return value
