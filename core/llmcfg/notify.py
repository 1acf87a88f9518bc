"""Telling a service supervisor how it goes, as systemd's sd_notify(3) has it. Without a socket nobody is told.

A supervisor that does not read holds nobody up: the kernel keeps a few messages for it, and what does not fit any more is lost.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_STATUS: Final = 200
_PATIENCE_SECONDS: Final = 1.0  # with a supervisor that is behind, where it waits for what it is told


class Notifier:
    """`address` is the value of NOTIFY_SOCKET, empty for none; `watchdog_seconds` how often a sign of life is wanted, 0 for never."""

    def __init__(self, address: str = "", watchdog_seconds: float = 0) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.interval = watchdog_seconds / 2

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={_one_line(status)}", _PATIENCE_SECONDS)

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}", _PATIENCE_SECONDS)

    def stopping(self) -> None:
        self._send("STOPPING=1", _PATIENCE_SECONDS)

    def status(self, status: str) -> None:
        self._send(f"STATUS={_one_line(status)}")

    def alive(self) -> None:
        if self.interval:
            self._send("WATCHDOG=1")

    def _send(self, text: str, seconds: float = 0) -> None:
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaking:
                speaking.settimeout(seconds)
                speaking.sendto(text.encode(), self._address)


def notifier_of(environment: Mapping[str, str], pid: int) -> Notifier:
    """The one that systemd's variables ask for. Signs of life are for the process that they name."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    is_ours = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
    wanted = int(microseconds) if is_ours and microseconds.isascii() and microseconds.isdigit() else 0
    return Notifier(environment.get("NOTIFY_SOCKET", ""), wanted / 1_000_000)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_STATUS]
