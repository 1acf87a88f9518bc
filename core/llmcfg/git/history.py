"""Commits and their ancestry, read strictly and never by date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import IntegrityError, NotFoundError
from llmcfg.git.commits import ParsedCommit, commit_facts, parse_commit
from llmcfg.git.libgit2 import pygit2
from llmcfg.git.objects import UnreadableObject
from llmcfg.git.refs import COMMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from llmcfg.git.objects import Objects
    from llmcfg.model.snapshot import CommitFacts

_REMEMBERED_COMMITS = 20_000


class History:
    """The commits of one repository. `git_dir` is the common one; its file `shallow` names the commits whose parents were not fetched."""

    def __init__(self, objects: Objects, git_dir: Path) -> None:
        self._objects = objects
        self._shallow_file = git_dir / "shallow"
        self._parsed: dict[str, ParsedCommit] = {}

    def commit(self, oid: str) -> ParsedCommit:
        """Raises NotFoundError when there is no such commit, IntegrityError when it is damaged or malformed."""
        known = self._parsed.get(oid)
        if known is None:
            try:
                raw = self._objects.read(oid, "commit", COMMIT_BYTES)
            except UnreadableObject as error:
                if error.rule == "object-missing":
                    raise NotFoundError(f"commit {oid} is not in this repository", hint="git fetch it") from None
                raise IntegrityError(error.message, hint="run git fsck, then fetch anew") from None
            if len(self._parsed) >= _REMEMBERED_COMMITS:
                self._parsed.clear()
            known = self._parsed[oid] = parse_commit(oid, raw)
        return known

    def commit_of_id(self, oid: str) -> str | None:
        """The id itself if it is that of a commit, else None."""
        try:
            header = self._objects.header(oid)
        except UnreadableObject:
            return None
        return oid if header.kind == "commit" else None

    def facts(self, oid: str) -> CommitFacts:
        return commit_facts(oid, self.commit(oid))

    def parents(self, oid: str) -> tuple[str, ...]:
        """Raises NotFoundError where a shallow clone ends."""
        parents = self.commit(oid).parents
        if parents and oid in self._shallow():
            raise NotFoundError(
                f"the history ends at {oid[:10]}: this clone is shallow", hint="git fetch --unshallow --tags"
            )
        return parents

    def walk(self, start: str, *, first_parent: bool = True) -> Iterator[CommitFacts]:
        """From `start` to the root, no commit before one that descends from it; lazy along first parents."""
        if not first_parent:
            yield from self._topological(start)
            return
        parents: tuple[str, ...] = (start,)
        while parents:
            yield self.facts(parents[0])
            parents = self.parents(parents[0])

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `old` is `new` or one of its ancestors."""
        return any(facts.commit == old for facts in self.walk(new, first_parent=False))

    def descends(self, git: pygit2.Repository, new: str, old: str) -> bool:
        """Whether `old` is an ancestor of `new`. Raises NotFoundError when one of them is missing."""
        self.commit(new)
        self.commit(old)
        try:
            return git.descendant_of(new, old)
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise NotFoundError(
                f"the history of {new[:10]} is not whole here: {error}", hint="git fetch --unshallow"
            ) from None

    def merge_base(self, git: pygit2.Repository, one: str, other: str) -> str | None:
        """The best common ancestor; None where the two have none, as far as the history is here."""
        try:
            found = git.merge_base(one, other)
        except (pygit2.GitError, KeyError, ValueError):
            return None
        return str(found) if found is not None else None

    def beyond(self, git: pygit2.Repository, known: Iterable[str], new: str) -> list[CommitFacts]:
        try:
            walker = git.walk(new, pygit2.enums.SortMode.TOPOLOGICAL)
            for old in known:
                walker.hide(old)
            return [self.facts(str(commit.id)) for commit in walker]
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise NotFoundError(
                f"the history of {new[:10]} is not whole here: {error}", hint="git fetch --unshallow"
            ) from None

    def _topological(self, start: str) -> Iterator[CommitFacts]:
        children = self._count_children(start)
        ready = [start]
        while ready:
            oid = ready.pop()
            yield self.facts(oid)
            for parent in reversed(self.parents(oid)):
                children[parent] -= 1
                if not children[parent]:
                    ready.append(parent)

    def _count_children(self, start: str) -> dict[str, int]:
        children: dict[str, int] = {}
        pending = [start]
        while pending:
            for parent in self.parents(pending.pop()):
                if parent not in children:
                    children[parent] = 0
                    pending.append(parent)
                children[parent] += 1
        return children

    def _shallow(self) -> frozenset[str]:
        try:
            return frozenset(self._shallow_file.read_text("ascii").split())
        except FileNotFoundError:
            return frozenset()
