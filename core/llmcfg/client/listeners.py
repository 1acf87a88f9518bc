"""Who wants to know of changes below which key path, or of which secret.

Callbacks run one after the other in the thread that follows the source. One that raises does not keep the others from being called.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from llmcfg.client.updates import find_secret_update, find_update
from llmcfg.model.keypath import parse_key_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmcfg.bundlefile.tree import LeafChange
    from llmcfg.client.snapshot import Snapshot
    from llmcfg.client.updates import SecretUpdate, Update

    Callback = Callable[[Update], object]
    SecretCallback = Callable[[SecretUpdate], object]
    Find = Callable[[Snapshot, Snapshot, Sequence[LeafChange], str], Update | SecretUpdate | None]


class Listener:
    """What `on_change` and `on_secret` give: `cancel()` ends it. `subject` is a key path or the name of a secret."""

    __slots__ = ("_listeners", "callback", "ended", "find", "subject")

    def __init__(
        self,
        listeners: Listeners,
        find: Find,
        subject: str,
        callback: Callable[[Any], object],
        ended: Callable[[], object] | None,
    ) -> None:
        self._listeners = listeners
        self.find = find
        self.subject = subject
        self.callback = callback
        self.ended = ended

    def cancel(self) -> None:
        self._listeners.remove(self)


class Listeners:
    def __init__(self) -> None:
        self._all: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    def add(self, prefix: str, callback: Callback, ended: Callable[[], object] | None = None) -> Listener:
        """`ended` is called when no more will come. Raises KeyPathError for a prefix that is no key path."""
        parse_key_path(prefix)
        return self._add(Listener(self, find_update, prefix, callback, ended))

    def add_secret(self, name: str, callback: SecretCallback) -> Listener:
        return self._add(Listener(self, find_secret_update, name, callback, None))

    def remove(self, listener: Listener) -> None:
        with self._lock:
            self._all = tuple(known for known in self._all if known is not listener)

    def tell(
        self, before: Snapshot, after: Snapshot, changes: Sequence[LeafChange]
    ) -> list[tuple[Listener, Exception]]:
        """Call all whom it concerns; what went wrong in those that raised."""
        failed: list[tuple[Listener, Exception]] = []
        updates: dict[tuple[Find, str], Update | SecretUpdate | None] = {}
        for listener in self._all:
            asked = listener.find, listener.subject
            if asked not in updates:
                updates[asked] = listener.find(before, after, changes, listener.subject)
            update = updates[asked]
            if update is not None:
                try:
                    listener.callback(update)
                except Exception as error:  # a program's callback may do anything
                    failed.append((listener, error))
        return failed

    def end(self) -> None:
        """Tell all that no more will come."""
        with self._lock:
            ending, self._all = self._all, ()
        for listener in ending:
            if listener.ended is not None:
                listener.ended()

    def release(self) -> None:
        """A lock that nobody holds: for a process that was forked while another thread held it."""
        self._lock = threading.Lock()

    def _add(self, listener: Listener) -> Listener:
        with self._lock:
            self._all = (*self._all, listener)
        return listener
