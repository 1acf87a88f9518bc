"""Whose commits and tags are followed: those that a signer of the machine's list signed, judged by when they were first seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from llmcfg.errors import UsageError
from llmcfg.model.failure import Held
from llmcfg.trust.commits import who_committed, who_tagged
from llmcfg.trust.failure import SIG_EXPIRED, SIG_KIND, SIG_MISSING, SIG_SCOPE, SIG_UNKNOWN, SignatureError
from llmcfg.trust.signers import RULE as FORM
from llmcfg.trust.signers import parse_signers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.trust.signers import Signers

NOT_CHECKED = "not checked"


class RawObjects(Protocol):
    def raw(self, oid: str) -> tuple[str, bytes]:
        """Kind and content of an object. Raises LlmcfgError."""
        ...


class FirstSeen(Protocol):
    def __call__(self, oid: str) -> datetime:
        """When an object was first looked at here; now, for one that was not."""
        ...


class Judged(NamedTuple):
    """`held` is why it is not followed. `signers` are who signed, each once, in the order in which they first did."""

    signers: tuple[str, ...] = ()
    held: Held | None = None


class Trust(NamedTuple):
    """`file` is what the list is called in hints."""

    signers: Signers
    objects: RawObjects
    first_seen: FirstSeen
    file: str

    def branch(self, ref: str, old: str | None, commits: Sequence[CommitFacts]) -> Judged:
        """Of a branch every commit on the way counts, `commits` newest first; one alone where nothing was accepted before."""
        names: dict[str, None] = {}
        failed: list[tuple[CommitFacts, SignatureError]] = []
        for facts in reversed(commits):
            try:
                raw = self.objects.raw(facts.commit)[1]
                names[who_committed(raw, self.signers, seen=self.first_seen(facts.commit)).signer.name] = None
            except SignatureError as error:
                failed.append((facts, error))
        if not failed:
            return Judged(tuple(names))
        facts, first = failed[0]
        more = f" ({len(failed)} of {len(commits)} commits do not count)" if len(commits) > 1 else ""
        message = f"{_short(ref)}: the commit {facts.commit[:10]} of {facts.author}: {first.reason}{more}"
        return Judged(held=Held(ref, first.code, message, self._hint(first, facts.author, old)))

    def tag(self, ref: str, oid: str) -> Judged:
        name = ref.removeprefix("refs/tags/")
        kind, raw = self.objects.raw(oid)
        try:
            if kind != "tag":
                raise SignatureError(SIG_MISSING, "it is no annotated tag, so it is not signed")
            found = who_tagged(raw, name, self.signers, seen=self.first_seen(oid))
        except SignatureError as error:
            hint = (
                self._hint(error, "", None)
                if error.code == SIG_UNKNOWN
                else "whoever releases makes a new one: git tag -s"
            )
            return Judged(held=Held(ref, error.code, f"the tag {name}: {error.reason}", hint))
        return Judged((found.signer.name,))

    def _hint(self, error: SignatureError, author: str, old: str | None) -> str:
        """Who has to do what."""
        if error.code in (SIG_MISSING, SIG_KIND):
            how = (
                f"git rebase --force-rebase --gpg-sign {old[:10]}" if old else "git commit --amend --no-edit --gpg-sign"
            )
            return f"{author} signs what was pushed, and pushes again: {how}"
        if error.code == SIG_UNKNOWN:
            return f"if the key is a signer's, whoever runs this machine adds it to {self.file}; else somebody who may sign does so"
        if error.code in (SIG_EXPIRED, SIG_SCOPE):
            return f"sign it with a key that counts now, or change what {self.file} says of this one"
        return "make the commit anew with git commit -S, and push it"


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
