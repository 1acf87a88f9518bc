"""What all tests share."""

from __future__ import annotations

import signal

# What a shell runs in the background ignores interrupts, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
