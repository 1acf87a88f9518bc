"""The `ssh-keygen` program, for signing with keys of every kind: files, with or without a passphrase, ssh-agent, and security keys.

It asks for a passphrase, or for a touch, on the terminal itself. What is signed goes through stdin, and nothing secret through here.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg.secrets.guard import KEY_VARIABLES
from llmcfg.trust import sshsig
from llmcfg.trust.failure import SignatureError
from llmcfg.trust.keys import PublicKey, parse_key_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MOST_BYTES: Final = 64 << 10


def sign(key: Path, content: bytes, namespace: str, environment: Mapping[str, str]) -> bytes:
    """The armoured signature of the content. `key` is a private key, or a public one whose private one an agent holds.

    Raises NotAuthorisedError where the key cannot be used, UsageError where there is no ssh-keygen.
    """
    try:
        done = subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(key)],
            input=content,
            capture_output=True,
            check=False,
            env={name: value for name, value in environment.items() if name not in KEY_VARIABLES},
        )
    except FileNotFoundError:
        raise UsageError("there is no ssh-keygen program on the PATH", hint="install OpenSSH") from None
    try:
        sshsig.verify(done.stdout, content, namespace=namespace)
    except SignatureError:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NotAuthorisedError(
            f"{key} cannot sign: {said[-1] if said else 'ssh-keygen says nothing'}",
            hint="name a private key, or the .pub file of one that ssh-agent holds",
            code="no-signing-key",
        ) from None
    return done.stdout


def read_public_key(file: Path) -> PublicKey:
    """The key of a `.pub` file, or the one beside a private key. Raises UsageError."""
    for place in (file, file.with_name(f"{file.name}.pub")):
        text = _read(place)
        if text is None or text.startswith("-----BEGIN"):
            continue
        try:
            return parse_key_text(text)
        except SignatureError as error:
            raise UsageError(f"{place} is no public key of SSH: {error.reason}", hint="name a .pub file") from None
    raise UsageError(f"there is no public key in {file}", hint=f"name a .pub file: ssh-keygen -y -f {file} writes one")


def _read(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", hint="name a file with a key of SSH") from None
