"""How a schema says that an overlay's value meets what lies beneath it (docs/spec/merge.md)."""

from __future__ import annotations

from typing import Literal, NamedTuple


class MergeRule(NamedTuple):
    """`by` matches list items by their `key`; the other kinds have none."""

    kind: Literal["replace", "append", "unique", "by"]
    key: str = ""
