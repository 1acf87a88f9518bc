"""What differs in secret files as text: names, and values only where they were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.text import Style, paint, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.secrets.difference import Changed, Name

Values: TypeAlias = "Mapping[Name, str]"
_STYLES: Final = {"added": Style.GREEN, "removed": Style.RED, "changed": Style.YELLOW}


class FileDifference(NamedTuple):
    """One file. `before` and `after` are the plaintext of its values; empty unless they are to be shown."""

    path: str
    changes: tuple[Changed, ...]
    before: Values
    after: Values


def view_secret_diff(files: Sequence[FileDifference], output: str, *, colour: bool = False) -> str:
    if output == "json":
        return to_json("SecretDiff", {"items": [{"file": file.path, "changes": _items(file)} for file in files]})
    return "\n".join(line for file in files for line in (visible(file.path), *_lines(file, colour)))


def _items(file: FileDifference) -> list[dict[str, object]]:
    return [{"document": change.document, "name": change.name, "change": change.what} for change in file.changes]


def _lines(file: FileDifference, colour: bool) -> list[str]:
    several = any(change.document > 1 for change in file.changes)
    return [
        f"  {paint(f'{change.what:<7}', _STYLES[change.what], colour)}  {visible(change.name)}"
        + (f" (document {change.document})" if several else "")
        + _values(file, change)
        for change in file.changes
    ]


def _values(file: FileDifference, change: Changed) -> str:
    """`: old -> new`, as far as they were asked for."""
    at = change.document - 1, change.name
    shown = [visible(values[at]) for values in (file.before, file.after) if at in values]
    return f": {' -> '.join(shown)}" if shown else ""
