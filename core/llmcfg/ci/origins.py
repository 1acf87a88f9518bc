"""Where the two sides of a changed value are written: asked of the layers of one scope that has it, for the first changes only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import NotFoundError
from llmcfg.model.change import ABSENT
from llmcfg.model.target import Scope
from llmcfg.pipeline.explain import explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.change import Side
    from llmcfg.model.findings import Origin
    from llmcfg.model.impact import ValueChange
    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration

EXPLAINED: Final = 400  # changes; each walks the layers of its document again


class Origins(NamedTuple):
    """None where there is no value, or nobody has looked."""

    before: Origin | None = None
    after: Origin | None = None


def origins_of(
    before: Configuration | None, after: Configuration | None, changes: Sequence[ValueChange]
) -> Sequence[Origins]:
    """One for each change, in their order."""
    return [
        Origins(
            _written(before, change, change.change.before),
            _written(after, change, change.change.after),
        )
        if index < EXPLAINED
        else Origins()
        for index, change in enumerate(changes)
    ]


def _written(configuration: Configuration | None, found: ValueChange, side: Side) -> Origin | None:
    """The place that the value comes from, in the first scope that has the change."""
    if configuration is None or side is ABSENT or not found.scopes:
        return None
    environment, _, tenant = found.scopes[0].partition("/")
    return winner(configuration, Scope(environment, tenant or None), found.change.path)


def winner(configuration: Configuration, scope: Scope, path: Path) -> Origin | None:
    """The place that the value at `path` comes from in a scope; None where there is none."""
    if scope not in configuration.scopes:
        return None
    try:
        statements = explain(configuration, scope, path).statements
    except NotFoundError:
        return None
    return next((statement.origin for statement in statements if statement.wins), None)
