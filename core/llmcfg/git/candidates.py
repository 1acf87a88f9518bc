"""The files that are looked through for secrets before a commit: what is staged, or what lies in the work tree.

What is staged is read from the index and never from the work tree, so that it is what the commit will hold.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import NotFoundError
from llmcfg.limits import SCAN_BYTES
from llmcfg.secrets.inspection import looks_sealed
from llmcfg.secrets.scanning import CREATION, Content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from llmcfg.git.program import Git

_FILES: Final = frozenset({"100644", "100755"})


class _Version(NamedTuple):
    """A file as it is staged, and the blob before; `before` is empty for a new file."""

    path: str
    oid: str
    before: str


def staged(git: Git) -> Iterator[Content]:
    """What the next commit adds or changes."""
    versions = list(_staged(git))
    changed = git.blobs((version.oid for version in versions), SCAN_BYTES)
    earlier = git.blobs((version.before for version in versions if version.before), SCAN_BYTES)
    for version, blob in zip(versions, changed, strict=True):
        before = next(earlier).content if version.before else b""
        was_encrypted = looks_sealed(before) and not looks_sealed(blob.content)
        yield Content(version.path, blob.content, blob.size, was_encrypted)


def staged_rules(git: Git) -> Callable[[str], bytes | None]:
    """The `.sops.yaml` files of the index."""
    oids = {}
    for field in git.fields("ls-files", "--stage", "-z", "--", CREATION, f"**/{CREATION}"):
        facts, _, path = field.partition("\t")
        oids[path] = facts.split()[1]
    contents = {blob.oid: blob.content for blob in git.blobs(sorted({*oids.values()}), SCAN_BYTES)} if oids else {}
    return {path: contents[oid] for path, oid in oids.items()}.get


def lying(git: Git, paths: Sequence[str]) -> tuple[Path, Iterator[Content]]:
    """The folder that the names of files start at, and the files at and below these paths of the folder that Git works in.

    Files that are named are taken as they are; of folders, what Git tracks or does not ignore. Outside of a work tree all files are taken.
    """
    done = git.attempt("rev-parse", "--show-toplevel")
    here = git.folder.resolve()
    root = (
        Path(done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")).resolve()
        if not done.returncode
        else here
    )
    places = [here / path for path in paths] or [root]
    missing = next((place for place in places if not place.exists()), None)
    if missing is not None:
        raise NotFoundError(f"{missing} does not exist", hint="name files and folders that do")
    found = (file for place in places for file in _below(None if done.returncode else git, place))
    return root, (_read(root, file) for file in dict.fromkeys(found))


def _below(git: Git | None, place: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield place
    elif git is None:
        yield from sorted(path for path in place.rglob("*") if path.is_file() and ".git" not in path.parts)
    else:
        listed = git.fields(
            "--literal-pathspecs", "-C", str(place), "ls-files", "-z", "-co", "--exclude-standard", "--", "."
        )
        files = (place / name for name in sorted({*listed}))
        yield from (file for file in files if file.is_file() and not file.is_symlink())


def _read(root: Path, file: Path) -> Content:
    with file.open("rb") as stream:
        content = stream.read(SCAN_BYTES)
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
    return Content(name, content, file.stat().st_size)


def on_disk(root: Path) -> Callable[[str], bytes | None]:
    """The `.sops.yaml` files below a folder."""

    def read(path: str) -> bytes | None:
        place = root / path
        return place.read_bytes() if place.is_file() else None

    return read


def _staged(git: Git) -> Iterator[_Version]:
    fields = iter(
        git.fields("diff", "--cached", "--raw", "--no-abbrev", "-z", "--no-renames", "--no-ext-diff", "--diff-filter=d")
    )
    for facts in fields:
        path = next(fields)
        old_mode, mode, old, new, status = facts.removeprefix(":").split()
        if mode in _FILES and status != "U":
            yield _Version(path, new, old if old_mode in _FILES else "")
