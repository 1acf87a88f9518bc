"""Who may change what: the path rules of a root of trust, held against commits one by one.

A commit changes what differs from its parent. A merge changes what is not the plain outcome of its two sides, so that whoever merges
neither answers for what others signed nor can take an old version of a protected file back unseen.

Beside who signed a commit, those count who signed a tag `approve/…` of it or of a commit that came after it.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from llmcfg.trust.commits import who_tagged
from llmcfg.trust.failure import SIG_FEW, SIG_SCOPE, SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from llmcfg.model.snapshot import ChangedFile, CommitFacts
    from llmcfg.trust.root import PathRule
    from llmcfg.trust.signers import Signers

APPROVALS: Final = "approve/"
_SHOWN: Final = 5  # names in one message


class ChangeHistory(Protocol):
    def raw(self, oid: str) -> tuple[str, bytes]: ...

    def changed_files(self, old: str | None, new: str) -> Sequence[ChangedFile]: ...

    def merge_base(self, one: str, other: str) -> str | None: ...

    def descends(self, new: str, old: str) -> bool: ...


class FirstSeen(Protocol):
    def __call__(self, oid: str, /) -> datetime:
        """When an object was first looked at here; now, for one that was not."""
        ...


class Approval(NamedTuple):
    commit: str
    signer: str


class Approvals:
    """Those among tags (name to object) that count. They are read when a commit needs more than who signed it."""

    def __init__(
        self, tags: Mapping[str, str], history: ChangeHistory, signers: Signers, first_seen: FirstSeen
    ) -> None:
        self._tags, self._history, self._signers, self._first_seen = tags, history, signers, first_seen

    def of(self, commit: str) -> set[str]:
        """Who approved a commit, or one that came after it."""
        return {one.signer for one in self._counting if self._history.descends(one.commit, commit)}

    @cached_property
    def _counting(self) -> tuple[Approval, ...]:
        found: set[Approval] = set()
        for name, oid in self._tags.items():
            kind, raw = self._history.raw(oid) if name.startswith(APPROVALS) else ("", b"")
            if kind != "tag":
                continue
            with suppress(SignatureError):  # nobody's approval
                by = who_tagged(raw, name, self._signers, seen=self._first_seen(oid))
                if by.commit:
                    found.add(Approval(by.commit, by.signer.name))
        return tuple(sorted(found))


def require_rights(
    facts: CommitFacts, signer: str, rules: Sequence[PathRule], approvals: Approvals, history: ChangeHistory
) -> None:
    """Raises SignatureError where the commit changes what takes others, or more, than signed and approved it."""
    paths = decided_paths(facts, history) if rules else []
    people = {signer}
    for rule in rules:
        path = next(filter(rule.covers, paths), None)
        if path is None or len(_counting(rule, people)) >= rule.threshold:
            continue
        people |= approvals.of(facts.commit)
        counting = _counting(rule, people)
        if len(counting) < rule.threshold:
            raise _missing(rule, path, counting)


def _counting(rule: PathRule, people: set[str]) -> set[str]:
    return people & {*rule.signers} if rule.signers else people


def decided_paths(facts: CommitFacts, history: ChangeHistory) -> list[str]:
    """The paths of which a commit itself decided what they hold, sorted."""
    if len(facts.parents) != 2:
        first = facts.parents[0] if facts.parents else None
        return [changed.path for changed in history.changed_files(first, facts.commit)]
    base = history.merge_base(*facts.parents)
    one, other, outcome = (
        {changed.path: changed.after for changed in history.changed_files(base, side)}
        for side in (*facts.parents, facts.commit)
    )
    plain = {**other, **one}
    contested = {path for path in one.keys() & other.keys() if one[path] != other[path]}
    return sorted(
        contested
        | {path for path in plain.keys() | outcome.keys() if (path in plain) != (path in outcome)}
        | {path for path in plain.keys() & outcome.keys() if plain[path] != outcome[path]}
    )


def _missing(rule: PathRule, path: str, counting: set[str]) -> SignatureError:
    able = ", ".join(rule.signers[:_SHOWN]) + (", …" if len(rule.signers) > _SHOWN else "")
    who = f" of {able}" if able else ""
    if rule.threshold == 1:
        return SignatureError(SIG_SCOPE, f"it changes {path}, which takes one{who}")
    has = f"it has {', '.join(sorted(counting))}" if counting else "it has none of them"
    return SignatureError(SIG_FEW, f"it changes {path}, which takes {rule.threshold}{who}, and {has}")
