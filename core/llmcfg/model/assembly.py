"""Documents put together: the name of each is where its value lies in the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.value import Value


def assemble(documents: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """Documents by name as one nested mapping. The documents' own values are shared, not copied, unless two of them meet."""
    tree: dict[str, Value] = {}
    made = {id(tree)}
    for name, value in documents:
        *folders, last = name.split("/")
        here = tree
        for folder in folders:
            child = here.get(folder)
            if id(child) not in made or not isinstance(child, dict):
                child = here[folder] = dict(child) if isinstance(child, dict) else {}
                made.add(id(child))
            here = child
        there = here.get(last)
        here[last] = {**value, **there} if isinstance(there, dict) and isinstance(value, dict) else value
    return tree
