"""Threads that help with work which Python's lock does not hold up: hashing large texts, mostly."""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
_WORTH: Final = 32  # items; fewer are over before a thread has begun
_MOST: Final = 8


@contextmanager
def helped(work: Callable[[T], object], items: Sequence[T]) -> Iterator[None]:
    """Meanwhile every other processor does `work` for these, from the last on; leaving the `with` ends that.

    Whoever enters goes through the same items from the first on, and finds what is done already: `work` has to be something that is done
    once, whoever asks. So what fails for a thread is forgotten: it fails again for who asked.
    """
    count = min(os.cpu_count() or 1, _MOST) - 1 if len(items) >= _WORTH else 0
    is_over = Event()
    threads = [Thread(target=_help, args=(work, items[::-1][at::count], is_over)) for at in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _help(work: Callable[[T], object], items: Sequence[T], is_over: Event) -> None:
    for item in items:
        if is_over.is_set():
            return
        try:
            work(item)
        except Exception:  # who asks for this item meets it too, and raises it
            return
