"""Keeping a program's configuration up to date, in one thread of its own.

The source is looked at often and cheaply; what is new is loaded, judged, kept on disk, put in use, acknowledged and told to listeners, in
this order. Whatever fails leaves in use what was, and is said in `trouble`. A process that is forked goes on with a thread of its own.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from llmcfg.client.errors import RefusedError, StaleError
from llmcfg.client.listeners import Listeners
from llmcfg.client.source import Verdict
from llmcfg.client.stopped import Stopped
from llmcfg.errors import LlmcfgError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.client.admission import Admission
    from llmcfg.client.lastgood import LastGood
    from llmcfg.client.snapshot import Snapshot
    from llmcfg.client.source import Loaded, Source

_NOTHING: Final = object()
_RETRY_AFTER: Final = 1.0  # seconds, when loading what is there failed
_FAILURES: Final = (LlmcfgError, OSError)


class Follower:
    """`use` is called with each snapshot that is put in use, before anybody is told of it. `instance` names this process to the source."""

    use: Callable[[Snapshot | Stopped], None]
    snapshot: Snapshot

    def __init__(
        self,
        source: Source,
        admission: Admission,
        *,
        last_good: LastGood | None,
        instance: Callable[[], str],
        interval: float,
    ) -> None:
        self.listeners = Listeners()
        self.trouble = ""
        self._stale = ""
        self._source = source
        self._admission = admission
        self._last_good = last_good
        self._instance = instance
        self._interval = interval
        self._seen: Hashable = _NOTHING
        self._failed: Hashable = _NOTHING
        self._retry_at = 0.0
        self._newest: Bundle | None = None  # that was ever in use, here or in an earlier process
        self._said: tuple[Loaded, Verdict] | None = None
        self._is_told = True
        self._turn = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def opens_secrets(self) -> bool:
        return self._admission.opens

    def begin(self, *, verify: bool) -> None:
        """Put the first snapshot in use: of the source, or where that fails, of what was kept. Raises what stands in the way of both."""
        try:
            self._begin(verify=verify)
            self._note_age()
            if self._stale and self._admission.stops:
                raise StaleError(self._stale)
        except BaseException:
            self._source.close()
            raise

    def start(self) -> None:
        """Follow the source in a thread, in this process and in those forked from it."""
        self._thread = threading.Thread(target=self._run, name="llmcfg-follow", daemon=True)
        self._thread.start()
        _following.add(self)

    def look(self) -> None:
        """Take what is new, if anything is. What fails is in `trouble`."""
        with self._turn:
            try:
                self._look()
            except _FAILURES as error:
                self._seen = _NOTHING  # what comes next is news, even if it is what was there before
                self._complain(_message(error))
            with suppress(*_FAILURES):  # what is damaged is told where it is read
                self._note_age()

    def close(self) -> None:
        """End the thread, and tell listeners that no more will come."""
        _following.discard(self)
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self.listeners.end()
        self._source.withdraw(self._instance())
        self._source.close()

    def after_fork(self) -> None:
        """In the child: locks that nobody holds, a thread, and an acknowledgement under its own name."""
        self._turn, self._stop = threading.RLock(), threading.Event()
        self.listeners.release()
        self._source.after_fork()
        self.snapshot.release()
        self._use_now()
        self._is_told = self._said is None
        self.start()

    def _begin(self, *, verify: bool) -> None:
        self._newest = self._last_good.find() if self._last_good else None
        try:
            self._first(verify=verify)
        except _FAILURES as error:
            if self._newest is None:
                raise
            try:
                self._admission.check(self._newest, None, self._source.read_root)
                kept = self._admission.judge(self._newest, None, ())
            except RefusedError as refusal:
                raise _reason(refusal) from None
            self._put(kept)
            self._complain(_message(error))

    def _first(self, *, verify: bool) -> None:
        seen = self._source.look()
        loaded = self._source.load(check=verify)
        if verify:
            loaded.bundle.verify()
        try:
            self._admission.check(loaded.bundle, self._newest, self._source.read_root)
            snapshot = self._admission.judge(loaded.bundle, None, ())
        except RefusedError as error:
            self._seen = seen
            self._say(loaded, Verdict(False, error.message))
            self.tell()
            raise _reason(error) from None
        self._seen = seen
        self._keep(loaded.bundle)
        self._put(snapshot)
        self._say(loaded, Verdict(True))

    def _run(self) -> None:
        self.look()
        while not self._stop.is_set():
            self._source.wait(self._stop, self._interval)
            self.look()

    def _look(self) -> None:
        self.tell()
        seen = self._source.look()
        if seen == self._seen or (seen == self._failed and time.monotonic() < self._retry_at):
            return
        self._failed, self._retry_at = seen, time.monotonic() + _RETRY_AFTER
        loaded = self._source.load(check=True)
        self._seen = seen
        self._renew(loaded)
        self.tell()

    def _renew(self, loaded: Loaded) -> None:
        before, bundle = self.snapshot, loaded.bundle
        changes = list(before.bundle.tree.differences(bundle.tree))
        try:
            self._admission.check(bundle, self._newest, self._source.read_root)
            snapshot = self._admission.judge(bundle, before, changes)
        except RefusedError as error:
            self._say(loaded, Verdict(False, error.message))
            self._complain(f"a bundle was refused: {error.message}")
            return
        self.trouble = ""
        self._keep(bundle)
        self._put(snapshot)
        self._say(loaded, Verdict(True))
        self.tell()
        is_news = changes or before.opened != snapshot.opened
        for listener, failure in self.listeners.tell(before, snapshot, changes) if is_news else ():
            _log(f"a listener of {listener.subject} failed", failure)

    def _note_age(self) -> None:
        """Say that what is in use may be out of date, once; and where the program wants to stop then, let it read nothing."""
        said, before = self._admission.why_stale(self.snapshot.bundle, self._source), self._stale
        self._stale = said
        if self.trouble in ("", before):
            self._complain(said)
        if self._admission.stops and said != before:
            self._use_now()

    def _use_now(self) -> None:
        is_stopped = self._admission.stops and self._stale
        self.use(Stopped(self.snapshot, self._stale) if is_stopped else self.snapshot)

    def _put(self, snapshot: Snapshot) -> None:
        self.snapshot, self._newest = snapshot, snapshot.bundle
        self._use_now()

    def _keep(self, bundle: Bundle) -> None:
        """On disk, before it is in use. A disk that refuses is no reason not to use it."""
        if self._last_good is None or (self._newest is not None and self._newest.head == bundle.head):
            return
        try:
            self._last_good.keep(bundle)
        except _FAILURES as error:
            self._complain(f"the configuration could not be kept for a start without its source: {_message(error)}")

    def _say(self, loaded: Loaded, verdict: Verdict) -> None:
        self._said, self._is_told = (loaded, verdict), False

    def tell(self) -> None:
        """Acknowledge or refuse what was loaded last, once. Whoever cannot be told sees that nothing was said."""
        if self._is_told or self._said is None:
            return
        self._is_told = True
        try:
            self._source.acknowledge(*self._said, self._instance())
        except _FAILURES as error:
            _log(f"the verdict on a bundle could not be told to {self._source.name}", error)

    def _complain(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            _log(trouble)
        self.trouble = trouble


_following: weakref.WeakSet[Follower] = weakref.WeakSet()


def _after_fork() -> None:
    for follower in list(_following):
        follower.after_fork()


os.register_at_fork(after_in_child=_after_fork)


def _reason(refusal: RefusedError) -> LlmcfgError:
    """What a program that cannot start is told: why its secrets stay closed, if that is why."""
    return refusal.__cause__ if isinstance(refusal.__cause__, LlmcfgError) else refusal


def _message(error: Exception) -> str:
    return error.message if isinstance(error, LlmcfgError) else str(error)


def _log(message: str, error: Exception | None = None) -> None:
    import logging

    logging.getLogger("llmcfg.client").warning("%s", message, exc_info=error)
