"""The reasons for a pass, gathered: hints of the file system, looks at refs and requests, webhooks, and time."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmcfg.daemon.watch import Hints, RefWatch, RequestWatch, git_folder
from llmcfg.daemon.webhook import Judge, WebhookServer
from llmcfg.disk import make_folders, storage_errors
from llmcfg.errors import UsageError
from llmcfg.git.opening import open_git
from llmcfg.sync.backoff import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from random import Random

    from llmcfg.daemon.state import StateFolder
    from llmcfg.model.settings import Settings, Webhook

_LOOK_SECONDS: Final = 1.0
_GATHER_SECONDS: Final = 0.01  # a push moves several refs
_QUIET_SECONDS: Final = 1.0  # between the starts of two passes that webhooks ask for


class Triggers:
    """Belongs to one event loop. `start` before `wait`, `stop` at the end."""

    def __init__(
        self, settings: Settings, state: StateFolder, directory: Path, random: Random, now: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._random = random
        self._now = now
        self._asked = asyncio.Event()
        self._reasons: set[str] = {"start"}
        self._folders = state.root / "requests", state.root / "suspended"
        self._refs_folder = _watched(settings, directory)
        self._passed = -_QUIET_SECONDS
        self._server: WebhookServer | None = None
        self._hints: Hints | None = None
        self._looking: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        """Raises UsageError for a webhook that cannot be listened for, StorageError; nothing is started then."""
        for folder in self._folders:
            with storage_errors("make", folder):
                make_folders(folder, mode=0o700)
        if self._settings.webhook is not None:
            await self._listen(self._settings.webhook)
        self._requests = RequestWatch(*self._folders)
        self._refs = RefWatch(self._refs_folder) if self._refs_folder else None
        loop = asyncio.get_running_loop()
        folders = dict.fromkeys(self._folders, False)
        if self._refs_folder is not None:
            folders |= {self._refs_folder: False, self._refs_folder / "refs": True}

        def hint() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._look)

        self._hints = Hints(folders, hint)
        self._looking = asyncio.create_task(self._look_again())

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        if self._hints is not None:
            await asyncio.to_thread(self._hints.stop)
        if self._server is not None:
            await self._server.stop()

    def ask(self, reason: str) -> None:
        self._reasons.add(reason)
        self._asked.set()

    def ask_later(self, reason: str, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.ask, reason)

    def expect(self, moved: Mapping[str, str]) -> None:
        """What the last pass moved by itself is no reason for another one."""
        if self._refs is not None:
            self._refs.expect(moved)

    async def wait(self, seconds_to_next_try: float | None) -> frozenset[str]:
        """The reasons for the next pass, once there is one."""
        longest = spread(self._settings.poll_seconds, self._random)
        if seconds_to_next_try is not None:
            longest = min(longest, seconds_to_next_try)
        if not self._reasons:
            self._asked.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), longest)
            await asyncio.sleep(_GATHER_SECONDS)
        if self._reasons == {"webhook"}:
            await asyncio.sleep(max(0, self._passed + _QUIET_SECONDS - time.monotonic()))
        reasons = frozenset(self._reasons or {"time"})
        self._reasons.clear()
        self._passed = time.monotonic()
        return reasons

    def _look(self) -> None:
        if self._requests.look():
            self.ask("request")
        if self._refs is not None and self._refs.look():
            self.ask("refs")

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._look()

    async def _listen(self, webhook: Webhook) -> None:
        try:
            secret = webhook.secret_file.read_bytes().strip()
        except OSError as error:
            raise UsageError(
                f"cannot read {webhook.secret_file}: {error.strerror}", hint="see webhook.secret_file"
            ) from None
        if len(secret) < 16:
            raise UsageError(
                f"the secret in {webhook.secret_file} is shorter than 16 bytes", hint="make one: openssl rand -hex 32"
            )
        server = WebhookServer(Judge(secret, lambda: self._now().timestamp()), lambda _: self.ask("webhook"))
        try:
            self.port = await server.start(webhook.host, webhook.port)
        except OSError as error:
            place = f"{webhook.host}:{webhook.port}"
            raise UsageError(f"cannot listen on {place}: {error.strerror}", hint="see webhook.listen") from None
        self._server = server


def _watched(settings: Settings, directory: Path) -> Path | None:
    """The Git folder whose refs can be looked at: of the local repository, or of a remote on this machine."""
    if settings.remote is None:
        return open_git(directory).git_dir
    folder = settings.remote.access.url.folder
    return git_folder(Path(folder)) if folder else None
