"""Answering again what was asked before, when nothing changed since: before anything heavy is loaded (docs/adr/0026).

A question is a command line with everything else of this process that decides over the answer. It loads only what loads at once.
"""

from __future__ import annotations

import os
import sys
import time

from llmcfg.cache.stamp import find_answer

TYPE_CHECKING = False  # as in `entry`
if TYPE_CHECKING:
    from llmcfg.git.repository import GitRepository
    from llmcfg.ports import Snapshot

BEGAN_NS = time.time_ns()  # before anything of the answer was read
_VARIABLES = ("HOME", "XDG_CONFIG_HOME", "NO_COLOR", "TERM", "LANG", "LC_ALL")
_OURS = ("LLMCFG_", "_LLMCFG_")
_DAY_SECONDS = 86_400


def answer_again(arguments: list[str]) -> bool:
    """Print what the same command line printed before. False where it has to be run."""
    root, question = cache_folder(), question_of(arguments)
    answer = find_answer(root, question) if root and question else None
    if answer is None:
        return False
    sys.stdout.write(answer[0])
    if answer[1]:
        sys.stdout.flush()  # as `console.note` does
        sys.stderr.write(answer[1])
    return True


def remember_answer(
    question: str | None, answer: tuple[str, str], repository: GitRepository, snapshot: Snapshot
) -> None:
    """Stamp what is said of a snapshot, to stdout and to stderr, unless the question is another one by now."""
    root = cache_folder()
    if root is None or question is None or question != question_of(sys.argv[1:]):
        return
    from pathlib import Path

    from llmcfg.standing import remember

    remember(
        Path(root),
        question,
        (_lines(answer[0]), _lines(answer[1])),
        repository=repository,
        snapshot=snapshot,
        began_ns=BEGAN_NS,
        program=Path(__file__).resolve().parent,
    )


def question_of(arguments: list[str]) -> str | None:
    """None for what is always done anew: other commands, and whatever variables of ours have a say in."""
    if arguments[:1] != ["validate"] or any(name.startswith(_OURS) for name in os.environ):
        return None
    try:
        here = os.getcwd()
    except OSError:
        return None
    terminals = [stream.isatty() for stream in (sys.stdout, sys.stderr)]
    said = [os.environ.get(name) for name in _VARIABLES]
    today = int(time.time()) // _DAY_SECONDS  # findings may depend on the day, in UTC
    return repr((arguments, here, today, os.geteuid(), terminals, said, sys.executable, sys.version))


def cache_folder() -> str | None:
    """The folder of all caches, by the XDG base directory specification; None for who has no home."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if named.startswith("/"):
        return f"{named}/llmcfg"
    home = os.path.expanduser("~")
    return f"{home}/.cache/llmcfg" if home.startswith("/") and os.path.isdir(home) else None


def _lines(text: str) -> str:
    """As `console` prints it."""
    return text if not text or text.endswith("\n") else f"{text}\n"
