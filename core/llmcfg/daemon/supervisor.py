"""The daemon: waits for a reason, has a pass made, writes down what came of it, and has the slow sinks looked after (ADR 0010).

Reasons are flags and not a queue: a hint of the file system, a webhook, a request of a person, a failure that is due again, or that
nothing happened for a while. Whatever came while a pass was made is one reason for the next.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmcfg.daemon.board import Board
from llmcfg.daemon.child import Child, ChildEnded
from llmcfg.daemon.session import gather
from llmcfg.daemon.triggers import Triggers
from llmcfg.daemon.wire import Build, Built, Deliver, Lane, Start, StepTaken
from llmcfg.errors import LlmcfgError
from llmcfg.model.failure import Failure, FailureKind, Step
from llmcfg.sync.backoff import pause
from llmcfg.sync.deployed import deployed_ref
from llmcfg.sync.records import PassRecord, failure_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from llmcfg.daemon.session import Asked
    from llmcfg.daemon.state import StateFolder
    from llmcfg.model.settings import Settings
    from llmcfg.notify import Notifier
    from llmcfg.opensinks import Surroundings
    from llmcfg.sync.events import Event

_GRACE_SECONDS: Final = 8.0  # for a pass that is going on when the daemon is told to end
_GROWTH: Final = 4  # a builder that uses such a part of what it may is replaced, which forgets its memo


@dataclass(frozen=True, slots=True)
class Outside:
    """What the daemon needs of the machine. `reload` reads the settings again; `surroundings` are those of the children."""

    directory: Path
    surroundings: Surroundings
    failpoints: str
    notifier: Notifier
    now: Callable[[], datetime]
    random: Random
    log: Callable[[Event], None]
    reload: Callable[[], Settings]


class Supervisor:
    """To be run once, by the owner of the state folder."""

    def __init__(self, settings: Settings, state: StateFolder, outside: Outside) -> None:
        self._settings = settings
        self._state = state
        self._outside = outside
        self._board = Board(state, outside.now, outside.random, outside.log)
        self._stopped = asyncio.Event()
        self._signal: signal.Signals | None = None
        self._step = StepTaken("start", "")
        self._ending: asyncio.Future[tuple[ChildEnded | None, ChildEnded | None]] | None = None
        self._deaths = 0
        self._slow: frozenset[str] = frozenset()
        self._open()

    async def run(self) -> signal.Signals | None:
        """Work until a signal says to end, which is returned. Raises UsageError, StorageError for what nobody could work with."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._triggers.ask("reload"))
        await self._triggers.start()
        self._outside.log(
            {"event": "started", "pid": os.getpid(), "remote": self._remote, "state": str(self._state.root)}
        )
        self._outside.notifier.ready("started")
        heart = asyncio.create_task(self._beat())
        try:
            while not self._stopped.is_set():
                reasons = await self._triggers.wait(self._board.seconds_to_next_try())
                if not self._stopped.is_set():
                    await self._act(reasons)
        finally:
            self._outside.notifier.stopping()
            heart.cancel()
            await self._close()
        self._outside.log({"event": "stopped", "signal": self._signal.name if self._signal else None})
        return self._signal

    @property
    def _remote(self) -> str:
        return str(self._settings.remote.access.url) if self._settings.remote else ""

    def _open(self) -> None:
        """Triggers and children for the settings as they are."""
        outside = self._outside
        around = outside.surroundings
        start = Start(
            outside.directory, self._state.root, self._settings, around.search_path, around.agent, outside.failpoints
        )
        self._triggers = Triggers(self._settings, self._state, outside.directory, outside.random, outside.now)
        self._builder = Child("llmcfg.daemon.builder", start, around.environment)
        self._courier = Child("llmcfg.daemon.courier", start, around.environment)
        self._hearing: asyncio.Task[None] | None = None

    async def _close(self) -> None:
        if self._hearing is not None:
            self._hearing.cancel()
        await self._triggers.stop()
        await self._builder.stop()
        await self._courier.stop()

    def _stop(self, number: signal.Signals) -> None:
        """The first signal leaves the pass that is being made some time to end; another one does not."""
        if self._signal is not None:
            self._ending = asyncio.gather(self._builder.kill(), self._courier.kill())
            return
        self._signal = number
        self._outside.notifier.status("ending after this pass")
        self._stopped.set()
        self._triggers.ask("stop")

    async def _beat(self) -> None:
        """Signs of life, for as long as this loop turns."""
        while self._outside.notifier.interval:
            self._outside.notifier.alive()
            await asyncio.sleep(self._outside.notifier.interval)

    async def _act(self, reasons: frozenset[str]) -> None:
        if "reload" in reasons:
            await self._reload()
        try:
            asked = gather(self._state, self._settings)
            built = await self._pass(asked)
            if built is None:
                return
            status = self._board.enter(self._settings, asked, built.found, self._remote)
        except LlmcfgError as error:
            self._outside.log({"event": "failed", "step": "record", "code": error.code, "message": error.message})
            self._triggers.ask_later("retry", pause(2, self._outside.random))
            return
        self._triggers.expect(
            {deployed_ref(one.environment): one.deployed.commit for one in status.environments if one.deployed}
        )
        self._outside.notifier.status(", ".join(f"{one.environment} {one.state}" for one in status.environments))
        failed = {one.environment for one in status.environments if one.failure} | (
            {*self._slow} if built.found.failure else set()
        )
        self._slow = frozenset(built.slow) | (self._slow & failed - {*asked.suspended})
        await self._tell_courier(lift=asked.redeliver)

    async def _reload(self) -> None:
        """Take the settings anew; those that cannot be used leave everything as it is, or bring it back."""
        self._outside.notifier.reloading()
        before = self._settings
        try:
            self._settings = self._outside.reload()
            await self._begin_anew()
        except LlmcfgError as error:
            said = {"code": error.code, "message": error.message, "hint": error.hint}
            self._outside.log({"event": "failed", "step": "reload", **said})
            if self._settings is not before:
                self._settings = before
                await self._begin_anew()
            self._outside.notifier.ready("settings refused: see the log")
        else:
            self._outside.log({"event": "reloaded"})
            self._outside.notifier.ready("reloaded")

    async def _begin_anew(self) -> None:
        await self._close()
        self._open()
        await self._triggers.start()

    # the builder

    async def _pass(self, asked: Asked) -> Built | None:
        """What the builder found, or that it failed; None when the daemon is to end before it is through."""
        making = asyncio.create_task(self._build(Build(asked.request, repair=self._deaths > 1)))
        stopping = asyncio.create_task(self._stopped.wait())
        await asyncio.wait({making, stopping}, timeout=self._settings.pass_seconds, return_when=asyncio.FIRST_COMPLETED)
        if not making.done() and stopping.done():
            await asyncio.wait({making}, timeout=_GRACE_SECONDS)
        is_late = not making.done()
        stopping.cancel()
        if is_late:
            await self._builder.kill()
        try:
            built = await making
        except ChildEnded as error:
            return None if self._stopped.is_set() else self._died(error, is_late=is_late)
        self._deaths = 0
        if built.resident > self._settings.memory_bytes // _GROWTH:
            await self._builder.stop()
        return built

    async def _build(self, message: Build) -> Built:
        await self._builder.say(message)
        async for said in self._builder.listen():
            if isinstance(said, Built):
                return said
            if isinstance(said, StepTaken):
                self._step = said
        raise ChildEnded("was stopped", is_signal=False)

    def _died(self, error: ChildEnded, *, is_late: bool) -> Built:
        self._deaths += 1
        at = f"{self._step.step} of {self._step.environment}" if self._step.environment else self._step.step
        why = f"took longer than {self._settings.pass_seconds:g} s" if is_late else error.how
        failure = Failure(
            Step.BUILD,
            FailureKind.RETRY,
            "pass-timeout" if is_late else "builder-died",
            f"the builder {why}, at {at}",
            "see limits in the settings" if is_late else "the next pass starts another one",
        )
        return Built(PassRecord(failure_record(failure)), 0, tuple(self._slow))

    # the courier

    async def _tell_courier(self, *, lift: bool) -> None:
        if not self._slow and not self._courier.is_running:
            return
        try:
            await self._courier.say(Deliver(tuple(sorted(self._slow)), lift))
        except ChildEnded as error:
            self._courier_died(error)
            return
        if self._hearing is None or self._hearing.done():
            self._hearing = asyncio.create_task(self._hear_courier())

    async def _hear_courier(self) -> None:
        try:
            async for said in self._courier.listen():
                if isinstance(said, Lane):
                    self._board.note_lane(said)
        except ChildEnded as error:
            self._courier_died(error)

    def _courier_died(self, error: ChildEnded) -> None:
        """The next pass starts another one."""
        if not self._stopped.is_set():
            self._outside.log(
                {"event": "failed", "step": "act", "code": "courier-died", "message": f"the courier {error.how}"}
            )
            self._triggers.ask_later("courier", pause(2, self._outside.random))
