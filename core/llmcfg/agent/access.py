"""Who may have which bundle: by the user that the kernel says is at the other end of the socket."""

from __future__ import annotations

import pwd
import socket
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import UsageError
from llmcfg.model.names import why_not_a_name
from llmcfg.model.target import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable

_CREDENTIALS: Final = struct.Struct("3i")
_NOBODY: Final = 65534  # whoever the kernel has no number for, as the users of another container


class Peer(NamedTuple):
    """Who connected, as the kernel noted it then."""

    process: int
    user: int


class Grant(NamedTuple):
    """`place` is `<tenant or _shared>/<consumer>`; empty for every bundle."""

    user: int
    place: str


class Access:
    """What is granted, and to `owner`, who runs the agent, everything. Nobody else has anything, not even root."""

    def __init__(self, owner: int, grants: Iterable[Grant] = ()) -> None:
        self._granted = {Grant(owner, ""), *grants}
        self._users = {grant.user for grant in self._granted}

    def has(self, user: int, place: str) -> bool:
        return not self._granted.isdisjoint((Grant(user, ""), Grant(user, place)))

    def is_known(self, user: int) -> bool:
        return user in self._users


def parse_grant(text: str) -> Grant:
    """`USER`, by name or number, or `USER=TENANT/CONSUMER`. Raises UsageError."""
    name, equals, place = text.partition("=")
    if equals and not _is_place(place):
        raise UsageError(f"{text!r} grants nothing", hint="write USER, or USER=TENANT/CONSUMER; _shared for no tenant")
    user = _number(name)
    if user == _NOBODY:
        raise UsageError(f"{text!r} would grant it to everybody without a number here", hint="name another user")
    return Grant(user, place)


def peer_of(connection: socket.socket) -> Peer:
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, user, _ = _CREDENTIALS.unpack(told)
    return Peer(process, user)


def _is_place(place: str) -> bool:
    tenant, slash, consumer = place.partition("/")
    return bool(slash) and all(why_not_a_name(name) is None for name in (consumer, *({tenant} - {SHARED})))


def _number(name: str) -> int:
    if name.isascii() and name.isdecimal():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise UsageError(f"this machine has no user {name!r}", hint="name a user, or write a number") from None
