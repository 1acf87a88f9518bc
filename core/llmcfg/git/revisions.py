"""What people write for a commit, to the commit: ids, tags, branches, `HEAD~2`, `v1^2`, times.

In this order: `HEAD`; a full ref name; 40 hex digits, which are always an id and never a branch; a tag or branch (both, with different
commits, is an error that names the full names); a remote branch; a short id; an ISO 8601 time. A time without zone is UTC, a date
without time is the end of that day; it names the last commit of HEAD's first-parent history that was made at or before it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmcfg.errors import UnknownRevisionError, UsageError
from llmcfg.git.libgit2 import pygit2
from llmcfg.model.moment import parse_moment
from llmcfg.model.snapshot import Revision
from llmcfg.model.suggest import did_you_mean
from llmcfg.regex import regex

if TYPE_CHECKING:
    from datetime import datetime

    from llmcfg.git.history import History
    from llmcfg.git.refs import Refs

_STEPPED = regex(r"(?P<base>.*?)(?P<steps>(?:[~^][0-9]{0,5})*)", re.DOTALL)
_STEP = regex(r"([~^])([0-9]*)")
_FULL_ID = regex(r"[0-9a-f]{40}")
_SHORT_ID = regex(r"[0-9a-f]{4,39}")
_TEXT_CHARACTERS = 4096
_COMPARED = 2000  # names that a mistyped one is compared with; the comparison is slow


class Revisions:
    """Resolves against the refs and objects as they are at the moment of the call."""

    def __init__(self, git: pygit2.Repository, refs: Refs, history: History) -> None:
        self._git = git
        self._refs = refs
        self._history = history

    def resolve(self, text: str) -> Revision:
        """Raises UnknownRevisionError, or UsageError when the text names two commits."""
        if not text or len(text) > _TEXT_CHARACTERS or text.startswith("-") or not text.isprintable():
            raise self._unknown(text[:80])
        match = _STEPPED.fullmatch(text)
        base, steps = (match["base"], match["steps"]) if match else (text, "")
        commit = self._base(base or "HEAD")
        if commit is None:
            raise self._unknown(base)
        for kind, count in _STEP.findall(steps):
            commit = self._step(text, commit, kind, int(count or 1))
        return Revision(commit, text)

    def head(self) -> Revision | None:
        commit = self._refs.commit("HEAD")
        if commit is None:
            return None
        branch = self._refs.symbolic_target("HEAD") or "HEAD"
        return Revision(commit, branch.removeprefix("refs/heads/"))

    def label(self, revision: Revision) -> str:
        """What people call it: the tag or branch it was reached by, else the short commit."""
        short = revision.name.removeprefix("refs/tags/").removeprefix("refs/heads/")
        prefixes = ("refs/tags/", "refs/heads/", "refs/remotes/")
        is_name = short == "HEAD" or any(self._refs.target(prefix + short) for prefix in prefixes)
        return short if is_name else revision.short

    def _base(self, text: str) -> str | None:
        if text in ("HEAD", "@"):
            return self._refs.commit("HEAD")
        if text.startswith("refs/"):
            return self._refs.commit(text)
        lowered = text.lower()
        if _FULL_ID.fullmatch(lowered):
            return self._history.commit_of_id(lowered)
        named = self._named(text)
        if named is None and _SHORT_ID.fullmatch(lowered):
            named = self._short_id(lowered)
        moment = parse_moment(text) if named is None else None
        if moment is not None:
            named = self._at_time(text, moment)
        return named

    def _named(self, text: str) -> str | None:
        tag = self._refs.commit(f"refs/tags/{text}")
        branch = None if text == "HEAD" else self._refs.commit(f"refs/heads/{text}")
        if tag and branch and tag != branch:
            raise UsageError(
                f"{text!r} is a tag and a branch, and they differ",
                hint=f"write refs/tags/{text} or refs/heads/{text}",
            )
        return tag or branch or self._refs.commit(f"refs/remotes/{text}")

    def _short_id(self, text: str) -> str | None:
        try:
            oid = str(self._git.expand_id(text))
        except KeyError:
            return None
        except (ValueError, pygit2.GitError):
            raise UsageError(f"the short id {text} is ambiguous", hint="write more of its digits") from None
        return self._history.commit_of_id(oid)

    def _at_time(self, text: str, moment: datetime) -> str:
        head = self._refs.commit("HEAD")
        for facts in self._history.walk(head) if head else ():
            if facts.when <= moment:
                return facts.commit
        raise UnknownRevisionError(f"there is no commit at or before {text}", hint="llmcfg history lists all commits")

    def _step(self, text: str, commit: str, kind: str, count: int) -> str:
        for _ in range(count if kind == "~" else 1):
            parents = self._history.parents(commit)
            wanted = 1 if kind == "~" else count
            if kind == "^" and count == 0:
                return commit
            if len(parents) < wanted:
                raise UnknownRevisionError(
                    f"{text!r} goes beyond the history: {commit[:10]} has {len(parents)} parents",
                    hint="llmcfg history lists all commits",
                )
            commit = parents[wanted - 1]
        return commit

    def _unknown(self, text: str) -> UnknownRevisionError:
        if not text.isprintable():
            hint = "a name with control or invisible characters is not looked up: name the commit by its id"
            return UnknownRevisionError(f"there is no revision {text!r}", hint=hint)
        known = [
            name.removeprefix(prefix) for prefix in ("refs/tags/", "refs/heads/") for name in self._refs.names(prefix)
        ]
        hint = did_you_mean(
            text, known[:_COMPARED], "fetch it first (git fetch --tags), or see git branch -a and git tag"
        )
        return UnknownRevisionError(f"there is no revision {text!r}", hint=hint)
