"""Which commit broke a value: a search among the commits that changed it, by a test of the value alone.

A test hears nothing but the value, so it is asked once for each. Where the key is not set at the older end there is nothing to ask, and it
counts as good.
"""

from __future__ import annotations

import json
import tempfile
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg import limits
from llmcfg.errors import LlmcfgError, NotFoundError, RemoteError, UsageError
from llmcfg.model.change import ABSENT
from llmcfg.running import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmcfg.model.change import Side
    from llmcfg.sync.history import KeyChange

_SKIPPED: Final = 125  # the exit codes of `git bisect run`
_CANNOT_RUN: Final = (126, 127)


class Verdict(Enum):
    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"


class Tested(NamedTuple):
    """A value that was asked about, and the commit that brought it; None for the value at the older end."""

    change: KeyChange | None
    value: Side
    verdict: Verdict


class Bisection(NamedTuple):
    """`suspects` are the changes, oldest first, of which one is the first bad; more than one where values between them were skipped."""

    suspects: tuple[KeyChange, ...]
    tested: tuple[Tested, ...]
    changes: int

    @property
    def first_bad(self) -> KeyChange | None:
        return self.suspects[0] if len(self.suspects) == 1 else None


def find_first_bad(changes: Sequence[KeyChange], test: Callable[[Side], Verdict]) -> Bisection:
    """`changes` oldest first. Raises NotFoundError unless the newest value is bad and the oldest good."""
    if not changes:
        raise NotFoundError(
            "no commit of this range changed the value",
            hint="name an older --good, or see them all: llmcfg history KEY -e ENV",
        )
    return _Search(changes, test).run()


class _Search:
    def __init__(self, changes: Sequence[KeyChange], test: Callable[[Side], Verdict]) -> None:
        self._changes = changes
        self._test = test
        self._known: dict[str, Verdict] = {}
        self._tested: list[Tested] = []

    def run(self) -> Bisection:
        self._check_ends()
        good, bad = -1, len(self._changes) - 1
        skipped: set[int] = set()
        while between := [at for at in range(good + 1, bad) if at not in skipped]:
            middle = between[len(between) // 2]
            match self._ask(self._changes[middle], self._changes[middle].after):
                case Verdict.GOOD:
                    good = middle
                case Verdict.BAD:
                    bad = middle
                case Verdict.SKIPPED:
                    skipped.add(middle)
        return Bisection(tuple(self._changes[good + 1 : bad + 1]), tuple(self._tested), len(self._changes))

    def _check_ends(self) -> None:
        newest, oldest = self._changes[-1], self._changes[0]
        is_bad = self._ask(newest, newest.after)
        if is_bad is not Verdict.BAD:
            where = f"the newest value, of {newest.facts.commit[:10]}"
            said = "cannot be told" if is_bad is Verdict.SKIPPED else "is not bad, so no commit made it so"
            raise NotFoundError(f"{where}, {said}", hint="name a revision at which it is bad with --bad REV")
        was_good = Verdict.GOOD if oldest.before is ABSENT else self._ask(None, oldest.before)
        if was_good is not Verdict.GOOD:
            where = f"the oldest value, from before {oldest.facts.commit[:10]}"
            said = "cannot be told" if was_good is Verdict.SKIPPED else "is not good, so it was bad before that"
            raise NotFoundError(f"{where}, {said}", hint="name a revision at which it is good with --good REV")

    def _ask(self, change: KeyChange | None, value: Side) -> Verdict:
        text = "" if value is ABSENT else json.dumps(value, sort_keys=True)
        if text not in self._known:
            self._known[text] = self._test(value)
            self._tested.append(Tested(change, value, self._known[text]))
        return self._known[text]


def run_test(command: str, value: Side, environment: Mapping[str, str]) -> Verdict:
    """Ask a shell command about a value: on its stdin, and in LLMCFG_VALUE unless the system could not pass that on.

    Text comes as it is, everything else as JSON, and nothing at all where the key is not set. Raises UsageError when the command cannot be
    run, LlmcfgError when a signal ended it, RemoteError when it ran too long or said too much.
    """
    text = "" if value is ABSENT else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    given = {name: content for name, content in environment.items() if name != "LLMCFG_VALUE"}
    if value is not ABSENT and "\0" not in text and len(text.encode()) <= limits.BISECT_VARIABLE_BYTES:
        given["LLMCFG_VALUE"] = text
    with tempfile.TemporaryFile() as stdin:
        stdin.write(b"" if value is ABSENT else f"{text}\n".encode())
        stdin.seek(0)
        ran = run(["/bin/sh", "-c", command], environment=given, seconds=limits.BISECT_SECONDS, stdin=stdin.fileno())
    if ran.stopped:
        limit = f"ran for more than {limits.BISECT_SECONDS} seconds" if ran.stopped == "time" else "said too much"
        raise RemoteError(f"the test {command!r} {limit}", hint="make it quicker or quieter")
    return _verdict(command, ran.code, _last_line(ran.err))


def _verdict(command: str, code: int, said: str) -> Verdict:
    if code == 0:
        return Verdict.GOOD
    if code == _SKIPPED:
        return Verdict.SKIPPED
    if code in _CANNOT_RUN:
        raise UsageError(f"the test {command!r} cannot be run (exit code {code}){said}", hint="try it by itself")
    if code < 0 or code > _CANNOT_RUN[1]:
        signal = -code if code < 0 else code - 128
        raise LlmcfgError(
            f"the test {command!r} was ended by signal {signal}{said}",
            hint="let it exit with 0 for good, 1 to 124 for bad, 125 for cannot tell",
        )
    return Verdict.BAD


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""
