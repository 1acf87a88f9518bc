"""Plaintext in front of an editor: in memory, for as long as the editor runs, and wiped after it.

Rules: the file lies in a folder of its own that no other user can enter, and is wiped with everything that the editor leaves beside it,
also when this process is told to end. What a killed process left is wiped by the next `secret` command. The editor gets no private key in
its environment.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmcfg.errors import ConflictError, UsageError
from llmcfg_cli.console import ask, is_interactive, note, report_error
from llmcfg_cli.views.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from llmcfg.custody.edits import Edit

# Options that keep vim from writing swap, backup, undo and history files elsewhere, as its settings may say.
_VIM: Final = ("-n", "-i", "NONE", "-c", "set nobackup nowritebackup noundofile noswapfile")
_VIMS: Final = ("vim", "nvim", "gvim", "vim.basic", "vim.nox", "vim.gtk3")
_ENDINGS: Final = (signal.SIGTERM, signal.SIGHUP)


def edit_plaintext(edit: Edit, parent: Path) -> bool:
    """Let the user edit it in a folder below `parent`, and save what came of it. Whether anything was saved.

    What is refused can be edited again on a terminal.
    """
    from llmcfg.secrets.plainfolder import plain_folder

    with _endings() as endings, plain_folder(parent) as folder:
        place = folder / edit.name
        with open(place, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as stream:
            stream.write(edit.plain)
        while True:
            _run_editor(place, endings)
            edited = _read(place)
            if edited == edit.plain:
                return False
            try:
                return edit.save(edited)
            except (UsageError, ConflictError) as error:
                if not is_interactive():
                    raise
                report_error(error.message, error.hint)
                if ask("give up what you edited?"):
                    raise UsageError("nothing was written", hint="what you edited is wiped") from None


def guard() -> None:
    """Keep core dumps of this process off, whatever it reads, and wipe plaintext that killed processes of this user left."""
    from llmcfg.secrets.guard import forbid_dumps
    from llmcfg.secrets.plainfolder import memory_folders, sweep

    forbid_dumps()
    count = sweep([*memory_folders(os.environ), Path(tempfile.gettempdir())])
    if count:
        note(f"wiped what {plural(count, 'edit')} had left in plaintext")


def choose_parent(folders: Iterable[Path], *, on_disk: bool) -> Path:
    """The folder for plaintext: one of these that is in memory. Raises UsageError where none is, unless a disk will do."""
    from llmcfg.secrets.plainfolder import find_memory

    memory = find_memory(folders)
    if memory is None and not on_disk:
        raise UsageError(
            "this system has no folder in memory, so the plaintext would be written to a disk",
            hint="mount a tmpfs at /dev/shm, or accept it with --on-disk: a disk may keep what is overwritten",
        )
    return memory or Path(tempfile.gettempdir())


def _run_editor(place: Path, endings: _Endings) -> None:
    from llmcfg.secrets.age.places import without_keys

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(editor)
        program = Path(words[0]).name
        options = _VIM if program in _VIMS else ()
        environment = {**without_keys(os.environ), "TMPDIR": str(place.parent)}
        code = _run([*words, *options, str(place)], environment, endings)
    except (OSError, ValueError, IndexError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no command line"
        raise UsageError(f"the editor {editor!r} cannot be run: {why}", hint="set VISUAL or EDITOR") from None
    if code == -signal.SIGINT:
        raise KeyboardInterrupt
    if code:
        raise UsageError(f"the editor ended with {code}, so nothing was written", hint="run it again")


def _run(arguments: list[str], environment: dict[str, str], endings: _Endings) -> int:
    """The exit code of a program, which ends when this process is told to."""
    with endings.held():
        child = subprocess.Popen(arguments, env=environment)
    with child:
        try:
            endings.check()
            return child.wait()
        except BaseException:
            child.kill()
            raise


def _read(place: Path) -> bytes:
    from llmcfg_cli.new_values import read_bounded

    try:
        with place.open("rb") as stream:
            return read_bounded(stream.read, "what you edited")
    except FileNotFoundError:
        raise UsageError("the editor removed the file, so nothing was written", hint="run it again") from None


class _Endings:
    """Signals that end this process raise where it is, so that all is wiped.

    While a program is being started they wait, or it would be left behind by who does not know it yet.
    """

    def __init__(self) -> None:
        self._is_held = False
        self._number = 0

    def end(self, number: int, _frame: FrameType | None) -> None:
        self._number = number
        if not self._is_held:
            self.check()

    def check(self) -> None:
        if self._number:
            sys.exit(128 + self._number)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False


@contextmanager
def _endings() -> Iterator[_Endings]:
    """As long as the body runs; an interrupt is the editor's."""
    endings = _Endings()
    before = {number: signal.signal(number, endings.end) for number in _ENDINGS}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield endings
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
