"""Keys that are nearly ones that a program reads: it passes over them without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.llm.platform import Complaint
from llmcfg.model.suggest import closest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.reading import Node


def find_slips(node: Node, known: frozenset[str], program: str) -> Iterator[Complaint]:
    """LLM032 for keys of a mapping that differ from a known one by case or by a slip, where that one is not given too."""
    for key, item in node.items():
        near = _near(key, known - node.fields.keys()) if key not in known else None
        if near is not None:
            yield Complaint("LLM032", f"{program} reads no {key!r} here", item.spot, f"did you mean {near!r}?")


def _near(key: str, known: frozenset[str]) -> str | None:
    same = next((name for name in sorted(known) if name.lower() == key.lower().replace("_", "")), None)
    found = same or closest(key, known)
    return found if found is not None and abs(len(found) - len(key)) <= 1 else None
