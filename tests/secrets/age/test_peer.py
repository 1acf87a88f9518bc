"""Both ways with the age program itself, where it is installed in a version that has post-quantum keys (1.3)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from llmcfg.errors import LlmcfgError
from llmcfg.secrets.age import decrypt, encrypt_to, generate_identity, parse_identities

pytestmark = pytest.mark.peer
KINDS = ("x25519", "pq", "ssh-ed25519", "ssh-rsa")


@pytest.fixture(scope="module")
def age() -> str:
    program = shutil.which("age")
    if program is None or shutil.which("age-keygen") is None:
        pytest.skip("the age program is not installed")
    if run([program, "--version"]).stdout.decode().strip().lstrip("v(").startswith(("1.0", "1.1", "1.2")):
        pytest.skip("this age has no post-quantum keys")
    return program


def run(command: list[str], content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, input=content, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("armor", [True, False])
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072])
def test_age_opens_ours_and_we_open_its(age, kind: str, armor: bool, size: int, identities, tmp_path: Path) -> None:
    identity, plaintext = identities[kind], bytes(size)
    (tmp_path / "key").write_text(identity.reveal())
    (tmp_path / "key").chmod(0o600)
    ours = encrypt_to([identity.recipient], plaintext, armor=armor)
    assert run([age, "-d", "-i", str(tmp_path / "key")], ours).stdout == plaintext
    theirs = run([age, "-r", identity.recipient.text, *(["-a"] if armor else [])], plaintext).stdout
    assert decrypt(theirs, [identity]) == plaintext


@pytest.mark.parametrize("post_quantum", [False, True])
def test_age_keygen_and_we_name_the_same_public_key(age, post_quantum: bool) -> None:
    identity = generate_identity(post_quantum=post_quantum)
    done = run(["age-keygen", "-y"], f"{identity.reveal()}\n".encode())
    assert done.stdout.decode().strip() == identity.recipient.text
    made = run(["age-keygen", *(["-pq"] if post_quantum else [])]).stdout.decode()
    (theirs,) = parse_identities(made)
    assert f"# public key: {theirs.recipient}\n" in made


def test_we_take_no_damaged_file_that_age_refuses(age, identities, tmp_path: Path) -> None:
    identity = identities["x25519"]
    (tmp_path / "key").write_text(identity.reveal())
    content = encrypt_to([identity.recipient], b"value", armor=False)
    for at in range(0, len(content), 5):
        damaged = content[:at] + content[at + 1 :]
        is_refused = run([age, "-d", "-i", str(tmp_path / "key")], damaged).returncode != 0
        assert is_refused
        with pytest.raises(LlmcfgError):
            decrypt(damaged, [identity])
