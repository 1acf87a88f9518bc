"""Named places at which a test makes the program end, fail or wait, to see that nothing is lost there (docs/spec/faults.md).

    LLMCFG_FAILPOINTS="act.after_commit=exit:137;fetch.before=sleep:200;record.before=raise:ENOSPC"

Nothing is armed unless the command line was told to, and then this costs one look at an empty dictionary. A point may carry a
count, `name@3=exit`, and then acts on its third visit only. Each name stands at one place; tests hold the list.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from typing import NamedTuple

from llmcfg.errors import UsageError


class Action(NamedTuple):
    verb: str
    argument: str
    visit: int  # the one at which it acts; 0 is every one


ARMED: dict[str, Action] = {}
_visits: dict[str, int] = {}


def failpoint(name: str) -> None:
    """Does nothing, unless `name` is armed."""
    if ARMED:
        _reach(name)


def arm(text: str) -> None:
    """Arm the points of `text`, and no others. Raises UsageError for what cannot be read."""
    ARMED.clear()
    _visits.clear()
    for item in text.split(";"):
        if item.strip():
            name, action = _parse(item.strip())
            ARMED[name] = action


def _parse(item: str) -> tuple[str, Action]:
    place, _, action = item.partition("=")
    name, _, visit = place.partition("@")
    verb, _, argument = action.partition(":")
    is_known = verb in ("exit", "kill") or (verb == "sleep" and argument.isdigit())
    is_known = is_known or (verb == "raise" and hasattr(errno, argument))
    if not is_known or not (visit or "0").isdigit() or (verb == "exit" and not (argument or "0").isdigit()):
        raise UsageError(
            f"{item!r} is no failpoint", hint="write name=exit:1, name=kill, name=sleep:200 or name=raise:ENOSPC"
        )
    return name, Action(verb, argument, int(visit or 0))


def _reach(name: str) -> None:
    action = ARMED.get(name)
    if action is None:
        return
    _visits[name] = _visits.get(name, 0) + 1
    if action.visit not in (0, _visits[name]):
        return
    match action.verb:
        case "exit":
            os._exit(int(action.argument or 137))
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            time.sleep(int(action.argument) / 1000)
        case _:
            number = getattr(errno, action.argument)
            raise OSError(number, os.strerror(number))
