"""Who may change what: the path rules of a root of trust, held against commits one by one.

A commit changes what differs from its parent. A merge changes what is not the plain outcome of its two sides, so that whoever merges
neither answers for what others signed nor can take an old version of a protected file back unseen.

Beside who signed a commit, those count who signed a tag `approve/…` of it or of a commit that came after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from llmcfg.trust.commits import who_tagged
from llmcfg.trust.failure import SIG_FEW, SIG_SCOPE, SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
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
    def __call__(self, oid: str) -> datetime:
        """When an object was first looked at here; now, for one that was not."""
        ...


class Approval(NamedTuple):
    commit: str
    signer: str


def read_approvals(
    tags: Mapping[str, str], history: ChangeHistory, signers: Signers, first_seen: FirstSeen
) -> tuple[Approval, ...]:
    """The approvals among tags (name to object) that count; what does not is nobody's approval."""
    found: set[Approval] = set()
    for name, oid in tags.items():
        kind, raw = history.raw(oid) if name.startswith(APPROVALS) else ("", b"")
        if kind != "tag":
            continue
        try:
            by = who_tagged(raw, name, signers, seen=first_seen(oid))
        except SignatureError:
            continue
        found.add(Approval(by.commit, by.signer.name))
    return tuple(sorted(found))


def require_rights(
    facts: CommitFacts,
    signer: str,
    rules: Sequence[PathRule],
    approvals: Iterable[Approval],
    history: ChangeHistory,
) -> None:
    """Raises SignatureError where the commit changes what takes others, or more, than signed and approved it."""
    if not rules:
        return
    paths = decided_paths(facts, history)
    people: set[str] | None = None
    for rule in rules:
        path = next(filter(rule.covers, paths), None)
        if path is None:
            continue
        if people is None:
            people = {signer, *(one.signer for one in approvals if _approves(one, facts.commit, history))}
        counting = people & {*rule.signers} if rule.signers else people
        if len(counting) < rule.threshold:
            raise _missing(rule, path, counting)


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


def _approves(approval: Approval, commit: str, history: ChangeHistory) -> bool:
    return bool(approval.commit) and history.descends(approval.commit, commit)


def _missing(rule: PathRule, path: str, counting: set[str]) -> SignatureError:
    able = ", ".join(rule.signers[:_SHOWN]) + (", …" if len(rule.signers) > _SHOWN else "")
    who = f" of {able}" if able else ""
    if rule.threshold == 1:
        return SignatureError(SIG_SCOPE, f"it changes {path}, which takes one{who}")
    has = f"it has {', '.join(sorted(counting))}" if counting else "it has none of them"
    return SignatureError(SIG_FEW, f"it changes {path}, which takes {rule.threshold}{who}, and {has}")
