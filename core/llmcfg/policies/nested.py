"""The text of a module as the engine gets it: with `input.asked` for `input`.

rego-cpp 1.5 breaks on `with input as …`, and does not on `with input.asked as …`. Places that it names are led back to the text as written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.policies.tokens import scan

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP: Final = ".asked"


def nest_modules(text: str) -> str:
    """The module that reads what lies at `input.asked`."""
    lines = text.split("\n")
    for line, end in reversed([*_ends_of_input(text)]):
        lines[line - 1] = lines[line - 1][: end - 1] + _STEP + lines[line - 1][end - 1 :]
    return "\n".join(lines)


def nest_input(asked: str) -> str:
    return f'{{"{_STEP[1:]}": {asked}}}'


def place_as_written(text: str, offset: int) -> tuple[int, int]:
    """Line and column in the text as written, for an offset in bytes into what the engine got."""
    before = nest_modules(text).encode()[:offset].decode("utf-8", "replace")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    for at, end in _ends_of_input(text):
        if at == line and column > end:
            column = max(end, column - len(_STEP))
    return line, column


def _ends_of_input(text: str) -> Iterator[tuple[int, int]]:
    """The line of each `input` that is the input, and the column after it."""
    before = ""
    for token in scan(text).tokens:
        if token.text == "input" and before != ".":
            yield token.line, token.column + len(token.text)
        before = token.text
