"""What a program reads when its configuration is out of date and it does not want to go on with it: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from llmcfg.client.errors import StaleError

if TYPE_CHECKING:
    from llmcfg.client.snapshot import Snapshot

_SAID: Final = frozenset({"revision", "digest", "target"})


class Stopped:
    """In place of a snapshot: it says what it is, and every read raises StaleError."""

    reads: Final[dict[str, Any]] = {}

    def __init__(self, snapshot: Snapshot, reason: str) -> None:
        self._snapshot = snapshot
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        return getattr(self._snapshot, name) if name in _SAID else self._stop()

    def __getitem__(self, path: str) -> NoReturn:
        self._stop()

    def __contains__(self, path: object) -> NoReturn:
        self._stop()

    def _stop(self) -> NoReturn:
        raise StaleError(self._reason, hint='deploy, or have llmcfg sync run; on_stale="keep" goes on all the same')
