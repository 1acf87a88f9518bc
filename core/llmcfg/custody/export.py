"""Secrets as files for other programs: `.env`, JSON or YAML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from llmcfg.custody.overview import secrets_of_scope
from llmcfg.custody.places import holders
from llmcfg.custody.reveal import Wanted, reveal
from llmcfg.documents.paths import with_value
from llmcfg.errors import ConflictError, NotFoundError
from llmcfg.model.keypath import KeyPathError, parse_key_path
from llmcfg.secrets.envfile import environment_names, write_env
from llmcfg.secrets.plain import plain_value
from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.change import node_of
from llmcfg.secrets.sops.model import FileType, Mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Mapping as AnyMapping

    from llmcfg.custody.files import Custody
    from llmcfg.custody.places import Held
    from llmcfg.custody.reveal import Record
    from llmcfg.model.value import Path, Scalar, Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.secrets.sops.model import Leaf

Form: TypeAlias = Literal["dotenv", "json", "yaml"]


class Exported(NamedTuple):
    """`left_out` are the secrets that have no value or are no text."""

    content: bytes
    left_out: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Exported(…, {self.left_out!r})"


def secrets_to_export(configuration: Configuration, environment: str | None, tenant: str | None) -> list[Held]:
    """What an environment sees; without one, what the tenant's own layer or base holds. Raises NotFoundError where that is nothing."""
    if environment is not None:
        scope = configuration.scope(environment, tenant)
        place, found = str(scope), secrets_of_scope(configuration, scope)
    else:
        place = configuration.own_layer(None, tenant)
        found = [*{held.secret.name: held for held in holders(configuration, place)}.values()]
    if not found:
        raise NotFoundError(f"{place} has no secrets", hint="see where there are some: llmcfg secret list")
    return sorted(found, key=lambda held: held.secret.name)


def export_secrets(custody: Custody, chosen: list[Held], form: Form, reason: str, record: Record) -> Exported:
    """The current values, by name. Raises as `reveal`, and ConflictError for names that become one variable."""
    opened = reveal(custody, [Wanted(held) for held in chosen if held.secret.is_set], reason, record)
    values = {name: plain_value(opened[name]) for name in sorted(opened) if _is_text(opened[name])}
    left_out = tuple(held.secret.name for held in chosen if held.secret.name not in values)
    if form == "dotenv":
        return Exported(write_env(_variables(values)).encode(), left_out)
    tree = node_of(_tree(values, left_out))
    return Exported(stores.write([tree] if isinstance(tree, Mapping) else [], FileType(form)), left_out)


def _variables(values: AnyMapping[str, Scalar]) -> Iterator[tuple[str, str]]:
    for variable, names in environment_names(values).items():
        if len(names) > 1:
            raise ConflictError(f"{' and '.join(names)} would both be {variable}", hint="use -o json, or rename one")
        value = values[names[0]]
        yield variable, value if isinstance(value, str) else json.dumps(value)


def _tree(values: AnyMapping[str, Scalar], left_out: Iterable[str]) -> Value:
    """Names that are key paths as nested mappings and lists. In a list, null stands for what is left out."""
    gaps = {name: None for name in left_out if any(isinstance(step, int) for step in _path(name))}
    tree: Value = {}
    for path, value in sorted(((_path(name), value) for name, value in {**values, **gaps}.items()), key=_by_path):
        tree = with_value(tree, path, value)
    return tree


def _by_path(item: tuple[Path, Scalar]) -> list[str]:
    """The elements of a list in their order."""
    return [step if isinstance(step, str) else f"{step:09}" for step in item[0]]


def _path(name: str) -> Path:
    try:
        return parse_key_path(name)
    except KeyPathError:
        return (name,)  # a .age file may be called what no key is


def _is_text(leaf: Leaf) -> bool:
    try:
        return "\0" not in leaf.reveal().decode()
    except UnicodeDecodeError:
        return False
