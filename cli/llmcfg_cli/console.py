"""The terminal: the answer of a command goes to stdout, everything else to stderr.

Rules: colour only on a terminal, without NO_COLOR and unless TERM is dumb. No question and no moving text without a terminal; a
question that cannot be asked becomes a usage error that names the option which answers it.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from llmcfg.errors import UsageError
from llmcfg_cli.views.text import Style, clip, exact_lines, paint, visible, visible_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmcfg.model.progress import Progress


PROGRESS_DELAY: Final = 0.5  # seconds before anything moves
_PROGRESS_INTERVAL: Final = 0.1
_SPINNER: Final = "|/-\\"
_ERASE: Final = "\r\x1b[K"
_last_line = threading.Lock()  # whoever holds it writes on the last line of the terminal: moving text, or a question
_is_moving = threading.Event()  # whether there is moving text on it


def out(text: str) -> None:
    """Print the answer, with one line break at its end. Nothing for an empty answer."""
    if text:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def out_bytes(content: bytes) -> None:
    """Print a file's bytes as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def out_file(content: bytes) -> None:
    """Print a file for programs as it is, and on a terminal, where it could act, as text that cannot."""
    if sys.stdout.isatty():
        out(exact_lines(content.decode("utf-8", "backslashreplace")))
    else:
        out_bytes(content)


def note(text: str, *, quiet: bool = False) -> None:
    """Say something beside the answer."""
    if text and not quiet:
        sys.stdout.flush()  # on a terminal both streams show in the order in which they were written
        print(text, file=sys.stderr)


def report_error(message: str, hint: str = "") -> None:
    """`error: …` and `hint: …` on stderr; both may hold data."""
    colour = has_colour(sys.stderr)
    note(f"{paint('error:', Style.RED, colour)} {visible_lines(message)}")
    if hint:
        note(f"{paint('hint:', Style.CYAN, colour)} {visible_lines(hint)}")


def has_colour(stream: TextIO | None = None) -> bool:
    """Whether text for `stream` (stdout by default) may hold colour."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return (stream or sys.stdout).isatty()


def width() -> int:
    """Columns of the terminal; 80 where there is none."""
    import shutil

    return shutil.get_terminal_size().columns


def table_width() -> int | None:
    """The columns that a table may take: the terminal's, or None where stdout is none."""
    return width() if sys.stdout.isatty() else None


def short_path(path: Path) -> str:
    """A path as it is written from here: relative where it lies below the current folder."""
    place, here = path.resolve(), Path.cwd()
    return str(place.relative_to(here)) if place.is_relative_to(here) else str(place)


def is_interactive() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def check_interactive(option: str) -> None:
    """Raises UsageError naming `option` where nobody is there to be asked."""
    if not is_interactive():
        raise UsageError("this needs an answer, and there is no terminal to ask on", hint=f"pass {option} to go on")


def ask(question: str, *, option: str = "--yes") -> bool:
    """Ask yes or no; no is the default. Raises UsageError naming `option` where nobody can answer."""
    return _answer(f"{visible(question)} [y/N] ", option).lower() in ("y", "yes")


def confirm_environment(name: str, *, option: str = "--yes") -> bool:
    """Ask to type the name of a protected environment; whether it was typed."""
    return _answer(f"{visible(name)} is protected; type its name to go on: ", option) == name


def ask_text(question: str, *, option: str) -> str:
    """Ask for a line of text; it may be empty."""
    return _answer(f"{visible(question)}: ", option)


def ask_hidden(question: str, *, option: str) -> str:
    """Ask for a line of text that is not shown as it is typed. Raises UsageError naming `option` where nobody can answer."""
    from getpass import getpass

    check_interactive(option)
    with undisturbed():
        try:
            return getpass(f"{visible(question)}: ", sys.stderr)
        except EOFError:
            return ""


def _answer(prompt: str, option: str) -> str:
    check_interactive(option)
    sys.stdout.flush()
    with undisturbed():
        sys.stderr.write(prompt)
        sys.stderr.flush()
        answer = ""
        try:
            answer = sys.stdin.readline()
        finally:
            if not answer.endswith("\n"):  # Ctrl-C or Ctrl-D: the cursor still stands behind the question
                print(file=sys.stderr)
    return answer.strip()


@contextmanager
def progress(
    label: str | Callable[[], str], work: Progress | None = None, *, quiet: bool = False, delay: float = PROGRESS_DELAY
) -> Iterator[None]:
    """Show on a terminal that work goes on, once it has gone on for `delay` seconds: its counts, and without any the `label`.

    A `label` that is a function is asked each time. All of it is erased at the end.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    from llmcfg.model.progress import Progress

    counts, finished = work or Progress(), threading.Event()
    text = label if callable(label) else lambda: label
    shown = threading.Thread(target=_spin, args=(finished, delay, lambda: visible(str(counts) or text())), daemon=True)
    with counts.watched():
        shown.start()
        try:
            yield
        finally:
            finished.set()
            shown.join()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Nothing moves on the terminal meanwhile: a question can be asked in the middle of work."""
    with _last_line:
        _erase()
        yield


def _spin(finished: threading.Event, delay: float, text: Callable[[], str]) -> None:
    turn = 0
    while not finished.wait(_PROGRESS_INTERVAL if turn else delay):
        with _last_line:
            sys.stderr.write(f"{_ERASE}{clip(f'{_SPINNER[turn % len(_SPINNER)]} {text()}', width() - 1)}")
            sys.stderr.flush()
            _is_moving.set()
        turn += 1
    with _last_line:
        _erase()


def _erase() -> None:
    if _is_moving.is_set():
        _is_moving.clear()
        sys.stderr.write(_ERASE)
        sys.stderr.flush()
