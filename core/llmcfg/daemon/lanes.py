"""A lane looks after one slow sink: it compares and delivers until what is deployed is there, and waits for nobody but its sink.

It holds one target, the newest: what was deployed in between is never sent. A failure comes back after a pause that doubles; a refusal,
or a sink that could not be reached for too long, becomes a dead letter, which ends with another target or when somebody lifts it.
"""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from llmcfg.disk import atomic_write, make_folders
from llmcfg.errors import LlmcfgError
from llmcfg.failpoints import failpoint
from llmcfg.model.failure import FailureKind, Step
from llmcfg.sync.backoff import pause
from llmcfg.sync.failures import failure_from
from llmcfg.sync.records import FailureRecord, SinkRecord, failure_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from random import Random

    from llmcfg.ports import Sink
    from llmcfg.sync.deliveries import Delivery

_USUAL_PATIENCE: Final = 86_400.0


class DeadLetter(msgspec.Struct, frozen=True):
    """A sink that is not tried again for this root."""

    environment: str
    sink: str
    root: str
    attempts: int
    code: str
    message: str
    hint: str
    at: datetime
    exit_code: int


class Target(NamedTuple):
    """What the sink should hold. `make_sink` opens it in the lane's thread; `look` compares and is asked again each time."""

    look: Callable[[Sink], Delivery]
    root: str


class Lane:
    """One thread. `report` is called from it whenever the sink is found in another state, with `written` once for each delivery."""

    def __init__(
        self,
        environment: str,
        name: str,
        make_sink: Callable[[], Sink],
        letters: Path,
        report: Callable[[SinkRecord], None],
        *,
        now: Callable[[], datetime],
        random: Random,
        patience: float = _USUAL_PATIENCE,
    ) -> None:
        self.environment = environment
        self.name = name
        self._make_sink = make_sink
        self._letter = letters / f"{hashlib.sha256(f'{environment}|{name}'.encode()).hexdigest()[:16]}.json"
        self._tell = report
        self._told: SinkRecord | None = None
        self._now = now
        self._random = random
        self._patience = patience
        self._wake = threading.Condition()
        self._target: Target | None = None
        self._is_stopped = False
        self._failing: FailureRecord | None = None
        self._since = 0.0
        self._root = ""
        self._thread = threading.Thread(target=self._work, name=f"lane {name}", daemon=True)
        self._thread.start()

    def aim(self, target: Target, *, lift: bool) -> None:
        """Look at the sink again, with this as what it should hold."""
        with self._wake:
            if lift:
                self._letter.unlink(missing_ok=True)
            self._target = target
            self._wake.notify()

    def stop(self) -> None:
        """Without waiting: what it does may be cut off anywhere."""
        with self._wake:
            self._is_stopped = True
            self._wake.notify()

    def _work(self) -> None:
        sink: Sink | None = None
        target: Target | None = None
        seconds: float | None = None
        while True:
            with self._wake:
                if self._target is None and not self._is_stopped:
                    self._wake.wait(seconds)
                if self._is_stopped:
                    return
                target, self._target = self._target or target, None
            if target is None:
                continue
            if target.root != self._root:
                self._root, self._failing = target.root, None
            try:
                sink = sink or self._make_sink()
                seconds = self._attend(sink, target)
            except (LlmcfgError, OSError) as error:
                seconds = self._fail(error)

    def _attend(self, sink: Sink, target: Target) -> float | None:
        """Bring the sink to its target. Seconds until the next look that nobody has to ask for; None when there is none."""
        letter = self._dead_letter()
        if letter is not None and letter.root == target.root:
            self._report(_letter_record(letter))
            return None
        failpoint("lane.before_look")
        delivery = target.look(sink)
        folder = str(sink.folder or "")
        record = SinkRecord(self.name, "current", slow=True, root=delivery.root, folder=folder)
        if delivery.is_due:
            failpoint("lane.before_deliver")
            sink.deliver(delivery.root, delivery.files)
            failpoint("lane.after_deliver")
            record = msgspec.structs.replace(record, written=True)
        elif delivery.state != "current":
            record = msgspec.structs.replace(
                record, state=delivery.state, differing=len(delivery.differing), drifted=delivery.has_drifted
            )
        self._letter.unlink(missing_ok=True)
        self._failing = None
        self._report(record)
        return None

    def _fail(self, error: LlmcfgError | OSError) -> float | None:
        """Write down how it failed, and when it is tried again: never for what is refused, and not when patience is over."""
        failure = failure_from(error, Step.ACT)
        before = self._failing if self._failing and self._failing.code == failure.code else None
        attempts = self._failing.attempts + 1 if self._failing else 1
        if self._failing is None:
            self._since = time.monotonic()
        seconds = failure.wait_seconds if failure.wait_seconds is not None else pause(attempts, self._random)
        record = msgspec.structs.replace(
            failure_record(failure, self.name),
            at=before.at if before else self._now(),
            attempts=attempts,
            next_try=self._now() + timedelta(seconds=seconds),
        )
        self._failing = record
        if failure.kind is FailureKind.STALLED or time.monotonic() - self._since >= self._patience:
            self._bury(record)
            return None
        self._report(SinkRecord(self.name, "failing", slow=True, root=self._root, failure=record))
        return seconds

    def _bury(self, record: FailureRecord) -> None:
        letter = DeadLetter(
            self.environment,
            self.name,
            self._root,
            record.attempts,
            record.code,
            record.message,
            record.hint,
            record.at or self._now(),
            record.exit_code,
        )
        make_folders(self._letter.parent, mode=0o700)
        atomic_write(self._letter, msgspec.json.encode(letter), mode=0o600)
        self._report(_letter_record(letter))

    def _report(self, record: SinkRecord) -> None:
        if record.written or record != self._told:
            self._told = msgspec.structs.replace(record, written=False)
            self._tell(record)

    def _dead_letter(self) -> DeadLetter | None:
        try:
            return msgspec.json.decode(self._letter.read_bytes(), type=DeadLetter)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None


def read_letters(folder: Path) -> Mapping[str, DeadLetter]:
    """All dead letters, by file name."""
    found = {}
    for path in sorted(folder.glob("[0-9a-f]*.json")) if folder.is_dir() else []:
        try:
            found[path.name] = msgspec.json.decode(path.read_bytes(), type=DeadLetter)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def _letter_record(letter: DeadLetter) -> SinkRecord:
    failure = FailureRecord(
        Step.ACT,
        FailureKind.STALLED,
        letter.code,
        letter.message,
        letter.hint,
        letter.exit_code,
        letter.sink,
        letter.at,
        letter.attempts,
    )
    return SinkRecord(letter.sink, "dead letter", slow=True, dead_letter=True, root=letter.root, failure=failure)
