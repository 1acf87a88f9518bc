"""A real SSH server on loopback, for the user who runs the tests, with keys of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.servers import free_port

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
PRIVILEGES = Path("/run/sshd")  # where a server that root starts locks its children in
_WAIT_SECONDS = 60


def make_key(path: Path, passphrase: str = "") -> Path:
    """A private key at `path`, with its public half beside it."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "made for a test", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return path


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text()


class Sshd:
    """Lets in who has the private half of `authorised`, whose public half lies beside it."""

    def __init__(self, folder: Path, authorised: Path) -> None:
        folder.mkdir()
        self.port = free_port()
        self.host_key = make_key(folder / "host")
        self._log = folder / "log"
        self._settings = folder / "sshd_config"
        (folder / "authorised").write_text(public(authorised))
        self._settings.write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {self.host_key}\nAuthorizedKeysFile {folder}/authorised\n"
            f"PidFile {folder}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
        )

    def address(self, repository: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{repository}"

    def known_as(self, key: Path) -> str:
        """The line of a known_hosts file that says that this server has the public half of `key`."""
        return f"[127.0.0.1]:{self.port} {public(key)}"

    @contextmanager
    def running(self) -> Iterator[None]:
        assert SSHD is not None
        if os.geteuid() == 0:
            PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
        with self._log.open("wb") as log:
            server = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(self._settings)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._wait(server)
            yield
        finally:
            server.terminate()
            server.wait(_WAIT_SECONDS)

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=_WAIT_SECONDS).close()
                return
            except ConnectionRefusedError:
                assert server.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.02)
