"""What the verbs do to a secret file, as functions from its plaintext to changes.

A rotated secret is a mapping of `value` and `previous` (and `pending`): whoever reads it takes `value`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from llmcfg.errors import ConflictError, UsageError
from llmcfg.model.keypath import format_key_path
from llmcfg.secrets.names import PREVIOUS, VALUE
from llmcfg.secrets.sops.change import Change
from llmcfg.secrets.sops.model import Item, Leaf, Mapping, node_at
from llmcfg.secrets.sops.numbers import format_float, parse_bool, parse_float, parse_int

if TYPE_CHECKING:
    from collections.abc import Mapping as AnyMapping

    from llmcfg.model.value import Path
    from llmcfg.secrets.sops.change import Amendment
    from llmcfg.secrets.sops.model import Documents, Node

ValueType: TypeAlias = Literal["str", "int", "float", "bool"]


def leaf_of(value: bytes, kind: ValueType = "str") -> Leaf:
    """A value for a SOPS file. Raises UsageError, without the value, for what is not of its kind or no text."""
    if not value:
        raise UsageError("no value was given", hint="to take a value away: llmcfg secret unset NAME")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise UsageError("the value is not UTF-8", hint="keep it in a file of its own: --file NAME.age") from None
    if "\0" in text:
        raise UsageError("the value holds a NUL", hint="keep it in a file of its own: --file NAME.age")
    try:
        return Leaf(kind, _canonical(text, kind).encode())
    except ValueError:
        raise UsageError(f"the value is no {kind}", hint="leave out --type to set it as text") from None


def setting(leaves: AnyMapping[Path, Leaf]) -> Amendment:
    """Set what is at these paths."""
    return lambda _documents: [Change(path, leaf) for path, leaf in leaves.items()]


def removing(path: Path) -> Amendment:
    """Take out what is at a path, with mappings that hold nothing else."""

    def amend(documents: Documents) -> list[Change]:
        length = len(path)
        while length > 1 and _holds_one(_find(documents, path[: length - 1])):
            length -= 1
        return [Change(path[:length], None)]

    return amend


def rotating(path: Path, leaf: Leaf) -> Amendment:
    """Set a value and keep the one before it as `previous`. Raises ConflictError when there is a previous one already."""

    def amend(documents: Documents) -> list[Change]:
        node = _find(documents, path)
        entries = {item.key: item.value for item in node.entries()} if isinstance(node, Mapping) else {VALUE: node}
        old = entries.get(VALUE)
        if isinstance(entries.get(PREVIOUS), Leaf):
            raise ConflictError(
                f"{format_key_path(path)} has a previous value still",
                hint="once nothing uses that any more: llmcfg secret retire NAME",
            )
        if not isinstance(old, Leaf) or not old.reveal():
            raise UsageError(f"{format_key_path(path)} has no value to keep", hint="llmcfg secret set gives it one")
        if old == leaf:
            raise UsageError("this is the value that it has", hint="give a new one")
        if isinstance(node, Mapping):
            return [Change((*path, VALUE), leaf), Change((*path, PREVIOUS), old)]
        return [Change(path, Mapping([Item(VALUE, leaf), Item(PREVIOUS, old)]))]

    return amend


def retiring(path: Path) -> Amendment:
    """Drop the previous value. The secret stays a mapping with `value`, so that what refers to it stays right."""
    return lambda _documents: [Change((*path, PREVIOUS), None)]


def _canonical(text: str, kind: ValueType) -> str:
    """The plaintext of a value as SOPS has it. Raises ValueError."""
    match kind:
        case "int":
            return str(parse_int(text.strip().encode()))
        case "float":
            return format_float(_finite(parse_float(text.strip())))
        case "bool":
            return "True" if parse_bool(text.strip().encode()) else "False"
        case _:
            return text


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("no place in a bundle for this number")
    return number


def _find(documents: Documents, path: Path) -> Node | None:
    return next((node for document in documents if (node := node_at(document, path)) is not None), None)


def _holds_one(node: Node | None) -> bool:
    return isinstance(node, Mapping) and len(list(node.entries())) == 1
