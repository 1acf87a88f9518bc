"""Where a program's bundles come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable

    from llmcfg.bundlefile.bundle import Bundle


class Loaded(NamedTuple):
    """A bundle, and how the environment's head calls it: its root and the digest of the bundle's manifest, `sha256:…`."""

    bundle: Bundle
    root: str
    manifest: str


class Verdict(NamedTuple):
    """What a program made of a bundle; `reason` says why it refused."""

    is_accepted: bool
    reason: str = ""


class Source(Protocol):
    @property
    def name(self) -> str: ...

    def look(self) -> Hashable:
        """Something cheap that is another whenever there may be another bundle. Raises OSError."""
        ...

    def load(self, *, check: bool) -> Loaded:
        """The newest bundle; with `check`, not without a look at all of its bytes. Raises LlmcfgError and OSError."""
        ...

    def acknowledge(self, loaded: Loaded, verdict: Verdict, instance: str) -> None:
        """Tell whoever delivers. Raises LlmcfgError and OSError."""
        ...

    def withdraw(self, instance: str) -> None:
        """This process reads no longer. Never raises."""
        ...
