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
    from collections.abc import Iterable
    from pathlib import Path

    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import Snapshot
    from llmcfg.standing import Grounded
    from llmcfg.sync.plan import Plan
    from llmcfg.wiring import Workspace

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
    question: str | None,
    answer: tuple[str, str],
    repository: Grounded,
    snapshot: Snapshot,
    places: Iterable[Path] = (),
) -> None:
    """Stamp what is said, of a snapshot and of what lies in `places`, unless by now the question is another one."""
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
        places=places,
    )


def remember_plan(
    question: str | None, answer: tuple[str, str], workspace: Workspace, configuration: Configuration, plan: Plan
) -> None:
    """Stamp what is said of a plan that has nothing to do."""
    if question is None or workspace.repository.is_bare:
        return
    from llmcfg.standing import places_of
    from llmcfg.sync.deliveries import find_sinks

    track = workspace.configuration("HEAD").manifest.environments[plan.environment].track
    sinks = find_sinks(configuration, plan.environment)
    places = places_of(plan, workspace.repository, track, sinks, workspace.delivery_root)
    if places is not None:
        remember_answer(question, answer, workspace.repository, workspace.snapshot(None), places)


def question_of(arguments: list[str]) -> str | None:
    """None for what is always done anew: whatever variables of ours have a say in."""
    if any(name.startswith(_OURS) for name in os.environ):
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
