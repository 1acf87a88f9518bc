"""The secret files that differ between two revisions, or a revision and the work tree, with their content on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.errors import UnknownRevisionError
from llmcfg.limits import SOPS_FILE_BYTES
from llmcfg.secrets.inspection import looks_sealed
from llmcfg.secrets.scanning import is_secret_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.git.program import Git


class Sides(NamedTuple):
    """`before` and `after` are empty where the file is not there."""

    path: str
    before: bytes
    after: bytes


def changed_secret_files(git: Git, before: str, after: str | None) -> Iterator[Sides]:
    """`git` works at the top of the work tree; `after` None is the work tree. Raises UnknownRevisionError."""
    revisions = [_commit(git, name) for name in (before, after) if name is not None]
    fields = iter(
        git.fields(
            "diff", "--raw", "--no-abbrev", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", *revisions, "--"
        )
    )
    for facts in fields:
        path = next(fields)
        _, mode, old, new, _ = facts.split()
        sides = Sides(
            path, _blob(git, old), _blob(git, new) if set(new) != {"0"} or mode == "000000" else _file(git, path)
        )
        if is_secret_file(path, None) or looks_sealed(sides.before) or looks_sealed(sides.after):
            yield sides


def _commit(git: Git, name: str) -> str:
    done = git.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if done.returncode:
        raise UnknownRevisionError(f"there is no revision {name!r}", hint="git log names commits, git tag releases")
    return done.stdout.decode().strip()


def _blob(git: Git, oid: str) -> bytes:
    if set(oid) == {"0"}:
        return b""
    return next(git.blobs([oid], SOPS_FILE_BYTES)).content


def _file(git: Git, path: str) -> bytes:
    """A file of the work tree that differs from the index."""
    place = Path(git.folder, path)
    return place.read_bytes() if place.is_file() and not place.is_symlink() else b""
