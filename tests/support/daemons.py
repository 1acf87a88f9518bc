"""A daemon as a process: its settings in a file, its log in another, and somebody who hears what it tells its supervisor."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from llmcfg.sync.records import StatusRecord, read_status
from support.servers import free_port

LONG = 120.0  # seconds until something that should happen is said not to
SECRET = "0123456789abcdef0123456789abcdef"


class Supervisor:
    """Listens where systemd would. `said` grows, with each message as it came."""

    def __init__(self, address: Path) -> None:
        self.said: list[str] = []
        self._heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._heard.bind(str(address))
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def heard(self, text: str) -> list[str]:
        return [said for said in self.said if said.startswith(text)]

    def close(self) -> None:
        """Once all was heard. May be called again."""
        if self._thread.is_alive():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", self._heard.getsockname())
            self._thread.join()
            self._heard.close()

    def _listen(self) -> None:
        while said := self._heard.recv(65536):
            self.said.append(said.decode())


class Daemon:
    """Follows `remote`. `folder` is made by whoever calls; everything of the daemon lies in it."""

    def __init__(self, folder: Path, remote: object) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.settings = folder / "settings.yaml"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.supervisor = Supervisor(folder / "notify")
        (folder / "secret").write_text(SECRET)
        self.write(remote)

    def write(self, remote: object, more: str = "", port: int = 0) -> None:
        """The settings file; `more` are further lines of it."""
        self.settings.write_text(
            f"apiVersion: llmcfg.dev/v1\nkind: Sync\nremote: {{url: {remote}}}\nstate: {self.state}\npoll: 3600\n"
            f"webhook: {{listen: '127.0.0.1:{port or self.port}', secret_file: {self.folder}/secret}}\n{more}"
        )

    def start(self, failpoints: str = "", **variables: str) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command("--settings", str(self.settings)),
                cwd=self.folder,
                env=self._environment({"LLMCFG_FAILPOINTS": failpoints, **variables}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ask(self, *words: str) -> int:
        """The exit code of `llmcfg sync` with these words."""
        command = self._command(*words, "-q", "--state", str(self.state))
        return subprocess.run(command, cwd=self.folder, env=self._environment({}), capture_output=True).returncode

    def call(self, headers: Mapping[str, str], body: bytes = b"{}") -> int:
        """A webhook; the status of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        try:
            connection.request("POST", "/", body, dict(headers))
            return connection.getresponse().status
        finally:
            connection.close()

    def events(self, event: str = "") -> list[dict[str, object]]:
        """What it logged, all or of one kind. What is no line of JSON fails."""
        text = (self.folder / "log").read_text()
        logged = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [one for one in logged if event in ("", one["event"])]

    def status(self) -> StatusRecord:
        return read_status(self.state) or StatusRecord()

    def children(self) -> list[int]:
        assert self.process is not None
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(child) for child in listed.read_text().split()]

    def wait_until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + LONG
        while not holds():
            assert time.monotonic() < deadline, self._facts()
            assert self.process is None or self.process.poll() is None, f"it ended; {self._facts()}"
            time.sleep(0.02)

    def wait_for(self, event: str, count: int = 1, **fields: str) -> dict[str, object]:
        """So many events of a kind, with these fields; the last of them."""

        def found() -> list[dict[str, object]]:
            return [one for one in self.events(event) if fields.items() <= one.items()]

        self.wait_until(lambda: len(found()) >= count)
        return found()[count - 1]

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.send(number)
        return self.process.wait(LONG)

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.supervisor.close()

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "llmcfg_cli", "sync", *arguments]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "PYTHONPATH"))}
        own = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "NOTIFY_SOCKET": str(self.folder / "notify")}
        return {**kept, **own, **more}

    def _facts(self) -> str:
        return f"log: {(self.folder / 'log').read_text()} heard: {self.supervisor.said[-20:]}"
