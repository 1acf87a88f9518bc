"""The bundles of a delivered folder, as they are served: each once it was asked for, and from then on the newest one.

A bundle is mapped, never read whole. What takes the place of another has to be for the same target and not older, and its secrets have to
be what they should be; else what was served is served on. Some earlier bundles are remembered for as long as deltas may start from them.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from llmcfg.bundlefile.delta import make_delta
from llmcfg.bundlefile.reader import release_pages
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.client.admission import Admission
from llmcfg.client.agentwire import encode_opened
from llmcfg.client.directory import find_directory
from llmcfg.client.sealedmemory import make_sealed
from llmcfg.errors import IntegrityError, LlmcfgError, NotAuthorisedError, StorageError, UsageError
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


class Place:
    """One consumer's bundle. `trouble` is why there is none, or none newer."""

    def __init__(self, name: str, source: Source, open_sealed: Open | None, trust: Trust | None = None) -> None:
        self.name = name
        self.source = source
        self._admission = Admission(trust=trust)
        self.served: Served | None = None
        self.trouble: LlmcfgError | None = None
        self._open = open_sealed
        self._seen: Hashable = _NOTHING
        self._failed: Hashable = _NOTHING
        self._retry_at = 0.0
        self._earlier: OrderedDict[bytes, Bundle] = OrderedDict()
        self._deltas: dict[bytes, bytes] = {}

    def refresh(self) -> bool:
        """Look, and take what is new. Whether there is something to say of it."""
        before = self.served, self.trouble and self.trouble.message
        try:
            self._look()
        except OSError as error:
            self.trouble = StorageError(f"{self.source.name} cannot be read: {error.strerror or error}")
        except LlmcfgError as error:
            self.trouble = error
        return (self.served, self.trouble and self.trouble.message) != before

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

    def close(self) -> None:
        if self.served is not None:
            self.served.close()

    def _look(self) -> None:
        seen = self.source.look()
        if seen == self._failed and time.monotonic() < self._retry_at:
            return
        if seen != self._seen:
            self._failed, self._retry_at = seen, time.monotonic() + _RETRY_AFTER
            self._take(self.source.load(check=True))
            self._seen = seen
        self._failed, self.trouble = _NOTHING, None

    def _take(self, loaded: Loaded) -> None:
        before = self.served
        release_pages(loaded.bundle)
        self._admission.check(
            loaded.bundle, before.loaded.bundle if before is not None else None, self.source.read_root
        )
        opened = self._opened(loaded.bundle, before)
        if before is not None and before.is_same(loaded, opened):
            return
        if before is not None and before.opened == opened:
            opened = before.opened
        self.served = Served(loaded, opened)
        if before is not None:
            before.close()
        self._deltas.clear()
        self._remember(loaded.bundle)

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

    `trust` gives what the bundle of a place is held against; None where anything is served.
    """

    def __init__(self, folder: Path, open_sealed: Open | None, trust: Callable[[str], Trust] | None = None) -> None:
        self._folder = folder
        self._open = open_sealed
        self._trust = trust
        self._places: dict[str, Place] = {}

    def place(self, tenant: str | None, consumer: str) -> Place:
        """Where a consumer's bundle is; whether there is one shows when it is refreshed. Raises UsageError for names that cannot be any."""
        for name in (consumer, *([] if tenant is None else [tenant])):
            if (reason := why_not_a_name(name)) is not None:
                raise UsageError(f"{name[:100]!r} cannot be a tenant or consumer", hint=reason)
        source = find_directory(self._folder, tenant, consumer)
        name = source.place
        if name not in self._places:
            self._places[name] = Place(name, source, self._open, self._trust(name) if self._trust else None)
        return self._places[name]

    def refresh(self) -> list[Place]:
        """Look at every place that somebody asked for; those of which there is something to say."""
        return [place for place in self._places.values() if place.refresh()]

    def forget(self, place: Place) -> None:
        """Nobody asks for it any more."""
        self._places.pop(place.name, None)
        place.close()

    def retry(self) -> None:
        """As after a key was put in its place."""
        for place in self._places.values():
            place.retry()
