"""The configuration that a program holds: reads of the snapshot in use, and what follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, overload

from llmcfg.errors import NotAuthorisedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.client.following import Follower
    from llmcfg.client.iteration import Updates
    from llmcfg.client.listeners import Callback, Listener, SecretCallback
    from llmcfg.client.snapshot import Snapshot
    from llmcfg.client.stopped import Stopped
    from llmcfg.client.values import Secret
    from llmcfg.model.target import Target

T = TypeVar("T")


class Config:
    """Made by `llmcfg.client.open`. May be used by any thread, and goes on in processes that are forked.

    Each read is of the newest configuration. Reads that belong together are made on one `snapshot()`.
    """

    __slots__ = ("__weakref__", "_follower", "_reads", "_snapshot")

    _reads: dict[str, Any]
    _snapshot: Snapshot

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        follower.use = self._use

    def __getitem__(self, path: str) -> Any:
        """The value at a key path. As `Snapshot.__getitem__`."""
        try:
            return self._reads[path]
        except KeyError:
            pass
        return self._snapshot[path]

    def __contains__(self, path: str) -> bool:
        return path in self._snapshot

    @overload
    def get(self, path: str, default: Any = None) -> Any: ...
    @overload
    def get(self, path: str, default: None = None, *, type: type[T]) -> T | None: ...
    @overload
    def get(self, path: str, default: T, *, type: type[T]) -> T: ...
    def get(self, path: str, default: Any = None, *, type: Any = None) -> Any:
        """As `Snapshot.get`."""
        return self._snapshot.get(path, default, type=type)

    def require(self, path: str, type: type[T]) -> T:
        """As `Snapshot.require`."""
        return self._snapshot.require(path, type)

    def bind(self, model: type[T], path: str = ".") -> T:
        """As `Snapshot.bind`: of the configuration as it is now. Bind again in `on_change` to follow it."""
        return self._snapshot.bind(model, path)

    def secret(self, name: str) -> Secret:
        """As `Snapshot.secret`."""
        return self._snapshot.secret(name)

    def files(self) -> tuple[str, ...]:
        """As `Snapshot.files`."""
        return self._snapshot.files()

    def file(self, path: str) -> bytes:
        """As `Snapshot.file`."""
        return self._snapshot.file(path)

    def snapshot(self) -> Snapshot:
        """All of the configuration as it is now; it stays as it is."""
        return self._snapshot

    @property
    def revision(self) -> str:
        return self._snapshot.revision

    @property
    def digest(self) -> str:
        return self._snapshot.digest

    @property
    def target(self) -> Target:
        return self._snapshot.target

    @property
    def trouble(self) -> str:
        """Why this may not be the newest configuration: what the last look at the source came to; empty when it is."""
        return self._follower.trouble

    def resource_attributes(self) -> dict[str, str]:
        """The configuration in use, as attributes of an OpenTelemetry resource."""
        target = self._snapshot.target
        said = {
            "deployment.environment.name": target.environment,
            "llmcfg.consumer": target.consumer,
            "llmcfg.tenant": target.tenant,
            "llmcfg.revision": self._snapshot.revision,
            "llmcfg.digest": self._snapshot.digest,
        }
        return {name: value for name, value in said.items() if value}

    @overload
    def on_change(self, prefix: str, callback: Callback) -> Listener: ...
    @overload
    def on_change(self, prefix: str) -> Callable[[Callback], Callback]: ...
    def on_change(self, prefix: str, callback: Callback | None = None) -> Listener | Callable[[Callback], Callback]:
        """Call `callback` with an Update whenever something at or below the key path changed, once it is in use; `.` is everything.

        Callbacks run in the thread that follows the source. Without a callback this is a decorator.
        """
        if callback is not None:
            return self._follower.listeners.add(prefix, callback)

        def decorate(decorated: Callback) -> Callback:
            self._follower.listeners.add(prefix, decorated)
            return decorated

        return decorate

    @overload
    def on_secret(self, name: str, callback: SecretCallback) -> Listener: ...
    @overload
    def on_secret(self, name: str) -> Callable[[SecretCallback], SecretCallback]: ...
    def on_secret(
        self, name: str, callback: SecretCallback | None = None
    ) -> Listener | Callable[[SecretCallback], SecretCallback]:
        """Call `callback` with a SecretUpdate whenever this secret has another value, once it is in use. Otherwise as `on_change`.

        Raises NotAuthorisedError where this program opens no secrets.
        """
        if not self._follower.opens_secrets:
            raise NotAuthorisedError(
                f"changes of the secret {name!r} cannot be told without a private key",
                hint="open(..., identity=Path(...)); or on_change of a key that refers to it",
            )
        if callback is not None:
            return self._follower.listeners.add_secret(name, callback)

        def decorate(decorated: SecretCallback) -> SecretCallback:
            self._follower.listeners.add_secret(name, decorated)
            return decorated

        return decorate

    def changes(self, prefix: str = ".") -> Updates:
        """`async for update in cfg.changes("routing")`. Listens from now on, in the running loop."""
        from llmcfg.client.iteration import Updates

        return Updates(self._follower.listeners, prefix)

    def refresh(self) -> None:
        """Look at the source now instead of at the next turn."""
        self._follower.look()

    def close(self) -> None:
        """Follow the source no longer. What was read last can still be read."""
        self._follower.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Config({self.target}, revision={self.revision[:10]!r})"

    def _use(self, snapshot: Snapshot | Stopped) -> None:
        self._snapshot = cast("Snapshot", snapshot)  # reads of either look the same
        self._reads = snapshot.reads
