"""What of a remote's claims is accepted: the rules that keep history from being rewritten under a running environment.

- Only refs that the followed manifest tracks count, and the deployed branches of the environments.
- A branch moves from what was accepted to a descendant of it, and every commit on the way must be well-formed.
- A tag stays what it was when it was first seen, and carries its own name.
- A branch or tag that is gone stays what it was.
- Where the machine has a list of signers, or a root of trust, every commit on the way and every tag is signed by one of them.
- Everything else is held: reported and not followed, until the remote is right again or a person accepts it.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from llmcfg.errors import LlmcfgError
from llmcfg.limits import REMOTE_TAGS
from llmcfg.model.failure import Held
from llmcfg.sync.deployed import deployed_ref
from llmcfg.sync.trusted import NOT_CHECKED
from llmcfg.sync.wanted import versions
from llmcfg.trust.failure import SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmcfg.model.manifest import Manifest
    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.sync.trusted import Judged, Trust

HEADS: Final = "refs/heads/"
TAGS: Final = "refs/tags/"
_STEPS: Final = re.compile(r"[~^][0-9~^]*$")


class Interest(NamedTuple):
    """What of a remote matters: full names of branches, and globs of tags.

    Of `words`, the tags by which people say something of commits, all that match; one that does not count was said by nobody.
    """

    branches: frozenset[str]
    tags: frozenset[str]
    words: frozenset[str] = frozenset()

    def covers(self, ref: str) -> bool:
        return ref in self.branches or _is_tag_of(self.tags, ref)

    def is_word(self, ref: str) -> bool:
        return _is_tag_of(self.words, ref)


class Accepted(NamedTuple):
    ref: str
    old: str | None
    new: str
    commits: int  # that were looked at on the way
    signatures: str = NOT_CHECKED  # who signed


class Verdict(NamedTuple):
    accepted: tuple[Accepted, ...]
    held: tuple[Held, ...]


class Ancestry(Protocol):
    """What has to be known of the objects that were fetched, and of the refs that were accepted before."""

    def target(self, ref: str) -> str | None: ...

    def descends(self, new: str, old: str) -> bool: ...

    def commits_between(self, old: str | None, new: str) -> Sequence[CommitFacts]: ...

    def facts(self, commit: str) -> CommitFacts: ...

    def tagged(self, name: str, oid: str) -> str: ...


def _is_tag_of(patterns: Iterable[str], ref: str) -> bool:
    tag = ref.removeprefix(TAGS)
    return tag != ref and any(fnmatchcase(tag, pattern) for pattern in patterns)


def interest_of(
    branch: str, manifest: Manifest | None, environments: Iterable[str], *, with_deployed: bool
) -> Interest:
    """The followed branch, what the environments track, and where their state is. Without a manifest the branch alone."""
    branches, tags = {HEADS + branch}, set[str]()
    for name in environments if manifest else ():
        if manifest is None or name not in manifest.environments:
            continue
        track = manifest.environments[name].track
        base = _STEPS.sub("", track.revision or "")
        branches |= {HEADS + text for text in (track.branch, base) if text}
        tags |= {text for text in (track.tag, base) if text}
        branches |= {deployed_ref(name)} if with_deployed else set()
    return Interest(frozenset(branches), frozenset(tags))


def relevant(interest: Interest, claims: Mapping[str, str]) -> dict[str, str]:
    """The claimed refs that matter, by full name. Of the tags of a glob the newest versions, which is enough to fall back on."""
    tags = {name.removeprefix(TAGS): oid for name, oid in claims.items() if name.startswith(TAGS)}
    chosen = {
        tag for pattern in interest.tags for tag in [*versions(tags, pattern)[:REMOTE_TAGS], pattern] if tag in tags
    }
    found = {ref: claims[ref] for ref in interest.branches if ref in claims}
    chosen |= {tag for tag in tags if interest.is_word(TAGS + tag)}
    return {**found, **{TAGS + tag: tags[tag] for tag in chosen}}


def verify(
    claimed: Mapping[str, str],
    interest: Interest,
    known: Ancestry,
    allowed: Mapping[str, str] | None = None,
    trust: Trust | None = None,
) -> Verdict:
    """What of `claimed`, whose objects are here, is accepted. `allowed` is what a person said to accept: ref to object."""
    accepted: list[Accepted] = []
    held = [_gone(ref) for ref in sorted(interest.branches - claimed.keys()) if known.target(ref) is not None]
    for ref, new in sorted(claimed.items()):
        old = known.target(ref)
        if old == new:
            continue
        try:
            verdict = (_tag if ref.startswith(TAGS) else _branch)(ref, old, new, known, trust)
        except LlmcfgError as error:
            verdict = Held(ref, "malformed", f"{_short(ref)} at {new[:10]} is malformed: {error.message}", error.hint)
        if isinstance(verdict, Held) and (allowed or {}).get(ref) == new and verdict.code != "malformed":
            verdict = Accepted(ref, old, new, 0)
        if isinstance(verdict, Accepted):
            accepted.append(verdict)
        elif not interest.is_word(ref):
            held.append(verdict)
    return Verdict(tuple(accepted), tuple(held))


def _branch(ref: str, old: str | None, new: str, known: Ancestry, trust: Trust | None) -> Accepted | Held:
    if old is None:
        try:
            commits = trust.unjudged(new) if trust and trust.root else (known.facts(new),)
        except SignatureError as error:
            return Held(
                ref, error.code, f"{_short(ref)}: {error.reason}", "see llmcfg trust show for what it vouches for"
            )
    elif not known.descends(new, old):
        goes = "goes back" if known.descends(old, new) else "was rewritten"
        return Held(
            ref,
            "history-rewritten",
            f"{_short(ref)} {goes} from {old[:10]} to {new[:10]}",
            f"push a commit on top of {old[:10]}, or accept it: llmcfg sync accept {_short(ref)} {new}",
        )
    else:
        commits = known.commits_between(old, new)
    judged = trust.branch(ref, old, commits) if trust and commits else None
    return _accepted(ref, old, new, len(commits), judged)


def _tag(ref: str, old: str | None, new: str, known: Ancestry, trust: Trust | None) -> Accepted | Held:
    name = ref.removeprefix(TAGS)
    if old is not None:
        return Held(
            ref,
            "tag-moved",
            f"the tag {name} moved from {old[:10]} to {new[:10]}",
            f"a release never moves: make a new one, or accept it: llmcfg sync accept {ref} {new}",
        )
    known.tagged(name, new)
    return _accepted(ref, None, new, 1, trust.tag(ref, new) if trust else None)


def _accepted(ref: str, old: str | None, new: str, commits: int, judged: Judged | None) -> Accepted | Held:
    if judged is None:
        return Accepted(ref, old, new, commits)
    return judged.held or Accepted(ref, old, new, commits, ", ".join(judged.signers))


def _gone(ref: str) -> Held:
    return Held(
        ref, "ref-gone", f"{_short(ref)} is gone from the remote", f"push it again, or stop following it: {_short(ref)}"
    )


def _short(ref: str) -> str:
    return ref.removeprefix(HEADS)
