"""The child that looks after slow sinks: one lane each, told after every pass what there is to look after.

What is deployed is read from Git here too, so that nothing large goes through the supervisor and a killed courier has nothing to lose.
"""

from __future__ import annotations

import random
import resource
import sys
import threading
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from llmcfg import failpoints
from llmcfg.clock import now
from llmcfg.daemon.around import surroundings_of
from llmcfg.daemon.lanes import Lane, Target
from llmcfg.daemon.session import open_session
from llmcfg.daemon.state import StateFolder
from llmcfg.daemon.wire import MOST_LINE, Deliver, Start, read_for_child, write_line
from llmcfg.daemon.wire import Lane as LaneSaid
from llmcfg.errors import LlmcfgError
from llmcfg.model.act import Act
from llmcfg.model.files import put_together
from llmcfg.model.snapshot import Revision
from llmcfg.pipeline.stored import read_stored
from llmcfg.sync.deliveries import compare_sink, cut_for, find_sinks, is_quick, place_of
from llmcfg.sync.deployed import deployed_files, read_deployed
from llmcfg.sync.recorded import DELIVER, RecordedSink, SteadyLog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llmcfg.model.manifest import SinkSpec
    from llmcfg.ports import Sink
    from llmcfg.sync.deliveries import Delivery, Wanted
    from llmcfg.sync.records import SinkRecord
    from llmcfg.wiring import Workspace

LETTERS = "dead-letters"


class _Slow(NamedTuple):
    """A slow sink of an environment, and what it should hold."""

    environment: str
    spec: SinkSpec
    wanted: Wanted


class Courier:
    """Keeps the lanes. `say` tells the supervisor; it is called from the lanes' threads."""

    def __init__(self, workspace: Workspace, letters: Path, stdout: BinaryIO) -> None:
        self._workspace = workspace
        self._letters = letters
        self._stdout = stdout
        self._speaking = threading.Lock()
        self._lanes: dict[tuple[str, SinkSpec], Lane] = {}
        self._known: dict[str, tuple[str, list[_Slow]]] = {}  # by environment, of which deployed commit

    def look_after(self, asked: Deliver) -> None:
        """Have lanes for the slow sinks of these environments, and for no others."""
        wanted = {(slow.environment, slow.spec): slow for name in asked.environments for slow in self._slow_sinks(name)}
        for key in self._lanes.keys() - wanted.keys():
            lane = self._lanes.pop(key)
            lane.stop()
            self._say(lane.environment, lane.name, None)
        for key, slow in wanted.items():
            if key not in self._lanes:
                self._lanes[key] = self._start(slow)
            self._lanes[key].aim(_target(slow), lift=asked.lift)

    def _slow_sinks(self, environment: str) -> list[_Slow]:
        """What cannot be read is told by the pass, which reads the same."""
        repository = self._workspace.repository
        try:
            deployed = read_deployed(repository, environment)
            if deployed is None:
                return []
            commit, known = self._known.get(environment, ("", []))
            if commit == deployed.commit:
                return known
            repository.reopen_packs()  # the builder puts others in their place
            files = deployed_files(repository, deployed)
            read_stored(files, self._workspace.memo)
            files = put_together(dict(files))  # lanes are threads, and must not read from Git
            sinks = find_sinks(
                self._workspace.configuration_at(Revision(deployed.source, deployed.source[:10])), environment
            )
            return [
                _Slow(environment, spec, cut_for(files, folders))
                for spec, folders in sinks.items()
                if not is_quick(spec)
            ]
        except LlmcfgError:
            return []

    def _start(self, slow: _Slow) -> Lane:
        name = f"{slow.spec.kind} {place_of(slow.spec)}"
        return Lane(
            slow.environment,
            name,
            lambda: self._open(slow, name),
            self._letters,
            lambda record: self._say(slow.environment, name, record),
            now=now,
            random=random.Random(),
            patience=self._workspace.sinks.patience(slow.spec),
        )

    def _open(self, slow: _Slow, name: str) -> Sink:
        """In the lane's thread, with a record of its own. A sink that cannot be opened is refused."""
        repository = self._workspace.another_repository()
        audit = SteadyLog(lambda: self._workspace.audit_in(repository))
        try:
            sink = self._workspace.sink(slow.spec, slow.environment)
        except LlmcfgError as error:
            audit.refuse(Act(DELIVER, name, slow.environment, facts={"why": error.message}), error.code)
            raise
        return RecordedSink(sink, slow.environment, audit)

    def _say(self, environment: str, name: str, record: SinkRecord | None) -> None:
        with self._speaking:
            self._stdout.write(write_line(LaneSaid(environment, name, record)))
            self._stdout.flush()


def _target(slow: _Slow) -> Target:
    def look(sink: Sink) -> Delivery:
        return compare_sink(sink, slow.spec, slow.wanted)

    return Target(look, slow.wanted.root)


def main(stdin: BinaryIO, stdout: BinaryIO, environment: Mapping[str, str]) -> None:
    start = read_for_child(stdin.readline(MOST_LINE))
    assert isinstance(start, Start)
    failpoints.arm(start.failpoints)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    state = StateFolder(start.state)
    session = open_session(start.directory, start.settings, state, surroundings_of(start, environment))
    courier = Courier(session.workspace, state.root / LETTERS, stdout)
    for line in iter(lambda: stdin.readline(MOST_LINE), b""):
        asked = read_for_child(line)
        assert isinstance(asked, Deliver)
        courier.look_after(asked)


if __name__ == "__main__":
    import os

    main(sys.stdin.buffer, sys.stdout.buffer, dict(os.environ))
