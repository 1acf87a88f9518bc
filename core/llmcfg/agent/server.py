"""The loop of an agent: one thread that takes connections, hears what they say, looks at the folder, and sends what is new.

Nothing that a program does or leaves undone holds up another: of each is read a little at a time, and to each is written only what it takes
at once. Verdicts are written down a few at a time, so that a slow disk does not hold up bundles. What is put on record is waited for, since
nothing is given before.
"""

from __future__ import annotations

import selectors
import time
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.agent.access import peer_of
from llmcfg.agent.connection import Connection
from llmcfg.audit.unrecorded import Unrecorded
from llmcfg.client import agentwire
from llmcfg.errors import (
    IntegrityError,
    LlmcfgError,
    NotAuthorisedError,
    PendingError,
    UnrecordedError,
    UsageError,
)
from llmcfg.limits import AGENT_CONNECTIONS, AGENT_CONNECTIONS_OF_USER
from llmcfg.model.act import Act

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from llmcfg.agent.access import Access, Peer
    from llmcfg.agent.shelf import Place, Shelf
    from llmcfg.ports import AuditLog

    Log = Callable[[dict[str, object]], None]

_LOOK_EVERY: Final = 0.05  # seconds
_VERDICTS: Final = 8  # written in one turn
_QUIET_SECONDS: Final = 10.0  # in which the same refusal of the same user is not said again
_GIVE: Final = "agent.give"
_PAUSE_SECONDS: Final = 1.0  # of taking connections, when the system has no room for one


class Server:
    def __init__(
        self,
        listener: socket.socket,
        shelf: Shelf,
        access: Access,
        log: Log,
        audit: Callable[[], AuditLog] = Unrecorded,
    ) -> None:
        """`audit` opens what records who is given what, before they are."""
        self._listener = listener
        self._shelf = shelf
        self._access = access
        self._log = log
        self._audit = audit
        self._connections: dict[int, Connection] = {}
        self._verdicts: deque[Connection] = deque()
        self._refusals: dict[tuple[int, str], float] = {}
        self._selector = selectors.DefaultSelector()
        self._accept_at: float | None = 0.0
        self._next_look = 0.0

    def __len__(self) -> int:
        return len(self._connections)

    def turn(self) -> None:
        """Whatever there is to do now, or comes within a moment."""
        if self._accept_at is not None and time.monotonic() >= self._accept_at:
            self._selector.register(self._listener, selectors.EVENT_READ)
            self._accept_at = None
        left = 0 if self._verdicts else max(0.0, self._next_look - time.monotonic())
        for key, events in self._selector.select(left):
            if key.fileobj is self._listener:
                self._accept()
            elif (connection := self._connections.get(key.fd)) is not None:
                self._hear(connection) if events & selectors.EVENT_READ else self._go_on(connection)
        if time.monotonic() >= self._next_look:
            self._look()
            self._next_look = time.monotonic() + _LOOK_EVERY
        self._acknowledge()

    def close(self) -> None:
        """Programs keep what they have, and what they said of it stays."""
        while self._verdicts:
            self._acknowledge()
        for connection in self._connections.values():
            connection.close()
        self._selector.close()

    def _look(self) -> None:
        for place in self._shelf.refresh():
            self._announce(place)
        now = time.monotonic()
        for connection in [*self._connections.values()]:
            if connection.deadline is not None and now > connection.deadline:
                self._drop(connection)

    def _announce(self, place: Place) -> None:
        if place.is_news:
            place.is_news = False
            self._note(place)
        for connection in [*self._connections.values()]:
            if connection.place is place:
                self._go_on(connection)

    def _accept(self) -> None:
        try:
            raw, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):  # it went away again
            return
        except OSError as error:
            self._log(
                {"event": "failed", "code": "storage", "message": f"no connection can be taken: {error.strerror}"}
            )
            self._selector.unregister(self._listener)
            self._accept_at = time.monotonic() + _PAUSE_SECONDS
            return
        peer = peer_of(raw)
        connection = Connection(raw, peer, time.monotonic())
        refusal = self._why_not(peer)
        self._connections[raw.fileno()] = connection
        self._selector.register(raw, selectors.EVENT_READ)
        if refusal is not None:
            self._refuse(connection, refusal)

    def _why_not(self, peer: Peer) -> LlmcfgError | None:
        if not self._access.is_known(peer.user):
            return NotAuthorisedError(f"the user {peer.user} may have nothing here", hint="see llmcfg agent --allow")
        of_user = sum(other.peer.user == peer.user for other in self._connections.values())
        if len(self._connections) >= AGENT_CONNECTIONS or of_user >= AGENT_CONNECTIONS_OF_USER:
            return PendingError(f"too many programs are connected: {of_user} of this user", hint="end some of them")
        return None

    def _hear(self, connection: Connection) -> None:
        try:
            for content in connection.channel.receive():
                if not connection.is_ending:
                    self._answer(connection, agentwire.decode_request(content))
        except (EOFError, OSError):
            self._drop(connection)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._refuse(connection, IntegrityError("this is nothing that a program says to an agent"))
        except LlmcfgError as error:
            self._refuse(connection, error)
        else:
            self._go_on(connection)

    def _answer(self, connection: Connection, request: agentwire.Request) -> None:
        match request:
            case agentwire.Hello():
                if request.version != agentwire.VERSION:
                    raise UsageError(f"the agent speaks version {agentwire.VERSION}, and the program {request.version}")
                connection.greet(request, self._shelf, self._access)
                self._audit().note(_giving(connection, request.tenant or "", request.consumer))
                self._tell("connected", connection)
                self._refresh(connection)
            case agentwire.Taken():
                connection.take_back()
            case agentwire.Verdict():
                if connection.judge(request):
                    self._verdicts.append(connection)
            case agentwire.Again():
                connection.start_over()
            case agentwire.Bye():
                connection.leave()
            case agentwire.Ask():
                connection.ask()
                self._refresh(connection)

    def _refresh(self, connection: Connection) -> None:
        """Look at its bundle now, and tell everybody whom that concerns."""
        if connection.place is not None and connection.place.refresh():
            self._announce(connection.place)

    def _go_on(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        now = time.monotonic()
        try:
            self._offer(connection, now)
            goes_on = connection.send(now)
        except OSError:
            goes_on = False
        if not goes_on:
            self._drop(connection)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.is_waiting else 0)
        if self._selector.get_key(connection.channel.connection).events != wanted:
            self._selector.modify(connection.channel.connection, wanted)

    def _offer(self, connection: Connection, now: float) -> None:
        try:
            connection.offer(now)
        except LlmcfgError as error:  # what is served turns out to be damaged
            connection.fail(error, now)

    def _acknowledge(self) -> None:
        for _ in range(min(_VERDICTS, len(self._verdicts))):
            connection = self._verdicts.popleft()
            try:
                connection.acknowledge()
            except (LlmcfgError, OSError) as error:
                self._tell("unacknowledged", connection, message=str(error))

    def _refuse(self, connection: Connection, error: LlmcfgError) -> None:
        now, said = time.monotonic(), (connection.peer.user, error.code)
        if now >= self._refusals.get(said, 0.0):
            self._refusals[said] = now + _QUIET_SECONDS
            self._tell("refused", connection, code=error.code, message=error.message)
            self._record_refusal(connection, error)
        connection.fail(error, now)
        self._go_on(connection)

    def _record_refusal(self, connection: Connection, error: LlmcfgError) -> None:
        """Nothing is given, whether it can be recorded or not."""
        if isinstance(error, UnrecordedError):
            return
        try:
            self._audit().refuse(_giving(connection, "", "", why=error.message), error.code)
        except (LlmcfgError, OSError) as unrecorded:
            self._tell("failed", connection, code=UnrecordedError.code, message=str(unrecorded))

    def _drop(self, connection: Connection) -> None:
        """That it took something is withdrawn, unless it has come back already."""
        raw = connection.channel.connection
        if not connection.is_open:
            return
        self._selector.unregister(raw)
        del self._connections[raw.fileno()]
        connection.close()
        place = connection.place
        if place is None:
            return
        self._tell("left", connection)
        others = [other for other in self._connections.values() if other.place is place]
        if connection.forget_approval() and all(other.instance != connection.instance for other in others):
            place.source.withdraw(connection.instance)
        if not others:
            self._shelf.forget(place)

    def _tell(self, event: str, connection: Connection, **more: object) -> None:
        said: dict[str, object] = {"event": event, "user": connection.peer.user, "process": connection.peer.process}
        if connection.place is not None:
            said |= {"bundle": connection.place.name, "instance": connection.instance}
        self._log(said | more)

    def _note(self, place: Place) -> None:
        said: dict[str, object] = {"event": "served", "bundle": place.name}
        if place.trouble is not None:
            said |= {"event": "failed", "code": place.trouble.code, "message": place.trouble.message}
        elif place.served is not None:
            head = place.served.loaded.bundle.head
            said |= {"root": head.root.hex()[:10], "revision": head.commit}
        self._log(said)


def _giving(connection: Connection, tenant: str, consumer: str, **facts: str) -> Act:
    """That a program is given a bundle, and what follows it until the program leaves."""
    peer = {"user": str(connection.peer.user), "process": str(connection.peer.process)}
    return Act(_GIVE, connection.instance, tenant=tenant, consumer=consumer, facts={**peer, **facts})
