"""Runs sessions: a real shell, a real `llmcfg` process, a directory of their own, and a clock that tells a minute a command."""

from __future__ import annotations

import difflib
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .script import Answer, fill, match, parse_documentation, parse_session, rewrite, written

if TYPE_CHECKING:
    from .script import Session, Step

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
_LONGEST: Final = 120
START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_SHELL: Final = """\
[ ! -f "$LLMCFG_SESSION/state" ] || . "$LLMCFG_SESSION/state"
{dates}
trap '{{ export -p; printf "cd %q\\n" "$PWD"; }} > "$LLMCFG_SESSION/state"' EXIT
{command}
"""


class SessionError(AssertionError):
    """A command did not answer as the session says; the message shows both."""


def run_file(path: Path, scratch: Path) -> None:
    """Run every session of a file. Raises SessionError."""
    for number, session in enumerate(read_sessions(path)):
        with World(scratch / str(number), session) as world:
            for step in session.steps:
                answer = world.run(step)
                found = match(step, answer, world.known)
                if found is None:
                    raise SessionError(_difference(path, step, answer, world))
                world.known |= found


def update_file(path: Path, scratch: Path) -> bool:
    """Run every session of a file and write down what it answered where that differs; whether anything did."""
    text = path.read_text(encoding="utf-8")
    replaced: list[tuple[Step, list[str]]] = []
    for number, session in enumerate(read_sessions(path)):
        with World(scratch / str(number), session) as world:
            for step in session.steps:
                answer = world.run(step)
                found = match(step, answer, world.known)
                if found is None:
                    replaced.append((step, written(answer, world.known)))
                world.known |= found or {}
    if replaced:
        path.write_text(rewrite(text, replaced), encoding="utf-8")
    return bool(replaced)


def session_files() -> list[Path]:
    return sorted(Path(__file__).parent.glob("*.session"))


def documentation_files() -> list[Path]:
    """README.md and the pages of docs/ that have sessions."""
    pages = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
    return [page for page in pages if page.is_file() and parse_documentation(page.read_text(encoding="utf-8"))]


def read_sessions(path: Path) -> list[Session]:
    text = path.read_text(encoding="utf-8")
    return [parse_session(text)] if path.suffix == ".session" else parse_documentation(text)


class World:
    """Where one session runs. `known` are the values that its output gave names to, and `here`, its directory.

    As a context it ends what the session left running in the background.
    """

    def __init__(self, scratch: Path, session: Session) -> None:
        self.state = scratch / "state"
        self.here = scratch / "work"
        self.commands = 0
        self.groups: list[int] = []
        self.known = {"here": str(self.here)}
        self.state.mkdir(parents=True)
        self._install("llmcfg", "-m llmcfg_cli")
        self._install("python")
        (self.state / ".gitconfig").write_text(
            "[user]\n\tname = Ada Example\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
            "[commit]\n\tgpgsign = false\n[advice]\n\tdetachedHead = false\n",
            encoding="utf-8",
        )
        if session.repository:
            shutil.copytree(PROJECT / session.repository, self.here)
            self._shell("git init -q && git add -A && git commit -q -m 'Start'")
        else:
            self.here.mkdir()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        for group in self.groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)

    def run(self, step: Step) -> Answer:
        return self._shell(fill(step.command, self.known))

    def _shell(self, command: str) -> Answer:
        now = (START + timedelta(minutes=self.commands)).isoformat()
        self.commands += 1
        dates = f"export GIT_AUTHOR_DATE={now} GIT_COMMITTER_DATE={now}"
        shell = subprocess.Popen(
            ["bash", "-c", _SHELL.format(dates=dates, command=command)],
            cwd=self.here,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.groups.append(shell.pid)
        try:
            said, _ = shell.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            said, _ = shell.communicate()
            raise SessionError(
                f"{command!r} did not end within {_LONGEST} s; so far: {said.decode(errors='replace')}"
            ) from None
        return Answer(said.decode("utf-8", "backslashreplace"), shell.returncode)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.state}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.state),
            "LLMCFG_SESSION": str(self.state),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "dumb",
            "COLUMNS": "100",
            "LLMCFG_AS_OF": "2026-11-25",  # models retire; what is shown here does not change by that
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONWARNINGS": "error",
            **{name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "PYTHONPATH"))},
        }

    def _install(self, name: str, arguments: str = "") -> None:
        """A program of the session: this interpreter, with these arguments first."""
        program = self.state / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8")
        program.chmod(0o755)


def _difference(path: Path, step: Step, answer: Answer, world: World) -> str:
    expected = [*step.expected, *([f"[exit {step.exit_code}]"] if step.exit_code else [])]
    lines = difflib.unified_diff(expected, written(answer, world.known), "expected", "answered", lineterm="", n=100)
    return "\n".join([f"{path}:{step.first}: $ {step.command}", *lines])
