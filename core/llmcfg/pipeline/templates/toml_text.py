"""A small TOML 1.0 writer: values first, then tables, in the order of the mapping."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeGuard

from llmcfg.pipeline.templates.plain import RefusedError, double_quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Value

    Table = dict[str, Value]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def write_toml(table: dict[str, Value]) -> str:
    """The document without its last line break. Refuses null, which TOML does not have."""
    return "\n".join(_lines(table, ())).strip("\n")


def _lines(table: Table, path: tuple[str, ...]) -> Iterator[str]:
    for key, value in table.items():
        if not isinstance(value, dict) and not _is_tables(value):
            yield f"{_key(key)} = {_inline(value)}"
    for key, value in table.items():
        inner = (*path, key)
        header = ".".join(map(_key, inner))
        if isinstance(value, dict):
            yield from ("", f"[{header}]")
            yield from _lines(value, inner)
        elif _is_tables(value):
            for item in value:
                yield from ("", f"[[{header}]]")
                yield from _lines(item, inner)


def _is_tables(value: Value) -> TypeGuard[list[Table]]:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _inline(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value)
        case str():
            return double_quoted(value)
        case list():
            return f"[{', '.join(map(_inline, value))}]"
        case dict():
            return f"{{{', '.join(f'{_key(key)} = {_inline(item)}' for key, item in value.items())}}}"
        case _:
            raise RefusedError("TOML has no null", hint="leave the key out of what is written")


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else double_quoted(key)
