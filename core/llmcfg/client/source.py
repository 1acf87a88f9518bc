"""Where a program's bundles come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Hashable

    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.client.admission import OpenSecrets


class Loaded(NamedTuple):
    """A bundle, and how the environment's head calls it: its root and the digest of the bundle's manifest, `sha256:…`.

    Empty where the source does not need them to acknowledge.
    """

    bundle: Bundle
    root: str = ""
    manifest: str = ""


class Verdict(NamedTuple):
    """What a program made of a bundle; `reason` says why it refused."""

    is_accepted: bool
    reason: str = ""


class Source(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def open_secrets(self) -> OpenSecrets | None:
        """Opens the secrets of the newest bundle without a key of this program; None where the source opens none."""
        ...

    def look(self) -> Hashable:
        """Something cheap that is another whenever there may be another bundle. Raises OSError."""
        ...

    def load(self, *, check: bool) -> Loaded:
        """The newest bundle; with `check`, not without a look at all of its bytes. Raises LlmcfgError and OSError."""
        ...

    def read_root(self, version: int) -> bytes | None:
        """A version of the root of trust that came with the newest bundle; None where there is none. Raises OSError."""
        ...

    def read_heartbeat(self) -> bytes | None:
        """The newest heartbeat of the environment; None where none can be read."""
        ...

    @property
    def has_heartbeats(self) -> bool:
        """Whether there is a place for one."""
        ...

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Until there may be something new, `stop` is set, or so long."""
        ...

    def after_fork(self) -> None:
        """In the child: share nothing with the parent."""
        ...

    def acknowledge(self, loaded: Loaded, verdict: Verdict, instance: str) -> None:
        """Tell whoever delivers. Raises LlmcfgError and OSError."""
        ...

    def withdraw(self, instance: str) -> None:
        """This process reads no longer. Never raises."""
        ...

    def close(self) -> None:
        """Let go of whatever it holds."""
        ...
