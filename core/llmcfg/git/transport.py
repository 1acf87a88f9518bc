"""What is said to a remote repository: which refs it has, give me these, take this one. Refs here are moved by nobody but llmcfg.

An answer is a claim of the remote. Only the form of it is checked here; whether it is followed is decided by who asked.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.disk import storage_errors, sync_folder
from llmcfg.errors import ConflictError, IntegrityError, LlmcfgError, NotAuthorisedError, RemoteError, UsageError
from llmcfg.git.complaints import TOO_LARGE, error_of, shown
from llmcfg.limits import REMOTE_REFS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from llmcfg.git.network import GitProgram
    from llmcfg.model.settings import Access, Budget

_LINE: Final = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})\t([^\x00-\x20\x7f]{1,1024})")
_HEAD: Final = re.compile(rb"ref: refs/heads/([^\x00-\x20\x7f]{1,256})\tHEAD")
PACKS: Final = 50
LOOSE: Final = 2000
_BEATEN: Final = re.compile(
    r"stale info|fetch first|non-fast-forward|already exists|failed to update ref|cannot lock ref|incorrect old value"
)


class Claims(NamedTuple):
    """What a remote says of itself: full ref name to object id, and the branch that its HEAD stands for."""

    refs: Mapping[str, str]
    head: str | None = None


class Transport:
    """Speaks with one remote, on behalf of the bare repository `git_dir`."""

    def __init__(self, program: GitProgram, git_dir: Path, access: Access, budget: Budget) -> None:
        self._program = program
        self._git_dir = git_dir
        self._access = access
        self._budget = budget

    @property
    def name(self) -> str:
        return str(self._access.url)

    def claims(self, *more: str) -> Claims:
        """Its branches and tags, and `more` refs. Raises RemoteError, NotAuthorisedError, IntegrityError, UsageError."""
        asked = ["refs/heads/*", "refs/tags/*", *more]
        ran = self._run(["ls-remote", "--quiet", str(self._access.url), *asked])
        return Claims(self._parse(ran.splitlines()))

    def head_branch(self) -> str:
        """The branch that its HEAD stands for."""
        for line in self._run(["ls-remote", "--quiet", "--symref", str(self._access.url), "HEAD"]).splitlines():
            match = _HEAD.fullmatch(line)
            if match:
                return match[1].decode("utf-8", "replace")
        raise RemoteError(
            f"{self.name} does not say which branch is the main one",
            hint="name it with branch in the settings, or push a first commit",
            code="remote-empty",
        )

    def fetch(self, refs: Sequence[str]) -> None:
        """Bring the objects of these refs here, into a pack, flushed. Raises as `claims`; what came so far is removed then."""
        options = [
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--refmap=",
        ]
        try:
            self._run(["fetch", *options, str(self._access.url), *refs], watch=self._growth())
        finally:
            self._remove_rests()
        with storage_errors("flush", self._git_dir):
            sync_folder(self._git_dir / "objects" / "pack")

    def push(self, commit: str, ref: str, expected: str | None) -> None:
        """Make `ref` of the remote be `commit` if it is `expected` there (None: not there).

        Raises ConflictError when it is something else, NotAuthorisedError when the remote forbids it. After a RemoteError nobody knows.
        """
        lease = f"--force-with-lease={ref}:{expected or ''}"
        options = [
            "--quiet",
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            "--no-recurse-submodules",
            "--no-signed",
            lease,
        ]
        arguments = ["push", *options, str(self._access.url), f"{commit}:{ref}"]
        ran = self._program.run(arguments, self._git_dir, self._access, self._budget, may_fail=True)
        if ran.code == 0:
            return
        said = f"{ran.out.decode('utf-8', 'replace')}\n{ran.err.decode('utf-8', 'replace')}"
        if _BEATEN.search(said):
            raise ConflictError(f"{ref} of {self.name} is not what it was", hint="somebody else was first: look again")
        if "rejected]" in said:
            raise NotAuthorisedError(
                f"{self.name} does not take {ref}: {shown(said)}",
                hint="allow this user to push there, or keep the state here with remote.deployed: local",
                code="push-refused",
            )
        raise error_of(ran, self._access.url, self._budget)

    def index_packs(self) -> None:
        """Write the index of every pack again, from the pack."""
        for pack in sorted((self._git_dir / "objects" / "pack").glob("pack-*.pack")):
            index = pack.with_suffix(".idx")
            index.unlink(missing_ok=True)
            self._run(["index-pack", "-o", str(index), str(pack)])

    def clutter(self) -> float:
        """How many packs and loose objects there are, where 1 is so many that they are worth tidying."""
        objects = self._git_dir / "objects"
        return max(len(list(objects.glob("pack/*.pack"))) / PACKS, len(list(objects.glob("??/*"))) / LOOSE)

    def tidy(self) -> None:
        """Put small packs and loose objects into few packs. Every object stays, named by a ref or not.

        It costs what the small ones hold. An end anywhere leaves what was there; what stands in the way shows at the next fetch.
        """
        with suppress(LlmcfgError):
            self._run(["repack", "--quiet", "-d", "--geometric=2", "--no-write-bitmap-index"])

    def _run(self, arguments: Sequence[str], watch: Callable[[], str] = str) -> bytes:
        return self._program.run(arguments, self._git_dir, self._access, self._budget, watch=watch).out

    def _parse(self, lines: Sequence[bytes]) -> dict[str, str]:
        if len(lines) > REMOTE_REFS:
            raise RemoteError(
                f"{self.name} has {len(lines):,} branches and tags; the limit is {REMOTE_REFS:,}",
                hint="remove old ones there",
                code="remote-too-many-refs",
            )
        refs = {}
        for line in lines:
            match = _LINE.fullmatch(line)
            if match is None:
                raise IntegrityError(
                    f"{self.name} answers what is no list of refs", hint="see git ls-remote", code="remote-damaged"
                )
            if len(match[1]) != 40:
                raise UsageError(
                    f"{self.name} is a repository of SHA-256 objects", hint="llmcfg reads SHA-1 repositories"
                )
            with suppress(UnicodeDecodeError):
                refs[match[2].decode()] = match[1].decode()
        return {name: oid for name, oid in refs.items() if not name.endswith("^{}")}

    def _growth(self) -> Callable[[], str]:
        """Stops a fetch that has written too much."""
        folder = self._git_dir / "objects"
        before = _size(folder)
        return lambda: TOO_LARGE if _size(folder) - before > self._budget.bytes else ""

    def _remove_rests(self) -> None:
        """Nobody else writes packs here, so what is half is left over."""
        for path in (self._git_dir / "objects" / "pack").glob("*tmp_*"):
            path.unlink(missing_ok=True)


def _size(folder: Path) -> int:
    """Bytes of the packs and of what is being received."""
    total = 0
    for path in (folder / "pack").iterdir():
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
