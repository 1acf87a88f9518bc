"""What is known of all environments: what passes found, with how the slow sinks are, written down whenever it changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from llmcfg.daemon.session import record_pass
from llmcfg.errors import LlmcfgError
from llmcfg.sync.events import events_of
from llmcfg.sync.ledger import next_try, with_lanes
from llmcfg.sync.records import PassRecord, StatusRecord, read_status, write_status

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from random import Random

    from llmcfg.daemon.session import Asked
    from llmcfg.daemon.state import StateFolder
    from llmcfg.daemon.wire import Lane
    from llmcfg.model.settings import Settings
    from llmcfg.sync.events import Event
    from llmcfg.sync.records import SinkRecord


class Board:
    """The supervisor's memory. `log` is told what changed."""

    def __init__(
        self, state: StateFolder, now: Callable[[], datetime], random: Random, log: Callable[[Event], None]
    ) -> None:
        self._state = state
        self._now = now
        self._random = random
        self._log = log
        self._lanes: dict[str, dict[str, SinkRecord]] = {}
        self._next_try: datetime | None = None

    def seconds_to_next_try(self) -> float | None:
        """Until something that failed is due again; None when nothing is."""
        return None if self._next_try is None else max((self._next_try - self._now()).total_seconds(), 0)

    def enter(self, settings: Settings, asked: Asked, found: PassRecord, remote: str) -> StatusRecord:
        """Enter what a pass found. Raises StorageError when it cannot be written down."""
        found = msgspec.structs.replace(
            found,
            environments=tuple(with_lanes(one, self._lanes.get(one.environment, {})) for one in found.environments),
        )
        status, events = record_pass(
            self._state, settings, asked, found, self._now(), self._random, remote=remote, pid=os.getpid()
        )
        self._next_try = next_try(status, self._now())
        for event in events:
            self._log(event)
        return status

    def note_lane(self, said: Lane) -> None:
        """Enter how a slow sink is, between passes. That it could not be written down shows at the next pass."""
        lanes = self._lanes.setdefault(said.environment, {})
        if said.sink is None:
            lanes.pop(said.name, None)
        else:
            lanes[said.name] = msgspec.structs.replace(said.sink, written=False)  # that is told once
        before = read_status(self._state.root)
        if before is None:
            return
        environments = tuple(
            with_lanes(one, lanes, self._now()) if one.environment == said.environment else one
            for one in before.environments
        )
        after = msgspec.structs.replace(before, at=self._now(), environments=environments)
        changed = [one for one in environments if one.environment == said.environment and said.sink is not None]
        told = PassRecord(
            environments=tuple(
                msgspec.structs.replace(one, moved=False, sinks=(said.sink,)) for one in changed if said.sink
            )
        )
        for event in events_of(before, after, told):
            self._log(event)
        try:
            write_status(self._state.root, after)
        except LlmcfgError as error:
            self._log({"event": "failed", "step": "record", "code": error.code, "message": error.message})
