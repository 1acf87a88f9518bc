"""Crash a writer everywhere, and look at what each crash left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from llmcfg.errors import LlmcfgError

from .crashes import Recording, State, copy_of, recording, unflushed
from .writers import Writer

_MOST_VIOLATIONS = 5


class Sweep(NamedTuple):
    """How many states were looked at, and what was wrong with some of them, each in a line."""

    states: int
    violations: list[str]


def sweep(writer: Writer, folder: Path, *, is_nested: bool = False) -> Sweep:
    """Look at every state. `is_nested` lets it be done once more, and crash there too."""
    recorded = record(writer, folder)
    count, violations = 0, list[str]()
    with unflushed():
        for state in recorded.states(writer.most):
            count += 1
            wrong = [look(writer, state, folder / "state")]
            if is_nested and writer.is_repeatable and not any(wrong):
                wrong += crash_again(writer, state, folder)
            violations += [f"{writer.name}, {state.where}: {said}" for said in wrong if said]
            if len(violations) > _MOST_VIOLATIONS:
                break
    return Sweep(count, violations)


def record(writer: Writer, folder: Path) -> Recording:
    root = folder / "written"
    root.mkdir(parents=True)
    writer.prepare(root)
    with recording(root) as recorded:
        writer.write(root, recorded.acknowledge)
    recorded.last().write(folder / "replayed")
    assert copy_of(folder / "replayed") == copy_of(root), "something was written by a way that is not recorded"
    return recorded


def look(writer: Writer, state: State, folder: Path) -> str:
    """What is wrong with a state; empty when nothing is."""
    state.write(folder)
    try:
        writer.check(folder, state.promised)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder)
    return ""


def crash_again(writer: Writer, state: State, folder: Path) -> Iterator[str]:
    """Whoever was interrupted does it once more, and is interrupted in some places again."""
    state.write(folder / "first")
    with recording(folder / "first") as recorded, suppress(LlmcfgError):
        writer.write(folder / "first", recorded.acknowledge)
    for again in recorded.states(most=3, seed=1):
        yield look(writer, again._replace(promised=again.promised | state.promised), folder / "state")
    shutil.rmtree(folder / "first")
