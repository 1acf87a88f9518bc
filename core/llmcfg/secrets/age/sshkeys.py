"""SSH keys as age recipients and identities: ed25519, and RSA of at least 2,048 bits. Formats: RFC 4253, PROTOCOL.key of OpenSSH, PEM."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg.secrets.age.base64text import decode_padded, encode_raw

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization import SSHPrivateKeyTypes

SshKind: TypeAlias = Literal["ssh-ed25519", "ssh-rsa"]

_OPENSSH: Final = re.compile(
    rb"-----BEGIN OPENSSH PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)-----END OPENSSH PRIVATE KEY-----"
)
_MAGIC: Final = b"openssh-key-v1\0"
_RSA_BITS: Final = 2048


class PrivateFile(NamedTuple):
    """An SSH private key as it lies in a file. `public_line` is known without its passphrase."""

    kind: SshKind
    public_line: str
    pem: bytes
    is_encrypted: bool


def parse_public_line(text: str) -> tuple[SshKind, str]:
    """The kind, and the line without its comment. Raises ValueError that says why it is none."""
    words = text.split()
    if len(words) < 2:
        raise ValueError("it is cut short")
    kind = words[0]
    if kind not in ("ssh-ed25519", "ssh-rsa"):
        raise ValueError(f"SSH keys of type {kind[:40]} cannot be used, only ssh-ed25519 and ssh-rsa")
    try:
        blob = decode_padded(words[1].encode())
    except ValueError:
        raise ValueError("its base64 is damaged") from None
    if _kind_of(blob) != kind:
        raise ValueError("its content does not fit its type")
    return _line(blob)


def stanza_tag(public_line: str) -> str:
    """How a stanza names the SSH key that it is for."""
    blob = base64.b64decode(public_line.split()[1])
    return encode_raw(hashlib.sha256(blob).digest()[:4]).decode()


def read_private(pem: bytes) -> PrivateFile:
    """Raises ValueError that says why it cannot be used, without repeating any of it."""
    pem = pem.replace(b"\r\n", b"\n").strip() + b"\n"
    openssh = _OPENSSH.search(pem)
    if openssh is None:
        return _read_pem(pem)
    try:
        content = base64.b64decode(openssh[1], validate=False)
        if not content.startswith(_MAGIC):
            raise ValueError
        cipher, rest = _take(content[len(_MAGIC) :])
        _, rest = _take(rest)
        _, rest = _take(rest)
        blob, _ = _take(rest[4:])
    except ValueError:
        raise ValueError("it is a damaged SSH private key") from None
    return PrivateFile(*_line(blob), pem, cipher != b"none")


def unlocked(file: PrivateFile, passphrase: str | None) -> bytes:
    """The key without a passphrase in the OpenSSH format, in memory. Raises NotAuthorisedError for a wrong passphrase."""
    if not file.is_encrypted:
        return file.pem
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        key = load_ssh_private_key(file.pem, (passphrase or "").encode())
    except UnsupportedAlgorithm as error:
        raise UsageError(
            "this SSH key has a passphrase, and what reads those is not installed",
            hint="pip install bcrypt, or use an age identity: llmcfg key gen",
        ) from error
    except (ValueError, TypeError):
        raise NotAuthorisedError("this is not the passphrase of that SSH key", hint="try again") from None
    return _write_private(key)


def _read_pem(pem: bytes) -> PrivateFile:
    """PKCS#1 and PKCS#8."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(pem, None)
    except TypeError:
        raise ValueError("it has a passphrase and an old format; ssh-keygen -p -f FILE writes it anew") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it is a damaged or unknown kind of private key") from None
    if not isinstance(key, (Ed25519PrivateKey, RSAPrivateKey)):
        raise ValueError("it is no ed25519 or RSA key")
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return PrivateFile(*parse_public_line(line), _write_private(key), False)


def _write_private(key: SSHPrivateKeyTypes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def _line(blob: bytes) -> tuple[SshKind, str]:
    kind = _kind_of(blob)
    return kind, f"{kind} {base64.b64encode(blob).decode()}"


def _kind_of(blob: bytes) -> SshKind:
    name, rest = _take(blob)
    if name == b"ssh-ed25519":
        public, rest = _take(rest)
        if len(public) == 32 and not rest:
            return "ssh-ed25519"
    elif name == b"ssh-rsa":
        exponent, rest = _take(rest)
        modulus, rest = _take(rest)
        if int.from_bytes(modulus, "big").bit_length() < _RSA_BITS:
            raise ValueError(f"RSA keys need at least {_RSA_BITS} bits")
        if exponent and not rest:
            return "ssh-rsa"
    else:
        raise ValueError(f"it is of type {name[:40].decode('ascii', 'replace')}, and only ed25519 and RSA can be used")
    raise ValueError("its content is damaged")


def _take(content: bytes) -> tuple[bytes, bytes]:
    """A string with its length before it, and what follows."""
    end = 4 + int.from_bytes(content[:4], "big")
    if len(content) < max(end, 4):
        raise ValueError("its content is cut short")
    return content[4:end], content[end:]
