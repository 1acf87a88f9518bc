"""`after_apply`: what the consumers of a directory are asked before a switch, and how they are told of it (ADR 0011).

Programs are those of the settings, run without a shell and with a deadline. `{bundle}` in an argument is the folder of the consumer's
bundle, `{opened}` that of its opened files. What they print is shown only where the settings allow it, since it may hold secrets.
"""

from __future__ import annotations

import errno
import http.client
import os
import signal
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from llmcfg.errors import RefusedError, StorageError
from llmcfg.running import run
from llmcfg.sinks.workers import wait_until_gone, workers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from llmcfg.model.settings import Argv, HookSpec, ProbeSpec
    from llmcfg.sinks.openedfiles import OpenedFiles
    from llmcfg.sinks.workers import Worker

Stage = Literal["validate", "signal", "probe"]
_MANIFEST: Final = "manifest.json"
_PAUSE_SECONDS: Final = 0.2
_ATTEMPT_SECONDS: Final = 5.0
_SIGNAL_SECONDS: Final = 60.0
_MOST_OUTPUT: Final = 64 << 10
_MOST_PID: Final = 32
_SHOWN: Final = 500
_SHORTAGES: Final = (
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EAGAIN,
)  # of this machine: no fault of what is delivered


class ConsumerHooks:
    """The hooks of a directory's consumers, by the folder of their bundle. `environment` is what their programs inherit."""

    def __init__(
        self, hooks: Mapping[str, HookSpec], environment: Mapping[str, str], opened: OpenedFiles | None = None
    ) -> None:
        self._hooks = hooks
        self._environment = environment
        self._opened = opened

    def validate(self, staged: Path, before: Path | None) -> None:
        for hook, bundle in self._changed(staged, before):
            if hook.validate:
                self._run(hook, "validate", hook.validate, bundle, hook.validate_seconds)

    def settle(self, current: Path, before: Path | None) -> None:
        for hook, bundle in self._changed(current, before):
            if self._tell(hook, bundle) and hook.probe is not None:
                self._probe(hook, hook.probe, bundle)

    def _changed(self, folder: Path, before: Path | None) -> Iterator[tuple[HookSpec, Path]]:
        """The consumers whose bundle is another one, or is new."""
        for name, hook in sorted(self._hooks.items()):
            now, then = _read(folder / name / _MANIFEST), _read(before / name / _MANIFEST) if before else None
            if now is not None and now != then:
                yield hook, folder / name

    def _tell(self, hook: HookSpec, bundle: Path) -> bool:
        """Whether the program runs, so that it was told; one that does not will read the new files when it starts."""
        if hook.signal.command:
            self._run(hook, "signal", hook.signal.command, bundle, _SIGNAL_SECONDS)
            return True
        if hook.signal.pid_file is None:
            return True
        return _send(hook, hook.signal.pid_file)

    def _probe(self, hook: HookSpec, probe: ProbeSpec, bundle: Path) -> None:
        deadline = time.monotonic() + probe.seconds
        why = "it was not asked"
        while why and time.monotonic() < deadline:
            left = max(min(deadline - time.monotonic(), _ATTEMPT_SECONDS), 0.1)
            why = _ask(probe.url, left) if probe.url else self._try(hook, probe, bundle, left)
            if why:
                time.sleep(_PAUSE_SECONDS)
        if why:
            raise _error(hook, "probe", f"is not well after {probe.seconds:g} s: {why}")

    def _try(self, hook: HookSpec, probe: ProbeSpec, bundle: Path, seconds: float) -> str:
        """Why the command is not content; empty when it is."""
        try:
            self._run(hook, "probe", probe.command, bundle, seconds)
        except RefusedError as error:
            return error.message.removeprefix(f"the hook {hook.name} ")
        return ""

    def _run(self, hook: HookSpec, stage: Stage, argv: Argv, bundle: Path, seconds: float) -> None:
        arguments = [argument.replace("{bundle}", str(bundle)) for argument in argv]
        if self._opened is not None:
            opened = self._opened.folder(bundle.parent.parent) / bundle.parent.name / bundle.name
            arguments = [argument.replace("{opened}", str(opened)) for argument in arguments]
        try:
            ran = run(arguments, environment=self._environment, seconds=seconds, most_output=_MOST_OUTPUT)
        except OSError as error:
            if error.errno in _SHORTAGES:
                raise StorageError(
                    f"cannot start {argv[0]}: {error.strerror}", hint="this machine is short of files or memory"
                ) from None
            raise _error(hook, stage, f"cannot start {argv[0]}: {error.strerror}") from None
        if ran.stopped:
            raise _error(hook, stage, f"stopped {argv[0]}, which took too much {ran.stopped}")
        if ran.code:
            said = f": {_shown(ran.out + ran.err)}" if hook.show_output else ""
            raise _error(hook, stage, f"refuses it: {argv[0]} ended with {ran.code}{said}")


def _send(hook: HookSpec, pid_file: Path) -> bool:
    """Signal the process that the file names. None there, or no such process, is one that does not run."""
    try:
        with pid_file.open("rb") as file:
            text = file.read(_MOST_PID).strip()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _error(hook, "signal", f"cannot read {pid_file}: {error.strerror}") from None
    if not text.isdigit() or int(text) < 2:
        raise _error(hook, "signal", f"finds no process in {pid_file}")
    server, patience = int(text), hook.signal.workers_replaced_within
    workers = _workers(hook, server) if patience is not None else frozenset()
    try:
        os.kill(server, getattr(signal, f"SIG{hook.signal.signal}"))
    except ProcessLookupError:
        return False
    except (OSError, OverflowError) as error:
        raise _error(hook, "signal", f"may not signal process {server}: {getattr(error, 'strerror', error)}") from None
    if left := wait_until_gone(workers, patience or 0):
        raise _error(hook, "signal", f"waited {patience:g} s, and {left} of the workers that ran before still run")
    return True


def _workers(hook: HookSpec, server: int) -> frozenset[Worker]:
    try:
        return workers_of(server)
    except OSError as error:
        raise _error(hook, "signal", f"cannot see the workers of process {server}: {error.strerror}") from None


def _ask(address: str, seconds: float) -> str:
    """Why it is not well; empty when it answers with 2xx."""
    url = urlsplit(address)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=seconds)
    try:
        connection.request(
            "GET", f"{url.path or '/'}{f'?{url.query}' if url.query else ''}", headers={"Connection": "close"}
        )
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ssl.SSLError) as error:
        return f"{getattr(error, 'strerror', None) or type(error).__name__}"
    finally:
        connection.close()
    return "" if 200 <= status < 300 else f"it answers {status}"


def _read(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None


def _error(hook: HookSpec, stage: Stage, what: str) -> RefusedError:
    hints = {
        "validate": "the new files are not current; see what the program says about them",
        "signal": "the old files are current again; see hooks in the settings",
        "probe": "the old files are current again; see the log of the program",
    }
    return RefusedError(f"the hook {hook.name} {what}", hint=hints[stage], code=f"hook-{stage}")


def _shown(output: bytes) -> str:
    text = output.decode("utf-8", "replace")[-_SHOWN:]
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
