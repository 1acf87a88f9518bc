"""What Git makes of two commits, without a work tree and without a trace in the repository.

New objects lie in a folder that is gone afterwards. Neither the attributes nor the drivers of a clone count, so that the answer is that of
a forge, which merges lines.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import UsageError
from llmcfg.git.program import Git
from llmcfg.limits import BLOB_BYTES
from llmcfg.model.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_FILE: Final = "100"  # how the mode of a regular file begins
_CONFLICT: Final = 1
_NOBODY: Final = "0" * 40


class MergedFiles(NamedTuple):
    """By path from the top of the repository: files that are others than ours, None for what is gone; and what Git cannot merge."""

    changed: Mapping[str, bytes | None]
    conflicts: Mapping[str, Versions[bytes]]


def merge_commits(git_dir: Path, environment: Mapping[str, str], ours: str, theirs: str) -> MergedFiles:
    """`git_dir` is the folder with the objects. Raises UsageError where Git cannot do it."""
    folder = Path(mkdtemp(prefix="llmcfg-merge-"))
    try:
        for name in ("objects", "work"):
            (folder / name).mkdir()
        around = {
            "GIT_DIR": str(git_dir),
            "GIT_WORK_TREE": str(folder / "work"),
            "GIT_INDEX_FILE": str(folder / "index"),
            "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(git_dir / "objects"),
        }
        return _merged(Git(folder, {**environment, **around}), ours, theirs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Stage(NamedTuple):
    path: str
    number: str
    oid: str


def _merged(git: Git, ours: str, theirs: str) -> MergedFiles:
    done = git.attempt("merge-tree", "--write-tree", "-z", "--no-messages", ours, theirs)
    if done.returncode not in (0, _CONFLICT):
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise UsageError(f"git merge-tree cannot merge the two: {said}", hint="it needs git 2.38 or newer")
    tree, *conflicts = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    stages = [_stage(field) for field in conflicts if field]
    unmerged = {stage.path for stage in stages}
    fields = git.fields("diff-tree", "-r", "-z", "--no-renames", ours, tree)
    facts = zip(fields[0::2], fields[1::2], strict=True)
    blobs = {path: _file_in(fact) for fact, path in facts if path not in unmerged}
    contents = _contents(git, {*filter(None, blobs.values()), *(stage.oid for stage in stages)})
    return MergedFiles(
        {path: contents[oid] if oid else None for path, oid in blobs.items()},
        {path: _versions(path, stages, contents) for path in sorted(unmerged)},
    )


def _stage(field: str) -> _Stage:
    facts, _, path = field.partition("\t")
    _, oid, number = facts.split()
    return _Stage(path, number, oid)


def _versions(path: str, stages: Sequence[_Stage], contents: Mapping[str, bytes]) -> Versions[bytes]:
    """Empty for a side that has no such file."""
    found = {stage.number: contents[stage.oid] for stage in stages if stage.path == path}
    return Versions(*(found.get(number, b"") for number in "123"))


def _file_in(fact: str) -> str | None:
    """The blob after the merge in a line of diff-tree; None for what is gone, or is no regular file."""
    _, mode, _, oid, _ = fact.split()
    return oid if mode.startswith(_FILE) and oid != _NOBODY else None


def _contents(git: Git, oids: set[str]) -> Mapping[str, bytes]:
    found = {}
    for blob in git.blobs(sorted(oids), BLOB_BYTES + 1):
        if blob.size > BLOB_BYTES:
            raise UsageError(
                f"a merged file has {blob.size} bytes", hint=f"files have at most {BLOB_BYTES} (llmcfg limits)"
            )
        found[blob.oid] = blob.content
    return found
