"""What a program and the agent of its host say to one another (docs/spec/agent.md).

A message is four bytes of length, little-endian, and MessagePack. Whole bundles, and what was opened, come as descriptors of sealed memory
beside their message, so messages stay small and nothing is copied.
"""

from __future__ import annotations

import array
import enum
import os
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from llmcfg.bundlefile.opened import OpenedBundle
from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.target import Target

VERSION: Final = 1
_LENGTH: Final = struct.Struct("<I")
_MOST_DESCRIPTORS: Final = 2  # of one message


class Hello(msgspec.Struct, array_like=True, frozen=True, tag=0):
    """Whose bundle is wanted, under which name this program acknowledges, and the root that it has already.

    `trusted` is the version of its root of trust; who has none is told of no others, and of no heartbeats.
    """

    version: int
    tenant: str | None
    consumer: str
    instance: str
    root: bytes
    trusted: int = 0


class Taken(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """What was sent was read. Before that there comes nothing more."""


class Verdict(msgspec.Struct, array_like=True, frozen=True, tag=2):
    """Of the bundle that came last, by its root."""

    root: bytes
    is_accepted: bool
    reason: str


class Again(msgspec.Struct, array_like=True, frozen=True, tag=3):
    """The delta did not fit, or there were many: send all of it."""


class Ask(msgspec.Struct, array_like=True, frozen=True, tag=4):
    """Look now. What is new comes, and then Current."""


class Bye(msgspec.Struct, array_like=True, frozen=True, tag=5):
    """The program reads no longer, and what it said goes with it."""


class Secrets(enum.IntEnum):
    """What an update says of what was sealed: the agent has no key for it, it is as it was, or it comes as a descriptor."""

    CLOSED = 0
    SAME = 1
    COMING = 2


class Update(msgspec.Struct, array_like=True, frozen=True, tag=0):
    """A bundle: `delta` leads to it; where that is empty, it comes as a descriptor."""

    delta: bytes
    secrets: Secrets


class Trouble(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """Why there is no bundle, or none newer, in the words of an error; `code` is that of its class."""

    code: str
    message: str
    hint: str


class Current(msgspec.Struct, array_like=True, frozen=True, tag=2):
    """Everything was said that there was when Ask came."""


class Root(msgspec.Struct, array_like=True, frozen=True, tag=3):
    """A version of the root of trust that comes as a descriptor, before the bundle that it was delivered with."""

    version: int


class Beat(msgspec.Struct, array_like=True, frozen=True, tag=4):
    """The newest heartbeat of the environment; empty where there is none."""

    content: bytes


class Opened(msgspec.Struct, array_like=True, frozen=True):
    """What lies in the memory of opened secrets: their values, those of binary ones, and opened outputs."""

    values: dict[str, str | int | float | bool]
    binary: dict[str, bytes]
    outputs: dict[str, bytes]

    def __repr__(self) -> str:
        return "Opened('***')"


Request: TypeAlias = "Hello | Taken | Verdict | Again | Ask | Bye"
Answer: TypeAlias = "Update | Trouble | Current | Root | Beat"
decode_request: Final = msgspec.msgpack.Decoder(Hello | Taken | Verdict | Again | Ask | Bye).decode
decode_answer: Final = msgspec.msgpack.Decoder(Update | Trouble | Current | Root | Beat).decode
_decode_opened: Final = msgspec.msgpack.Decoder(Opened).decode
_encode: Final = msgspec.msgpack.Encoder().encode


def frame(message: Request | Answer) -> bytes:
    content = _encode(message)
    return _LENGTH.pack(len(content)) + content


def encode_opened(opened: OpenedBundle) -> bytes:
    binary = {name: value for name, value in opened.values.items() if isinstance(value, bytes)}
    others = {name: value for name, value in opened.values.items() if not isinstance(value, bytes)}
    return _encode(Opened(others, binary, dict(opened.outputs)))


def decode_opened(content: bytes, target: Target) -> OpenedBundle:
    """Raises IntegrityError, which says nothing of what is there."""
    try:
        opened = _decode_opened(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise IntegrityError("what the agent opened cannot be read") from None
    return OpenedBundle(target, {**opened.values, **opened.binary}, opened.outputs)


class Channel:
    """One end of a connection that does not wait, as far as it is read. `descriptors` came beside messages and are whoever's takes them.

    Where they are not wanted, the kernel lets go of those that come.
    """

    def __init__(self, connection: socket.socket, longest: int, *, takes_descriptors: bool = False) -> None:
        self.connection = connection
        self.descriptors: deque[int] = deque()
        self._longest = longest
        self._takes_descriptors = takes_descriptors
        self._came = bytearray()

    def receive(self) -> Iterator[bytes]:
        """The messages that came whole, by one read that does not wait.

        Raises EOFError after them where the other side has closed, OSError, and IntegrityError for a message that is too long.
        """
        try:
            content = self._read()
        except BlockingIOError:
            return
        self._came += content
        while len(self._came) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._came)
            if length > self._longest:
                raise IntegrityError(f"a message of {length} bytes came, and the limit is {self._longest}")
            if len(self._came) < _LENGTH.size + length:
                break
            message = bytes(self._came[_LENGTH.size : _LENGTH.size + length])
            del self._came[: _LENGTH.size + length]
            yield message
        if not content:
            raise EOFError

    def close(self) -> None:
        self.connection.close()
        while self.descriptors:
            os.close(self.descriptors.popleft())

    def _read(self) -> bytes:
        most = _LENGTH.size + self._longest
        if not self._takes_descriptors:
            return self.connection.recv(most)
        room = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
        content, beside, _, _ = self.connection.recvmsg(most, room, socket.MSG_CMSG_CLOEXEC)
        for level, kind, carried in beside:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                found = array.array("i")
                found.frombytes(carried[: len(carried) - len(carried) % found.itemsize])
                self.descriptors.extend(found)
        if len(self.descriptors) > _MOST_DESCRIPTORS:
            raise IntegrityError("more descriptors came than messages name")
        return content
