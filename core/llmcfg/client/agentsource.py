"""Bundles from the agent of this host, over its Unix socket: mapped when they come whole, then one delta after the other.

What the agent says is checked as what lies in a folder is: a delta counts only if it leads to the root that it names, and a bundle only
if it is the one that was asked for. A lost connection leaves in use what was, and is made again.
"""

from __future__ import annotations

import mmap
import os
import select
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.bundlefile.bundle import target_of
from llmcfg.bundlefile.delta import apply_delta
from llmcfg.bundlefile.reader import read_bundle
from llmcfg.client import agentwire
from llmcfg.client.sealedmemory import check_sealed
from llmcfg.client.source import Loaded
from llmcfg.errors import (
    ConflictError,
    IntegrityError,
    LlmcfgError,
    NotAuthorisedError,
    NotFoundError,
    PendingError,
    StorageError,
    UsageError,
)
from llmcfg.limits import AGENT_ANSWER_BYTES, AGENT_DELTAS, AGENT_OPENED_BYTES, BUNDLE_FILE_BYTES, TRUST_ROOT_BYTES
from llmcfg.model.target import SHARED

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.bundlefile.opened import OpenedBundle
    from llmcfg.client.source import Verdict
    from llmcfg.model.target import Target

_ANSWER_SECONDS: Final = 10.0
_SELDOM: Final = 1.0  # seconds without a look, after which the agent is asked and not only listened to
_AGAIN_AFTER: Final = 0.25
_REFUSED_AFTER: Final = 5.0
_RESTART_SECONDS: Final = 3.0  # that an agent may be away without a word
_ERRORS: Final = {
    error.code: error
    for error in (NotAuthorisedError, NotFoundError, IntegrityError, PendingError, StorageError, UsageError)
}


class AgentSource:
    """`tenant` and `consumer` say whose bundle is asked for; whether this user may have it, the agent decides.

    `trusted` is the version of the root of trust that the program has by now, 0 where it has none.
    """

    def __init__(
        self,
        path: Path,
        tenant: str | None,
        consumer: str,
        instance: Callable[[], str],
        trusted: Callable[[], int] = int,
    ) -> None:
        self._path = path
        self._tenant = None if tenant == SHARED else tenant
        self._consumer = consumer
        self._instance = instance
        self._trusted = trusted
        self._roots: dict[int, bytes] = {}  # that may still have to be followed
        self._beat = b""
        self._channel: agentwire.Channel | None = None
        self._loaded: Loaded | None = None
        self._opened: OpenedBundle | None = None
        self._count = 0
        self._deltas = 0  # since all of it came
        self._is_owed = self._is_asked = False  # a bundle; what came since it was asked for
        self._looked = float("-inf")
        self._trouble: LlmcfgError | None = None
        self._quiet_until = 0.0
        self._next_try = 0.0

    @property
    def name(self) -> str:
        return f"{self._path} for {self._tenant or SHARED}/{self._consumer}"

    def look(self) -> Hashable:
        """How many bundles came. Who looks seldom gets what is there now, and not only what was sent.

        Raises what keeps others from coming.
        """
        is_seldom = time.monotonic() - self._looked > _SELDOM
        if self._channel is None:
            self._connect()
        elif is_seldom:
            self._is_asked = True
            self._send(agentwire.Ask())
        self._listen(_ANSWER_SECONDS if is_seldom else 0)
        self._looked = time.monotonic()
        if self._trouble is not None and self._looked >= self._quiet_until:
            raise self._trouble
        return self._count

    def load(self, *, check: bool) -> Loaded:  # noqa: ARG002
        """`check` needs no second look, since what comes is compared with its digests on the way."""
        if self._loaded is None:
            raise PendingError(f"the agent at {self._path} does not answer", hint="see what it says: its log")
        return self._loaded

    def read_root(self, version: int) -> bytes | None:
        return self._roots.get(version)

    has_heartbeats = True

    def read_heartbeat(self) -> bytes | None:
        return self._beat or None

    def wait(self, stop: threading.Event, seconds: float) -> None:
        channel = self._channel
        if channel is None:
            stop.wait(seconds)
        else:
            _wait_readable(channel.connection, seconds)

    def open_secrets(self, bundle: Bundle) -> OpenedBundle | None:
        """What the agent opened of the bundle that came last; None where it has no key, or is not reached."""
        is_last = self._loaded is not None and self._loaded.bundle.head.root == bundle.head.root
        return self._opened if is_last else None

    def acknowledge(self, loaded: Loaded, verdict: Verdict, instance: str) -> None:  # noqa: ARG002
        """Where the agent is gone, the bundle comes again with its return, and is acknowledged then."""
        self._send(agentwire.Verdict(loaded.bundle.head.root, verdict.is_accepted, verdict.reason))

    def withdraw(self, instance: str) -> None:  # noqa: ARG002
        self._send(agentwire.Bye())

    def close(self) -> None:
        self._drop()

    def after_fork(self) -> None:
        """The connection is the parent's."""
        self._drop()
        self._next_try = 0.0

    def _connect(self) -> None:
        if time.monotonic() < self._next_try:
            return
        self._next_try = time.monotonic() + _AGAIN_AFTER
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        connection.setblocking(False)
        try:
            connection.connect(os.fspath(self._path))
        except OSError as error:
            connection.close()
            self._trouble = PendingError(
                f"the agent at {self._path} cannot be reached: {error.strerror or error}", hint="start it: llmcfg agent"
            )
            return
        self._channel = agentwire.Channel(connection, AGENT_ANSWER_BYTES, takes_descriptors=True)
        self._trouble = None
        root = self._loaded.bundle.head.root if self._loaded else b""
        self._ask(
            agentwire.Hello(agentwire.VERSION, self._tenant, self._consumer, self._instance(), root, self._trusted())
        )

    def _listen(self, seconds: float) -> None:
        """Take what came, and wait so long for an answer that is owed."""
        deadline = time.monotonic() + seconds
        self._receive()
        while (self._is_owed or self._is_asked) and self._channel is not None and time.monotonic() < deadline:
            _wait_readable(self._channel.connection, deadline - time.monotonic())
            self._receive()

    def _receive(self) -> None:
        if self._channel is None:
            return
        try:
            for content in self._channel.receive():
                self._hear(agentwire.decode_answer(content))
        except (EOFError, OSError):
            self._lose()
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._drop(IntegrityError(f"{self._path} does not speak as an agent does"))
        except LlmcfgError as error:
            self._drop(error)

    def _hear(self, answer: agentwire.Answer) -> None:
        match answer:
            case agentwire.Update():
                self._take(answer)
            case agentwire.Trouble(code, message, hint):
                self._trouble = _ERRORS.get(code, PendingError)(message, hint=hint, code=code)
                self._quiet_until, self._is_owed = 0.0, False
            case agentwire.Current():
                self._is_asked = False
            case agentwire.Root(version):
                followed = self._trusted()
                self._roots = {known: root for known, root in self._roots.items() if known > followed}
                self._roots[version] = self._read_memory(TRUST_ROOT_BYTES)
                self._send(agentwire.Taken())
            case agentwire.Beat(content):
                self._beat = content
                self._send(agentwire.Taken())

    def _take(self, update: agentwire.Update) -> None:
        try:
            bundle = self._changed(update.delta) if update.delta else self._whole()
        except ConflictError:
            self._ask(agentwire.Again())
            return
        target = target_of(bundle)
        if (target.tenant, target.consumer) != (self._tenant, self._consumer):
            raise IntegrityError(f"the agent at {self._path} sent the bundle of {target}", hint="find out who runs it")
        if update.secrets is agentwire.Secrets.COMING:
            self._opened = self._read_opened(target)
        elif update.secrets is agentwire.Secrets.CLOSED:
            self._opened = None
        self._loaded = Loaded(bundle)
        self._count += 1
        self._trouble, self._is_owed = None, False
        self._send(agentwire.Taken())
        if self._deltas >= AGENT_DELTAS:
            self._ask(agentwire.Again())

    def _whole(self) -> Bundle:
        descriptor = self._next_descriptor()
        try:
            check_sealed(descriptor, BUNDLE_FILE_BYTES)
            bundle = read_bundle(memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)), check=True)
        finally:
            os.close(descriptor)
        self._deltas = 0
        return bundle

    def _changed(self, delta: bytes) -> Bundle:
        """Raises ConflictError for a delta that does not lead from what is here to what it names."""
        if self._loaded is None:
            raise ConflictError("a delta came first")
        try:
            bundle = apply_delta(self._loaded.bundle, delta)
        except IntegrityError as error:
            raise ConflictError(error.message) from None
        self._deltas += 1
        return bundle

    def _read_opened(self, target: Target) -> OpenedBundle:
        from llmcfg.secrets.guard import forbid_dumps  # only programs with secrets pay for it

        forbid_dumps()
        return agentwire.decode_opened(self._read_memory(AGENT_OPENED_BYTES), target)

    def _read_memory(self, longest: int) -> bytes:
        descriptor = self._next_descriptor()
        try:
            return os.pread(descriptor, check_sealed(descriptor, longest), 0)
        finally:
            os.close(descriptor)

    def _next_descriptor(self) -> int:
        if self._channel is None or not self._channel.descriptors:
            raise IntegrityError(f"the agent at {self._path} sent something without its memory")
        return self._channel.descriptors.popleft()

    def _ask(self, request: agentwire.Request) -> None:
        self._is_owed = True
        self._send(request)

    def _send(self, request: agentwire.Request) -> None:
        if self._channel is None:
            return
        framed, connection = agentwire.frame(request), self._channel.connection
        with suppress(OSError):  # that the other side is gone shows when it is listened to
            if connection.send(framed, socket.MSG_NOSIGNAL) == len(framed):
                return
        with suppress(OSError):  # it does not read, so what it says is worth nothing
            connection.shutdown(socket.SHUT_RDWR)

    def _lose(self) -> None:
        """The agent is gone. If it is back soon, nobody has to know; if it said why first, that is why."""
        now = time.monotonic()
        if self._trouble is not None:
            self._drop(self._trouble)
            self._next_try = now + _REFUSED_AFTER
            return
        self._drop(PendingError(f"the agent at {self._path} is gone", hint="it is connected to again when it is back"))
        self._next_try = 0.0
        self._quiet_until = now + _RESTART_SECONDS if self._loaded else 0.0

    def _drop(self, trouble: LlmcfgError | None = None) -> None:
        if self._channel is not None:
            self._channel.close()
        self._channel, self._trouble, self._is_owed, self._is_asked = None, trouble, False, False


def _wait_readable(connection: socket.socket, seconds: float) -> None:
    waiting = select.poll()
    with suppress(OSError, ValueError):  # another thread closed it
        waiting.register(connection, select.POLLIN)
        waiting.poll(max(0.0, seconds) * 1000)
