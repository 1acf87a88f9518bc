"""The child that makes passes, one at a time. It reads repositories, so it is limited and may die: the supervisor starts another one.

It ends when its stdin does, so it never outlives the supervisor for longer than a pass; and a pass may be killed anywhere.
"""

from __future__ import annotations

import os
import resource
import select
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from llmcfg import failpoints
from llmcfg.daemon.around import surroundings_of
from llmcfg.daemon.passes import make_pass
from llmcfg.daemon.session import open_session
from llmcfg.daemon.state import StateFolder
from llmcfg.daemon.wire import MOST_LINE, Build, Built, Start, StepTaken, read_for_child, write_line
from llmcfg.pipeline.templates.render import load_engine
from llmcfg.secrets.held import read_with
from llmcfg.sync.deliveries import is_quick

if TYPE_CHECKING:
    from llmcfg.daemon.session import Session
    from llmcfg.model.manifest import SinkSpec
    from llmcfg.ports import Sink
    from llmcfg.sync.deliveries import MakeSink
    from llmcfg.wiring import Workspace

_IDLE_SECONDS: Final = 5.0


def main(stdin: BinaryIO, stdout: BinaryIO) -> None:
    start = read_for_child(stdin.readline(MOST_LINE))
    assert isinstance(start, Start)
    failpoints.arm(start.failpoints)
    _limit(start.settings.memory_bytes)
    load_engine()
    session: Session | None = None
    surroundings = surroundings_of(start, os.environ)
    reader = read_with(surroundings.identities)

    def tell(step: str, environment: str) -> None:
        _say(stdout, StepTaken(step, environment))

    for line in iter(lambda: stdin.readline(MOST_LINE), b""):
        asked = read_for_child(line)
        assert isinstance(asked, Build)
        session = session or open_session(start.directory, start.settings, StateFolder(start.state), surroundings)
        if asked.repair and session.upstream is not None:
            session.upstream.repair()
        slow: set[str] = set()
        found = make_pass(
            session.workspace,
            session.upstream,
            quick_sinks(session.workspace, slow),
            reader,
            asked.request,
            tell,
            session.audit,
        )
        _say(stdout, Built(found, _resident(), tuple(sorted(slow))))
        if session.upstream is not None:
            session.upstream.tidy(lambda: not select.select([stdin], [], [], _IDLE_SECONDS)[0])


def quick_sinks(workspace: Workspace, slow: set[str]) -> MakeSink:
    """The sinks that a pass delivers to by itself. `slow` gets the environments that have others, which are the courier's."""

    def make(spec: SinkSpec, environment: str) -> Sink | None:
        if is_quick(spec):
            return workspace.sink(spec, environment)
        slow.add(environment)
        return None

    return make


def _limit(memory: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory if most == resource.RLIM_INFINITY else min(memory, most), most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _say(stdout: BinaryIO, message: StepTaken | Built) -> None:
    stdout.write(write_line(message))
    stdout.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
