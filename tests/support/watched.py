"""A `llmcfg` process that is looked at while it runs: itself and all that it starts, with their command lines, environments and limits.

What runs for a moment only is seen too: `git`, the editor and the program that prints a key are scripts of the test, which write down
their own command line and environment, and those of the process that started them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

_SECONDS: Final = 120
_PAUSE: Final = 0.004
# A test of this process may have turned them off.
_WITH_CORES: Final = 'ulimit -S -c "$(ulimit -H -c)"; exec "$0" "$@"'
_RECORD: Final = """\
#!/bin/sh
{{
    cat /proc/$$/cmdline /proc/$$/environ > "{records}/{name}.$$"
    cat /proc/$PPID/cmdline /proc/$PPID/environ > "{records}/starter-of-{name}.$PPID"
}} 2> "{records}/unreadable"
sed -n "s/^Max core file size *\\([^ ]*\\).*/\\1/p" /proc/$PPID/limits >> "{records}/core.{name}"
{body}
"""


class Ran(NamedTuple):
    """What came of a process. `seen` is what it and its children were started with; `cores`, the limits of core dumps in it."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    seen: Mapping[str, bytes]
    cores: frozenset[str]


class Programs:
    """A folder for PATH with programs that tell what they were started with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records = folder / "records"
        self._records.mkdir(parents=True)
        self.make("git", f'exec {shutil.which("git")} "$@"')

    def make(self, name: str, body: str) -> Path:
        program = self.folder / name
        program.write_text(_RECORD.format(records=self._records, name=name, body=body))
        program.chmod(0o755)
        return program

    def take(self) -> tuple[dict[str, bytes], frozenset[str]]:
        """What was recorded since the last time: what there was to see, and the core limits of those who started an opening program."""
        seen: dict[str, bytes] = {}
        cores: set[str] = set()
        for record in self._records.iterdir():
            if record.name.startswith("core."):
                cores |= set() if record.name.startswith("core.git") else {*record.read_text().split()}
            else:
                seen[record.name] = record.read_bytes()
            record.unlink()
        return seen, frozenset(cores)


def run_watched(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    programs: Programs,
    stdin: bytes | None = None,
    end_when: Path | None = None,
) -> Ran:
    """Run it to its end; SIGTERM once `end_when` is there. What goes to stdin is written when no core dump would hold it any more."""
    process = subprocess.Popen(
        ["sh", "-c", _WITH_CORES, *command], cwd=folder, env=dict(environment), start_new_session=True,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with _ended(process), _sampled(process.pid) as seen:
        if stdin is not None:
            assert process.stdin is not None
            still = "core dumps are still on when it waits for stdin"
            _wait(lambda: core_limit(process.pid) == "0" or process.poll() is not None, still)
            with suppress(BrokenPipeError):
                process.stdin.write(stdin)
                process.stdin.flush()
        if end_when is not None:
            _wait(end_when.exists, f"{end_when} never came")
            _look(process.pid, seen)
            process.send_signal(signal.SIGTERM)
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.stdin = None
        stdout, stderr = process.communicate(timeout=_SECONDS)
    recorded, cores = programs.take()
    return Ran(process.returncode, stdout, stderr, {**seen, **recorded}, cores)


def core_limit(pid: int) -> str:
    """The size that a core dump of the process may have; empty when it is gone."""
    for line in _read(pid, "limits").decode().splitlines():
        if line.startswith("Max core file size"):
            return line.split()[4]
    return ""


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Nothing of its session outlives the body."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _sampled(pid: int) -> Iterator[dict[str, bytes]]:
    """Command lines and environments of a process and its descendants, looked at again and again while the body runs."""
    seen: dict[str, bytes] = {}
    done = threading.Event()

    def look() -> None:
        while not done.wait(_PAUSE):
            _look(pid, seen)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def _look(pid: int, seen: dict[str, bytes]) -> None:
    for one in _family(pid):
        for part in ("cmdline", "environ"):
            content = _read(one, part)
            seen[f"{'it' if one == pid else 'a child'}.{part}.{hash(content)}"] = content


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in _read(pid, f"task/{pid}/children").split():
        yield from _family(int(child))


def _read(pid: int, part: str) -> bytes:
    """Nothing when the process is gone, or keeps it from us."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{part}").read_bytes()
    return b""


def _wait(condition, what: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(_PAUSE)
