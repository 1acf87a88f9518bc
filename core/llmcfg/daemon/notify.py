"""Telling a service supervisor how it goes, as systemd's sd_notify(3) has it. Without a socket nobody is told."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Final

_LONGEST_STATUS: Final = 200


class Notifier:
    """`address` is the value of NOTIFY_SOCKET, empty for none; `watchdog_seconds` how often a sign of life is wanted, 0 for never."""

    def __init__(self, address: str = "", watchdog_seconds: float = 0) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.interval = watchdog_seconds / 2

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={_one_line(status)}")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def status(self, status: str) -> None:
        self._send(f"STATUS={_one_line(status)}")

    def alive(self) -> None:
        if self.interval:
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaking:
                speaking.sendto(text.encode(), self._address)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_STATUS]
