"""A change that somebody proposes: what gates are asked about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from llmcfg.model.difference import spread
from llmcfg.model.impact import Difference, ValueChange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.model.target import Scope


@dataclass(frozen=True)
class Proposal:
    """What differs, and who says so. None of the names is proven here: `signer` is for who has checked the signature.

    `approvals` are the names of those who agreed, as the forge knows them; None where nobody could know.
    """

    difference: Difference
    author: str | None = None
    signer: str | None = None
    approvals: frozenset[str] | None = None

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


def scope_of_target(target: str) -> str:
    """`prod/acme` for `prod/acme/gateway`, and `prod` for `prod/_shared/gateway`."""
    return target.rsplit("/", 1)[0].removesuffix("/_shared")
