"""What looking at a secret file gives, and what SOPS files and age files have in common."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.findings import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.secrets.age import Header
    from llmcfg.secrets.sops.metadata import Metadata
    from llmcfg.secrets.sops.model import Span


class Nonce(NamedTuple):
    """Where a nonce was seen first, and with which ciphertext: equal ones are copies, others are an accident."""

    ciphertext: int
    line: int
    column: int


class Inspected(NamedTuple):
    """One file. `metadata` is None for an age file, whose `header` is read instead, and for what cannot be read.

    `line` and `column` are where it says who can open it. `nonces` are those of its values.
    """

    problems: tuple[Problem, ...]
    metadata: Metadata | None = None
    header: Header | None = None
    nonces: Mapping[bytes, Nonce] = {}
    line: int = 0
    column: int = 0


class Places:
    """From characters of a text to lines and columns, both from 1."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] = []

    def place(self, span: Span | None) -> tuple[int, int]:
        """Of what starts there; the whole file for what stands nowhere."""
        if span is None:
            return 0, 0
        if not self._starts:
            self._starts = [0, *(at + 1 for at, char in enumerate(self._text) if char == "\n")]
        line = bisect_right(self._starts, span.start)
        return line, span.start - self._starts[line - 1] + 1


def mixed(line: int, column: int) -> Problem:
    return Problem(
        "secret-mixed",
        "post-quantum recipients stand beside others, which make the file as weak as they are",
        line,
        column,
        "give every reader an age1pq1 recipient (llmcfg key gen --pq), or none",
    )


def single(line: int, column: int) -> Problem:
    return Problem(
        "secret-single",
        "only one key opens this file; if it is lost, so is what the file holds",
        line,
        column,
        "add the recipient of a key that is kept elsewhere to the rule, then llmcfg secret recipients sync",
    )
