"""A change that somebody proposes: what gates are asked about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.change import ABSENT
from llmcfg.model.difference import spread
from llmcfg.model.impact import Difference, ValueChange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.model.change import Change, Kind
    from llmcfg.model.target import Scope


class GuardChange(NamedTuple):
    """A file that judges changes and is another."""

    path: str
    kind: Kind

    def fields(self) -> dict[str, str]:
        """As JSON has it, in output and for policies."""
        return {"file": self.path, "change": self.kind}


class Decision(NamedTuple):
    """Something that is decided otherwise; `environment` is the one that it is about.

    None where it is about all, as the end of an environment is.
    """

    change: Change
    environment: str | None


@dataclass(frozen=True)
class Proposal:
    """What differs, and who says so. None of the names is proven here: `signer` is who signed it, by somebody who checked that.

    `approvals` are the names of those who agreed, as the forge knows them; None where nobody could know.
    """

    difference: Difference
    author: str | None = None
    signer: str | None = None
    approvals: frozenset[str] | None = None
    guards: tuple[GuardChange, ...] = ()

    @cached_property
    def leaves(self) -> tuple[ValueChange, ...]:
        """The changes key by key: a mapping that comes or goes is the keys in it."""
        return tuple(
            ValueChange(leaf, each.scopes, each.targets)
            for each in self.difference.values
            for leaf in spread(each.change)
        )

    @cached_property
    def by_scope(self) -> Mapping[str, Sequence[ValueChange]]:
        """The changes that each scope has, by its text; of a difference between bundles, those that a target of it gets."""
        found: dict[str, list[ValueChange]] = {}
        for each in self.leaves:
            for scope in dict.fromkeys([*each.scopes, *map(scope_of_target, each.targets)]):
                found.setdefault(scope, []).append(each)
        return found

    def changes_in(self, scope: Scope) -> Sequence[ValueChange]:
        return self.by_scope.get(str(scope), ())

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """What is decided otherwise, leaf by leaf as the keys are."""
        return tuple(
            Decision(leaf, environment_of(change)) for change in self.difference.decisions for leaf in spread(change)
        )

    def concerns(self, scope: Scope) -> bool:
        """Whether it changes anything there."""
        return bool(self.changes_in(scope) or self.decisions_in(scope) or self.guards_in(scope))

    def decisions_in(self, scope: Scope) -> Sequence[Decision]:
        """Decisions are about environments, and not about their tenants."""
        told = () if scope.tenant else self.decisions
        return [decision for decision in told if decision.environment in (None, scope.environment)]

    def guards_in(self, scope: Scope) -> Sequence[GuardChange]:
        """What judges changes judges those of environments, tenants and all."""
        return () if scope.tenant else self.guards


def environment_of(change: Change) -> str | None:
    """The one environment that a decision is about."""
    part, *rest = change.path
    is_end = len(rest) == 1 and change.after is ABSENT
    return str(rest[0]) if part == "environments" and not is_end else None


def scope_of_target(target: str) -> str:
    """`prod/acme` for `prod/acme/gateway`, and `prod` for `prod/_shared/gateway`."""
    return target.rsplit("/", 1)[0].removesuffix("/_shared")
