"""For whom something changes, in words, and what changes in all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.model.target import SHARED
from llmcfg_cli.views.text import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from llmcfg.model.impact import Difference

_SHOWN: Final = 4


def reach_text(targets: Sequence[str], scopes: Sequence[str] = (), protected: Collection[str] = ()) -> str:
    """`in 300 bundles: prod x 100 tenants x 3 consumers`; names where there are few."""
    if not targets:
        return f"in no bundle (no consumer selects it): {', '.join(scopes)}" if scopes else "in no bundle"
    environments = sorted({target.split("/")[0] for target in targets})
    marked = [f"{name} (protected)" if name in protected else name for name in environments]
    tenants = {target.split("/")[1] for target in targets}
    consumers = {target.split("/")[2] for target in targets}
    names = [
        ", ".join(marked),
        *(_names(found, noun) for found, noun in ((tenants, "tenant"), (consumers, "consumer"))),
    ]
    return f"in {plural(len(targets), 'bundle')}: {' x '.join(names)}"


def scopes_text(scopes: Sequence[str]) -> str:
    """`staging, prod x _shared, meridian; edge x northlane`; names where there are few."""
    tenants: dict[str, list[str]] = {}
    for scope in scopes:
        environment, _, tenant = scope.partition("/")
        tenants.setdefault(environment, []).append(tenant or SHARED)
    alike: dict[tuple[str, ...], list[str]] = {}
    for environment, found in tenants.items():
        alike.setdefault(tuple(found), []).append(environment)
    return "; ".join(f"{', '.join(environments)} x {_names(found, 'tenant')}" for found, environments in alike.items())


def summary(difference: Difference) -> str:
    """`3 values, 1 rendered file and 1 secret change in 12 bundles (2 new), and 1 decision`."""
    decided = plural(len(difference.decisions), "decision") if difference.decisions else ""
    if not (difference.values or difference.affected) and decided:
        return f"{decided} {'changes' if len(difference.decisions) == 1 else 'change'}"
    return ", and ".join(filter(None, (_in_bundles(difference), decided)))


def _in_bundles(difference: Difference) -> str:
    counts = (
        (len(difference.values), "value"),
        (len(difference.files), "rendered file"),
        (len(difference.secrets), "secret"),
        (len(difference.recipients), "recipient"),
    )
    said = [plural(count, noun) for count, noun in counts if count]
    what = " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said) or "nothing"
    verb = "changes" if sum(count for count, _ in counts) <= 1 else "change"
    comes, goes = len(difference.targets_added), len(difference.targets_removed)
    parts = [f"{comes} new" if comes else "", f"{goes} removed" if goes else ""]
    in_these = plural(len(difference.affected), "bundle") if difference.affected else "no bundle"
    of_these = f" ({', '.join(filter(None, parts))})" if comes or goes else ""
    return f"{what} {verb} in {in_these}{of_these}"


def _names(found: Collection[str], noun: str) -> str:
    return ", ".join(sorted(found)) if len(found) <= _SHOWN else f"{len(found)} {noun}s"
