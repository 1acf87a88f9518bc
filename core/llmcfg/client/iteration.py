"""Updates as an asynchronous iterator: `async for update in cfg.changes("routing"): …`."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from llmcfg.client.updates import find_update

if TYPE_CHECKING:
    from llmcfg.client.listeners import Listeners
    from llmcfg.client.updates import Update


class Updates:
    """Begins to listen when it is made, which has to be inside a running loop.

    What comes while one update is being worked on becomes one: from the snapshot before the first to the one after the last. The
    iteration ends when the configuration is closed.
    """

    def __init__(self, listeners: Listeners, prefix: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._came = asyncio.Event()
        self._lock = threading.Lock()
        self._pending: Update | None = None
        self._is_over = False
        self._listener = listeners.add(prefix, self._put, self._end)

    def __aiter__(self) -> Updates:
        return self

    async def __anext__(self) -> Update:
        while True:
            await self._came.wait()
            self._came.clear()
            with self._lock:
                update, self._pending = self._pending, None
            if update is not None:
                return update
            if self._is_over:
                self._came.set()
                raise StopAsyncIteration

    async def aclose(self) -> None:
        """Listen no more."""
        self._listener.cancel()
        self._end()

    def _put(self, update: Update) -> None:
        with self._lock:
            self._pending = update if self._pending is None else _joined(self._pending, update)
        self._wake()

    def _end(self) -> None:
        self._is_over = True
        self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._came.set)
        except RuntimeError:  # the loop is closed, so nobody waits
            self._listener.cancel()


def _joined(first: Update, last: Update) -> Update | None:
    """Both as one; None when all is as it was before the first."""
    changes = list(first.before.bundle.tree.differences(last.after.bundle.tree))
    return find_update(first.before, last.after, changes, last.prefix)
