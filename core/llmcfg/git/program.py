"""The `git` program, for what it alone knows: attributes and settings, the index, conflicts, merging of text.

Rules: arguments are a list and never a shell's line; nothing that Git would run for a work tree (fsmonitor) is run; private keys that are
in the environment are not handed on. What Git says when it fails becomes the message of an error.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import IntegrityError, LlmcfgError, NotFoundError, UsageError
from llmcfg.git.filenames import MANIFEST
from llmcfg.secrets.guard import KEY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_SAFE: Final = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false")


class Blob(NamedTuple):
    """`content` is at most what was asked for; `size` is all of it."""

    oid: str
    content: bytes
    size: int


class Git:
    """Git in one folder. `index` is another index file than that of the work tree."""

    def __init__(self, folder: Path, environment: Mapping[str, str], index: Path | None = None) -> None:
        self.folder = folder
        self._environment = {name: value for name, value in environment.items() if name not in KEY_VARIABLES}
        if index is not None:
            self._environment["GIT_INDEX_FILE"] = str(index.absolute())

    def run(self, *arguments: str, stdin: bytes = b"", codes: Collection[int] = (0,)) -> bytes:
        """What it prints. Raises LlmcfgError when it ends with a code that is not in `codes`."""
        done = self.attempt(*arguments, stdin=stdin)
        if done.returncode not in codes:
            raise _failed(arguments, done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def attempt(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """The same without judging its exit code."""
        try:
            return subprocess.run(
                self._command(*arguments), input=stdin, capture_output=True, check=False, env=self._environment
            )
        except FileNotFoundError as error:
            raise UsageError("there is no git program on the PATH", hint="install git") from error

    def line(self, *arguments: str, codes: Collection[int] = (0,)) -> str:
        """The one line that it prints; empty for none."""
        return self.run(*arguments, codes=codes).decode("utf-8", "surrogateescape").removesuffix("\n")

    def fields(self, *arguments: str, codes: Collection[int] = (0,)) -> list[str]:
        """What it prints between NULs."""
        text = self.run(*arguments, codes=codes).decode("utf-8", "surrogateescape")
        return text.split("\0")[:-1]

    def blobs(self, oids: Iterable[str], limit: int) -> Iterator[Blob]:
        """Blobs in the order asked for, each read up to `limit` bytes. Raises IntegrityError for one that is missing."""
        with subprocess.Popen(
            self._command("cat-file", "--batch"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for oid in oids:
                process.stdin.write(f"{oid}\n".encode())
                process.stdin.flush()
                header = process.stdout.readline().split()
                if len(header) != 3:
                    raise IntegrityError(f"Git object {oid} is missing or damaged", hint="git fsck says more")
                size = int(header[2])
                content = process.stdout.read(min(size, limit))
                _skip(process.stdout, size - len(content) + 1)
                yield Blob(oid, content, size)
            process.stdin.close()

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "-C", str(self.folder), *_SAFE, *arguments]


def find_top(git: Git) -> Path:
    """The top of the work tree. Raises NotFoundError outside of one."""
    done = git.attempt("rev-parse", "--show-toplevel")
    if done.returncode:
        raise NotFoundError(
            f"{git.folder.resolve()} is not in the work tree of a Git repository",
            hint=_reason(done.stderr.decode("utf-8", "replace")) or "run git init, or name the folder with -C",
        )
    return Path(done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n"))


def find_root(git: Git) -> Path:
    """The folder of the configuration: the nearest with a manifest, from where Git works up to the top; or the top itself."""
    top = find_top(git).resolve()
    here = git.folder.resolve()
    folders = [folder for folder in (here, *here.parents) if folder.is_relative_to(top)]
    return next((folder for folder in folders if (folder / MANIFEST).is_file()), top)


def _skip(stream: IO[bytes], count: int) -> None:
    while count > 0:
        read = stream.read(min(count, 1 << 20))
        count -= len(read)
        if not read:
            raise IntegrityError("git ended while it was read from", hint="git fsck says more")


def _failed(arguments: tuple[str, ...], said: str) -> LlmcfgError:
    reason = _reason(said) or said.strip().partition("\n")[0] or "it says nothing"
    return LlmcfgError(f"git {arguments[0]} failed: {reason}", hint="run it yourself to see more")


def _reason(said: str) -> str:
    lines = [line.partition(": ")[2] or line for line in said.splitlines() if line.startswith(("fatal:", "error:"))]
    return lines[0] if lines else ""
