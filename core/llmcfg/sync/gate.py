"""Whether a commit of this repository may be built on and deployed, by the root of trust that this machine holds."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from llmcfg.disk import atomic_write, make_folders
from llmcfg.errors import IntegrityError, StorageError
from llmcfg.sync.pathrules import APPROVALS
from llmcfg.sync.promotion import PROMOTIONS, promoters, promotion_of, require_promoted
from llmcfg.sync.trusted import JudgedHistory, Refusal, Trust
from llmcfg.trust.commits import who_committed
from llmcfg.trust.failure import SignatureError
from llmcfg.trust.root import require_fresh

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from llmcfg.model.snapshot import Revision
    from llmcfg.ports import Snapshot
    from llmcfg.sync.pathrules import FirstSeen
    from llmcfg.trust.openpgp import CheckOpenPgp
    from llmcfg.trust.root import Root

_ACCEPTED: Final = "accepted.json"
_MOST: Final = 50
_MOST_BYTES: Final = 1 << 20
_TAGS: Final = "refs/tags/"


class GateHistory(JudgedHistory, Protocol):
    def list_targets(self, prefix: str) -> Mapping[str, str]: ...


class Verdict(NamedTuple):
    """Of a commit with all that came before it and was not vouched for: how many were judged, who signed, and what does not count."""

    judged: int
    signers: tuple[str, ...]
    refused: tuple[Refusal, ...]


class _Accepted(msgspec.Struct, frozen=True):
    """`commits` counted when they were first seen here, in this epoch of the root."""

    epoch: int
    commits: list[str]


class Gate:
    """Of one repository under one root. `folder` belongs to this machine alone."""

    def __init__(
        self,
        root: Root,
        history: GateHistory,
        folder: Path,
        now: Callable[[], datetime],
        openpgp: CheckOpenPgp | None = None,
    ) -> None:
        self.root = root
        self._signers = root.committers._replace(openpgp=openpgp)
        self._history = history
        self._file = folder / _ACCEPTED
        self._now = now
        self._first_seen: FirstSeen = lambda _: now()  # whatever was not accepted here before is seen now

    def judge(self, commit: str, base: str | None = None) -> Verdict:
        """What leads to a commit, and not to `base` where that is given. Raises IntegrityError for an expired root, and another history."""
        trust = self._trust()
        try:
            require_fresh(self.root, self._now())
            commits = trust.unjudged(commit, (*self._accepted(), *([base] if base else [])))
        except SignatureError as error:
            raise IntegrityError(error.reason, hint="see docs/trust.md", code=error.code) from None
        return Verdict(len(commits), *trust.judge(commits))

    def require(self, revision: Revision, snapshot: Snapshot, environment: str) -> None:
        """Raises IntegrityError for a commit that does not count, NotAuthorisedError for one that is not promoted to the environment."""
        verdict = self.judge(revision.commit)
        self.refuse(verdict)
        if environment in self.root.environments:
            wanted = promotion_of(self.root, environment, revision, snapshot)
            tags = self._tags(f"{PROMOTIONS}{environment}/")
            require_promoted(
                self.root, wanted, promoters(wanted, tags, self._history, self.root, self._signers, self._first_seen)
            )
        self.accept(revision.commit)

    def signer_of(self, commit: str) -> str | None:
        """Who signed a commit; None where no signer of the root did. Whether it counts is not said with that."""
        with suppress(SignatureError):
            raw = self._history.raw(commit)[1]
            return who_committed(raw, self._signers, seen=self._first_seen(commit)).signer.name
        return None

    def accept(self, commit: str) -> None:
        """Remember that it counted, so that what came before is not judged again; a machine that cannot write judges again."""
        known = self._accepted()
        if commit in known:
            return
        kept = _Accepted(self.root.epoch, [commit, *known][:_MOST])
        with suppress(StorageError):
            make_folders(self._file.parent)
            atomic_write(self._file, msgspec.json.encode(kept), mode=0o600)

    def refuse(self, verdict: Verdict) -> None:
        """Raises IntegrityError that names the first commit that does not count, and how many do not."""
        if not verdict.refused:
            return
        first = verdict.refused[0]
        more = f" ({len(verdict.refused)} of {verdict.judged} commits do not count)" if verdict.judged > 1 else ""
        raise IntegrityError(
            f"the commit {first.facts.commit[:10]} of {first.facts.author} does not count: {first.error.reason}{more}",
            hint=self.hint(first),
            code=first.error.code,
        )

    def hint(self, refused: Refusal) -> str:
        parents = refused.facts.parents
        return self._trust().hint(refused, parents[0] if parents else None)

    def _trust(self) -> Trust:
        tags = self._tags(APPROVALS) if self.root.rules else {}
        return Trust(self._signers, self._history, self._first_seen, "the root of trust", self.root, tags)

    def _tags(self, prefix: str) -> dict[str, str]:
        found = self._history.list_targets(f"{_TAGS}{prefix}")
        return {name.removeprefix(_TAGS): oid for name, oid in found.items()}

    def _accepted(self) -> list[str]:
        """The commits that counted when they were first seen here, in this epoch of the root; the newest first."""
        with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError), self._file.open("rb") as opened:
            kept = msgspec.json.decode(opened.read(_MOST_BYTES), type=_Accepted)
            return kept.commits if kept.epoch == self.root.epoch else []
        return []
