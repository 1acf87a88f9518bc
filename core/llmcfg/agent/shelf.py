"""The bundles of a delivered folder, as they are served: each once it was asked for, and from then on the newest one.

A bundle is mapped, never read whole. What takes the place of another has to be for the same target and not older, and its secrets have to
be what they should be; else what was served is served on. Some earlier bundles are remembered for as long as deltas may start from them.
What was taken last is known for as long as the agent runs, and with a folder of its own after that too: nothing older takes its place.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.bundlefile.delta import make_delta
from llmcfg.bundlefile.reader import release_pages
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.client.admission import Admission
from llmcfg.client.agentwire import encode_opened
from llmcfg.client.directory import find_directory
from llmcfg.client.lastgood import LastGood
from llmcfg.client.sealedmemory import make_sealed
from llmcfg.errors import (
    IntegrityError,
    LlmcfgError,
    NotAuthorisedError,
    PendingError,
    StorageError,
    UsageError,
)
from llmcfg.limits import AGENT_OPENED_BYTES
from llmcfg.model.names import why_not_a_name

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.bundlefile.opened import OpenedBundle
    from llmcfg.client.source import Loaded, Source
    from llmcfg.client.trust import Trust

    Open = Callable[[Bundle], OpenedBundle]

_REMEMBERED: Final = 16  # earlier bundles of a place
_LARGEST_DELTA: Final = 64 << 10  # beyond it the whole file is handed over, which costs nothing to send
_RETRY_AFTER: Final = 1.0  # seconds, when loading what is there failed
_NOTHING: Final = object()


class Served:
    """A bundle, and what was opened of it; None without a key that fits. Both can be handed over as memory."""

    def __init__(self, loaded: Loaded, opened: OpenedBundle | None) -> None:
        """Raises IntegrityError where more was opened than a program would take."""
        self.loaded = loaded
        self.opened = opened
        self._bundle = -1
        self._secrets = -1
        if opened is not None:
            content = encode_opened(opened)
            if len(content) > AGENT_OPENED_BYTES:
                raise IntegrityError("more is sealed in the bundle than an agent serves", hint="seal fewer files in it")
            self._secrets = make_sealed(content)

    @property
    def root(self) -> bytes:
        return self.loaded.bundle.head.root

    def is_same(self, loaded: Loaded, opened: OpenedBundle | None) -> bool:
        return (self.loaded.bundle.head, self.opened) == (loaded.bundle.head, opened)

    def bundle_memory(self) -> int:
        """A descriptor, which stays this one's own."""
        if self._bundle < 0:
            bundle = self.loaded.bundle
            self._bundle = make_sealed(pack_bundle(bundle) if bundle.packed is None else bundle.packed)
            release_pages(bundle)
        return self._bundle

    def secrets_memory(self) -> int:
        """As `bundle_memory`."""
        return self._secrets

    def close(self) -> None:
        for descriptor in {self._bundle, self._secrets} - {-1}:
            os.close(descriptor)
        self._bundle = self._secrets = -1


class Rules(NamedTuple):
    """By what bundles of a place are taken: `trust` is what they are held against, `last_good` where the last one is kept."""

    trust: Trust | None = None
    last_good: LastGood | None = None


class Place:
    """One consumer's bundle. `trouble` is why there is none, or none newer; `is_news` that nobody was told of either yet."""

    def __init__(self, name: str, source: Source, open_sealed: Open | None, rules: Rules) -> None:
        self.name = name
        self.source = source
        self._admission = Admission(trust=rules.trust)
        self._last_good = rules.last_good
        self._taken = rules.last_good.find() if rules.last_good else None
        self.served: Served | None = None
        self.trouble: LlmcfgError | None = None
        self.heartbeat = b""
        self.is_news = False
        self._roots: dict[int, bytes | None] = {}
        self._open = open_sealed
        self._seen: Hashable = _NOTHING
        self._failed: Hashable = _NOTHING
        self._retry_at = 0.0
        self._earlier: OrderedDict[bytes, Bundle] = OrderedDict()
        self._deltas: dict[bytes, bytes] = {}

    def refresh(self) -> bool:
        """Look, and take what is new. Whether there is something to say of it."""
        before, beat = (self.served, self.trouble and self.trouble.message), self.heartbeat
        try:
            self._look()
        except OSError as error:
            self.trouble = StorageError(f"{self.source.name} cannot be read: {error.strerror or error}")
        except LlmcfgError as error:
            self.trouble = error
        self.heartbeat = self.source.read_heartbeat() or b""
        self.is_news = self.is_news or (self.served, self.trouble and self.trouble.message) != before
        return self.is_news or self.heartbeat != beat

    def read_root(self, version: int) -> bytes | None:
        """A version of the root of trust that came with the newest delivery."""
        if version not in self._roots:
            self._roots[version] = self.source.read_root(version)
        return self._roots[version]

    def retry(self) -> None:
        """Have the next look load what is there, as if it were new."""
        self._seen = self._failed = _NOTHING

    def delta(self, root: bytes) -> bytes:
        """What leads from an earlier root to what is served; empty where the whole file is the better way."""
        base = self._earlier.get(root)
        if base is None or self.served is None:
            return b""
        if root not in self._deltas:
            made = make_delta(base, self.served.loaded.bundle)
            self._deltas[root] = made if len(made) <= _LARGEST_DELTA else b""
        return self._deltas[root]

    @property
    def was_taken(self) -> bool:
        """Whether there is a bundle that nothing older may follow."""
        return self._taken is not None

    def close(self) -> None:
        """Let go of what is served; what was taken last is still known."""
        if self.served is not None:
            self.served.close()
        self.served, self.trouble, self.is_news = None, None, False
        self._earlier.clear()
        self._deltas.clear()
        self.retry()

    def _look(self) -> None:
        seen = self.source.look()
        if seen == self._failed and time.monotonic() < self._retry_at:
            return
        if seen != self._seen:
            self._failed, self._retry_at = seen, time.monotonic() + _RETRY_AFTER
            self._roots.clear()
            self._take(self.source.load(check=True))
            self._seen = seen
        self._failed, self.trouble = _NOTHING, self._staleness()

    def _staleness(self) -> LlmcfgError | None:
        """That what is served may not be the newest, as far as the agent can tell."""
        said = self._admission.why_stale(self.served.loaded.bundle, self.source) if self.served else ""
        return (
            PendingError(said, hint="see whether llmcfg sync runs, and delivers here", code="stale") if said else None
        )

    def _take(self, loaded: Loaded) -> None:
        before = self.served
        release_pages(loaded.bundle)
        self._admission.check(loaded.bundle, self._taken, self.source.read_root)
        opened = self._opened(loaded.bundle, before)
        if before is not None and before.is_same(loaded, opened):
            return
        if before is not None and before.opened == opened:
            opened = before.opened
        made = Served(loaded, opened)
        self._keep(loaded.bundle)
        self.served = made
        if before is not None:
            before.close()
        self._deltas.clear()
        self._remember(loaded.bundle)

    def _keep(self, bundle: Bundle) -> None:
        """Durably, before anybody gets it. Raises StorageError: what is not kept could be taken back."""
        if self._last_good is not None and (self._taken is None or self._taken.head != bundle.head):
            self._last_good.keep(bundle)
        self._taken = bundle

    def _remember(self, bundle: Bundle) -> None:
        self._earlier[bundle.head.root] = bundle
        self._earlier.move_to_end(bundle.head.root)
        while len(self._earlier) > _REMEMBERED:
            self._earlier.popitem(last=False)

    def _opened(self, bundle: Bundle, before: Served | None) -> OpenedBundle | None:
        """None where no key of this host fits, since a program may have one of its own. What was opened once has to open again."""
        if self._open is None:
            return None
        try:
            return self._open(bundle)
        except NotAuthorisedError:
            if before is not None and before.opened is not None:
                raise
            return None


class Shelf:
    """`open_sealed` opens what is sealed in a bundle; None where the agent has no key.

    `trust` gives what the bundle of a place is held against; None where anything is served. `state` is where what was taken is kept.
    """

    def __init__(
        self,
        folder: Path,
        open_sealed: Open | None,
        trust: Callable[[str], Trust] | None = None,
        state: Path | None = None,
    ) -> None:
        self._folder = folder
        self._open = open_sealed
        self._trust = trust
        self._state = state
        self._places: dict[str, Place] = {}
        self._resting: dict[str, Place] = {}  # that nobody asks for, and of which something was taken

    def place(self, tenant: str | None, consumer: str) -> Place:
        """Where a consumer's bundle is; whether there is one shows when it is refreshed. Raises UsageError for names that cannot be any."""
        for name in (consumer, *([] if tenant is None else [tenant])):
            if (reason := why_not_a_name(name)) is not None:
                raise UsageError(f"{name[:100]!r} cannot be a tenant or consumer", hint=reason)
        source = find_directory(self._folder, tenant, consumer)
        name = source.place
        if name not in self._places:
            resting = self._resting.pop(name, None)
            self._places[name] = resting or Place(name, source, self._open, self._rules(name))
        return self._places[name]

    def _rules(self, name: str) -> Rules:
        kept = LastGood(self._state / name) if self._state is not None else None
        return Rules(self._trust(name) if self._trust else None, kept)

    def refresh(self) -> list[Place]:
        """Look at every place that somebody asked for; those of which there is something to say."""
        return [place for place in self._places.values() if place.refresh()]

    def forget(self, place: Place) -> None:
        """Nobody asks for it any more."""
        self._places.pop(place.name, None)
        place.close()
        if place.was_taken:
            self._resting[place.name] = place

    def retry(self) -> None:
        """As after a key was put in its place."""
        for place in self._places.values():
            place.retry()
