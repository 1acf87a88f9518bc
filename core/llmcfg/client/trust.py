"""What a program holds bundles against when it has a root of trust (docs/spec/signing.md). It brings the cryptography.

The root that a program is given is where it begins. Newer versions come with deliveries; each has to follow the one before, and the newest
is kept in the program's state folder, so that nobody brings it back to an older one.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from llmcfg.client.errors import RefusedError
from llmcfg.disk import atomic_write, make_folders
from llmcfg.errors import LlmcfgError
from llmcfg.signing.heartbeat import check_heartbeat, why_stale
from llmcfg.signing.roots import read_root
from llmcfg.signing.statement import statement_of
from llmcfg.signing.verdict import STALE, UntrustedError, check_bundle, check_times
from llmcfg.trust.failure import SignatureError
from llmcfg.trust.root import next_root, pinnable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.signing.heartbeat import Heartbeat
    from llmcfg.signing.verdict import Wanted
    from llmcfg.trust.root import Root

    OnStale = Literal["keep", "stop"]
    ReadRoot = Callable[[int], bytes | None]

_KEPT: Final = "root.json"
_OUT_OF_DATE: Final = "the configuration may be out of date: "


class Trust:
    """Of one consumer. `state` is where the newest root is kept; without it, it is found again from the one that was given."""

    def __init__(
        self, root: Path, wanted: Wanted, *, state: Path | None, on_stale: OnStale, now: Callable[[], datetime]
    ) -> None:
        """Raises NotFoundError and IntegrityError for a file that holds no root."""
        self._kept = state / _KEPT if state is not None else None
        self.root = _newer(read_root(root), self._kept)
        self._wanted = wanted
        self._on_stale = on_stale
        self._now = now
        self._last: Heartbeat | None = None
        self._beaten = b""

    def follow(self, read: ReadRoot) -> None:
        """Take over the versions that follow. One that does not count ends it: the bundles are held against the last one that did."""
        content = b""
        with suppress(SignatureError):
            while (found := read(self.root.version + 1)) is not None:
                self.root, content = next_root(self.root, found), found
                self._beaten = b""  # its keys may count no more
        if content and self._kept is not None:
            with suppress(LlmcfgError, OSError):  # it comes again with the next delivery
                make_folders(self._kept.parent, mode=0o700)
                atomic_write(self._kept, pinnable(content), mode=0o600)

    @property
    def stops(self) -> bool:
        return self._on_stale == "stop"

    def check(self, bundle: Bundle, before: Bundle | None) -> None:
        """Raises RefusedError for a bundle that may not be used after the other. One that has only expired may, where that is kept."""
        last = statement_of(before) if before is not None and before.head.claims is not None else None
        try:
            statement = check_bundle(bundle, self.root, self._wanted, last)
            check_times(statement, self.root, self._now())
        except UntrustedError as error:
            if error.code in STALE and not self.stops:
                return
            raise RefusedError(error.message, hint=error.hint, code=error.code) from error

    def why_stale(self, bundle: Bundle, heartbeat: bytes | None, *, is_expected: bool) -> str:
        """Why a bundle that was taken may not be the newest; empty when it is, as far as one can tell.

        A heartbeat is missed by who wants to stop, and by who had one, where it `is_expected` at all.
        """
        used = statement_of(bundle)
        try:
            check_times(used, self.root, self._now())
        except UntrustedError as error:
            return f"{_OUT_OF_DATE}{error.message}"
        if heartbeat is None:
            return f"{_OUT_OF_DATE}there is no heartbeat" if is_expected and (self.stops or self._last) else ""
        try:
            self._last = self._last if heartbeat == self._beaten else check_heartbeat(heartbeat, self.root)
        except SignatureError as error:
            return f"{_OUT_OF_DATE}the heartbeat does not count: {error.reason}"
        self._beaten = heartbeat
        reason = why_stale(self._last, used, self._now()) if self._last else ""
        return reason and f"{_OUT_OF_DATE}{reason}"


def _newer(given: Root, kept: Path | None) -> Root:
    """What was kept, where that is a later version of what was given."""
    if kept is None or not kept.is_file():
        return given
    with suppress(LlmcfgError):
        held = read_root(kept)
        if held.repository == given.repository and held.version > given.version:
            return held
    return given
