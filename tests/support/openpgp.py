"""Keys of OpenPGP that a real gpg made, in a folder of the test's own, and a repository that trusts one of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from llmcfg.git.gpg import Gpg
from llmcfg.trust.openpgp import Certificate, parse_certificate
from llmcfg.trust.root import Root
from llmcfg.wiring import Workspace
from support.written import CONSUMER, MANIFEST, WrittenRepository
from trust.roots import make_root, signed
from trust.signing import ed25519

HAS_GPG = shutil.which("gpg") is not None
WITHOUT_GPG = "gpg is not on this machine"
CHECK = Gpg(os.environ.get("PATH", os.defpath)).check


class KeyRing:
    """gpg with a folder of its own, whose agent ends with `close`."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o700)
        self.home = home
        self.environment = {**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C"}

    def __call__(self, *arguments: str, content: bytes = b"") -> bytes:
        command = ["gpg", "--batch", "--no-tty", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"]
        done = subprocess.run(
            [*command, *arguments], input=content, env=self.environment, check=True, capture_output=True
        )
        return done.stdout

    def make(self, name: str, kind: str = "ed25519", usage: str = "sign", expires: str = "never") -> Certificate:
        self("--quick-generate-key", name, kind, usage, expires)
        return self.certificate(name)

    def certificate(self, name: str) -> Certificate:
        return parse_certificate(self("--export-options", "export-minimal", "--export", name))

    def sign(self, name: str, content: bytes, *options: str) -> bytes:
        return self(*options, "--local-user", name, "--armor", "--detach-sign", content=content)

    def close(self) -> None:
        subprocess.run(["gpgconf", "--kill", "all"], env=self.environment, check=False, capture_output=True)


def key_ring(home: Path) -> Iterator[KeyRing]:
    made = KeyRing(home)
    yield made
    made.close()


def trusting_repository(path: Path, ring: KeyRing, name: str) -> tuple[WrittenRepository, Root]:
    """Its root lists the key of `name` as the only one that signs commits, and Git signed HEAD with it."""
    files = {"llmcfg.yaml": MANIFEST, "base/limits.yaml": "rpm: 1\n", "consumers/api.yaml": CONSUMER}
    written = WrittenRepository(path, files)
    root = make_root(
        ed25519(1),
        signers=(f'{name} namespaces="git" {ring.certificate(name).text}',),
        vouched=(written.git("rev-parse", "HEAD"),),
        expires=1 << 33,
    )
    Workspace(path).root_store().publish(signed(root))
    command = ["git", "-C", str(path), "commit", "-q", "--allow-empty", "-m", "signed", f"-S{name}"]
    subprocess.run(command, env=ring.environment, check=True)
    return written, root
