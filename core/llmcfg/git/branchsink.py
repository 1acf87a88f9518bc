"""The git sink: bundles are committed to a branch of another repository, from where Flux, Argo CD and the like take over.

Only the folder of the sink changes in the tree; everything else in the branch stays as it is, whoever wrote it. The branch only grows:
a push goes through by compare-and-swap or not at all. The commit names the delivery in a trailer.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, Final

from llmcfg.errors import ConflictError, IntegrityError, RemoteError, UsageError
from llmcfg.failpoints import failpoint
from llmcfg.git.durable import ObjectWriter, branch_ref
from llmcfg.git.history import History
from llmcfg.git.objects import Objects
from llmcfg.git.opening import make_bare, open_git
from llmcfg.git.snapshot import read_blob
from llmcfg.git.transport import Transport
from llmcfg.git.walk import TreeReader
from llmcfg.limits import DEPLOYED_DEPTH, DEPLOYED_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llmcfg.git.network import GitProgram
    from llmcfg.model.settings import GitTarget

DELIVERY: Final = "Llmcfg-Delivery"
_COMMITS: Final = 1000  # looked through for the last delivery


class BranchSink:
    """A folder (`path`, empty for the whole tree) of a branch. `clone` is a bare repository of ours, made when it is not there."""

    def __init__(self, program: GitProgram, clone: Path, target: GitTarget, branch: str, path: str) -> None:
        if not any(fnmatchcase(branch, pattern) for pattern in target.branches):
            raise UsageError(
                f"the settings do not let the branch {branch!r} of {target.name} be written",
                hint=f"see branches of repositories.{target.name}",
            )
        self._ref = branch_ref(f"refs/heads/{branch}")
        self._path = path
        self._target = target
        make_bare(clone)
        opened = open_git(clone)
        self._objects = Objects(opened.git)
        self._trees = TreeReader(self._objects)
        self._history = History(self._objects, clone)
        self._writer = ObjectWriter(opened.git, opened.git_dir)
        self._transport = Transport(program, clone, target.access, target.budget)

    @property
    def name(self) -> str:
        return f"git {self._target.name}:{self._ref.removeprefix('refs/heads/')}:{self._path or '/'}"

    @property
    def folder(self) -> None:
        return None

    def observe(self) -> Mapping[str, str] | None:
        """What is no regular file with a sound name has words in place of a digest."""
        tip = self._tip()
        tree = self._trees.find_folder(self._history.commit(tip).tree, self._path) if tip else None
        if tree is None:
            return None
        walked = self._trees.walk(tree, depth=DEPLOYED_DEPTH, count=DEPLOYED_ENTRIES)
        seen = {path: self._digest(entry.oid) for path, entry in walked.entries.items()}
        return seen | {finding.origin.file: finding.rule_id for finding in walked.findings}

    def deliver(self, root: str, files: Mapping[str, bytes]) -> None:
        """Raises ConflictError when somebody else pushed meanwhile, and what a remote raises."""
        tip = self._tip()
        top = self._history.commit(tip).tree if tip else None
        tree = self._writer.write_tree(files)
        if self._path:
            tree = self._writer.graft(top, self._path, tree)
        commit = self._writer.write_commit(tree, (tip,) if tip else (), _message(root, files))
        failpoint("branch.before_push")
        try:
            self._transport.push(commit, self._ref, tip)
        except ConflictError:
            raise
        except RemoteError:
            if self._transport.claims().refs.get(self._ref) != commit:
                raise
        failpoint("branch.after_push")
        if self._transport.clutter() > 1:
            self._transport.tidy()
            self._objects.reopen()

    def delivered(self) -> str | None:
        """By the last commit of the branch that says so."""
        tip = self._tip()
        history = islice(self._history.walk(tip), _COMMITS) if tip else ()
        trailers = (dict(facts.trailers) for facts in history)
        return next((said[DELIVERY] for said in trailers if DELIVERY in said), None)

    def _tip(self) -> str | None:
        """The commit that the branch is at there; its objects are here then."""
        tip = self._transport.claims().refs.get(self._ref)
        if tip is not None and not self._objects.is_stored(tip):
            self._transport.fetch([self._ref])
            if not self._objects.is_stored(tip):
                raise RemoteError(
                    f"{self.name} moved while it was fetched", hint="it is asked again", code="remote-lies"
                )
        return tip

    def _digest(self, oid: str) -> str:
        try:
            return hashlib.sha256(read_blob(self._trees, oid)).hexdigest()
        except IntegrityError as error:
            return f"unreadable: {error.message}"


def _message(root: str, files: Mapping[str, bytes]) -> str:
    head: object = None
    with suppress(KeyError, ValueError):
        head = json.loads(files["head.json"])
    said = head if isinstance(head, dict) else {}
    environment, revision = said.get("environment", "bundles"), said.get("revision")
    source = f"Source-Commit: {revision}\n" if revision else ""
    return f"deliver {environment} {(revision or root)[:10]}\n\n{source}{DELIVERY}: {root}\n"
