"""A schema in the form that everything here works on: definitions by name, which refer to one another and to nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.pipeline.schema.keywords import Draft

if TYPE_CHECKING:
    from collections.abc import Mapping

    Schema = dict[str, Any] | bool
    Definitions = Mapping[str, Schema]

DEFS: Final = "#/$defs/"
ENTRY: Final = "0!"
"""The definition at which a closed schema begins (closing.py)."""


def document(definitions: Definitions, entry: str = "0") -> dict[str, Any]:
    """The definitions as one schema that begins at `entry`."""
    return {"$schema": Draft.D2020.value, "$ref": DEFS + entry, "$defs": dict(definitions)}
