"""What a change comes to in each environment: protected ones first, then in the order of the manifest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.impact import Difference
    from llmcfg.pipeline.configuration import Configuration


class EnvironmentTally(NamedTuple):
    """`bundles` are all there are on either side; `affected` those that change, `added` and `removed` among them.

    `decisions` are those about the environment itself, such as what it tracks.

    An environment counts as protected when either side says so.
    """

    name: str
    is_protected: bool
    bundles: int
    affected: int
    added: int
    removed: int
    values: int
    files: int
    secrets: int
    recipients: int
    decisions: int

    @property
    def is_touched(self) -> bool:
        return bool(self.affected or self.values or self.decisions)


def tally(
    before: Configuration | None, after: Configuration | None, difference: Difference
) -> tuple[EnvironmentTally, ...]:
    """One for each environment of either side."""
    sides = [side for side in (after, before) if side is not None]
    names = dict.fromkeys(name for side in sides for name in side.manifest.environments)
    protected = {name for side in sides for name, one in side.manifest.environments.items() if one.protected}
    bundles = Counter(target.environment for target in {target for side in sides for target in side.targets})
    affected, added, removed = (
        Counter(map(_environment, targets))
        for targets in (difference.affected, difference.targets_added, difference.targets_removed)
    )
    values = _count(set(map(_environment, (*one.scopes, *one.targets))) for one in difference.values)
    files, secrets, recipients = (
        _count(set(map(_environment, one.targets)) for one in group)
        for group in (difference.files, difference.secrets, difference.recipients)
    )
    decisions = Counter(str(one.path[1]) for one in difference.decisions if one.path[0] == "environments")
    counts = [bundles, affected, added, removed, values, files, secrets, recipients, decisions]
    found = [EnvironmentTally(name, name in protected, *(count[name] for count in counts)) for name in names]
    return tuple(sorted(found, key=lambda one: not one.is_protected))


def _environment(name: str) -> str:
    """Of a scope or target as text."""
    return name.partition("/")[0]


def _count(sets: Iterable[set[str]]) -> Counter[str]:
    return Counter(name for names in sets for name in names)
