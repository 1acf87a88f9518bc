"""Keys of all kinds that sign as ssh-keygen and security keys do, so that signatures of every form can be made, also wrong ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from llmcfg.trust import sshsig, wire
from llmcfg.trust.keys import PublicKey
from llmcfg.trust.signers import Signers, parse_signers

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TREE = b"4b825dc642cb6eb9a060e54bf8d69288fbee4904"
PERSON = b"Ada <ada@example.com> 1764072000 +0000"
FIDO = b"ssh:"


class Key(NamedTuple):
    """`sign` makes the signature blob of the wire format over a message."""

    public: PublicKey
    sign: Callable[[bytes], bytes]

    def line(self, principals: str = "ada@example.com", options: str = "") -> str:
        return " ".join(filter(None, (principals, options, self.public.text, "laptop"))) + "\n"

    def signers(self, principals: str = "ada@example.com", options: str = "") -> Signers:
        found = parse_signers(self.line(principals, options).encode())
        assert not found.problems, found.problems
        return found

    def armour(self, content: bytes, namespace: str = "git") -> bytes:
        return sshsig.armoured(
            self.public, self.sign(sshsig.signing_input(content, namespace=namespace)), namespace=namespace
        )


def _strings(*parts: bytes) -> bytes:
    return b"".join(map(wire.string, parts))


@cache
def ed25519(seed: int = 1) -> Key:
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"%d" % seed).digest())
    point = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    public = PublicKey("ssh-ed25519", _strings(b"ssh-ed25519", point))
    return Key(public, lambda message: _strings(b"ssh-ed25519", private.sign(message)))


@cache
def rsa_key(bits: int = 2048, algorithm: str = "rsa-sha2-512") -> Key:
    private = rsa.generate_private_key(65537, bits)
    numbers = private.public_key().public_numbers()
    public = PublicKey("ssh-rsa", wire.string(b"ssh-rsa") + wire.mpint(numbers.e) + wire.mpint(numbers.n))
    hashed = {"rsa-sha2-512": hashes.SHA512(), "rsa-sha2-256": hashes.SHA256(), "ssh-rsa": hashes.SHA1()}[algorithm]
    return Key(public, lambda message: _strings(algorithm.encode(), private.sign(message, padding.PKCS1v15(), hashed)))


@cache
def ecdsa(curve: str = "nistp256") -> Key:
    made, hashed = {
        "nistp256": (ec.SECP256R1(), hashes.SHA256()),
        "nistp384": (ec.SECP384R1(), hashes.SHA384()),
        "nistp521": (ec.SECP521R1(), hashes.SHA512()),
    }[curve]
    private = ec.generate_private_key(made)
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    kind = f"ecdsa-sha2-{curve}"
    public = PublicKey(kind, _strings(kind.encode(), curve.encode(), point))
    return Key(public, lambda message: _strings(kind.encode(), _numbers(private.sign(message, ec.ECDSA(hashed)))))


@cache
def security_key(kind: str = "sk-ssh-ed25519@openssh.com", flags: int = 1, counter: int = 7) -> Key:
    """A key in hardware; `flags` 1 says that somebody touched it."""
    if kind.startswith("sk-ssh"):
        private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"sk").digest())
        public = _strings(kind.encode(), private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), FIDO)
        sign = private.sign
    else:
        held = ec.generate_private_key(ec.SECP256R1())
        point = held.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        public = _strings(kind.encode(), b"nistp256", point, FIDO)

        def sign(message: bytes) -> bytes:
            return _numbers(held.sign(message, ec.ECDSA(hashes.SHA256())))

    def signed(message: bytes) -> bytes:
        tail = bytes((flags,)) + counter.to_bytes(4)
        inner = hashlib.sha256(FIDO).digest() + tail + hashlib.sha256(message).digest()
        return _strings(kind.encode(), sign(inner)) + tail

    return Key(PublicKey(kind, public), signed)


def _numbers(signature: bytes) -> bytes:
    return b"".join(map(wire.mpint, decode_dss_signature(signature)))


ALL_KINDS = {
    "ed25519": ed25519,
    "rsa-sha2-512": rsa_key,
    "rsa-sha2-256": lambda: rsa_key(2048, "rsa-sha2-256"),
    "nistp256": ecdsa,
    "nistp384": lambda: ecdsa("nistp384"),
    "nistp521": lambda: ecdsa("nistp521"),
    "sk-ed25519": security_key,
    "sk-ecdsa": lambda: security_key("sk-ecdsa-sha2-nistp256@openssh.com"),
}


def commit_content(message: bytes = b"limits: more for meridian\n", more: bytes = b"") -> bytes:
    parent = b"parent 1f7a7a472abf3dd9643fd615f6da379c4acb3e3a\n"
    return b"tree %s\n%sauthor %s\ncommitter %s\n%s\n%s" % (TREE, parent, PERSON, PERSON, more, message)


def with_signature(content: bytes, armour: bytes, header: bytes = b"gpgsig") -> bytes:
    """The commit as Git writes it, the signature below the committer."""
    end = content.index(b"\n\n") + 1
    folded = armour.rstrip(b"\n").replace(b"\n", b"\n ")
    return content[:end] + header + b" " + folded + b"\n" + content[end:]


def signed_commit(key: Key, **parts: bytes) -> bytes:
    content = commit_content(**parts)
    return with_signature(content, key.armour(content))


def tag_content(name: bytes = b"v1", message: bytes = b"a release\n") -> bytes:
    return b"object %s\ntype commit\ntag %s\ntagger %s\n\n%s" % (TREE, name, PERSON, message)


def signed_tag(key: Key, name: bytes = b"v1") -> bytes:
    content = tag_content(name)
    return content + key.armour(content)
