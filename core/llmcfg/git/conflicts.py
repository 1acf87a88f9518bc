"""What Git keeps of a file while two versions of it are in conflict, and what its own merge of text makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import IntegrityError, NotFoundError, UsageError
from llmcfg.limits import SOPS_FILE_BYTES
from llmcfg.model.versions import TextMerge, Versions

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.git.program import Git

_TOO_MANY = 128  # conflicts are counted in the exit code up to here; what is above is a failure


def read_versions(git: Git, file: Path) -> Versions[bytes]:
    """The three versions of a file in conflict, in whose folder Git works.

    Raises NotFoundError for a file that is in no conflict, UsageError for one that a side removed.
    """
    stages: dict[str, str] = {}
    for field in git.fields("--literal-pathspecs", "ls-files", "--unmerged", "-z", "--", file.name):
        facts, _, _ = field.partition("\t")
        _, oid, stage = facts.split()
        stages[stage] = oid
    if not stages:
        raise NotFoundError(f"{file} is in no conflict", hint="git status lists the files that are")
    if "2" not in stages or "3" not in stages:
        side = "ours" if "2" not in stages else "theirs"
        raise UsageError(f"{side} removed {file}", hint=f"keep it with git add {file}, or remove it with git rm {file}")
    contents = {blob.oid: blob.content for blob in git.blobs(sorted({*stages.values()}), SOPS_FILE_BYTES + 1)}
    return Versions(*(contents[stages[stage]] if stage in stages else b"" for stage in "123"))


def mark_resolved(git: Git, file: Path) -> None:
    """Take what lies in the work tree as the answer."""
    git.run("--literal-pathspecs", "add", "--", file.name)


def merge_text(git: Git, base: Path, ours: Path, theirs: Path) -> TextMerge:
    """As Git merges files that have no driver. Nothing is written."""
    files = [str(path.absolute()) for path in (ours, base, theirs)]
    labels = [word for label in ("ours", "base", "theirs") for word in ("-L", label)]
    done = git.attempt("merge-file", "-p", *labels, *files)
    if not 0 <= done.returncode < _TOO_MANY:
        raise IntegrityError("git merge-file cannot merge the lines", hint="they may be binary: take one side")
    return TextMerge(done.stdout, done.returncode == 0)
