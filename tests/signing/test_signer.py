"""The key of the machine that deploys: which files hold one, and that nothing of it comes out."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from llmcfg.errors import LlmcfgError, NotAuthorisedError, UsageError
from llmcfg.trust.signer import read_signing_key
from support.signed import private_key
from trust.signing import ed25519


@pytest.fixture
def key_at(tmp_path):
    def write(content: bytes, mode: int = 0o600):
        path = tmp_path / "bundle.key"
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return write


def written(form: PrivateFormat = PrivateFormat.OpenSSH) -> bytes:
    return private_key(3).private_bytes(Encoding.PEM, form, NoEncryption())


LOCKED = private_key(3).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass"))
ANOTHER_KIND = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
)


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8])
def test_a_key_is_read_from_either_form(key_at, form):
    key = read_signing_key(key_at(written(form)))

    assert key.public == ed25519(3).public
    assert repr(key) == f"SigningKey({ed25519(3).public.fingerprint})"


@pytest.mark.fault("S15")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o606])
def test_a_key_that_others_can_read_or_change_is_refused(key_at, mode):
    with pytest.raises(NotAuthorisedError, match=f"mode {mode:04o}") as caught:
        read_signing_key(key_at(written(), mode))
    assert "chmod 600" in caught.value.hint


@pytest.mark.fault("S15")
def test_a_key_that_is_missing_is_told_with_how_to_make_one(tmp_path):
    with pytest.raises(NotAuthorisedError, match="No such file") as caught:
        read_signing_key(tmp_path / "none")
    assert "ssh-keygen" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no private key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "holds no private key"),
        (ed25519(3).public.text.encode(), "holds no private key"),
        (LOCKED, "passphrase"),
        (ANOTHER_KIND, "not an Ed25519 key"),
    ],
)
def test_what_is_no_such_key_is_refused_without_a_word_of_it(key_at, content, said):
    with pytest.raises(UsageError, match=said) as caught:
        read_signing_key(key_at(content))
    assert not any(line and line in str(caught.value) for line in content.decode().splitlines()[1:-1])


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not on this machine")
def test_a_passphrase_that_ssh_keygen_put_on_a_key_is_told(key_at):
    path = key_at(written())
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "pass", "-f", path], check=True, capture_output=True)

    with pytest.raises(UsageError, match="passphrase") as caught:
        read_signing_key(path)
    assert "ssh-keygen -p" in caught.value.hint


def test_a_pipe_is_no_key_file_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(LlmcfgError, match="holds no private key"):
        read_signing_key(tmp_path / "pipe")
