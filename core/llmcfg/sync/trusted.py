"""Whose commits and tags are followed: those that a signer signed, judged by when they were first seen.

Signers are those of a list of the machine, or of a root of trust, which also has rules of who may change which paths.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from llmcfg.errors import UsageError
from llmcfg.model.failure import Held
from llmcfg.sync.pathrules import APPROVALS, Approvals, ChangeHistory, require_rights
from llmcfg.trust.commits import who_committed, who_tagged
from llmcfg.trust.failure import (
    SIG_EXPIRED,
    SIG_FEW,
    SIG_KIND,
    SIG_MISSING,
    SIG_REVOKED,
    SIG_SCOPE,
    SIG_UNCHECKED,
    SIG_UNKNOWN,
    SignatureError,
)
from llmcfg.trust.signers import RULE as FORM
from llmcfg.trust.signers import parse_signers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.sync.pathrules import FirstSeen
    from llmcfg.trust.root import Root
    from llmcfg.trust.signers import Signers

NOT_CHECKED = "not checked"
NO_TAGS: Final[Mapping[str, str]] = MappingProxyType({})


class RawObjects(Protocol):
    def raw(self, oid: str) -> tuple[str, bytes]:
        """Kind and content of an object. Raises LlmcfgError."""
        ...


class JudgedHistory(ChangeHistory, Protocol):
    """What judging a branch reads of a repository."""

    def has_object(self, oid: str) -> bool: ...

    def commits_beyond(self, known: Collection[str], new: str) -> Sequence[CommitFacts]: ...


class Judged(NamedTuple):
    """`held` is why it is not followed. `signers` are who signed, each once, in the order in which they first did."""

    signers: tuple[str, ...] = ()
    held: Held | None = None


class Refusal(NamedTuple):
    """A commit that does not count."""

    facts: CommitFacts
    error: SignatureError


class Trust(NamedTuple):
    """`file` is what the list is called in hints. `tags` are those that may be approvals: name to object."""

    signers: Signers
    objects: JudgedHistory
    first_seen: FirstSeen
    file: str
    root: Root | None = None
    tags: Mapping[str, str] = NO_TAGS

    def branch(self, ref: str, old: str | None, commits: Sequence[CommitFacts]) -> Judged:
        """Of a branch every commit on the way counts, `commits` newest first."""
        signers, refused = self.judge(commits)
        if not refused:
            return Judged(signers)
        facts, first = refused[0]
        more = f" ({len(refused)} of {len(commits)} commits do not count)" if len(commits) > 1 else ""
        message = f"{_short(ref)}: the commit {facts.commit[:10]} of {facts.author}: {first.reason}{more}"
        return Judged(held=Held(ref, first.code, message, self.hint(refused[0], old)))

    def unjudged(self, tip: str, accepted: Collection[str] = ()) -> Sequence[CommitFacts]:
        """The commits up to `tip` that nobody vouched for and that were not accepted before, newest first.

        Raises SignatureError for a history with a beginning of its own: it is another repository's, or was made up.
        """
        vouched = self.root.vouched if self.root else ()
        known = [commit for commit in {*vouched, *accepted} if self.objects.has_object(commit)]
        commits = self.objects.commits_beyond(known, tip)
        beginning = next((facts.commit for facts in commits if not facts.parents), None)
        if vouched and beginning is not None:
            raise SignatureError(
                SIG_SCOPE, f"{tip[:10]} comes from {beginning[:10]}, and not from what the root of trust vouches for"
            )
        return commits

    def judge(self, commits: Sequence[CommitFacts]) -> tuple[tuple[str, ...], tuple[Refusal, ...]]:
        """Who signed commits, `commits` newest first, each signer once; and which of them do not count, the oldest first."""
        rules = self.root.rules if self.root else ()
        approvals = Approvals(self.tags, self.objects, self.signers, self.first_seen)
        names: dict[str, None] = {}
        refused: list[Refusal] = []
        for facts in reversed(commits):
            try:
                raw = self.objects.raw(facts.commit)[1]
                name = who_committed(raw, self.signers, seen=self.first_seen(facts.commit)).signer.name
                require_rights(facts, name, rules, approvals, self.objects)
                names[name] = None
            except SignatureError as error:
                refused.append(Refusal(facts, error))
        return tuple(names), tuple(refused)

    def tag(self, ref: str, oid: str) -> Judged:
        name = ref.removeprefix("refs/tags/")
        kind, raw = self.objects.raw(oid)
        try:
            if kind != "tag":
                raise SignatureError(SIG_MISSING, "it is no annotated tag, so it is not signed")
            found = who_tagged(raw, name, self.signers, seen=self.first_seen(oid))
        except SignatureError as error:
            hint = self._unknown_hint() if error.code == SIG_UNKNOWN else "whoever releases makes a new one: git tag -s"
            return Judged(held=Held(ref, error.code, f"the tag {name}: {error.reason}", hint))
        return Judged((found.signer.name,))

    def hint(self, refused: Refusal, old: str | None) -> str:
        """Who has to do what. `old` is the commit before the first that does not count, where that is known."""
        facts, error = refused
        again = f"git rebase --force-rebase --gpg-sign {old[:10]}" if old else "git commit --amend --no-edit --gpg-sign"
        if error.code in (SIG_MISSING, SIG_KIND):
            return f"{facts.author} signs what was pushed, and pushes again: {again}"
        if error.code == SIG_REVOKED:
            return f"a signer looks at it, and signs and pushes it again: {again}; another key: llmcfg trust add-signer"
        if error.code == SIG_FEW or (error.code == SIG_SCOPE and not error.key):
            short = facts.commit[:10]
            return (
                f"one of them approves it, and pushes the tag: git tag -s -m approved {APPROVALS}{short}/NAME {short}"
            )
        if error.code == SIG_UNCHECKED:
            return "install GnuPG on this machine, or sign with an SSH key"
        if error.code == SIG_UNKNOWN:
            return self._unknown_hint()
        if error.code in (SIG_EXPIRED, SIG_SCOPE):
            return f"sign it with a key that counts now, or change what {self.file} says of this one"
        return "make the commit anew with git commit -S, and push it"

    def _unknown_hint(self) -> str:
        adds = (
            "who holds a key of the root adds it: llmcfg trust add-signer"
            if self.root
            else f"whoever runs this machine adds it to {self.file}"
        )
        return f"if the key is a signer's, {adds}; else somebody who may sign does so"


def read_signers(file: Path) -> Signers:
    """The list in a file. Raises UsageError with every mistake and its line."""
    try:
        found = parse_signers(file.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", hint="it holds those whose commits are followed", code=FORM
        ) from None
    if found.problems:
        said = "; ".join(f"line {problem.line}: {problem.message}" for problem in found.problems[:20])
        raise UsageError(f"{file} cannot be used as a list of signers: {said}", hint=found.problems[0].hint, code=FORM)
    return found


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
