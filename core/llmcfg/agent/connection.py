"""One program at the socket: what it asked for, what it has, and what it is still to be told.

Only the newest bundle is ever waiting, and none is sent before the last one was read. So a program that reads slowly misses those between,
and one that does not read costs no more than one message.
"""

from __future__ import annotations

import array
import os
import socket
from typing import TYPE_CHECKING, Final

from llmcfg.client.agentwire import Beat, Channel, Current, Root, Secrets, Trouble, Update, frame
from llmcfg.client.opening import is_instance
from llmcfg.client.sealedmemory import make_sealed
from llmcfg.client.source import Verdict
from llmcfg.errors import IntegrityError, NotAuthorisedError, UsageError
from llmcfg.limits import AGENT_REQUEST_BYTES

if TYPE_CHECKING:
    from llmcfg.agent.access import Access, Peer
    from llmcfg.agent.shelf import Place, Served, Shelf
    from llmcfg.client import agentwire
    from llmcfg.errors import LlmcfgError

_HELLO_SECONDS: Final = 10.0
_STALLED_SECONDS: Final = 30.0
_LONGEST_REASON: Final = 500


class Connection:
    """`peer` is who is at the other end. `deadline` is when it is given up, unless it says what it wants or reads what it was sent."""

    def __init__(self, connection: socket.socket, peer: Peer, now: float) -> None:
        connection.setblocking(False)
        self.channel = Channel(connection, AGENT_REQUEST_BYTES)
        self.peer = peer
        self.place: Place | None = None
        self.instance = ""
        self.deadline: float | None = now + _HELLO_SECONDS
        self._root = b""  # what it has
        self._served: Served | None = None  # what it was sent
        self._complaint = ""  # what it was told of
        self._trusted = 0  # the version of the root of trust that it has; 0 where it has none
        self._beat: bytes | None = None  # the heartbeat that it was sent
        self._verdict: tuple[Served, Verdict] | None = None
        self._is_asked = self._is_unread = self._may_repeat = False
        self.is_ending = False  # nothing that it says counts any more
        self._out = memoryview(b"")
        self._descriptors: list[int] = []

    @property
    def is_open(self) -> bool:
        return self.channel.connection.fileno() >= 0

    @property
    def is_waiting(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._out)

    def greet(self, hello: agentwire.Hello, shelf: Shelf, access: Access) -> None:
        """Raises NotAuthorisedError for a bundle that this user may not have, and UsageError for names that are none."""
        if self.place is not None or not is_instance(hello.instance):
            raise UsageError("this is no greeting", hint="use the llmcfg.client of the agent's version")
        wanted = f"{hello.tenant or '_shared'}/{hello.consumer}"
        if not access.has(self.peer.user, wanted):
            raise NotAuthorisedError(
                f"the user {self.peer.user} may not have {wanted[:200]}",
                hint="allow it where the agent starts: --allow",
            )
        self.place, self.instance, self._root = shelf.place(hello.tenant, hello.consumer), hello.instance, hello.root
        self._trusted = hello.trusted
        self.deadline = None

    def take_back(self) -> None:
        """What was sent was read, so more may come."""
        self._is_unread = False

    def ask(self) -> None:
        """It wants an answer, whatever there is to say."""
        self._is_unread, self._is_asked = False, True

    def start_over(self) -> None:
        """The delta did not fit what the program has, or it has taken many. Raises IntegrityError where it has all of the bundle."""
        if not self._may_repeat:
            raise IntegrityError("a program wants all of a bundle again that it just got")
        self._root, self._served, self._is_unread, self._may_repeat = b"", None, False, False

    def leave(self) -> None:
        """It reads no longer on purpose."""
        self._verdict = None

    def forget_approval(self) -> bool:
        """For a program that is gone: whether what it said goes with it. A refusal stays, since it may be why the program is gone."""
        if self._verdict is not None and not self._verdict[1].is_accepted:
            return False
        self._verdict = None
        return True

    def judge(self, verdict: agentwire.Verdict) -> bool:
        """Note what the program says of what it was sent; whether that is to be acknowledged. Of anything else it can say nothing."""
        served = self._served
        if served is None or verdict.root != served.root or (self._verdict and self._verdict[0] is served):
            return False
        self._verdict = served, Verdict(verdict.is_accepted, verdict.reason[:_LONGEST_REASON])
        return True

    def acknowledge(self) -> None:
        """Pass the verdict on. Raises LlmcfgError and OSError."""
        if self.place is not None and self._verdict is not None:
            served, verdict = self._verdict
            self.place.source.acknowledge(served.loaded, verdict, self.instance)

    def offer(self, now: float) -> None:
        """Put into words what the program does not know yet, unless it is still to read what came before."""
        place = self.place
        if self._out or self._is_unread or place is None or (self._trusted and self._offer_trust(place, now)):
            return
        complaint = "" if place.trouble is None else place.trouble.message
        served = place.served
        if served is not None and (served is not self._served or (self._complaint and not complaint)):
            self._put_update(place, served, now)
        elif place.trouble is not None and complaint != self._complaint:
            self._put(_trouble(place.trouble), now)
            self._complaint = complaint
        elif self._is_asked:
            self._is_asked = False
            self._put(Current(), now)

    def _offer_trust(self, place: Place, now: float) -> bool:
        """What bundles are held against, before them: the versions of the root that follow, one at a time, and the heartbeat."""
        content = place.read_root(self._trusted + 1)
        if content is not None:
            self._trusted += 1
            descriptor = make_sealed(content)
            try:
                self._put_beside(Root(self._trusted), now, [descriptor])
            finally:
                os.close(descriptor)
        elif place.heartbeat != self._beat:
            self._beat = place.heartbeat
            self._put_beside(Beat(self._beat), now)
        else:
            return False
        return True

    def fail(self, error: LlmcfgError, now: float) -> None:
        """Say why, and close once it was said."""
        if not self._out:
            self._put(_trouble(error), now)
        self.is_ending = True

    def send(self, now: float) -> bool:
        """As much as the other side takes; whether the connection goes on. Raises OSError."""
        while self._out:
            beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", self._descriptors))]
            try:
                sent = self.channel.connection.sendmsg([self._out], beside if self._descriptors else [])
            except BlockingIOError:
                return True
            self._release()
            self._out = self._out[sent:]
            self.deadline = now + _STALLED_SECONDS if self._out else None
        return not self.is_ending

    def close(self) -> None:
        self._release()
        self.channel.close()

    def _put_update(self, place: Place, served: Served, now: float) -> None:
        delta = place.delta(self._root) if self._root else b""
        descriptors = [] if delta else [served.bundle_memory()]
        secrets = Secrets.CLOSED
        if served.opened is not None:
            is_known = self._served is not None and self._served.opened is served.opened
            secrets = Secrets.SAME if is_known else Secrets.COMING
            descriptors += [] if is_known else [served.secrets_memory()]
        self._put(Update(delta, secrets), now, descriptors)
        self._root, self._served, self._complaint = served.root, served, ""
        self._is_unread, self._may_repeat = True, bool(delta)

    def _put_beside(self, message: Root | Beat, now: float, descriptors: list[int] | None = None) -> None:
        self._put(message, now, descriptors)
        self._is_unread = True

    def _put(self, answer: agentwire.Answer, now: float, descriptors: list[int] | None = None) -> None:
        """The descriptors stay the caller's, who may close them before they are sent."""
        self._out = memoryview(frame(answer))
        self._descriptors = [os.dup(descriptor) for descriptor in descriptors or ()]
        self.deadline = now + _STALLED_SECONDS

    def _release(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())


def _trouble(error: LlmcfgError) -> Trouble:
    return Trouble(error.code, error.message, error.hint)
